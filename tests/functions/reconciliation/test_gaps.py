from datetime import date, datetime, timedelta
from typing import Any

import pytest

from reconciliation.findings import Gap, finding
from reconciliation.gaps import is_in_progress, why_never
from tests.support.fixture_protocol import AGREED
from tests.support.people import ENROLMENT, REMINDER, SERVED
from trial.codes import ReminderState, Status, Suppression
from trial.records.reminder import Reminder
from trial.records.switch import Switch

DUE = REMINDER.due_at
FRESH = timedelta(hours=AGREED.freshness_hours)
A_SECOND = timedelta(seconds=1)

THREE_DAYS_BEFORE = DUE - timedelta(days=3)
ALLOCATED = ENROLMENT.model_copy(
    update=dict.fromkeys(("enrolled_at", "allocated_at"), THREE_DAYS_BEFORE)
    | {"status": Status.ALLOCATED}
)


EXPIRED = SERVED.model_copy(update={"expires_on": date(2026, 12, 3)})


def switched(at: datetime, *, paused: bool) -> Switch:
    return Switch(paused=paused, reason="a test", by="S-0417", at=at)


def verdict(now: datetime, switch: Switch | None = None, **enrolment: Any) -> Suppression | None:
    changed = ALLOCATED.model_copy(update=enrolment)
    return why_never(REMINDER, changed, switch=switch, protocol=AGREED, now=now)


@pytest.mark.parametrize("switch", [None, switched(DUE, paused=True)], ids=["on", "paused"])
def test_a_fresh_reminder_may_still_go_after_a_pause(switch: Switch | None) -> None:
    assert verdict(DUE + FRESH, switch) is None


def test_a_reminder_not_sent_in_time_is_stale() -> None:
    assert verdict(DUE + FRESH + A_SECOND) is Suppression.STALE


@pytest.mark.parametrize("status", [each for each in Status if each is not Status.ALLOCATED])
@pytest.mark.parametrize("late", [-FRESH, FRESH + A_SECOND])
def test_nothing_goes_once_an_enrolment_has_ended(status: Status, late: timedelta) -> None:
    switch = switched(DUE, paused=True)
    assert verdict(DUE + late, switch, status=status) is Suppression.ENDED


def test_nothing_goes_after_the_last_day_even_if_it_is_fresh() -> None:
    assert verdict(DUE + A_SECOND, order=EXPIRED) is Suppression.EXPIRED


@pytest.mark.parametrize(
    ("switch", "reason"),
    [
        (switched(DUE - A_SECOND, paused=True), Suppression.PAUSED),
        (switched(DUE + A_SECOND, paused=True), Suppression.PAUSED),
        (switched(DUE + FRESH, paused=False), Suppression.PAUSED),
        (switched(DUE - A_SECOND, paused=False), Suppression.STALE),
    ],
    ids=["paused before", "paused since", "resumed since", "resumed before"],
)
def test_reminders_that_a_pause_held_back_are_distinguished_from_lost_ones(
    switch: Switch, reason: Suppression
) -> None:
    assert verdict(DUE + FRESH + A_SECOND, switch) is reason


def test_a_pause_explains_reminders_that_expired_during_it() -> None:
    assert verdict(DUE, switched(DUE, paused=True), order=EXPIRED) is Suppression.PAUSED


@pytest.mark.parametrize(
    ("late", "theirs"),
    [
        (timedelta(minutes=-1), False),
        (timedelta(seconds=-59), True),
        (timedelta(minutes=10) - A_SECOND, True),
        (timedelta(minutes=10), False),
    ],
)
def test_sending_is_given_time_around_the_due_time(late: timedelta, *, theirs: bool) -> None:
    assert is_in_progress(REMINDER, ALLOCATED, DUE + late) is theirs


@pytest.mark.parametrize(
    ("state", "since", "theirs"),
    [
        (ReminderState.PLANNED, timedelta(minutes=10) - A_SECOND, True),
        (ReminderState.PLANNED, timedelta(minutes=10), False),
        (ReminderState.SCHEDULED, timedelta(minutes=1), False),
    ],
)
def test_scheduling_is_given_time_after_the_allocation(
    state: ReminderState, since: timedelta, *, theirs: bool
) -> None:
    now = DUE - timedelta(hours=1)
    enrolment = ALLOCATED.model_copy(update={"allocated_at": now - since})
    reminder = REMINDER.model_copy(update={"state": state})
    assert is_in_progress(reminder, enrolment, now) is theirs


def test_an_unreadable_item_is_a_finding_that_reveals_nothing_of_it() -> None:
    def look() -> None:
        Reminder.of(REMINDER.item() | {"state": "+447700900123"})

    found = finding(REMINDER.enrolment_id, 1, look)
    assert found.gap is Gap.NOT_RECONCILED
    assert found.reason == "a stored item cannot be read: 1 faults"
