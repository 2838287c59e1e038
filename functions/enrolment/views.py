"""What the API shows of what the table holds."""

from __future__ import annotations

from typing import TYPE_CHECKING

from enrolment.answers import (
    AllocationOut,
    EnrolmentOut,
    HistoryOut,
    MobileOut,
    OrderOut,
    ReminderOut,
    TimetableEntry,
    TimetableOut,
)
from trial.errors import NotFoundError
from trial.protocol.timetable import LONDON, timetable
from trial.protocol.wording import render

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date, datetime
    from uuid import UUID

    from enrolment.store import EnrolmentFile
    from trial.codes import Condition
    from trial.protocol.settings import Protocol


# Entries of the audit trail that would tell the arm, or who has looked it up.
def _telling(what: str) -> bool:
    return what.startswith("text ") or what.endswith(" consulted")


def enrolment_view(file: EnrolmentFile) -> EnrolmentOut:
    """An enrolment without its arm, a full number or a date of birth."""
    enrolment = file.enrolment
    mobile, missing = enrolment.mobile, enrolment.missing_now
    return EnrolmentOut(
        enrolment_id=enrolment.enrolment_id,
        status=enrolment.status,
        reasons=enrolment.reasons,
        order=OrderOut(**enrolment.order.model_dump()),
        mobile=MobileOut(
            known=mobile.sealed is not None,
            last_digits=mobile.last_digits,
            unsafe=mobile.unsafe,
            shared=mobile.shared,
            missing_reason=missing.reason if missing else None,
            follow_up_on=missing.follow_up_on if missing else None,
        ),
        hold=enrolment.hold.reason if enrolment.hold else None,
        erased_at=enrolment.erased_at,
        history=tuple(
            HistoryOut(at=entry.at, what=entry.what, by=entry.by)
            for entry in file.history
            if not _telling(entry.what)
        ),
    )


def allocation_view(file: EnrolmentFile) -> AllocationOut:
    """An allocation with its reminders. Raises NotFoundError while there is none."""
    allocation = file.allocation
    if allocation is None:
        raise NotFoundError("this enrolment has no allocation")
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
            for reminder in file.reminders
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
