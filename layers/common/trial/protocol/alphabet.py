"""A text's length and number of parts, which depend on the alphabet that it needs."""

from collections.abc import Iterable
from typing import Final, NamedTuple

from trial.errors import RejectedError

ONE_PART: Final = 160
"""Septets in a text that is sent and charged as one part."""

ONE_UNICODE_PART: Final = 70
"""UTF-16 code units in a one-part text that needs letters outside the GSM alphabet."""

# Each part of a longer text begins with a header of six octets (3GPP TS 23.040, 9.2.3.24.1).
_OF_SEVERAL, _UNICODE_OF_SEVERAL = 153, 67

# 3GPP TS 23.038, 6.2.1 and 6.2.1.1, without the escape code for the extension table.
_BASIC: Final = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_EXTENSION: Final = frozenset("\f^{}\\[~]|€")


class WordingError(RejectedError):
    """The text cannot be sent as the protocol allows."""


class TextSize(NamedTuple):
    """A text's length in septets or, if it is not GSM, in UTF-16 code units; and its parts."""

    gsm: bool
    length: int
    parts: int

    @property
    def units(self) -> str:
        """The length with what it is counted in."""
        return f"{self.length} {'septets' if self.gsm else 'UCS-2 units'}"


def strange(text: str) -> list[str]:
    """The characters outside the GSM alphabet, each once."""
    return sorted(set(text) - _BASIC - _EXTENSION)


def not_gsm(characters: Iterable[str]) -> str:
    """A message that names these characters, also those that cannot be shown."""
    named = ", ".join(f"{each!a} (U+{ord(each):04X})" for each in characters)
    return f"not in the GSM-7 alphabet: {named}"


def septets(text: str) -> int:
    """Length in GSM-7 septets; refuses a character that would turn the text into UCS-2."""
    if found := strange(text):
        raise WordingError(not_gsm(found))
    return len(text) + sum(character in _EXTENSION for character in text)


def size(text: str) -> TextSize:
    """The size of the text: in septets if it fits the GSM alphabet."""
    if strange(text):
        units = len(text.encode("utf-16-le")) // 2
        return TextSize(
            gsm=False, length=units, parts=_parts(units, ONE_UNICODE_PART, _UNICODE_OF_SEVERAL)
        )
    length = septets(text)
    return TextSize(gsm=True, length=length, parts=_parts(length, ONE_PART, _OF_SEVERAL))


def check(text: str, unicode_parts: int | None) -> TextSize:
    """
    The size of the text, which must fit in one part of the GSM alphabet.

    With `unicode_parts`, it may instead take that many parts with any letters. Raises WordingError.
    """
    how = size(text)
    if unicode_parts is None:
        septets(text)  # says which character it cannot hold
        if how.length > ONE_PART:
            raise WordingError(f"{how.units}, one part has {ONE_PART}")
    elif how.parts > (most := 1 if how.gsm else unicode_parts):
        raise WordingError(f"{how.units} take {how.parts} parts; the protocol pays for {most}")
    return how


def _parts(length: int, one: int, of_several: int) -> int:
    return 1 if length <= one else -(-length // of_several)
