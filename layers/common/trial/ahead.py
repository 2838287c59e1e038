"""How far ahead reminders are scheduled: Scheduler holds ten million schedules per region."""

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
"""Every protocol schedules at least this far ahead, so for most orders none need be loaded."""


def to_be_scheduled(
    reminders: Iterable[Reminder], enrolment: Enrolment, now: datetime
) -> list[Reminder]:
    """The planned reminders that their protocol allows to be scheduled now."""
    return [
        each
        for each in reminders
        if each.state is ReminderState.PLANNED
        and (each.due_at <= now + ALWAYS_AHEAD or _near(each, enrolment, now))
    ]


def _near(reminder: Reminder, enrolment: Enrolment, now: datetime) -> bool:
    # Imported late: few orders last this long, so most invocations need no protocol.
    from trial.protocol.load import load  # noqa: PLC0415

    order_type = load(reminder.protocol).order_type(enrolment.order.type)
    days = order_type.schedule_ahead_days
    return days is None or reminder.due_at <= now + timedelta(days=days)
