"""One seed, from the first order to the day when nothing is left to do."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import count
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any

from audit.chain import number_of, read
from commands.audit.agreement import TableFacts, disagreements
from commands.audit.audit_findings import Chain
from commands.audit.trail import Trail
from tests.proofs.simulation.cloud import Bucket, Dynamo, Events, Kms, Scheduler, owner
from tests.proofs.simulation.conversion import untyped
from tests.proofs.simulation.faults import Fault
from tests.proofs.simulation.items import arm_of, ident_of, is_a
from tests.proofs.simulation.model import LONDON, Violation
from tests.proofs.simulation.mornings import Mornings
from tests.proofs.simulation.restoring import Restoring, WholeTable, straight
from tests.proofs.simulation.services import (
    Background,
    Clockwork,
    Lambda,
    Phones,
    stream_readers,
    stream_record,
)
from tests.proofs.simulation.trials import TRIALS, Trials, folder
from tests.proofs.simulation.upstream import Upstream
from tests.proofs.simulation.world import World
from tests.support.keys import mac_key
from trial.aws.table import Key
from trial.records.enrolment import FOLLOW_UPS
from trial.records.reminder import SHARDS

if TYPE_CHECKING:
    from tests.proofs.simulation.conditions import Item

_FINAL = {
    "delivered", "undelivered", "unconfirmed", "suppressed", "failed", "unknown"
}  # fmt: skip
_RECEIPT = {"delivered", "undelivered"}
_AFTER = {
    "planned": {"scheduled", "claimed", "suppressed"},
    "scheduled": {"planned", "claimed", "suppressed"},
    "claimed": {"scheduled", "sent", "failed", "unknown"} | _RECEIPT,
    "sent": {"unconfirmed"} | _RECEIPT,
    "unconfirmed": _RECEIPT,
    "unknown": {"sent"} | _RECEIPT,
    "delivered": _RECEIPT,
    "undelivered": _RECEIPT,
    "suppressed": {"planned"},
    "failed": set(),
}
"""The permitted changes of a reminder's state: a text that may have gone can never go again."""
_OPTED_OUT = ("opted_out", "OptedOut")
_STARTS = (datetime(2027, 3, 20, 8, tzinfo=UTC), datetime(2027, 10, 20, 8, tzinfo=UTC))
ACTS = ("digests", "re-runs", "restores")
"""The rare acts that are counted."""
_HOUR = timedelta(hours=1)
_RERUNS = 0.3
"""The share of worlds in which the trial is closed and another opened."""
_RESTORES = 0.3
"""The share of other worlds in which the table is restored."""
_BOTH = 0.1
"""The share of worlds with another trial in which the table is restored too."""
_HOURS = 3
"""A receipt alone may take days: simulating each third hour is enough."""
_HANDED_OVER = {"sent", "unknown"}
_NIGHT = 2
_NIGHTS = 3  # the proof of every third is enough to simulate
_AHEAD = timedelta(hours=3)
_AFTERWARDS = timedelta(days=5)
"""Receipts come within 90 hours; then the last reconciliation has something to do."""


@dataclass(frozen=True)
class SeedResult:
    """What one seed came to."""

    seed: int
    violation: str | None
    trace: list[str]
    counted: Counter[str]
    faults: Counter[Fault]


class Simulation:
    """A world with AWS, the template's wiring, upstream and the model that watches."""

    def __init__(self, seed: int) -> None:
        start = Random(seed).choice(_STARTS)  # noqa: S311 - so that both clock changes are met
        self.world = world = World(seed, start)
        self._serial = count(1)
        short = partial(world.strikes, Fault.SHORT_ANSWER)
        self.dynamo = Dynamo(world.gate, self._committed, short)
        run = Lambda(world)
        self.scheduler = Scheduler(world.gate, self._created)
        self._clockwork = Clockwork(world, self.scheduler, run)
        self.phones = Phones(world, run)
        self.bucket = Bucket(world.gate)
        self.bus = Events(world.gate)
        self.clients = {
            "background": Background(world, run),
            "dynamodb": self.dynamo,
            "events": self.bus,
            "s3": self.bucket,
            "kms": Kms(world.gate, str(seed)),
            "scheduler": self.scheduler,
            "sns": self.phones,
        }
        self._readers = stream_readers(world)
        self._run = run
        self.upstream = Upstream(world, start, mac_key(f"{seed}/identity"))
        self.trials = Trials(world)
        self.upstream.open_trial = self.trials.open_again
        mornings = Mornings(world, run, self.dynamo, self.upstream)
        self.phones.digests = mornings.published
        world.at(start, "", mornings.come)
        self.restoring = Restoring(
            world,
            self.upstream,
            self.phones,
            self.bucket,
            Kms(straight, str(seed)),
            self.trials,
            WholeTable(
                straight,
                self.announce,
                partitions=self.dynamo.partitions,
                indexes=self.dynamo.indexes,
            ),
        )
        world.meddle = self.upstream.meddle
        world.at(start + _HOUR, "", self._reconcile)

    def live(self) -> None:
        """Run it to its end, then check what is left. Raises Violation."""
        world = self.world
        with world.lived_in(self.clients, Path(folder().name)):
            world.run(self.upstream.until)
            world.weather.clears()
            world.run(self.upstream.until + _AFTERWARDS)
            world.run(self.upstream.until + _AFTERWARDS + _AHEAD)
            self._settled()
            world.counted["texts"] = self.phones.texts
            world.counted["re-runs"] = len(set(world.model.trials.values())) // 2

    # --- watching ----------------------------------------------------------------------------

    def _created(self, name: str, at: datetime) -> None:
        self._clockwork.created(name, at)

    def _committed(self, changes: list[tuple[Item | None, Item | None]]) -> None:
        """One transaction: pass it to the model and the stream."""
        world = self.world
        reminders = Counter(
            ident_of(new) for old, new in changes if is_a(new, "reminder") and not old
        )
        for old, new in changes:
            item = new or old or {}
            if world.stack[-1].function == "digest" and (old or not is_a(item, "audit")):
                raise Violation("a digest changes nothing but the trail")
            self._of_its_trial(new or {})
            if is_a(item, "allocation"):
                if old or not new:
                    raise Violation("an allocation never changes")
                arm = arm_of(new)
                world.model.allocated(ident_of(new), arm, reminders[ident_of(new)])
            elif is_a(item, "reminder") and new:
                self._moved(old, new)
        self.announce(changes)

    def announce(self, changes: list[tuple[Item | None, Item | None]]) -> None:
        """The stream takes up what has changed."""
        for old, new in changes:
            record = stream_record(next(self._serial), old, new, self.world.now)
            for reader in self._readers:
                reader.announce(record)

    def _of_its_trial(self, new: Item) -> None:
        model, opened = self.world.model, TRIALS.get(self.world.stack[-1].opened)
        if is_a(new, "enrolment"):
            model.stored(ident_of(new), new["trial"]["S"], opened)
        elif is_a(new, "reminder"):
            model.in_its_trial(ident_of(new), TRIALS[new["protocol"]["S"]])
        elif "slot" in new:
            model.in_its_trial(owner(new["pk"]["S"]), new["slot"]["M"]["trial"]["S"])

    def _moved(self, old: Item | None, new: Item) -> None:
        model, ident, number = self.world.model, ident_of(new), int(new["number"]["N"])
        state = new["state"]["S"]
        if not old and ident in model.arms:
            model.planned(ident)
        if old and old["state"] == new["state"]:
            return
        if not old and state == "claimed":
            model.counts_as_claimed(ident, number)
            return
        if old and state not in _AFTER[old["state"]["S"]]:
            raise Violation(f"what is {old['state']['S']} does not become {state}")
        if state in _RECEIPT | {"sent"} and (ident, number) not in model.handed:
            raise Violation("what was never handed over is not called sent")
        if new.get("reason", {}).get("S") in _OPTED_OUT and state in ("failed", "undelivered"):
            model.opts_out(ident, number)
        if state == "claimed":
            due_at = datetime.fromisoformat(new["due_at"]["S"])
            model.claimed(ident, number, theme=new["theme"]["S"], due_at=due_at)
        self.world.counted[state] += 1
        self.world.note(f"reminder {number} of {ident} {state}")

    def _settled(self) -> None:
        """Nothing is left to do: all is finished, or an alarm has reported it."""
        world = self.world
        world.model.blocks_are_filled_in_order_and_balanced()
        for item in list(self.dynamo.items()):
            if is_a(item, "enrolment") and item["status"]["S"] == "eligible":
                self._must_be_seen(item, "an eligible enrolment is never drawn")
            if is_a(item, "reminder") and item["state"]["S"] not in _FINAL:
                self._must_be_seen(item, f"a reminder stays {item['state']['S']}")
            if is_a(item, "follow_up") and not item["done"]["BOOL"]:
                self._must_be_seen(item, "what a change means for others is never worked out")
            if is_a(item, "reminder") and world.weather.calm and not world.counted["restores"]:
                self._must_have_gone(item)
        if self.scheduler.schedules:
            raise Violation(f"schedules are left: {sorted(self.scheduler.schedules)}")
        self._announced()
        self._exported()
        self.trials.counted_apart()

    def _announced(self) -> None:
        """Other systems have heard of the status that each enrolment has now."""
        for each in self.bus.taken:
            self.world.model.left(str(each), by_email=False)
        heard = {(each["enrolment_id"], each.get("status")) for each in self.bus.taken}
        for item in self.dynamo.items():
            if is_a(item, "enrolment"):
                ident, status = item["enrolment_id"]["S"], item["status"]["S"]
                if (ident, status) not in heard:
                    self._must_be_seen(item, f"nobody hears that an enrolment is {status}")

        self._within_the_days_limits()

    def _within_the_days_limits(self) -> None:
        """No more orders a day than expected are taken, and none drawn, unless admitted."""
        orders = [item for item in self.dynamo.items() if is_a(item, "enrolment")]
        over = [item for item in orders if item.get("over_daily_limit", {}).get("BOOL")]
        taken = Counter(
            datetime.fromisoformat(item["enrolled_at"]["S"]).astimezone(LONDON).date()
            for item in orders
            if item not in over
        )
        if taken and max(taken.values()) > self.world.orders_per_day:
            raise Violation(f"more orders than a day's limit are taken: {taken}")
        drawn = [item for item in over if "allocated_at" in item and "admitted_by" not in item]
        # What was posted again after a restore may have been drawn before.
        if any(item["allocated_at"]["S"] > item["enrolled_at"]["S"] for item in drawn):
            raise Violation("nobody over the day's limit is drawn before being admitted")

    def _exported(self) -> None:
        """Every entry of the audit trail is in one link of one whole chain, once."""
        chain, told = Chain(), 0
        for path, link in sorted(self.bucket.objects.items(), reverse=True):
            chain.add(number_of(path), link)
            told += len(read(link).entries)
        if chain.findings or told != len(chain.entries):
            raise Violation(f"the audit trail: {told - len(chain.entries)} twice, {chain.findings}")
        for item in self.dynamo.items():
            key = Key(item["pk"]["S"], item["sk"]["S"])
            lost = is_a(item, "audit") and key not in chain.entries
            if lost and owner(key.pk) not in self.world.seen:
                raise Violation(f"an entry of the audit trail is never exported: {key}")
        self._agreed(Trail.of(chain.entries.values()))

    def _agreed(self, trail: Trail) -> None:
        """The table has just the allocations, texts and seals that the trail has."""
        table = TableFacts()
        for item in self.dynamo.items():
            if not is_a(item, "audit"):
                table.add({name: untyped(value) for name, value in item.items()})
        for fault, where in disagreements(trail, table, until=self.world.now):
            if not any(str(ident) in where for ident in self.world.seen):
                raise Violation(f"{fault}: {where}")

    def _must_have_gone(self, item: Item) -> None:
        """In a world without faults a text is sent unless upstream or the calendar forbids it."""
        by_fault = {"stale"}
        if not any(is_a(each, "switch") for each in self.dynamo.items()):
            by_fault |= {"outside_window", "expired"}  # a pause may end at night, or too late
        state, reason = item["state"]["S"], item.get("reason", {}).get("S")
        if state in ("failed", "unknown", "unconfirmed") or reason in by_fault:
            raise Violation(f"a reminder is {state}, {reason}, though nothing went wrong")

    def _must_be_seen(self, item: Item, what: str) -> None:
        if ident_of(item) not in self.world.seen:
            raise Violation(f"{what}: {ident_of(item)}")

    # --- reconciliation ----------------------------------------------------------------------

    def _reconcile(self) -> None:
        """Every hour; but an hour in which it would find nothing is not worth a simulation."""
        world = self.world
        until = f"{world.now + _AHEAD:%Y-%m-%dT%H:%M:%SZ}"
        shards = self.dynamo.indexes["open_shard"]
        open_ones = [item for each in SHARDS if each in shards for item in shards[each].values()]
        states = {item["state"]["S"] for item in open_ones if item["due_at"]["S"] <= until}
        if states and (states - _HANDED_OVER or world.now.hour % _HOURS == 0):
            world.note("reconciliation")
            self._found(self._run.invoke("reconciliation", {}))
        if world.now.hour == _NIGHT and world.now.day % _NIGHTS == 0:
            world.note("proof")
            self._found(self._run.invoke("reconciliation", {"proof": "control"}))
        if self.dynamo.indexes["worklist"].get(FOLLOW_UPS):
            world.note("following up")
            self._run.invoke("enrolment", {"follow_up": True})
        world.at(world.now + _HOUR, "", self._reconcile)

    def _found(self, answer: dict[str, Any] | None) -> None:
        gaps = answer["gaps"] if answer else {}
        self.world.counted.update({f"gap {gap}": times for gap, times in gaps.items()})
        if "not_entitled" in gaps:
            raise Violation("the proof accuses nobody who has done nothing")


def run(seed: int, *, traced: bool = False) -> SeedResult:
    """Run one seed. Its trace is reported on request, or if it failed."""
    simulation = Simulation(seed)
    simulation.upstream.scatter()
    chance = simulation.world.rng.random()
    if chance < _RERUNS:
        simulation.upstream.rerun(simulation.trials.close)
    if chance < _BOTH or _RERUNS <= chance < _RERUNS + _RESTORES:
        simulation.upstream.sometime("a copy is kept", simulation.restoring.keep)
    world, violation = simulation.world, None
    try:
        simulation.live()
    except Violation as found:
        violation = str(found)
        world.note(f"VIOLATION: {violation}")
    shown = world.trace if traced or violation else []
    trace = [f"{at:%d %b %H:%M:%S} {'  ' * depth}{what}" for at, depth, what in shown]
    return SeedResult(seed, violation, trace, world.counted, world.faults)
