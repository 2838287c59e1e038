"""How far ahead reminders get their schedules: Scheduler holds ten million of a region's."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from trial.codes import ReminderState

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from trial.records.enrolment import Enrolment
    from trial.records.reminder import Reminder

ALWAYS_AHEAD: Final = timedelta(days=35)
"""No protocol makes schedules later than this: for most orders none has to be read."""


def to_be_scheduled(
    reminders: Iterable[Reminder], enrolment: Enrolment, now: datetime
) -> list[Reminder]:
    """The planned ones that, as their protocol says, are near enough to have their schedules."""
    return [
        each
        for each in reminders
        if each.state is ReminderState.PLANNED
        and (each.due_at <= now + ALWAYS_AHEAD or _near(each, enrolment, now))
    ]


def _near(reminder: Reminder, enrolment: Enrolment, now: datetime) -> bool:
    # Here: few orders last so long, and all would wait for a protocol to be read.
    from trial.protocol.load import load  # noqa: PLC0415

    order_type = load(reminder.protocol).order_type(enrolment.order.type)
    days = order_type.schedule_ahead_days
    return days is None or reminder.due_at <= now + timedelta(days=days)
