"""Finds where table and audit trail disagree on an allocation, a text or a number. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple
from uuid import UUID

from pydantic import AwareDatetime, TypeAdapter

from commands.audit.audit_findings import on_its_way
from trial.aws.table import Key
from trial.codes import ReminderState, Status
from trial.records.allocation import Allocation
from trial.records.audit import key_sha256
from trial.records.enrolment import Mobile

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from datetime import datetime

    from commands.audit.trail import RecordedDraw, Trail

OPEN = frozenset({ReminderState.PLANNED, ReminderState.SCHEDULED, ReminderState.SUPPRESSED})
"""The states of a reminder that was not passed to the provider."""

WHAT_IS_NOT_SEEN = """\
What this cannot see: a change that never reached the trail, because somebody who may write to the
table also held back the stream for more than 24 hours; a seal and its hash restored to what they
were before the trail held seals; an edit of what an order, its respondent or an outcome is, since
the trail holds no such content; an edit of a number's list of those who protect it; an entry that
somebody who may write to the table invents; and a text sent by somebody with a separate right to
sns:Publish (the nightly proof reports those as stray texts)."""

_AWARE = TypeAdapter(AwareDatetime)


class Disagreement(StrEnum):
    """The kinds of disagreement."""

    NOT_DRAWN = "the table has an allocation that the trail does not have"
    GONE = "the trail has a draw without an allocation in the table"
    DIFFERENT = "an allocation in the table differs from the draw in the trail"
    DRAWN_AGAIN = "the trail has two draws of one enrolment"
    SLOT_AGAIN = "the trail has two draws of one slot"
    OUT_OF_ORDER = "the trail has slots drawn out of order"
    TEXT_FORGOTTEN = "a text in the trail was not sent, according to the table"
    TEXT_UNTOLD = "a text in the table is not in the trail"
    TEXT_AGAIN = "the trail has a second claim of a text whose first was never released"
    OUTCOME_GONE = "an outcome in the trail is not in the table"
    OUTCOME_UNTOLD = "an outcome in the table is not in the trail"
    SWITCH = "table and trail disagree on whether sending is paused"
    UNREADABLE = "an item in the table is not the item that its key names"
    NOT_SUPPRESSED = "a suppression in the trail is not in the table"
    STATUS = "an enrolment's status differs from the one after its last change in the trail"
    SEAL = "a sealed number differs from the one recorded in the trail"

    def at(self, where: str) -> AgreementFinding:
        """This kind of disagreement at a place."""
        return AgreementFinding(self, where)


class AgreementFinding(NamedTuple):
    """One disagreement, and its place."""

    fault: Disagreement
    where: str


class ReminderFact(NamedTuple):
    """A reminder's state, and when it was claimed."""

    state: ReminderState
    claimed_at: datetime | None


@dataclass
class TableFacts:
    """The table's version of the facts in the trail."""

    allocations: dict[UUID, Allocation] = field(default_factory=dict)
    reminders: dict[tuple[UUID, int], ReminderFact] = field(default_factory=dict)
    seals: dict[UUID, str | None] = field(default_factory=dict)
    standing: dict[UUID, Status] = field(default_factory=dict)
    suppressed: set[str] = field(default_factory=set)
    """The partitions of the numbers that are suppressed."""
    outcomes: dict[str, UUID] = field(default_factory=dict)
    """Maps the hash of each outcome's key to the outcome's order."""
    paused: bool = False
    unreadable: list[str] = field(default_factory=list)

    def add(self, item: Mapping[str, Any]) -> None:
        """Add the facts in an item of any kind, or record that it is unreadable."""
        try:
            self._add(item)
        except (KeyError, TypeError, ValueError):
            self.unreadable.append(f"{item['pk']} {item['sk']}")

    def _add(self, item: Mapping[str, Any]) -> None:
        match item["kind"]:
            case "allocation":
                own = {name: item[name] for name in Allocation.model_fields if name in item}
                allocation = Allocation.of(own)
                self.allocations[allocation.enrolment_id] = allocation
            case "reminder":
                at = item.get("claimed_at")
                claimed_at = _AWARE.validate_python(at) if at else None
                fact = ReminderFact(ReminderState(item["state"]), claimed_at)
                self.reminders[UUID(item["enrolment_id"]), int(item["number"])] = fact
            case "enrolment":
                seal = Mobile(sealed=item.get("mobile", {}).get("sealed")).seal_sha256
                about = UUID(item["enrolment_id"])
                self.seals[about] = seal
                self.standing[about] = Status(item["status"])
            case "suppressed":
                self.suppressed.add(item["pk"])
            case "outcome":
                key = Key(item["pk"], item["sk"])
                self.outcomes[key_sha256(key)] = UUID(key.pk.partition("#")[2])
            case "switch":
                self.paused = bool(item["paused"])


def disagreements(
    trail: Trail, table: TableFacts, *, until: datetime
) -> Iterator[AgreementFinding]:
    """
    Every difference between the trail and the table.

    The table must be read after the trail. Events after `until` may be in only one of them.
    """
    yield from drawn_twice(trail)
    yield from drawn_otherwise(trail, table.allocations.values(), until=until)
    yield from _texts(trail, table, until=until)
    yield from _outcomes(trail, table)
    if trail.paused is not table.paused:
        yield Disagreement.SWITCH.at("sending")
    for where in table.unreadable:
        yield Disagreement.UNREADABLE.at(where)
    for number in trail.suppressed - table.suppressed:
        yield Disagreement.NOT_SUPPRESSED.at(number)
    for about, status in table.standing.items():
        if trail.standing.get(about, status) is not status:
            yield Disagreement.STATUS.at(f"enrolment {about}")
    for about, seal in table.seals.items():
        if seal != trail.seals.get(about):
            yield Disagreement.SEAL.at(f"enrolment {about}")


def drawn_twice(trail: Trail) -> Iterator[AgreementFinding]:
    """Faults visible in the trail alone: a slot or an enrolment drawn twice, or out of order."""
    slots: dict[tuple[str, str, int, int], UUID] = {}
    enrolments: set[UUID] = set()
    sequences: dict[tuple[str, str], list[RecordedDraw]] = {}
    for each in trail.drawn:
        at, slot = f"enrolment {each.enrolment_id}", each.slot
        if each.enrolment_id in enrolments:
            yield Disagreement.DRAWN_AGAIN.at(at)
        enrolments.add(each.enrolment_id)
        if slot.block is None or slot.position is None:
            continue
        place = (slot.trial, slot.stratum, slot.block, slot.position)
        if place in slots:
            yield Disagreement.SLOT_AGAIN.at(f"{_named(each)}, of {slots[place]}")
        slots.setdefault(place, each.enrolment_id)
        sequences.setdefault((slot.trial, slot.stratum), []).append(each)
    for sequence in sequences.values():
        for one, following in pairwise(sequence):
            if _place(following) < _place(one):
                yield Disagreement.OUT_OF_ORDER.at(_named(following))


def drawn_otherwise(
    trail: Trail, allocations: Iterable[Allocation], *, until: datetime
) -> Iterator[AgreementFinding]:
    """Allocations in the table that differ from the draws in the trail."""
    stored = {each.enrolment_id: each for each in allocations}
    drawn = {each.enrolment_id: each for each in trail.drawn}
    for about, allocation in stored.items():
        if about not in drawn:
            if not on_its_way(allocation.allocated_at, until):
                yield Disagreement.NOT_DRAWN.at(f"enrolment {about}")
        elif drawn[about].allocation != allocation.model_copy(update={"claimed": None}):
            yield Disagreement.DIFFERENT.at(_named(drawn[about]))
    for about in drawn.keys() - stored.keys() - trail.removed:
        yield Disagreement.GONE.at(_named(drawn[about]))


def _texts(trail: Trail, table: TableFacts, *, until: datetime) -> Iterator[AgreementFinding]:
    for (about, number), claimed_at in trail.texted.items():
        if about in trail.removed or on_its_way(claimed_at, until):
            continue
        reminder = table.reminders.get((about, number))
        if reminder is None or reminder.state in OPEN:
            yield Disagreement.TEXT_FORGOTTEN.at(f"enrolment {about}, text {number}")
    for about, number in trail.texted_again:
        yield Disagreement.TEXT_AGAIN.at(f"enrolment {about}, text {number}")
    for (about, number), (state, at) in table.reminders.items():
        in_trail = (about, number) in trail.texted or bool(at and on_its_way(at, until))
        if state not in OPEN and not in_trail:
            yield Disagreement.TEXT_UNTOLD.at(f"enrolment {about}, text {number}")


def _outcomes(trail: Trail, table: TableFacts) -> Iterator[AgreementFinding]:
    for outcome, about in trail.outcomes.items():
        if outcome not in table.outcomes and about not in trail.removed:
            yield Disagreement.OUTCOME_GONE.at(f"enrolment {about}, SHA-256 {outcome}")
    for outcome, about in table.outcomes.items():
        if outcome not in trail.outcomes:
            yield Disagreement.OUTCOME_UNTOLD.at(f"enrolment {about}, SHA-256 {outcome}")


def _place(drawn: RecordedDraw) -> tuple[int, int]:
    return drawn.slot.block or 0, drawn.slot.position or 0


def _named(drawn: RecordedDraw) -> str:
    slot = drawn.slot
    if slot.block is None:
        return f"enrolment {drawn.enrolment_id}"
    return (
        f"enrolment {drawn.enrolment_id}: {slot.stratum}, block {slot.block}, "
        f"position {slot.position}"
    )
