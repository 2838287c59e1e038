"""The nightly proof that nobody gets a text who must not, above all in control."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING
from uuid import UUID

from reconciliation.findings import STRANGE_KEY, Gap, GapFinding, finding
from reconciliation.gaps import AHEAD
from trial.ahead import to_be_scheduled
from trial.codes import Arm, ReminderState, Status
from trial.records.enrolment import enrolment_at

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import date, datetime

    from reconciliation.findings import Look
    from reconciliation.store import ReconciliationStore
    from trial.aws.schedules import ExistingSchedule, Schedules
    from trial.aws.table import Key
    from trial.records.enrolment import Enrolment

_DAY = timedelta(days=1)
# An order's place is its id, which begins with a hexadecimal digit: so these come after all orders.
_SCHEDULE, _STRAY = "schedule#", "stray#"
_UNCLAIMED = frozenset({ReminderState.PLANNED, ReminderState.SCHEDULED})


def prove(
    *,
    store: ReconciliationStore,
    schedules: Schedules,
    today: date,
    now: datetime,
    after: str = "",
) -> Iterator[tuple[str, GapFinding]]:
    """
    Check every live order of every trial, then every schedule, then every unmatched receipt.

    An order that has run out can get no text, and its leftover schedules are found among the
    schedules. So the work grows with the orders in force, not with the table. A person outside
    the intervention arm must have no reminder in any state, no record that a text was disclosed
    (sending writes both before it publishes), and no schedule. In intervention, each reminder
    that is near enough gets its schedule.

    A receipt for a text to a known number that matches no reminder is reported once, a day later,
    when the hourly search for the receipts of uncertain texts is over. It reveals no arm, because
    people share numbers and the account may send other texts.

    Yields each place with its finding, in the order of places, from the first after `after`.
    Safe to repeat, and to stop after any of them.
    """
    live = [enrolment_at(key) for key in store.live(since=today)]
    if None in live and not after:
        yield after, STRANGE_KEY
    for place in _in_order(map(str, filter(None, live)), after):
        enrolment_id = UUID(place)
        look = partial(_enrolment, enrolment_id, store, schedules, now)
        yield place, finding(enrolment_id, None, look)
    named = {f"{_SCHEDULE}{found.name}": found for found in schedules.found()}
    for place in _in_order(named, after):
        found = named[place]
        look = partial(_schedule, found, store, schedules)
        yield place, finding(found.enrolment_id, found.number, look)
    listed = store.strays_listed(until=(now - _DAY).date())
    strays = {f"{_STRAY}{key.pk}#{key.sk}": key for key in listed}
    for place in _in_order(strays, after):
        yield place, finding(None, None, partial(_stray, strays[place], store, now))


def _in_order(places: Iterable[str], after: str) -> list[str]:
    return sorted(place for place in places if place > after)


def _enrolment(
    enrolment_id: UUID, store: ReconciliationStore, schedules: Schedules, now: datetime
) -> Look:
    # Schedules before the table: a draw comes before its schedules are made.
    scheduled = list(schedules.found(enrolment_id))
    file = store.file(enrolment_id)
    if file is None:
        return None
    enrolment = file.enrolment
    if file.arm is Arm.INTERVENTION:
        _top_up(enrolment, store, schedules, now)
        return None
    if scheduled:
        for each in scheduled:
            schedules.remove_named(each.name)
        return Gap.NOT_ENTITLED, "schedule"
    if file.traces:
        return Gap.NOT_ENTITLED, file.traces[0]
    if enrolment.status is Status.ELIGIBLE:
        store.announce_again(enrolment)
        return Gap.NOT_DRAWN
    return None


def _top_up(
    enrolment: Enrolment, store: ReconciliationStore, schedules: Schedules, now: datetime
) -> None:
    """Schedule the reminders of a long order that are now near enough."""
    if enrolment.status is not Status.ALLOCATED:
        return
    reminders = store.reminders(enrolment.enrolment_id)
    for each in to_be_scheduled(reminders, enrolment, now):
        if each.due_at > now + AHEAD:  # the hourly run schedules nearer ones
            schedules.ensure(each.enrolment_id, each.number, due_at=each.due_at, now=now)
            store.keep_scheduled(each)


def _schedule(found: ExistingSchedule, store: ReconciliationStore, schedules: Schedules) -> Look:
    if found.enrolment_id is None or found.number is None:
        return Gap.STRANGE_SCHEDULE, found.name
    facts = store.facts(found.enrolment_id, found.number)
    if facts and facts.reminder.state in _UNCLAIMED:
        return None
    return Gap.STRAY_SCHEDULE if schedules.remove_named(found.name) else None


def _stray(key: Key, store: ReconciliationStore, now: datetime) -> Look:
    stray = store.unreported_stray(key)
    if stray is None:
        return None
    store.keep_reported(stray, now=now)
    return Gap.STRAY_TEXT, stray.receipt.message_id
