"""When an order's reminders are due."""

import hashlib
import math
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from uuid import UUID
from zoneinfo import ZoneInfo

from trial.errors import RejectedError
from trial.protocol.settings import Cadence, Protocol, ThemePlan, Window

LONDON: Final = ZoneInfo("Europe/London")

LEAD: Final = timedelta(minutes=2)
"""The shortest notice at which a reminder can be scheduled, stored and fired in time."""

MARGIN: Final = timedelta(minutes=15)
"""No reminder is due this close to the window's end: one that fires late still falls inside."""


@dataclass(frozen=True, slots=True)
class Slot:
    """One place in a timetable: reminder `number` (from 1), due at an aware UTC moment."""

    number: int
    theme: str
    due_at: datetime
    missed: bool


def reminder_count(days: int, cadence: Cadence) -> int:
    """How many reminders an order of this many days gets."""
    return math.floor(cadence.first + cadence.per_week * days / 7 + 0.5)


def reminder_days(days: int, cadence: Cadence) -> tuple[int, ...]:
    """The days of the order, from 0, that have a reminder: evenly spread, first to last."""
    gaps = reminder_count(days, cadence) - 1
    return tuple(math.floor(i * (days - 1) / gaps + 0.5) for i in range(gaps + 1))


def themes(n: int, plans: tuple[ThemePlan, ...]) -> tuple[str, ...]:
    """The themes of n reminders: the core, then the others by rank, in the protocol's order."""
    wanted = sorted(plans, key=lambda plan: plan.rank or 0)[:n]
    return tuple(plan.theme for plan in plans if plan in wanted)


def local_date(moment: datetime) -> date:
    """The day it is in London at that moment."""
    return moment.astimezone(LONDON).date()


def allowed_at(moment: datetime, window: Window) -> bool:
    """Whether a text may go at that moment: from the window's opening, until it closes."""
    return window.opens <= moment.astimezone(LONDON).time() < window.closes


def timetable(
    *, enrolment_id: UUID, made_on: date, expires_on: date, protocol: Protocol, start: datetime
) -> tuple[Slot, ...]:
    """
    Every reminder of an order, of which none goes before `start` (aware), nor two on one day.

    The same arguments always give the same timetable. What is already past at `start` is missed,
    not caught up; only the conditions are still told, at the first moment that is allowed.
    """
    days = (expires_on - made_on).days + 1
    cadence, window = protocol.cadence, protocol.window
    if not cadence.shortest <= days <= cadence.longest:
        raise RejectedError(f"an order lasts {cadence.shortest} to {cadence.longest} days")
    offsets = reminder_days(days, cadence)
    earliest = start.astimezone(UTC) + LEAD
    slots = []
    for number, (offset, theme) in enumerate(
        zip(offsets, themes(len(offsets), protocol.themes), strict=True), start=1
    ):
        wait = _spread(enrolment_id, number, _width(window))
        due_at = _after_opening(made_on + timedelta(days=offset), wait, window)
        slots.append(Slot(number, theme, due_at, missed=due_at < earliest))
    if slots[0].missed:
        late = _first_allowed(earliest, _spread(enrolment_id, 1, MARGIN), window)
        day = local_date(late)
        taken = {local_date(slot.due_at) for slot in slots if not slot.missed}
        if day <= expires_on and day not in taken:
            slots[0] = replace(slots[0], due_at=late, missed=False)
    return tuple(slots)


def _first_allowed(earliest: datetime, wait: timedelta, window: Window) -> datetime:
    """At once if the window is open; else a little after it next opens, for not all at once."""
    local = earliest.astimezone(LONDON)
    opening = datetime.combine(local, window.opens, LONDON)
    since_opening = local - opening
    if timedelta(0) <= since_opening < _width(window):
        return earliest.replace(microsecond=0)  # schedules know whole seconds
    day = local.date() if since_opening < timedelta(0) else local.date() + timedelta(days=1)
    return _after_opening(day, wait, window)


def _after_opening(day: date, wait: timedelta, window: Window) -> datetime:
    # Wall-clock arithmetic: the window never spans a clock change, which a protocol guarantees.
    return (datetime.combine(day, window.opens, LONDON) + wait).astimezone(UTC)


def _width(window: Window) -> timedelta:
    return _since_midnight(window.closes) - _since_midnight(window.opens) - MARGIN


def _since_midnight(at: time) -> timedelta:
    return timedelta(hours=at.hour, minutes=at.minute, seconds=at.second)


def _spread(enrolment_id: UUID, number: int, width: timedelta) -> timedelta:
    """Whole seconds below `width`, even over ids and numbers, and always the same for these."""
    digest = hashlib.sha256(enrolment_id.bytes + number.to_bytes(2, "big")).digest()
    return timedelta(seconds=int.from_bytes(digest[:8], "big") % int(width.total_seconds()))
