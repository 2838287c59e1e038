"""Finds the line of each key in a TOML file, which tomllib does not report."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any, Final, NamedTuple, TypeAlias

Location: TypeAlias = tuple[str | int, ...]
"""The keys, and places in lists, that lead to a value."""


class ProtocolProblem(NamedTuple):
    """A fault, and the key that it concerns."""

    at: Location
    reason: str


_LINE: Final = re.compile(
    r"\s*(?:\[\[(?P<entry>[^\]]+)\]\]|\[(?P<table>[^\]]+)\]|(?P<key>[^\s=#{]+)\s*=|(?P<item>\{))"
)


def lines(text: str) -> dict[Location, int]:
    """The line of each key, for a file with one key or one list item per line."""
    found: dict[Location, int] = {}
    table: Location = ()
    key: Location = ()
    counts: dict[Location, int] = {}
    for number, line in enumerate(text.split("\n"), start=1):
        if not (match := _LINE.match(line)):
            continue
        place: Location
        if name := match["entry"] or match["table"]:
            place = tuple(name.split("."))
            if match["entry"]:
                counts[place] = counts.get(place, -1) + 1
                place = (*place, counts[place])
            table = place
        elif match["key"]:
            place = key = (*table, *match["key"].split("."))
        else:
            counts[key] = counts.get(key, -1) + 1
            place = (*key, counts[key])
        for depth in range(1, len(place) + 1):
            found.setdefault(place[:depth], number)
    return found


def nearest(found: Mapping[Location, int], at: Location) -> int:
    """The line of that key or, if it is missing, of its nearest parent."""
    return next((found[at[:n]] for n in range(len(at), 0, -1) if at[:n] in found), 1)


def repeated(values: Iterable[Any]) -> list[Any]:
    """The values that occur more than once."""
    return [value for value, count in Counter(values).items() if count > 1]
