"""When an order's reminders are due."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Final
from uuid import UUID

from trial.errors import RejectedError
from trial.protocol.days import PlannedDay, assigned, planned_days
from trial.protocol.local_time import MARGIN, after_opening, first_allowed, local_date, width
from trial.protocol.orders import Milestone, OrderType, PhasedTimetable
from trial.protocol.settings import Protocol
from trial.protocol.term import Term

LEAD: Final = timedelta(minutes=2)
"""The shortest notice at which a reminder can be stored, scheduled and fired in time."""

_A_DAY: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Varied:
    """An order's new terms, and the moment (aware) at which they were reported."""

    at: datetime
    term: Term


@dataclass(frozen=True, slots=True)
class Slot:
    """
    One place in a timetable: reminder `number` (from 1), due at an aware UTC moment.

    `turn` is the number of earlier reminders with the same theme.
    """

    number: int
    theme: str
    turn: int
    due_at: datetime
    missed: bool


def timetable(
    *,
    enrolment_id: UUID,
    term: Term,
    protocol: Protocol,
    start: datetime,
    varied: Sequence[Varied] = (),
) -> tuple[Slot, ...]:
    """
    Every reminder of an order: none goes before `start` (aware), and no two on one day.

    The same arguments always give the same timetable. Slots already past at `start` are missed,
    not caught up; only the first reminder still goes, at the first allowed moment. Each variation
    (in order of time) replans what comes after its day. Raises RejectedError if the protocol has no
    such orders.
    """
    slots = _begun(enrolment_id, term, protocol, start.astimezone(UTC) + LEAD)
    for change in varied:
        slots = _replanned(slots, enrolment_id, change, protocol)
    return tuple(slots)


def _begun(enrolment_id: UUID, term: Term, protocol: Protocol, earliest: datetime) -> list[Slot]:
    order_type, window, zone = (
        protocol.order_type(term.order_type),
        protocol.window,
        protocol.place.tz,
    )
    if problem := order_type.why_not_days(term.days):
        raise RejectedError(problem)
    slots = []
    planned = planned_days(order_type, term.days)
    for number, each in enumerate(assigned(planned, order_type), start=1):
        day = term.made_on + each.day * _A_DAY
        due_at = _due_at(enrolment_id, number, day, protocol)
        slots.append(Slot(number, each.theme, each.turn, due_at, missed=due_at < earliest))
    if slots and slots[0].missed:
        late = first_allowed(earliest, spread(enrolment_id, 1, MARGIN), window, zone)
        day = local_date(late, zone)
        taken = {local_date(slot.due_at, zone) for slot in slots if not slot.missed}
        if (term.expires_on is None or day <= term.expires_on) and day not in taken:
            slots[0] = replace(slots[0], due_at=late, missed=False)
    return slots


def _replanned(
    slots: Sequence[Slot], enrolment_id: UUID, change: Varied, protocol: Protocol
) -> list[Slot]:
    """The timetable after a variation: past slots stay, later ones are replanned."""
    term, zone = change.term, protocol.place.tz
    order_type = protocol.order_type(term.order_type)
    today = local_date(change.at, zone)
    # Every number up to the last one due by tonight: a late first reminder may be due tomorrow.
    past = max((each.number for each in slots if local_date(each.due_at, zone) <= today), default=0)
    kept = [each for each in slots if each.number <= past]
    taken = {
        (local_date(each.due_at, zone) - term.made_on).days for each in kept if not each.missed
    }
    since = (today - term.made_on).days
    planned = {
        each.day: each
        for each in planned_days(order_type, term.days)
        if each.day > since and each.day not in taken
    }
    soonest = first_allowed(
        change.at.astimezone(UTC) + LEAD,
        spread(enrolment_id, past + 1, MARGIN),
        protocol.window,
        zone,
    )
    fixed = taken | {each.day for each in planned.values() if each.theme}
    first = (local_date(soonest, zone) - term.made_on).days
    for milestone in _of_variation(order_type):
        if kept and kept[-1].theme == milestone.theme and kept[-1].due_at > change.at:
            continue  # the pending text about the last variation covers this one too
        day = max(since + (milestone.days_after_variation or 0), first)
        while day in fixed:
            day += 1
        if term.days is None or day < term.days:
            planned[day] = PlannedDay(day, milestone.theme)
            fixed.add(day)
    days = sorted(planned.values())
    before = [each.theme for each in kept]
    for number, each in enumerate(assigned(days, order_type, before=before), start=past + 1):
        due_at = _due_at(enrolment_id, number, term.made_on + each.day * _A_DAY, protocol)
        if each.day == first:
            due_at = soonest
        kept.append(Slot(number, each.theme, each.turn, due_at, missed=False))
    return kept


def _of_variation(order_type: OrderType) -> list[Milestone]:
    rule = order_type.timetable
    milestones = rule.milestones if isinstance(rule, PhasedTimetable) else ()
    return [each for each in milestones if each.days_after_variation is not None]


def _due_at(enrolment_id: UUID, number: int, day: date, protocol: Protocol) -> datetime:
    wait = spread(enrolment_id, number, width(protocol.window))
    return after_opening(day, wait, protocol.window, protocol.place.tz)


def spread(enrolment_id: UUID, number: int, width: timedelta) -> timedelta:
    """Whole seconds below `width`, uniform over ids and numbers, and the same for the same ones."""
    digest = hashlib.sha256(enrolment_id.bytes + number.to_bytes(2, "big")).digest()
    return timedelta(seconds=int.from_bytes(digest[:8], "big") % int(width.total_seconds()))
