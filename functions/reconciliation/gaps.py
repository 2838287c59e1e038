"""How long to wait for each part of the system, and when it is too late to send. Pure."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from trial.codes import ReminderState, Status, Suppression

if TYPE_CHECKING:
    from datetime import datetime

    from trial.protocol.settings import Protocol
    from trial.records.enrolment import Enrolment
    from trial.records.reminder import Reminder
    from trial.records.switch import Switch

AHEAD = timedelta(hours=2)
"""How long before its due time a reminder is checked. If one run fails, the next is in time."""

GRACE = timedelta(minutes=10)
"""How long scheduling and sending have, with their own retries, before reconciliation acts."""

CLAIM_PATIENCE = timedelta(minutes=15)
"""No invocation runs this long: the one that claimed a reminder this long ago has died."""

RECEIPT_PATIENCE = timedelta(hours=72)
"""How late a carrier's receipt may arrive."""

_NOTICE = timedelta(minutes=1)


def why_never(
    reminder: Reminder,
    enrolment: Enrolment,
    *,
    switch: Switch | None,
    protocol: Protocol,
    now: datetime,
) -> Suppression | None:
    """Why an unclaimed reminder will not be sent any more; None if it still may be."""
    if enrolment.status is not Status.ALLOCATED:
        return Suppression.ENDED
    expired = protocol.place.date_at(now) > enrolment.order.last_day
    freshness = timedelta(hours=protocol.freshness_hours)
    if not expired and now - reminder.due_at <= freshness:
        return None
    # The switch holds only its last change: one after the due time began or ended a pause.
    if switch and (switch.paused or switch.at > reminder.due_at):
        return Suppression.PAUSED
    return Suppression.EXPIRED if expired else Suppression.STALE


def is_in_progress(reminder: Reminder, enrolment: Enrolment, now: datetime) -> bool:
    """Whether scheduling or sending may be handling it at this moment."""
    allocated_at = enrolment.allocated_at
    planned = reminder.state is ReminderState.PLANNED
    if planned and allocated_at and now - allocated_at < GRACE:
        return True
    return -_NOTICE < now - reminder.due_at < GRACE
