"""Scheduling's reads and writes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from trial.aws.table import ABSENT, Act, Check, Table, check, delete, put
from trial.codes import ReminderState
from trial.records.allocation import Allocation, allocation_key, allocation_partition
from trial.records.enrolment import Enrolment, enrolment_key
from trial.records.reminder import Reminder, reminder_key

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from uuid import UUID


@dataclass(frozen=True, slots=True)
class AllocatedEnrolment:
    """An allocated enrolment with its reminders."""

    enrolment: Enrolment
    allocation: Allocation
    reminders: tuple[Reminder, ...]


@dataclass(frozen=True, slots=True)
class ReminderChange:
    """One reminder as read and as wanted; either may be None."""

    before: Reminder | None
    after: Reminder | None


class SchedulingStore:
    """Scheduling's operations on the table."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def file(self, enrolment_id: UUID) -> AllocatedEnrolment | None:
        """The enrolment's current state; None unless it has been allocated."""
        enrolment, allocation = self._table.read(
            enrolment_key(enrolment_id), allocation_key(enrolment_id)
        )
        if not (enrolment and allocation):
            return None
        reminders = self._table.partition(allocation_partition(enrolment_id), "reminder#")
        return AllocatedEnrolment(
            enrolment=Enrolment.of(enrolment),
            allocation=Allocation.of(allocation),
            reminders=tuple(map(Reminder.of, reminders.values())),
        )

    def keep_changes(self, enrolment: Enrolment, changes: Sequence[ReminderChange]) -> None:
        """
        Change reminders, if neither they nor the enrolment have changed since they were read.

        Raises ContendedError otherwise: the changes must then be computed again.
        """
        if changes:
            unchanged = Check("enrolment as seen", "#version = :seen", {"seen": enrolment.version})
            key = enrolment_key(enrolment.enrolment_id)
            self._table.write(check(key, unchanged), *map(_act, changes))

    def keep_scheduled(self, reminders: Iterable[Reminder]) -> None:
        """
        Mark these planned reminders as scheduled.

        Raises ContendedError if one of them is no longer planned for that time.
        """
        self._table.write(
            *(
                _act(
                    ReminderChange(
                        reminder, reminder.model_copy(update={"state": ReminderState.SCHEDULED})
                    )
                )
                for reminder in reminders
            )
        )


def _act(change: ReminderChange) -> Act:
    before, after = change.before, change.after
    condition = Check("reminder is new", ABSENT)
    if before:
        seen = {"state": before.state.value, "due_at": before.item()["due_at"]}
        condition = Check("reminder as seen", "#state = :state AND #due_at = :due_at", seen)
    reminder = after or before
    assert reminder  # noqa: S101 - a change has at least one side
    key = reminder_key(reminder.enrolment_id, reminder.number)
    return put(key, after.item(), condition) if after else delete(key, condition)
