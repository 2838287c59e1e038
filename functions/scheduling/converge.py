"""Makes the reminders and schedules of one enrolment match the enrolment."""

from __future__ import annotations

from collections import Counter
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

from scheduling.store import ReminderChange
from trial.ahead import to_be_scheduled
from trial.codes import Arm, ReminderState, Status, Suppression

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime
    from uuid import UUID

    from scheduling.store import SchedulingStore
    from trial.aws.schedules import Schedules
    from trial.records.allocation import Allocation
    from trial.records.enrolment import Enrolment
    from trial.records.reminder import Reminder

_OPEN = frozenset({ReminderState.PLANNED, ReminderState.SCHEDULED})


class Converged(NamedTuple):
    """How many reminders were scheduled, and how many were suppressed, by reason."""

    scheduled: int = 0
    suppressed: Mapping[str, int] = MappingProxyType({})


def converge(
    enrolment_id: UUID, *, store: SchedulingStore, schedules: Schedules, now: datetime
) -> Converged:
    """
    Ensure one schedule for each planned reminder that is near enough, and none for any other.

    Safe to repeat, also after a crash at any point: reminders change first and their schedules,
    which are found by name, follow. A reminder that leaves the timetable is first suppressed, then
    loses its schedule, and is only then deleted. A reminder counts as scheduled only once its
    schedule exists.
    """
    file = store.file(enrolment_id)
    if file is None or file.allocation.arm is not Arm.INTERVENTION:
        return Converged()
    enrolment = file.enrolment
    plan = _changed_plan(enrolment, file.allocation)
    after = {reminder.number: reminder for reminder in file.reminders}
    changes = list(_changes(enrolment, after, plan, now))
    store.keep_changes(enrolment, changes)
    after |= {change.after.number: change.after for change in changes if change.after}
    for reminder in after.values():
        if _without_schedule(reminder, enrolment):
            schedules.remove(enrolment_id, reminder.number)
    store.keep_changes(enrolment, [ReminderChange(each, None) for each in _surplus(after, plan)])
    planned = to_be_scheduled(after.values(), enrolment, now)
    for reminder in planned:
        schedules.ensure(enrolment_id, reminder.number, due_at=reminder.due_at, now=now)
    store.keep_scheduled(planned)
    suppressed = Counter(
        str(change.after.reason)
        for change in changes
        if change.after and change.after.state is ReminderState.SUPPRESSED
    )
    return Converged(len(planned), suppressed)


def _changed_plan(enrolment: Enrolment, allocation: Allocation) -> dict[int, Reminder]:
    """The new timetable of an order that was varied or whose dates were corrected; else empty."""
    if enrolment.dates_changed_at is None and not enrolment.variations:
        return {}
    # Imported late: few orders change in this way, so most invocations need no protocol.
    from trial.planning import planned_from, planned_reminders  # noqa: PLC0415

    start = planned_from(enrolment, allocation.allocated_at)
    plan = planned_reminders(enrolment, allocation, start=start)
    return {reminder.number: reminder for reminder in plan}


def _changes(
    enrolment: Enrolment, known: Mapping[int, Reminder], plan: Mapping[int, Reminder], now: datetime
) -> Iterator[ReminderChange]:
    """The changes that make the reminders match the enrolment."""
    for surplus in _surplus(known, plan):
        if surplus.state in _OPEN:
            yield ReminderChange(surplus, _called_off(surplus))
    for number in plan or known:
        seen = known.get(number)
        placed = _placed(seen, plan.get(number, seen)) if seen else plan[number]
        after = _alive(placed, enrolment, now)
        if after != seen:
            yield ReminderChange(seen, after)


def _surplus(known: Mapping[int, Reminder], plan: Mapping[int, Reminder]) -> list[Reminder]:
    """The movable reminders for which a shortened order has no slot."""
    return [
        each for number, each in known.items() if plan and number not in plan and _movable(each)
    ]


def _placed(seen: Reminder, wanted: Reminder) -> Reminder:
    """The reminder moved to its planned slot, if it may still be moved."""
    if not _movable(seen) or _alike(seen, wanted):
        return seen
    off = seen.reason == Suppression.ENDED and wanted.state in _OPEN
    return _called_off(wanted) if off else wanted


def _alive(reminder: Reminder, enrolment: Enrolment, now: datetime) -> Reminder:
    """Suppressed if the enrolment has ended; planned again once resumed, if not yet due."""
    ended = enrolment.status is Status.ENDED
    if ended and reminder.state in _OPEN:
        return _called_off(reminder)
    if not ended and reminder.reason == Suppression.ENDED and reminder.due_at > now:
        return reminder.model_copy(update={"state": ReminderState.PLANNED, "reason": None})
    return reminder


def _called_off(reminder: Reminder) -> Reminder:
    update = {"state": ReminderState.SUPPRESSED, "reason": Suppression.ENDED}
    return reminder.model_copy(update=update)


def _alike(seen: Reminder, wanted: Reminder) -> bool:
    return (seen.due_at, seen.theme, seen.turn) == (wanted.due_at, wanted.theme, wanted.turn)


def _movable(reminder: Reminder) -> bool:
    """Whether it is open, or was suppressed only by an end or a late start."""
    return reminder.state in _OPEN or reminder.reason in (
        Suppression.ENDED,
        Suppression.MISSED_LATE_START,
    )


def _without_schedule(reminder: Reminder, enrolment: Enrolment) -> bool:
    """Whether it may have a schedule but must not: it was suppressed, or moved into the past."""
    return reminder.reason == Suppression.ENDED or (
        reminder.reason == Suppression.MISSED_LATE_START and enrolment.dates_changed_at is not None
    )
