"""How long a text is and in how many parts it goes, by the alphabet that it needs."""

from collections.abc import Iterable
from typing import Final, NamedTuple

from trial.errors import RejectedError

ONE_PART: Final = 160
"""Septets in a text that is sent, and paid for, as one."""

ONE_UNICODE_PART: Final = 70
"""UTF-16 code units in a text that needs letters outside the GSM alphabet, sent as one."""

# Of a text in several parts, each begins with a header of six octets (3GPP TS 23.040, 9.2.3.24.1).
_OF_SEVERAL, _UNICODE_OF_SEVERAL = 153, 67

# 3GPP TS 23.038, 6.2.1 and 6.2.1.1, less the escape code that leads to the extension.
_BASIC: Final = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_EXTENSION: Final = frozenset("\f^{}\\[~]|€")


class WordingError(RejectedError):
    """The text cannot be sent as the protocol allows."""


class Size(NamedTuple):
    """A text's length in septets or, if it is not GSM, in UTF-16 code units; and its parts."""

    gsm: bool
    length: int
    parts: int


def strange(text: str) -> list[str]:
    """The characters outside the GSM alphabet, each once."""
    return sorted(set(text) - _BASIC - _EXTENSION)


def not_gsm(characters: Iterable[str]) -> str:
    """Which characters these are, as far as any alphabet can show them."""
    named = ", ".join(f"{each!a} (U+{ord(each):04X})" for each in characters)
    return f"not in the GSM-7 alphabet: {named}"


def septets(text: str) -> int:
    """Length in GSM-7 septets; refuses a character that would turn the text into UCS-2."""
    if found := strange(text):
        raise WordingError(not_gsm(found))
    return len(text) + sum(character in _EXTENSION for character in text)


def size(text: str) -> Size:
    """How the text goes: in septets if it can."""
    if strange(text):
        units = len(text.encode("utf-16-le")) // 2
        return Size(
            gsm=False, length=units, parts=_parts(units, ONE_UNICODE_PART, _UNICODE_OF_SEVERAL)
        )
    length = septets(text)
    return Size(gsm=True, length=length, parts=_parts(length, ONE_PART, _OF_SEVERAL))


def check(text: str, unicode_parts: int | None) -> Size:
    """
    How the text goes, which must be in one part of the GSM alphabet.

    With `unicode_parts`, it may instead be in so many parts with any letters. Raises WordingError.
    """
    how = size(text)
    if unicode_parts is None:
        septets(text)  # says which character it cannot hold
        if how.length > ONE_PART:
            raise WordingError(f"{how.length} septets, one part has {ONE_PART}")
    elif how.parts > (1 if how.gsm else unicode_parts):
        unit = "septets" if how.gsm else "characters outside GSM-7"
        raise WordingError(f"{how.length} {unit} take {how.parts} parts")
    return how


def _parts(length: int, one: int, of_several: int) -> int:
    return 1 if length <= one else -(-length // of_several)
