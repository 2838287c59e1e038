"""
A restore that dies before or after any of its calls of AWS, and is run again, comes to the same.

It dies before each call that writes. To die after a write, or at any read that follows, is to die
before the next write: in between nothing changes outside its memory.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

import pytest

from audit.chain import ExportedEntry, number_of
from commands.audit.agreement import TableFacts, disagreements
from commands.audit.trail import Trail
from commands.repair.recover import Difference, Kind
from commands.repair.restore import Restore
from commands.repair.rewind import Item, ItemKey
from tests.proofs.simulation.items import is_a
from tests.proofs.simulation.model import Facts
from tests.proofs.simulation.run import Simulation
from tests.proofs.simulation.story import story
from tests.proofs.simulation.trials import folder
from tests.proofs.simulation.world import Crash
from trial.aws.attributes import plain
from trial.aws.table import Key
from trial.records.audit import AuditEntry

DAY = timedelta(days=1)
WRITING = frozenset({"batch_write_item", "invoke", "transact_write_items"})
NOT_EXPORTED = 5  # links of the chain that are still to be written
Copy = dict[ItemKey, Item]


class Loss:
    """A story up to the moment at which the table is taken back to a copy of days before."""

    def __init__(self, simulation: Simulation) -> None:
        self.simulation, self.world = simulation, simulation.world
        self.restoring, first = simulation.restoring, self.world.now
        more_happens(simulation, first)
        self.copied_at = first + 0.0204 * DAY  # before the second order is admitted
        self.world.run(self.copied_at)
        self.copy = self.table()
        self.world.run(first + 13.95 * DAY)
        for link in sorted(simulation.bucket.objects, key=number_of)[-NOT_EXPORTED:]:
            del simulation.bucket.objects[link]
        self.world.model.paused.sure = True
        self._before, self.now = self.table(), self.world.now

    def table(self) -> Copy:
        return Restore(self.restoring.stack).copies.now()

    def comes_again(self) -> None:
        """Let the table be as it was before any restore."""
        for key in self.table():
            self.restoring.table.keep(key, None)
        for key, item in self._before.items():
            self.restoring.table.keep(key, item)

    def restored(self, before_call: Callable[[str], None]) -> Counter[Difference]:
        self.restoring.before_call = before_call
        restore = Restore(self.restoring.stack)
        return Counter(restore.recovered(self.copy, self.copied_at, self.now))


def more_happens(simulation: Simulation, first: datetime) -> None:
    """A number opts out, an order is held, and another protects the number of somebody else."""

    def hold_one() -> None:
        body = {"reason": "complaint", "by": "OPS-1"}
        simulation.upstream.change(next(iter(simulation.world.model.lives)), "hold", body)

    simulation.world.at(first + DAY, "an order is held", hold_one)
    opts_out = partial(simulation.phones.opted_out.add, "+447700900001")
    simulation.world.at(first + DAY, "a number opts out", opts_out)
    protecting = Facts(
        "P3",
        made_on=(first + 12 * DAY).date(),
        expires_on=(first + 25 * DAY).date(),
        served_on=(first + 12 * DAY).date(),
        conditions=frozenset({"no_molestation"}),
        number="+447700900003",
        protected=frozenset({"+447700900002"}),
    )
    simulation.upstream.order(protecting, first + 12.2 * DAY)


@pytest.fixture
def loss() -> Iterator[Loss]:
    simulation = story()
    with simulation.world.lived_in(simulation.clients, Path(folder().name)):
        yield Loss(simulation)


def facts(table: Copy) -> Copy:
    """The table but for its trail, and for how often each item was written."""
    return {
        key: {name: value for name, value in item.items() if name != "version"}
        for key, item in table.items()
        if not is_a(item, "audit")
    }


def disagreeing(table: Copy, until: datetime) -> list[tuple[object, str]]:
    """Where the table and its own trail differ."""
    known, entries = TableFacts(), []
    for key, stored in table.items():
        item = plain(stored)
        if item["kind"] != "audit":
            known.add(item)
        else:
            own = {name: value for name, value in item.items() if name not in ("pk", "sk")}
            entries.append(ExportedEntry.of(Key(*key), AuditEntry.of(own)))
    return list(disagreements(Trail.of(entries), known, until=until))


def test_wherever_a_restore_dies_the_next_one_comes_to_the_same(loss: Loss) -> None:
    asked: list[str] = []
    expected = loss.restored(asked.append)
    writes = sum(map(WRITING.__contains__, asked))
    whole, differing = loss.table(), disagreeing(loss.table(), loss.now)
    assert {each.kind for each in expected} == set(Kind) - {Kind.TAKEN_UP, Kind.STRANGE}

    for dying in range(writes + 1):
        loss.comes_again()
        left = iter(range(dying))

        def die(operation: str, left: Iterator[int] = left) -> None:
            if operation in WRITING and next(left, None) is None:
                raise Crash

        with pytest.raises(Crash) if dying < writes else nullcontext():
            loss.restored(die)
        assert loss.restored(lambda _: None) == expected, dying
        assert facts(loss.table()) == facts(whole), dying
        assert disagreeing(loss.table(), loss.now) == differing, dying
        loss.restoring.nothing_is_forgotten()
