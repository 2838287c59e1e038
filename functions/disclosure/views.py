"""Turns records and the protocol into the answers of the unblinded routes."""

from __future__ import annotations

from datetime import datetime, time
from typing import TYPE_CHECKING

from disclosure.answers import (
    AllocationOut,
    ReminderOut,
    TimetableEntry,
    TimetableOut,
    TroubledOut,
    TroubledReminder,
)
from trial.protocol.timetable import timetable
from trial.protocol.wording import Recipient, render

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from uuid import UUID

    from trial.codes import Condition, Language
    from trial.protocol.settings import Protocol
    from trial.protocol.term import Term
    from trial.protocol.wording import Sender
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


def troubled_view(reminders: Sequence[Reminder], most: int) -> TroubledOut:
    """The first of these reminders, and how many more there are."""
    return TroubledOut(
        reminders=tuple(
            TroubledReminder(
                enrolment_id=each.enrolment_id,
                number=each.number,
                due_at=each.due_at,
                state=each.state,
                reason=each.reason,
            )
            for each in reminders[:most]
        ),
        more=max(len(reminders) - most, 0),
    )


def timetable_view(
    *,
    enrolment_id: UUID,
    term: Term,
    conditions: Sequence[Condition],
    language: Language,
    protocol: Protocol,
    sender: Sender,
) -> TimetableOut:
    """The timetable of an order of this shape, enrolled at the start of its first day."""
    zone = protocol.place.tz
    slots = timetable(
        enrolment_id=enrolment_id,
        term=term,
        protocol=protocol,
        start=datetime.combine(term.made_on, time(), zone),
    )
    about = Recipient(
        order_type=term.order_type,
        conditions=conditions,
        expires_on=term.expires_on,
        language=language,
    )
    return TimetableOut(
        protocol=protocol.version,
        days=term.days,
        reminders=tuple(
            TimetableEntry(
                number=slot.number,
                theme=slot.theme,
                date=(local := slot.due_at.astimezone(zone)).date(),
                local_time=local.strftime("%H:%M"),
                due_at=slot.due_at,
                text=render(
                    protocol, slot.theme, turn=slot.turn, about=about, sender=sender
                ).message,
            )
            for slot in slots
        ),
    )
