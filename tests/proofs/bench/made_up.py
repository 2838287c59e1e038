"""Orders that are generated as they are read, so that any number takes little memory."""

from collections.abc import Callable, Iterator
from itertools import count, islice
from typing import Any
from uuid import UUID

import time_machine

from tests.proofs.bench import units
from tests.proofs.bench.acts import begun, treated
from tests.proofs.bench.meter import MeteredFunctions
from tests.proofs.simulation.cloud import FAMILIES, Dynamo, Scheduler
from tests.proofs.simulation.conditions import Item, holds
from tests.support.samples import MORNING

PAGE = 60  # orders in a megabyte
LISTED = 100  # schedules in an answer
LONG_AGO = "2026-01"

Places = dict[tuple[str, str], "Item"]
"""All that there is of one order, by the family of its partition and its sort key."""


class MadeUpTable(Dynamo):
    """A table generated while it is read: these orders over and over, each of another person."""

    def __init__(self, examples: list[Places], orders: int) -> None:
        super().__init__(open_gate, lambda _: None)
        self.orders = orders
        self._examples = [dict(sorted(each.items())) for each in examples]

    def scan(self, **request: Any) -> dict[str, Any]:
        """One page of it."""
        after = request.get("ExclusiveStartKey")
        first = _serial(after["pk"]["S"]) + 1 if after else 0
        end = min(first + PAGE, self.orders)
        items = [item for serial in range(first, end) for item in self.order(serial)]
        if end == self.orders:
            return {"Items": items}
        return {"Items": items, "LastEvaluatedKey": _key(items[-1])}

    def at(self, pk: str, sk: str) -> Item | None:
        return _own(self._example(_serial(pk))[_family(pk), sk], _serial(pk))

    def order(self, serial: int) -> Iterator[Item]:
        """All that there is of one order."""
        return (_own(item, serial) for item in self._example(serial).values())

    def index_all(self) -> None:
        """The index of enrolments has them, and as many old ones again."""
        (by_month,) = (each for each in units.indexes() if each.name == "enrolments_by_month")
        for serial in range(2 * self.orders):
            item = _own(self._example(serial)["enrolment", "enrolment"], serial)
            if serial >= self.orders:
                item["month"] = {"S": LONG_AGO}
            place = item["pk"]["S"], "enrolment"
            self.indexes["trial"][item["trial"]["S"]][place] = by_month.entry(item)

    def _query(self, attribute: str, value: str, request: dict[str, Any]) -> dict[str, Any]:
        if attribute == "pk" and _family(value) in FAMILIES:
            items = [item for item in self.order(_serial(value)) if item["pk"]["S"] == value]
            fit = request["KeyConditionExpression"]
            return {"Items": [item for item in items if holds(fit, item, request)]}
        return super()._query(attribute, value, request)

    def _example(self, serial: int) -> Places:
        return self._examples[serial % len(self._examples)]


class MadeUpSchedules(Scheduler):
    """The schedules of these orders, found by order, and listed page by page."""

    def __init__(self, table: MadeUpTable) -> None:
        super().__init__(open_gate, lambda *_: None)
        self._table = table

    def paginate(self, **request: Any) -> list[dict[str, Any]]:
        prefix, owner, _ = f"{request['NamePrefix']}-".split("-", 2)
        serials = [UUID(owner).int] if owner else range(self._table.orders)
        names = [
            {"Name": f"{prefix}-{UUID(int=serial).hex}-{item['number']['N']:>02}"}
            for serial in serials
            for item in self._table.order(serial)
            if item["kind"] == {"S": "reminder"}
        ]
        pages = range(0, max(1, len(names)), LISTED)
        return [{"Schedules": names[first : first + LISTED]} for first in pages]


def open_gate(_: str, call: Callable[[], dict[str, Any]], *__: object) -> dict[str, Any]:
    """Let a call through."""
    return call()


def _own(item: Item, serial: int) -> Item:
    """One like it, of another order."""
    ident = UUID(int=serial)
    changed = item | {"pk": {"S": f"{_family(item['pk']['S'])}#{ident}"}}
    for name, value in (("enrolment_id", str(ident)), ("person_hash", f"{serial:064x}")):
        if name in item:
            changed[name] = {"S": value}
    return changed


def _family(pk: str) -> str:
    return pk.partition("#")[0]


def _serial(pk: str) -> int:
    return UUID(pk.partition("#")[2]).int


def _key(item: Item) -> Item:
    return {"pk": item["pk"], "sk": item["sk"]}


def examples() -> list[Places]:
    """An order of each arm."""
    with time_machine.travel(MORNING, tick=False):
        deployment = MeteredFunctions()
        with deployment.lived_in():
            lives = [begun(deployment, serial) for serial in islice(count(1), 8)]
            by_arm = {treated(deployment, life): life.enrolment_id for life in lives}
    partitions = deployment.memory.dynamo.partitions
    return [
        {
            (family, sk): item
            for family in FAMILIES
            for sk, item in partitions.get(f"{family}#{each}", {}).items()
        }
        for each in by_arm.values()
    ]
