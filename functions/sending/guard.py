"""Decides whether a due reminder may go now. Pure: takes facts, returns a reason or None."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from trial.codes import Status, Suppression
from trial.protocol.local_time import allowed_at

if TYPE_CHECKING:
    from datetime import datetime

    from trial.protocol.settings import Protocol
    from trial.records.enrolment import Enrolment
    from trial.records.reminder import Reminder


def why_not(
    reminder: Reminder, enrolment: Enrolment, *, protocol: Protocol, now: datetime
) -> Suppression | None:
    """The first reason against sending this reminder now, if there is one."""
    order, mobile, window = enrolment.order, enrolment.mobile, protocol.window
    reasons = {
        Suppression.ENDED: enrolment.status is not Status.ALLOCATED,
        Suppression.EXPIRED: protocol.place.date_at(now) > order.last_day,
        Suppression.STALE: now - reminder.due_at > timedelta(hours=protocol.freshness_hours),
        Suppression.OUTSIDE_WINDOW: not allowed_at(now, window, protocol.place.tz),
        Suppression.NO_NUMBER: mobile.sealed is None,
        Suppression.UNSAFE_NUMBER: mobile.unsafe,
        Suppression.SUPPRESSED_NUMBER: mobile.suppressed,
        Suppression.BREACH_REPORTED: (
            enrolment.breach_reported_at is not None
            and reminder.theme in protocol.order_type(order.type).withheld_after_breach
        ),
    }
    return next((reason for reason, applies in reasons.items() if applies), None)
