"""
What DynamoDB bills: the size of items, and the units of reading and writing them.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html
"""

import math
from collections.abc import Mapping
from functools import cache
from itertools import chain
from typing import Any, NamedTuple

from samtranslator.yaml_helper import yaml_parse

from tests.proofs.simulation.conditions import Item
from tests.support.samples import ROOT

IN_A_READ, IN_A_WRITE = 4096, 1024  # bytes
OVERHEAD = 100  # bytes that storage counts besides, for each item, in the table or an index
TRANSACTED = 2  # as much as the same write by itself


class Index(NamedTuple):
    """An index of the template: its two keys, and what it shows."""

    name: str
    keys: tuple[str, ...]
    shown: frozenset[str]

    def entry(self, item: Item | None) -> Item:
        """What it holds of an item; nothing if the item lacks one of its keys."""
        if not item or any(key not in item for key in self.keys):
            return {}
        return {name: value for name, value in item.items() if name in self.shown}

    def writes(self, old: Item | None, new: Item | None) -> int:
        """The units that a change of an item takes here."""
        before, after = self.entry(old), self.entry(new)
        if before == after:
            return 0
        moved = before and after and any(before[key] != after[key] for key in self.keys)
        if moved:
            return _written(size(before)) + _written(size(after))
        return _written(max(size(before), size(after)))


@cache
def indexes() -> tuple[Index, ...]:
    """Those of the template's table."""
    template = yaml_parse((ROOT / "infra" / "template.yaml").read_text())
    made = template["Resources"]["Table"]["Properties"]["GlobalSecondaryIndexes"]
    return tuple(_index(each) for each in made)


def _index(made: dict[str, Any]) -> Index:
    keys = tuple(each["AttributeName"] for each in made["KeySchema"])
    more = made["Projection"].get("NonKeyAttributes", ())
    return Index(made["IndexName"], keys, frozenset(chain(("pk", "sk"), keys, more)))


def size(item: Item) -> int:
    """Bytes of an item as DynamoDB counts them."""
    return sum(len(name.encode()) + _size(value) for name, value in item.items())


def stored(item: Item) -> int:
    """Bytes of an item in storage, indexes and overhead included."""
    entries = (index.entry(item) for index in indexes())
    return sum(size(each) + OVERHEAD for each in (item, *entries) if each)


def read(items: list[Item], *, consistent: bool, together: bool) -> float:
    """The units of a read: of a query rounded up once, of single items each."""
    sizes = [sum(map(size, items))] if together else [size(each) for each in items]
    units = sum(max(1, math.ceil(each / IN_A_READ)) for each in sizes)
    return units if consistent else units / 2


def written(old: Item | None, new: Item | None) -> int:
    """The units of one act of a transaction, a mere check included, with those of the indexes."""
    own = TRANSACTED * _written(max(size(old or {}), size(new or {})))
    return own + sum(index.writes(old, new) for index in indexes())


def _written(bytes_: int) -> int:
    return max(1, math.ceil(bytes_ / IN_A_WRITE))


def _size(value: Mapping[str, Any]) -> int:
    ((kind, held),) = value.items()
    match kind:
        case "S":
            return len(held.encode())
        case "N":
            digits = held.lstrip("-").replace(".", "").strip("0")
            return 1 + math.ceil(len(digits) / 2)
        case "M":
            return 3 + len(held) + size(held)
        case "L":
            return 3 + len(held) + sum(map(_size, held))
    return 1  # a truth value, or nothing
