"""The days of an order on which texts go, and the theme of each."""

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import takewhile, zip_longest
from typing import NamedTuple

from trial.protocol.orders import (
    EvenTimetable,
    Milestone,
    OrderType,
    Phase,
    PhasedTimetable,
    ThemePlan,
)


class PlannedDay(NamedTuple):
    """A day of the order, from 0, and its theme; None takes the next theme in rotation."""

    day: int
    theme: str | None


class Assigned(NamedTuple):
    """A day with its theme, and how many texts of that theme come before it."""

    day: int
    theme: str
    turn: int


def reminder_count(days: int, rule: EvenTimetable) -> int:
    """How many reminders an order of this many days gets."""
    return math.floor(rule.first + rule.per_week * days / 7 + 0.5)


def reminder_days(days: int, rule: EvenTimetable) -> tuple[int, ...]:
    """The days of the order, from 0, that have a reminder: evenly spread, first to last."""
    gaps = reminder_count(days, rule) - 1
    return tuple(math.floor(i * (days - 1) / gaps + 0.5) for i in range(gaps + 1))


def themes(n: int, plans: Sequence[ThemePlan]) -> tuple[str, ...]:
    """The themes of n reminders: the core, then the others by rank, in the protocol's order."""
    wanted = sorted(plans, key=lambda plan: plan.rank or 0)[:n]
    return tuple(plan.theme for plan in plans if plan in wanted)


def planned_days(order_type: OrderType, days: int | None) -> tuple[PlannedDay, ...]:
    """The days of an order with so many days, or without an end, in order."""
    match order_type.timetable:
        case EvenTimetable() as even:
            if days is None:
                return ()
            offsets = reminder_days(days, even)
            chosen = themes(len(offsets), order_type.themes)
            return tuple(map(PlannedDay, offsets, chosen))
        case PhasedTimetable() as phased:
            return _phased(phased, days)


def assigned(
    planned: Sequence[PlannedDay], order_type: OrderType, *, before: Iterable[str] = ()
) -> Iterator[Assigned]:
    """
    The days with their themes, given the themes already sent (`before`).

    The rotation continues where it stopped, and skips a theme that would come twice in a row.
    """
    earlier = list(before)
    turns = Counter(earlier)
    previous = earlier[-1] if earlier else None
    rule = order_type.timetable
    rotation = rule.rotation if isinstance(rule, PhasedTimetable) else ()
    place = sum(theme in rotation for theme in earlier)
    for each, following in zip_longest(planned, planned[1:]):
        theme = each.theme
        if theme is None:
            while rotation[place % len(rotation)] in (previous, following and following.theme):
                place += 1
            theme = rotation[place % len(rotation)]
            place += 1
        yield Assigned(each.day, theme, turns[theme])
        turns[theme] += 1
        previous = theme


def _phased(rule: PhasedTimetable, days: int | None) -> tuple[PlannedDay, ...]:
    last = None if days is None else days - 1
    fixed: dict[int, str] = {}
    for milestone in rule.milestones:
        day = _day_of(milestone, last)
        if day is not None and (last is None or 0 <= day <= last):
            fixed.setdefault(day, milestone.theme)
    # Reserved even without an end: an order may get one later, and its texts must then fit.
    reserved = sum(each.days_after_variation is None for each in rule.milestones)
    left = rule.most_texts - reserved
    rotation: list[PlannedDay] = []
    in_force = takewhile(lambda day: last is None or day <= last, _phase_days(rule.phases))
    for day in in_force:
        if len(rotation) == left:
            break
        if day not in fixed:
            rotation.append(PlannedDay(day, None))
    return tuple(sorted([*rotation, *(PlannedDay(*each) for each in fixed.items())]))


def _day_of(milestone: Milestone, last: int | None) -> int | None:
    if milestone.days_before_end is not None:
        return None if last is None else last - milestone.days_before_end
    return milestone.day


def _phase_days(phases: Sequence[Phase]) -> Iterator[int]:
    """The days of each phase in turn: an endless sequence if the last phase has no end."""
    start = 0
    for phase in phases:
        for period in _periods(start, phase):
            for i in range(phase.texts):
                day = period + math.floor(i * phase.every_days / phase.texts + 0.5)
                if phase.until_day is None or day < phase.until_day:
                    yield day
        if phase.until_day is None:
            return
        start = phase.until_day


def _periods(start: int, phase: Phase) -> Iterator[int]:
    period = start
    while phase.until_day is None or period < phase.until_day:
        yield period
        period += phase.every_days
