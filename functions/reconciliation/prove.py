"""The nightly proof that nobody gets what they must not, control above all."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING
from uuid import UUID

from reconciliation.findings import Gap, GapFinding, finding
from reconciliation.gaps import AHEAD
from trial.ahead import to_be_scheduled
from trial.codes import Arm, ReminderState, Status

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
    Every live order of every trial, however old, then every schedule that exists, with its place.

    Whose order has run out can get no text, and whatever schedule is left of it is found among the
    schedules. So the work is that of the orders in force, however large the table grows. For those
    who are not in the intervention arm there is no reminder in any state, no record that a text was
    disclosed, and no schedule: sending writes the first two in the transaction before it publishes.
    For those who are in it, every reminder that is now near enough is given its schedule.

    Then every receipt for a text to a number of ours that no reminder was: the carrier's word on a
    text that the table denies, a day later, when every hour's look for the receipts of unsure texts
    is over. It says nothing of an arm, since numbers are shared and the account may text for
    others. Each is one finding, once.

    Safe to repeat, and to stop after any of them. They come in the order of their places, from
    orders to receipts, and only those after the place `after`.
    """
    orders = map(str, store.live(since=today))
    for place in _in_order(orders, after):
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
    # Schedules before the table: whoever has one by right was drawn before it was made.
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
    """Give what has come near its schedule: a long order's reminders do not all have one yet."""
    if enrolment.status is not Status.ALLOCATED:
        return
    reminders = store.reminders(enrolment.enrolment_id)
    for each in to_be_scheduled(reminders, enrolment, now):
        if each.due_at > now + AHEAD:  # nearer ones are every hour's business
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
