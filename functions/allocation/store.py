"""What allocation reads and keeps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from trial.aws.table import ABSENT, Act, Check, Table, put, update
from trial.codes import Reason, Status
from trial.records.allocation import Allocation, Cursor, Slot, allocation_key, cursor_key
from trial.records.audit import Audit, audit_key, history_key
from trial.records.enrolment import Enrolment, enrolment_key
from trial.records.person import Person, person_key
from trial.records.reminder import Reminder, reminder_key

if TYPE_CHECKING:
    from collections.abc import Iterable
    from uuid import UUID


@dataclass(frozen=True, slots=True)
class DrawFacts:
    """All that decides about one draw, as read at one moment."""

    enrolment: Enrolment | None
    person: Person
    cursor: Cursor | None
    allocation: Allocation | None
    """One that is there before the draw, since the table was restored."""


class AllocationStore:
    """Speaks intent to the table."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def facts(self, enrolment_id: UUID, person_hash: str, trial: str, stratum: str) -> DrawFacts:
        """Read what a draw needs."""
        enrolment, person, cursor, allocation = self._table.read(
            enrolment_key(enrolment_id),
            person_key(person_hash),
            cursor_key(trial, stratum),
            allocation_key(enrolment_id),
        )
        return DrawFacts(
            enrolment=Enrolment.of(enrolment) if enrolment else None,
            person=Person.of(person or {}),
            cursor=Cursor.of(cursor) if cursor else None,
            allocation=Allocation.of(allocation) if allocation else None,
        )

    def first_allocation(self, enrolment_id: UUID) -> Allocation:
        """The allocation that fixed a person's arm in a trial."""
        (item,) = self._table.read(allocation_key(enrolment_id))
        return Allocation.of(item or {})

    def keep_allocation(
        self,
        allocation: Allocation,
        *,
        enrolment: Enrolment,
        person: Person,
        seen: Cursor | None,
        following: Cursor | None,
        restored: bool,
        reminders: Iterable[Reminder],
        audit: Audit,
    ) -> None:
        """
        Store an allocation with all that goes with it, or nothing.

        `following` is the cursor after this draw, None where no slot is used. One that was
        `restored` is there already, and its slot is in the trail. Raises
        ContendedError if the enrolment, the person or the cursor is not as it was seen.
        """
        ident = allocation.enrolment_id
        allocated = enrolment.model_copy(
            update={
                "status": Status.ALLOCATED,
                "allocated_at": allocation.allocated_at,
                "version": enrolment.version + 1,
            }
        )
        slot = Audit(
            at=allocation.allocated_at,
            what="slot_drawn",
            by="allocation",
            slot=Slot.of(allocation, trial=enrolment.trial, person_hash=enrolment.person_hash),
        )
        acts = [
            put(enrolment_key(ident), allocated.item(), _as_seen(enrolment)),
            update(
                person_key(enrolment.person_hash),
                condition=Check("person as seen", "#version = :seen", {"seen": person.version}),
                allocated={
                    trial: str(first)
                    for trial, first in ({enrolment.trial: ident} | person.allocated).items()
                },
                version=person.version + 1,
            ),
            put(history_key(ident, audit), audit.item()),
            *(
                put(
                    reminder_key(ident, reminder.number),
                    reminder.item(),
                    Check("reminder is new", ABSENT),
                )
                for reminder in reminders
            ),
        ]
        if not restored:
            new = Check("enrolment has no allocation", ABSENT)
            acts.append(put(allocation_key(ident), allocation.item(), new))
            acts.append(put(audit_key(ident, slot), slot.item()))
        if following:
            acts.append(_moved_on(enrolment.trial, allocation.stratum, seen, following))
        self._table.write(*acts)

    def keep_exclusion(
        self, enrolment: Enrolment, status: Status, reason: Reason, audit: Audit
    ) -> None:
        """Store that an enrolment can no longer be randomised. Raises ContendedError."""
        excluded = enrolment.model_copy(
            update={"status": status, "reasons": (reason,), "version": enrolment.version + 1}
        )
        ident = enrolment.enrolment_id
        self._table.write(
            put(enrolment_key(ident), excluded.item(), _as_seen(enrolment)),
            put(history_key(ident, audit), audit.item()),
        )


def _as_seen(enrolment: Enrolment) -> Check:
    return Check(
        "enrolment as seen",
        "#version = :seen AND #status = :eligible",
        {"seen": enrolment.version, "eligible": Status.ELIGIBLE.value},
    )


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
