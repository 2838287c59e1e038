"""What allocation reads and stores."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from trial.aws.table import ABSENT, Act, Check, Table, check, put
from trial.codes import Arm, Status
from trial.records.allocation import Allocation, Cursor, DrawnSlot, allocation_key, cursor_key
from trial.records.audit import AuditEntry, audit_key, history_key
from trial.records.enrolment import Enrolment, enrolment_key
from trial.records.person import Number, Person, number_key, person_key, suppressed_key
from trial.records.record import next_version
from trial.records.reminder import Reminder, reminder_key
from trial.settlement.standing import Surroundings
from trial.settlement.store import SettlementStore

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from uuid import UUID

    from trial.settlement.standing import DerivedStatus


@dataclass(frozen=True, slots=True)
class DrawFacts:
    """Everything that decides one draw, read at one moment."""

    around: Surroundings
    cursor: Cursor | None
    allocation: Allocation | None
    """An allocation that exists before the draw, because the table was restored."""

    @property
    def enrolment(self) -> Enrolment | None:
        """The enrolment, if there is one."""
        return self.around.enrolment


@dataclass(frozen=True, slots=True)
class DrawKeys:
    """What identifies the facts of a draw: the enrolment, its person, number and stratum."""

    enrolment_id: UUID
    person_hash: str
    number_hash: str | None
    trial: str
    stratum: str


class AllocationStore:
    """Allocation's operations on the table."""

    def __init__(self, table: Table) -> None:
        self._table = table
        self.settlement = SettlementStore(table)

    def facts(self, keys: DrawKeys) -> DrawFacts:
        """Read what a draw needs."""
        number_hash = keys.number_hash or ""
        enrolment, person, cursor, allocation, number, suppressed = self._table.read(
            enrolment_key(keys.enrolment_id),
            person_key(keys.person_hash),
            cursor_key(keys.trial, keys.stratum),
            allocation_key(keys.enrolment_id),
            number_key(number_hash),
            suppressed_key(number_hash),
        )
        around = Surroundings(
            enrolment=Enrolment.of(enrolment) if enrolment else None,
            person=Person.of(person) if person else Person(version=0),
            numbers={number_hash: Number.of(number) if number else Number(version=0)},
            suppressed=frozenset([number_hash] if suppressed else []),
        )
        return DrawFacts(
            around,
            Cursor.of(cursor) if cursor else None,
            Allocation.of(allocation) if allocation else None,
        )

    def first_allocation(self, enrolment_id: UUID) -> Allocation:
        """The allocation that fixed a person's arm in a trial."""
        (item,) = self._table.read(allocation_key(enrolment_id))
        return Allocation.of(item or {})

    def keep_allocation(
        self,
        allocation: Allocation,
        *,
        drawn: DerivedStatus,
        seen: DrawFacts,
        following: Cursor | None,
        restored: bool,
        timetable: Iterable[Reminder],
        audit: AuditEntry,
    ) -> None:
        """
        Store an allocation with everything that goes with it, or nothing.

        `drawn` is the enrolment and its person after the draw. `following` is the next cursor, or
        None if the draw uses no slot. A `restored` allocation is stored already, and its slot is in
        the trail. In control each reminder of the `timetable` is checked not to exist, so that the
        transaction has as many parts in both arms, and neither its duration nor the time of its
        announcement reveals the arm. Raises ContendedError if any fact in `seen` has changed.
        """
        ident, enrolment = allocation.enrolment_id, drawn.enrolment
        allocated = enrolment.model_copy(update={"version": enrolment.version + 1})
        slot = AuditEntry(
            at=allocation.allocated_at,
            what="slot_drawn",
            by="allocation",
            slot=DrawnSlot.of(allocation, trial=enrolment.trial, person_hash=enrolment.person_hash),
        )
        acts = [
            put(enrolment_key(ident), allocated.item(), _as_seen(enrolment)),
            next_version(person_key(enrolment.person_hash), drawn.person),
            *_as_it_was(seen.around),
            put(history_key(ident, audit), audit.item()),
            *(_planned(reminder, allocation.arm) for reminder in timetable),
        ]
        if not restored:
            new = Check("enrolment has no allocation", ABSENT)
            acts.append(put(allocation_key(ident), allocation.item(), new))
            acts.append(put(audit_key(ident, slot), slot.item()))
        if following:
            acts.append(_moved_on(enrolment.trial, allocation.stratum, seen.cursor, following))
        self._table.write(*acts)


def _planned(reminder: Reminder, arm: Arm) -> Act:
    key, new = reminder_key(reminder.enrolment_id, reminder.number), Check("no reminder", ABSENT)
    return put(key, reminder.item(), new) if arm is Arm.INTERVENTION else check(key, new)


def _as_seen(enrolment: Enrolment) -> Check:
    return Check(
        "enrolment as seen",
        "#version = :seen AND #status = :eligible",
        {"seen": enrolment.version, "eligible": Status.ELIGIBLE.value},
    )


def _as_it_was(around: Surroundings) -> Iterator[Act]:
    """Refuse if the number's record has changed, or if the number is now suppressed."""
    for number_hash, number in around.numbers.items():
        unchanged = Check("number as seen", "#version = :seen", {"seen": number.version})
        yield check(number_key(number_hash), unchanged)
        yield check(suppressed_key(number_hash), Check("not suppressed", ABSENT))


def _moved_on(trial: str, stratum: str, seen: Cursor | None, following: Cursor) -> Act:
    condition = (
        Check(
            "cursor as seen",
            "#block = :seen_block AND #position = :seen_position",
            {"seen_block": seen.block, "seen_position": seen.position},
        )
        if seen
        else Check("cursor as seen", ABSENT)
    )
    return put(cursor_key(trial, stratum), following.item(), condition)
