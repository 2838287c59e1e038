"""What the unblinded routes show of what the table and the protocol hold."""

from __future__ import annotations

from typing import TYPE_CHECKING

from disclosure.answers import AllocationOut, ReminderOut, TimetableEntry, TimetableOut
from trial.protocol.timetable import LONDON, timetable
from trial.protocol.wording import render

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import date, datetime
    from uuid import UUID

    from trial.codes import Condition
    from trial.protocol.settings import Protocol
    from trial.records.allocation import Allocation
    from trial.records.reminder import Reminder


def allocation_view(allocation: Allocation, reminders: Iterable[Reminder]) -> AllocationOut:
    """An allocation with its reminders."""
    return AllocationOut(
        enrolment_id=allocation.enrolment_id,
        arm=allocation.arm,
        stratum=allocation.stratum,
        block=allocation.block,
        position=allocation.position,
        allocated_at=allocation.allocated_at,
        protocol=allocation.protocol,
        repeat=allocation.repeat,
        reminders=tuple(
            ReminderOut(
                number=reminder.number,
                theme=reminder.theme,
                due_at=reminder.due_at,
                state=reminder.state,
                reason=reminder.reason,
                sent_at=reminder.sent_at,
                delivered_at=reminder.delivered_at,
                parts=reminder.parts,
                price_pence=float(reminder.price_pence) if reminder.price_pence else None,
            )
            for reminder in reminders
        ),
    )


def timetable_view(
    *,
    enrolment_id: UUID,
    made_on: date,
    expires_on: date,
    conditions: Sequence[Condition],
    protocol: Protocol,
    force: str,
    contact: str,
    start: datetime,
) -> TimetableOut:
    """What an order of this shape would get, had it been enrolled at `start`."""
    slots = timetable(
        enrolment_id=enrolment_id,
        made_on=made_on,
        expires_on=expires_on,
        protocol=protocol,
        start=start,
    )
    return TimetableOut(
        protocol=protocol.version,
        days=(expires_on - made_on).days + 1,
        reminders=tuple(
            TimetableEntry(
                number=slot.number,
                theme=slot.theme,
                date=(local := slot.due_at.astimezone(LONDON)).date(),
                local_time=local.strftime("%H:%M"),
                due_at=slot.due_at,
                text=render(
                    protocol,
                    slot.theme,
                    conditions=conditions,
                    force=force,
                    contact=contact,
                    expires_on=expires_on,
                ),
            )
            for slot in slots
        ),
    )
