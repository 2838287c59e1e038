"""
The resources of an act with a hundred orders in the table, and with a hundred thousand.

The table is filled in bulk: every order has its enrolment, its allocation and a timetable, half of
them in control; of the most recent ones the reminders are open, so that the index of open
reminders grows as the table does. What is due stays the same.
"""

import gc
import statistics
from bisect import bisect_left, insort
from collections.abc import Callable
from datetime import timedelta
from itertools import count
from typing import Any
from uuid import UUID, uuid5

import time_machine

from tests.proofs.bench.acts import ACTS, MeteredOrder, begun, fired, treated
from tests.proofs.bench.meter import MeteredFunctions, Work
from tests.proofs.simulation.cloud import FAMILIES, Dynamo, when
from tests.proofs.simulation.conditions import Item
from tests.support.samples import MORNING
from trial.records.reminder import SHARDS

SIZES = (100, 1_000, 10_000, 100_000)
RUNS = 40
LIVE = 0.3  # of the orders: those of the last 28 days in a quarter

Families = dict[str, dict[str, "Item"]]
"""What an order has in each family of partitions, by its sort key."""

_FILLING = UUID("6f1e2d3c-0000-4000-8000-000000000000")


class OrderedTable(Dynamo):
    """The same table, whose index of open reminders is kept in order, as DynamoDB keeps it."""

    def __init__(self, made: Dynamo) -> None:
        super().__init__(made.gate, made.committed)
        self.order: dict[str, list[tuple[str, str, str]]] = {shard: [] for shard in SHARDS}

    def _query(self, attribute: str, value: str, request: dict[str, Any]) -> dict[str, Any]:
        if attribute != "open_shard":
            return super()._query(attribute, value, request)
        given = {each["S"] for each in request["ExpressionAttributeValues"].values()}
        (until,) = given - {value}
        places = self.order[value]
        due = places[: bisect_left(places, (f"{until}~",))]
        return {"Items": [self.partitions[pk][sk] for _, pk, sk in due]}

    def keep(self, key: tuple[str, str], item: Item | None) -> None:
        if old := self.at(*key):
            self._leave(key, old)
        if item and "open_shard" in item:
            insort(self.order[item["open_shard"]["S"]], (item["due_at"]["S"], *key))
        super().keep(key, item)

    def _leave(self, key: tuple[str, str], old: Item) -> None:
        if "open_shard" in old:
            self.order[old["open_shard"]["S"]].remove((old["due_at"]["S"], *key))

    def fill(self, orders: int, treated: Families, control: Families) -> None:
        """So many orders like these two, in turn; the later ones with reminders to come."""
        live = orders - int(orders * LIVE)
        closed = {
            family: {sk: _closed(item) for sk, item in items.items()}
            for family, items in treated.items()
        }
        for serial in range(orders):
            ident = uuid5(_FILLING, f"{serial}")
            for family in FAMILIES:
                pk = f"{family}#{ident}"
                if serial % 2:
                    self.partitions[pk] = control.get(family, {})
                elif serial < live:
                    self.partitions[pk] = closed.get(family, {})
                else:
                    like = treated.get(family, {})
                    self.partitions[pk] = {sk: self._opened(pk, i) for sk, i in like.items()}
        for places in self.order.values():
            places.sort()

    def _opened(self, pk: str, item: Item) -> Item:
        """One like it in another order; if it is a reminder, to come long after all that is due."""
        if "open_shard" not in item:
            return item
        orders = len(self.partitions) // len(FAMILIES)
        shard = SHARDS[orders // 2 % len(SHARDS)]
        due_at = f"2027-06-{1 + orders % 28:02}T12:00:00Z"
        self.order[shard].append((due_at, pk, item["sk"]["S"]))
        return item | {"open_shard": {"S": shard}, "due_at": {"S": due_at}}


def _closed(item: Item) -> Item:
    return {name: value for name, value in item.items() if name != "open_shard"}


def at_sizes(progress: Callable[[], None]) -> dict[int, dict[str, dict[str, float]]]:
    """What each act takes, by how many orders there are: calls, units and milliseconds."""
    found = {}
    for size in SIZES:
        found[size] = taken_at(size)
        progress()
    return found


def taken_at(size: int) -> dict[str, dict[str, float]]:
    """What each act takes with so many orders in the table."""
    deployment = MeteredFunctions()
    memory = deployment.memory
    memory.dynamo = table = OrderedTable(memory.dynamo)
    serials = count(1)
    with time_machine.travel(MORNING, tick=False) as clock, deployment.lived_in():
        examples = [begun(deployment, next(serials)) for _ in range(8)]
        by_arm = {treated(deployment, each): each for each in examples}
        kept = [
            {
                family: dict(table.partitions.get(f"{family}#{by_arm[arm].enrolment_id}", {}))
                for family in FAMILIES
            }
            for arm in (True, False)
        ]
        table.fill(size, *kept)
        works: dict[str, list[Work]] = {act: [] for act in ACTS}
        gc.collect()
        gc.freeze()  # filling the table is not the functions' work
        for life in [begun(deployment, next(serials)) for _ in range(RUNS)]:
            for act, done in life.works.items():
                works[act] += done
            if not treated(deployment, life):
                continue
            first = min(_schedules(deployment, life), key=when)
            clock.move_to(when(first))
            fired(deployment, life, first)
            for act in ("sending", "receipts"):
                works[act] += life.works[act]
        clock.move_to(MORNING - timedelta(hours=7))
        works["reconciliation, nothing due"] = [
            deployment.invoke("reconciliation", {}) for _ in range(RUNS)
        ]
        clock.move_to(MORNING + timedelta(days=2, hours=8))
        works["reconciliation"] = [deployment.invoke("reconciliation", {})]
        gc.unfreeze()
    return {act: _taken(done) for act, done in works.items()}


def _schedules(deployment: MeteredFunctions, life: MeteredOrder) -> list[dict[str, Any]]:
    of_all = deployment.memory.scheduler.schedules.items()
    return [each for name, each in of_all if life.enrolment_id.hex in name]


def _taken(works: list[Work]) -> dict[str, float]:
    """What one takes; of an act that looks at many reminders, what it takes for each."""
    looked_at = sum((work.answer or {}).get("looked_at", 0) for work in works)
    share = looked_at or len(works)
    return {
        "calls": sum(len(work.calls) for work in works) / share,
        "reads": sum(work.reads for work in works) / share,
        "writes": sum(work.writes for work in works) / share,
        "ms": 1000 * statistics.median(work.seconds for work in works) * len(works) / share,
        "looked_at": looked_at,
    }
