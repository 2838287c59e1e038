"""What a text says: which wording, filled in, in one part of the GSM alphabet."""

import re
from collections.abc import Collection, Mapping
from datetime import date
from enum import StrEnum
from typing import Final

from trial.codes import Condition
from trial.errors import RejectedError
from trial.protocol.settings import Protocol

ONE_PART: Final = 160
"""Septets in a text that is sent, and paid for, as one."""

PLACEHOLDER: Final = re.compile(r"\{(force|expiry_date|contact)\}")

# 3GPP TS 23.038, 6.2.1 and 6.2.1.1, less the escape code that leads to the extension.
_BASIC: Final = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_EXTENSION: Final = frozenset("\f^{}\\[~]|€")

# Not strftime: its names depend on the machine's locale.
_WEEKDAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS: Final = (
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"
)  # fmt: skip


class WordingError(RejectedError):
    """The text cannot be sent as one part."""


class Variant(StrEnum):
    """What an order says, as far as a wording depends on it."""

    MOL = "MOL"
    NC = "NC"
    NE = "NE"
    NCNE = "NCNE"


_AWAY: Final = {Condition.NO_ENTRY, Condition.LEAVE_PREMISES, Condition.KEEP_DISTANCE}

# The themes whose wording depends on the order, with the wording each variant takes.
_VARIANTS: Final[Mapping[str, Mapping[Variant, Variant]]] = {
    "conditions": {variant: variant for variant in Variant},
    "meaning": {variant: variant for variant in Variant} | {Variant.NCNE: Variant.NC},
}


def septets(text: str) -> int:
    """Length in GSM-7 septets; refuses a character that would turn the text into UCS-2."""
    if strange := sorted(set(text) - _BASIC - _EXTENSION):
        named = ", ".join(f"{character!a} (U+{ord(character):04X})" for character in strange)
        raise WordingError(f"not in the GSM-7 alphabet: {named}")
    return len(text) + sum(character in _EXTENSION for character in text)


def written(day: date) -> str:
    """The date as texts say it: "Wed 30 Sep 2026"."""
    return f"{_WEEKDAYS[day.weekday()]} {day.day} {_MONTHS[day.month - 1]} {day.year}"


def filled(text: str, values: Mapping[str, str]) -> str:
    """The text with its placeholders filled in; a value is never itself searched for more."""
    return PLACEHOLDER.sub(lambda found: values[found[1]], text)


def keys(theme: str, wording: str) -> set[str]:
    """Every wording that the theme may need, whatever an order says."""
    if variants := _VARIANTS.get(theme):
        return {f"{wording}-{variant}" for variant in variants.values()}
    return {wording}


def variant_of(conditions: Collection[Condition]) -> Variant:
    """What an order with these conditions says."""
    away = not _AWAY.isdisjoint(conditions)
    if Condition.NO_CONTACT in conditions:
        return Variant.NCNE if away else Variant.NC
    return Variant.NE if away else Variant.MOL


def _key(theme: str, wording: str, conditions: Collection[Condition]) -> str:
    """Says nothing that the order does not: its conditions choose the wording."""
    if variants := _VARIANTS.get(theme):
        return f"{wording}-{variants[variant_of(conditions)]}"
    return wording


def longest_text(protocol: Protocol) -> int:
    """Septets of the longest text that can be sent."""
    values = protocol.longest.model_dump()
    return max(septets(filled(wording.text, values)) for wording in protocol.wordings.values())


def render(
    protocol: Protocol,
    theme: str,
    *,
    conditions: Collection[Condition],
    force: str,
    contact: str,
    expires_on: date,
) -> str:
    """The text to send; refused if these values take it over one part."""
    wording = next(entry.wording for entry in protocol.themes if entry.theme == theme)
    text = filled(
        protocol.wordings[_key(theme, wording, conditions)].text,
        {"force": force, "contact": contact, "expiry_date": written(expires_on)},
    )
    if (length := septets(text)) > ONE_PART:
        raise WordingError(f"{theme} takes {length} septets, one part has {ONE_PART}")
    return text
