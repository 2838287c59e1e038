"""Turns records and the protocol into the answers of the unblinded routes."""

from __future__ import annotations

from datetime import datetime, time
from typing import TYPE_CHECKING, Any

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

    from trial.codes import Condition, Language, Model
    from trial.protocol.settings import Protocol
    from trial.protocol.term import Term
    from trial.protocol.wording import Sender
    from trial.records.allocation import Allocation
    from trial.records.reminder import Reminder


def allocation_view(allocation: Allocation, reminders: Iterable[Reminder]) -> AllocationOut:
    """An allocation with its reminders."""
    shown = tuple(ReminderOut(**_fields(ReminderOut, each)) for each in reminders)
    return AllocationOut(**_fields(AllocationOut, allocation), reminders=shown)


def troubled_view(reminders: Sequence[Reminder], most: int) -> TroubledOut:
    """The first of these reminders, and how many more there are."""
    return TroubledOut(
        reminders=tuple(
            TroubledReminder(**_fields(TroubledReminder, each)) for each in reminders[:most]
        ),
        more=max(len(reminders) - most, 0),
    )


def _fields(answer: type[Model], record: Model) -> dict[str, Any]:
    """The fields of an answer, with the values that the record has for them."""
    return record.model_dump(include=set(answer.model_fields))


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
