"""
The part of DynamoDB's expression language that the trial uses; anything else is refused.

Items are as on the wire, `{"state": {"S": "planned"}}`, and expressions as trial/aws/table.py
writes them: `#attribute`, `:value`, AND before OR, no brackets around a condition.
"""

from __future__ import annotations

import operator
import re
from decimal import Decimal
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

Item = dict[str, Any]

_COMPARED: dict[str, Callable[[Any, Any], bool]] = {
    "=": operator.eq,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_TERM = re.compile(
    r"(?P<function>attribute_exists|attribute_not_exists|begins_with)"
    r"\(#(?P<of>\w+)(?:, (?P<prefix>:\w+))?\)"
    r"|#(?P<left>\w+) (?P<sign>=|<=|>=|<|>) (?P<right>:\w+)"
    r"|#(?P<one>\w+) IN \((?P<many>:\w+(?:, :\w+)*)\)"
)


def holds(text: str, item: Item | None, request: Mapping[str, Any]) -> bool:
    """Whether a condition holds of an item, with the values that the request gives."""
    values = request.get("ExpressionAttributeValues", {})
    return any(all(_true(term, item or {}, values) for term in each) for each in _terms(text))


def updated(text: str, item: Item, request: Mapping[str, Any]) -> Item:
    """The item after `SET #a = :b, #c = :d REMOVE #e`, or after `SET #a = :b ADD #c :d`."""
    changed = dict(item)
    text, _, adding = text.partition(" ADD ")
    setting, _, removing = text.partition(" REMOVE ")
    if adding:
        name, value = adding.split(" ")
        before = changed.get(name[1:], {"N": "0"})["N"]
        added = request["ExpressionAttributeValues"][value]["N"]
        changed[name[1:]] = {"N": str(int(before) + int(added))}
    for pair in setting.removeprefix("SET ").split(", "):
        name, value = pair.split(" = ")
        changed[name[1:]] = request["ExpressionAttributeValues"][value]
    for name in filter(None, removing.split(", ")):
        changed.pop(name[1:], None)
    return changed


@cache
def _terms(text: str) -> list[list[dict[str, str | None]]]:
    """The terms of a condition: any of these, each of them all of those."""
    return [[_term(term) for term in each.split(" AND ")] for each in text.split(" OR ")]


def _term(text: str) -> dict[str, str | None]:
    if found := _TERM.fullmatch(text):
        return found.groupdict()
    raise NotImplementedError(text)


def _true(term: dict[str, Any], item: Item, values: Mapping[str, Any]) -> bool:
    function: str | None = term["function"]
    if function:
        held = item.get(term["of"])
        if function == "begins_with":
            prefix: str = values[term["prefix"]]["S"]
            return held is not None and str(held["S"]).startswith(prefix)
        return (held is not None) == (function == "attribute_exists")
    held = _plain(item.get(term["one"] or term["left"]))
    if term["one"]:
        return held in [_plain(values[each]) for each in term["many"].split(", ")]
    wanted = _plain(values[term["right"]])
    # Values of different types are neither equal nor the greater; nor is one that is absent.
    return held[0] == wanted[0] and _COMPARED[term["sign"]](held[1], wanted[1])


def _plain(value: Mapping[str, Any] | None) -> tuple[str, Any]:
    ((kind, held),) = (value or {"": None}).items()
    return kind, Decimal(held) if kind == "N" else held
