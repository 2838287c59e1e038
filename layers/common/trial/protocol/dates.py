"""Dates as texts write them, in each language."""

from collections.abc import Mapping
from datetime import date
from typing import Final, NamedTuple

from trial.codes import Language


class _Names(NamedTuple):
    """Days from Monday, and months."""

    days: tuple[str, ...]
    months: tuple[str, ...]


# Not strftime: its names depend on the machine's locale. Welsh abbreviations are Unicode CLDR's:
# https://github.com/unicode-org/cldr-json (cldr-dates-full/main/cy/ca-gregorian.json).
_NAMES: Final[Mapping[Language, _Names]] = {
    Language.EN: _Names(
        ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"),
        ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"),
    ),
    Language.CY: _Names(
        ("Llun", "Maw", "Mer", "Iau", "Gwe", "Sad", "Sul"),
        ("Ion", "Chwef", "Maw", "Ebr", "Mai", "Meh", "Gorff", "Awst", "Medi", "Hyd", "Tach",
         "Rhag"),
    ),
}  # fmt: skip


def written(day: date, language: Language = Language.EN) -> str:
    """The date as texts write it: "Wed 30 Sep 2026", "Mer 30 Medi 2026"."""
    names = _NAMES[language]
    return f"{names.days[day.weekday()]} {day.day} {names.months[day.month - 1]} {day.year}"


def longest_date(language: Language) -> str:
    """The longest date in this language."""
    names = _NAMES[language]
    return f"{max(names.days, key=len)} 30 {max(names.months, key=len)} 2026"
