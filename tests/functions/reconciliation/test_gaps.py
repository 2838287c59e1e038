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
def test_what_is_fresh_may_still_go_once_a_pause_is_over(switch: Switch | None) -> None:
    assert verdict(DUE + FRESH, switch) is None


def test_what_nobody_sent_in_time_is_stale() -> None:
    assert verdict(DUE + FRESH + A_SECOND) is Suppression.STALE


@pytest.mark.parametrize("status", [each for each in Status if each is not Status.ALLOCATED])
@pytest.mark.parametrize("late", [-FRESH, FRESH + A_SECOND])
def test_nothing_goes_once_an_enrolment_has_ended(status: Status, late: timedelta) -> None:
    switch = switched(DUE, paused=True)
    assert verdict(DUE + late, switch, status=status) is Suppression.ENDED


def test_nothing_goes_after_the_last_day_however_fresh() -> None:
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
def test_what_a_pause_kept_back_is_told_from_what_was_lost(
    switch: Switch, reason: Suppression
) -> None:
    assert verdict(DUE + FRESH + A_SECOND, switch) is reason


def test_a_pause_explains_what_expired_in_it() -> None:
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
def test_sending_is_left_alone_around_the_time_due(late: timedelta, *, theirs: bool) -> None:
    assert is_in_progress(REMINDER, ALLOCATED, DUE + late) is theirs


@pytest.mark.parametrize(
    ("state", "since", "theirs"),
    [
        (ReminderState.PLANNED, timedelta(minutes=10) - A_SECOND, True),
        (ReminderState.PLANNED, timedelta(minutes=10), False),
        (ReminderState.SCHEDULED, timedelta(minutes=1), False),
    ],
)
def test_scheduling_is_left_alone_just_after_allocation(
    state: ReminderState, since: timedelta, *, theirs: bool
) -> None:
    now = DUE - timedelta(hours=1)
    enrolment = ALLOCATED.model_copy(update={"allocated_at": now - since})
    reminder = REMINDER.model_copy(update={"state": state})
    assert is_in_progress(reminder, enrolment, now) is theirs


def test_what_cannot_be_read_is_a_finding_and_tells_nothing_of_what_it_holds() -> None:
    def look() -> None:
        Reminder.of(REMINDER.item() | {"state": "+447700900123"})

    found = finding(REMINDER.enrolment_id, 1, look)
    assert found.gap is Gap.NOT_RECONCILED
    assert found.reason == "a stored item cannot be read: 1 faults"
