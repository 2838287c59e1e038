"""Scheduling by its handler: one schedule per planned reminder, whatever happens."""

import json
import re
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from io import StringIO
from typing import Any
from uuid import UUID

import pytest
from pydantic import ValidationError
from time_machine import Traveller

from scheduling.handler import lambda_handler as handler
from tests.support.faults import counting, meddling, raising, refusal
from tests.support.samples import LONDON, MORNING, sample
from tests.support.steps import (
    CONTEXT,
    enrol,
    fire,
    schedule,
    someone_in,
)
from tests.support.table import (
    change_enrolment,
    change_reminder,
    enrolment_of,
    everything,
    identifiers_of,
    number_of,
    reminder_of,
    reminders_of,
)
from trial.aws import clients
from trial.codes import Arm, ReminderState, Status, Suppression
from trial.errors import UnavailableError

pytestmark = pytest.mark.usefixtures("cloud")

CREATE = "before-call.scheduler.CreateSchedule"
MARK = "before-call.dynamodb.TransactWriteItems"


def schedules() -> dict[str, dict[str, Any]]:
    """Every schedule, by the number of its reminder."""
    client = clients.scheduler()
    names = [each["Name"] for each in client.list_schedules(GroupName="reminders")["Schedules"]]
    made = [dict(client.get_schedule(Name=name, GroupName="reminders")) for name in names]
    for each in made:
        del each["ResponseMetadata"]
    return {str(each["Name"]).rpartition("-")[2]: each for each in made}


def times() -> dict[str, str]:
    return {number: each["ScheduleExpression"] for number, each in schedules().items()}


def due_times(enrolment_id: UUID) -> dict[str, str]:
    """What the table would have, of the reminders that are open."""
    return {
        f"{each.number:02}": f"at({each.due_at:%Y-%m-%dT%H:%M:%S})"
        for each in reminders_of(enrolment_id)
        if each.state in (ReminderState.PLANNED, ReminderState.SCHEDULED)
    }


def states(enrolment_id: UUID) -> set[ReminderState]:
    return {reminder.state for reminder in reminders_of(enrolment_id)}


@pytest.fixture
def treated() -> UUID:
    return someone_in(Arm.INTERVENTION)


# One for each


def test_every_planned_reminder_gets_a_schedule_at_its_time(treated: UUID) -> None:
    schedule(treated)
    assert times() == due_times(treated)
    assert len(times()) == 7
    assert states(treated) == {ReminderState.SCHEDULED}


def test_a_schedule_fires_once_in_utc_and_then_deletes_itself(treated: UUID) -> None:
    schedule(treated)
    for made in schedules().values():
        assert re.fullmatch(r"at\(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\)", made["ScheduleExpression"])
        assert made["ScheduleExpressionTimezone"] == "UTC"
        assert made["ActionAfterCompletion"] == "DELETE"
        assert made["FlexibleTimeWindow"] == {"Mode": "OFF"}


@pytest.fixture
def spring_in_tokyo(clock: Traveller, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Days before the clocks go forward, on a machine that lives in another zone."""
    clock.move_to(datetime(2027, 3, 20, 9, 30, tzinfo=UTC))
    with monkeypatch.context() as patch:
        patch.setenv("TZ", "JST-9")
        time.tzset()
        yield
    time.tzset()


@pytest.mark.usefixtures("spring_in_tokyo")
def test_in_summer_a_schedule_fires_an_hour_earlier_in_utc() -> None:
    dates = {"made_on": "2027-03-20", "expires_on": "2027-04-16", "served_on": "2027-03-20"}
    ident = someone_in(Arm.INTERVENTION, order=dates)
    schedule(ident)
    assert times() == due_times(ident)
    local = [
        datetime.fromisoformat(at[3:-1]).replace(tzinfo=UTC).astimezone(LONDON)
        for at in times().values()
    ]
    assert {at.utcoffset() for at in local} == {timedelta(0), timedelta(hours=1)}
    assert all(9 <= at.hour < 20 for at in local)


def test_a_schedule_carries_ids_and_nothing_else(treated: UUID) -> None:
    schedule(treated)
    for number, made in schedules().items():
        firing = json.loads(made["Target"]["Input"])
        assert firing == {"enrolment_id": str(treated), "number": int(number)}
        assert made["Name"] == f"dvpo-{treated.hex}-{number}"
        assert re.fullmatch(r"[0-9a-zA-Z-_.]{1,64}", made["Name"])
    person = enrolment_of(treated)
    told = json.dumps(schedules(), default=str)
    who = identifiers_of(treated).values()
    for personal in (number_of(treated), *who, person.order.reference):
        assert personal
        assert personal not in told


def test_a_schedule_s_input_matches_sending_s_sample_event(treated: UUID) -> None:
    schedule(treated)
    firing = json.loads(schedules()["01"]["Target"]["Input"])
    assert {name: type(value) for name, value in firing.items()} == {
        name: type(value) for name, value in sample("schedule-fired").items()
    }


def test_a_firing_that_cannot_be_delivered_goes_to_the_failure_queue(
    treated: UUID, cloud: dict[str, str]
) -> None:
    schedule(treated)
    target = schedules()["01"]["Target"]
    assert target["Arn"] == cloud["SCHEDULE_TARGET_ARN"]
    assert target["RoleArn"] == cloud["SCHEDULE_ROLE_ARN"]
    assert target["DeadLetterConfig"] == {"Arn": cloud["SCHEDULE_DEAD_LETTER_ARN"]}
    assert target["RetryPolicy"]["MaximumEventAgeInSeconds"] <= 6 * 3600


def test_an_enrolment_that_is_not_allocated_gets_no_schedule() -> None:
    schedule(enrol())
    assert schedules() == {}


def test_a_reminder_missed_by_a_late_start_gets_no_schedule(clock: Traveller) -> None:
    clock.move_to(MORNING + timedelta(days=6))
    ident = someone_in(Arm.INTERVENTION)
    schedule(ident)
    missed = {
        f"{each.number:02}"
        for each in reminders_of(ident)
        if each.reason == Suppression.MISSED_LATE_START
    }
    assert missed
    assert missed.isdisjoint(times())
    assert times() == due_times(ident)


# Again, and after a crash


def test_a_redelivery_changes_nothing(treated: UUID) -> None:
    schedule(treated)
    before = schedules(), everything()
    with counting(clients.scheduler(), "scheduler.CreateSchedule") as made:
        schedule(treated)
    assert (schedules(), everything()) == before
    assert made == []


@pytest.mark.parametrize("survived", [0, 3, 6])
def test_a_crash_between_schedules_is_repaired_by_a_repeat(treated: UUID, survived: int) -> None:
    calls = iter(range(7))

    def crash() -> None:
        if next(calls) == survived:
            raise MemoryError

    with (
        meddling(clients.scheduler(), CREATE, crash, times=survived + 1),
        pytest.raises(MemoryError),
    ):
        schedule(treated)
    assert len(times()) == survived
    assert states(treated) == {ReminderState.PLANNED}
    schedule(treated)
    assert times() == due_times(treated)
    assert states(treated) == {ReminderState.SCHEDULED}


@pytest.mark.parametrize("when", ["before-call", "after-call"])
def test_a_crash_around_noting_schedules_is_repaired_by_a_repeat(treated: UUID, when: str) -> None:
    moment = f"{when}.dynamodb.TransactWriteItems"
    with meddling(clients.dynamodb(), moment, raising(MemoryError())), pytest.raises(MemoryError):
        schedule(treated)
    made = schedules()
    schedule(treated)
    assert schedules() == made
    assert times() == due_times(treated)
    assert states(treated) == {ReminderState.SCHEDULED}


def test_a_schedule_that_fired_before_it_was_noted_is_not_made_twice(
    treated: UUID, clock: Traveller
) -> None:
    with meddling(clients.dynamodb(), MARK, raising(MemoryError())), pytest.raises(MemoryError):
        schedule(treated)
    clock.move_to(reminder_of(treated, 1).due_at)
    assert fire(treated, 1) == "sent"
    clients.scheduler().delete_schedule(Name=f"dvpo-{treated.hex}-01", GroupName="reminders")
    schedule(treated)
    assert "01" not in times()
    assert reminder_of(treated, 1).state is ReminderState.SENT


def test_a_reminder_claimed_in_the_same_moment_stays_claimed(
    treated: UUID, clock: Traveller
) -> None:
    clock.move_to(reminder_of(treated, 1).due_at)
    with meddling(clients.dynamodb(), MARK, lambda: fire(treated, 1)):
        schedule(treated)  # which reads again at once
    assert reminder_of(treated, 1).state is ReminderState.SENT
    assert reminder_of(treated, 2).state is ReminderState.SCHEDULED


@pytest.mark.parametrize("code", ["ThrottlingException", "InternalServerException"])
def test_nothing_counts_as_scheduled_if_the_scheduler_throttles(treated: UUID, code: str) -> None:
    with (
        meddling(clients.scheduler(), CREATE, raising(refusal(code))),
        pytest.raises(UnavailableError),
    ):
        schedule(treated)
    assert states(treated) == {ReminderState.PLANNED}
    schedule(treated)
    assert times() == due_times(treated)


@pytest.mark.parametrize(
    "event", [{}, {"enrolment_id": "+447700900123"}, {"enrolment_id": str(UUID(int=1)), "more": 1}]
)
def test_an_invalid_event_is_refused_and_not_repeated_in_the_error(event: dict[str, Any]) -> None:
    with pytest.raises(ValidationError) as refused:
        handler(event, CONTEXT)
    assert "7700" not in str(refused.value)


# Moved


@pytest.mark.parametrize("days", [-1, 1])
def test_a_schedule_moves_with_its_reminder(treated: UUID, days: int) -> None:
    schedule(treated)
    moved = reminder_of(treated, 4).due_at + timedelta(days=days)
    change_reminder(treated, 4, due_at=moved, state=ReminderState.PLANNED)
    schedule(treated)
    assert times() == due_times(treated)
    assert times()["04"] == f"at({moved:%Y-%m-%dT%H:%M:%S})"
    assert len(times()) == 7


@pytest.mark.parametrize("late", [timedelta(0), timedelta(seconds=-29), timedelta(hours=1)])
def test_an_overdue_reminder_is_scheduled_within_a_minute(
    treated: UUID, late: timedelta, clock: Traveller
) -> None:
    now = reminder_of(treated, 1).due_at + late
    clock.move_to(now)
    schedule(treated)
    assert times()["01"] == f"at({now + timedelta(minutes=1):%Y-%m-%dT%H:%M:%S})"


def test_a_reminder_moved_from_a_later_day_to_now_goes_within_a_minute(treated: UUID) -> None:
    schedule(treated)
    change_reminder(treated, 4, due_at=MORNING, state=ReminderState.PLANNED)
    schedule(treated)
    assert times()["04"] == "at(2026-12-01T09:31:00)"


def test_a_repeat_does_not_postpone_a_due_reminder(treated: UUID, clock: Traveller) -> None:
    clock.move_to(reminder_of(treated, 1).due_at)
    with meddling(clients.dynamodb(), MARK, raising(MemoryError())), pytest.raises(MemoryError):
        schedule(treated)
    first = times()
    clock.shift(timedelta(seconds=20))
    schedule(treated)
    assert times() == first


# What is stored decides


def test_an_enrolment_that_ended_after_the_hand_over_gets_no_schedule(treated: UUID) -> None:
    change_enrolment(treated, status=Status.ENDED)
    schedule(treated)
    assert schedules() == {}


def test_scheduling_logs_nothing_personal(treated: UUID, log: StringIO) -> None:
    schedule(treated)
    told = log.getvalue()
    assert str(treated) in told
    for personal in ("7700900", "2003/", "1990-05-01"):
        assert personal not in told
