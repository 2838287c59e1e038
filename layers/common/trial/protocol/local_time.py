"""The local date in a zone, and the hours in which texts may go."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from trial.protocol.settings import Window

MARGIN: Final = timedelta(minutes=15)
"""No reminder is due this close to the window's end: one that fires late still falls inside."""


def local_date(moment: datetime, zone: ZoneInfo) -> date:
    """The local date at that moment."""
    return moment.astimezone(zone).date()


def allowed_at(moment: datetime, window: Window, zone: ZoneInfo) -> bool:
    """Whether a text may go at that moment: from the window's opening until it closes."""
    return window.opens <= moment.astimezone(zone).time() < window.closes


def first_allowed(earliest: datetime, wait: timedelta, window: Window, zone: ZoneInfo) -> datetime:
    """At once if the window is open; else `wait` after it next opens, to avoid a burst."""
    local = earliest.astimezone(zone)
    opening = datetime.combine(local, window.opens, zone)
    since_opening = local - opening
    if timedelta(0) <= since_opening < width(window):
        return earliest.replace(microsecond=0)  # schedules have whole seconds
    day = local.date() if since_opening < timedelta(0) else local.date() + timedelta(days=1)
    return after_opening(day, wait, window, zone)


def after_opening(day: date, wait: timedelta, window: Window, zone: ZoneInfo) -> datetime:
    """That day's opening of the window plus `wait`, in UTC."""
    # Wall-clock arithmetic is safe: the rules ensure that the window never spans a clock change.
    return (datetime.combine(day, window.opens, zone) + wait).astimezone(UTC)


def width(window: Window) -> timedelta:
    """The part of the window in which a reminder may be due."""
    return _since_midnight(window.closes) - _since_midnight(window.opens) - MARGIN


def _since_midnight(at: time) -> timedelta:
    return timedelta(hours=at.hour, minutes=at.minute, seconds=at.second)
