"""Making the reminders and schedules of one enrolment equal to what the enrolment says."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scheduling.store import Change
from trial.model import Arm, ReminderState, Status, Suppression
from trial.planning import planned_reminders

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import datetime
    from uuid import UUID

    from scheduling.store import SchedulingStore
    from trial.records import Allocation, Enrolment, Reminder
    from trial.schedules import Schedules

_OPEN = frozenset({ReminderState.PLANNED, ReminderState.SCHEDULED})


def converge(
    enrolment_id: UUID, *, store: SchedulingStore, schedules: Schedules, now: datetime
) -> None:
    """
    One schedule per planned reminder, and none for any other.

    Safe to repeat, and after a crash at any point, whatever happens before the repeat: reminders
    change first and their schedules follow, found again by name. Only what is taken out of the
    timetable loses its schedule first, for afterwards nobody would look for it. A reminder counts
    as scheduled only once its schedule exists.
    """
    file = store.file(enrolment_id)
    if file is None or file.allocation.arm is not Arm.INTERVENTION:
        return
    changes = list(_changes(file.enrolment, file.allocation, file.reminders, now))
    after = {reminder.number: reminder for reminder in file.reminders}
    for change in changes:
        if change.after:
            after[change.number] = change.after
        else:
            del after[change.number]
            schedules.remove(enrolment_id, change.number)
    store.keep_changes(file.enrolment, changes)
    for reminder in after.values():
        if _without_schedule(reminder, file.enrolment):
            schedules.remove(enrolment_id, reminder.number)
    planned = [each for each in after.values() if each.state is ReminderState.PLANNED]
    for reminder in planned:
        schedules.ensure(enrolment_id, reminder.number, due_at=reminder.due_at, now=now)
    store.keep_scheduled(planned)


def _changes(
    enrolment: Enrolment,
    allocation: Allocation,
    reminders: Iterable[Reminder],
    now: datetime,
) -> Iterator[Change]:
    """What has to change in the timetable for it to follow the enrolment."""
    changes = {reminder.number: Change(reminder, reminder) for reminder in reminders}
    if enrolment.dates_changed_at:
        plan = planned_reminders(enrolment, allocation, start=enrolment.dates_changed_at)
        changes |= {change.number: change for change in _moves(reminders, plan)}
    for change in changes.values():
        after = change.after and _alive(change.after, enrolment, now)
        if after != change.before:
            yield Change(change.before, after)


def _moves(reminders: Iterable[Reminder], plan: Iterable[Reminder]) -> Iterator[Change]:
    """What is not where the plan has it, of those that may still be moved."""
    known = {reminder.number: reminder for reminder in reminders}
    for wanted in plan:
        seen = known.pop(wanted.number, None)
        if seen is None:
            yield Change(None, wanted)
        elif _movable(seen) and not _alike(seen, wanted):
            off = seen.reason == Suppression.ENDED and wanted.state in _OPEN
            yield Change(seen, _called_off(wanted) if off else wanted)
    yield from (Change(surplus, None) for surplus in known.values() if _movable(surplus))


def _alive(reminder: Reminder, enrolment: Enrolment, now: datetime) -> Reminder:
    """Called off if the enrolment has ended; planned again after it, if its time is to come."""
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
    return (seen.due_at, seen.theme) == (wanted.due_at, wanted.theme)


def _movable(reminder: Reminder) -> bool:
    """Nobody has been texted for it, nor told that it is too late for another reason."""
    return reminder.state in _OPEN or reminder.reason in (
        Suppression.ENDED,
        Suppression.MISSED_LATE_START,
    )


def _without_schedule(reminder: Reminder, enrolment: Enrolment) -> bool:
    """It may have had a schedule and must have none: called off, or moved into the past."""
    return reminder.reason == Suppression.ENDED or (
        reminder.reason == Suppression.MISSED_LATE_START and enrolment.dates_changed_at is not None
    )
