"""The effects of stream records besides a draw: schedules, and events for other systems."""

import json
from typing import Any
from uuid import UUID

import pytest
from botocore.exceptions import ReadTimeoutError
from time_machine import Traveller

from allocation.handler import lambda_handler
from tests.support.faults import counting, meddling, raising, refusal
from tests.support.life import CUSTODY, QUASHED, RELEASE, followed, report_change, shown
from tests.support.outward import is_taken, pattern_of_the_docs, schema_of_event
from tests.support.steps import (
    CONTEXT,
    allocate,
    announcement,
    enrol,
    failures,
    someone_in,
    stream,
)
from tests.support.table import change_enrolment, enrolment_of, everything
from trial.aws import clients
from trial.codes import Arm, Status

pytestmark = pytest.mark.usefixtures("cloud")


def history() -> list[dict[str, Any]]:
    """The stream's records of all histories, the oldest first."""
    items = everything()
    keys = [key for key in items if key.pk.startswith("history#")]
    keys.sort(key=lambda key: str(items[key]["at"]))
    return [announcement(key, sequence) for sequence, key in enumerate(keys, start=1)]


def announced() -> list[dict[str, Any]]:
    """Bring allocation every history entry; returns the events that it published."""
    with counting(clients.events(), "events.PutEvents") as calls:
        assert failures(lambda_handler(stream(*history()), CONTEXT)) == []
    return [each for call in calls for each in call["Entries"]]


def handed_over(ident: UUID) -> list[dict[str, Any]]:
    """Bring allocation an enrolment as it is now; returns its invocations of scheduling."""
    with counting(clients.background(), "lambda.Invoke") as calls:
        assert failures(allocate(ident)) == []
    return calls


# Schedules


@pytest.mark.parametrize("arm", Arm)
def test_an_allocated_enrolment_is_handed_over_to_scheduling_in_either_arm(arm: Arm) -> None:
    ident = someone_in(arm)
    (call,) = handed_over(ident)
    assert (call["FunctionName"], call["InvocationType"]) == ("scheduling", "Event")
    assert json.loads(call["Payload"]) == {"enrolment_id": str(ident)}


def test_an_end_is_handed_over_too() -> None:
    ident = followed(1)
    report_change(ident, "end", QUASHED)
    assert len(handed_over(ident)) == 1


def test_a_draw_itself_hands_nothing_over_because_its_record_does() -> None:
    assert handed_over(enrol()) == []


@pytest.mark.parametrize("status", [Status.WAITING, Status.INELIGIBLE])
def test_an_enrolment_in_another_status_leads_to_nothing(status: Status) -> None:
    ident = enrol()
    change_enrolment(ident, status=status)
    before = everything()
    assert handed_over(ident) == []
    assert everything() == before


@pytest.mark.parametrize(
    "error", [refusal("TooManyRequestsException", status=429), ReadTimeoutError(endpoint_url="x")]
)
def test_a_hand_over_that_lambda_refuses_is_retried_and_delays_no_other_record(
    error: Exception,
) -> None:
    first, second = followed(1), enrol(2)
    with meddling(clients.background(), "before-call.lambda.Invoke", raising(error)):
        assert failures(allocate(first, second)) == [f"{1:021}"]
    assert enrolment_of(second).status is Status.ALLOCATED
    assert len(handed_over(first)) == 1


# Other systems


def test_each_change_of_status_is_an_event_as_its_schema_says(clock: Traveller) -> None:
    ident = followed(1)
    for what, body in (("end", CUSTODY), ("resume", RELEASE)):
        clock.shift(1)
        report_change(ident, what, body)
    events = announced()
    for each in events:
        assert (each["Source"], each["DetailType"]) == ("dvpo-reminders", "EnrolmentStatusChanged")
        schema_of_event("enrolment-status-changed").validate(json.loads(each["Detail"]))
    details = [json.loads(each["Detail"]) for each in events]
    assert {each["enrolment_id"] for each in details} == {str(ident)}
    assert sorted(each["status"] for each in details) == [
        "allocated",
        "allocated",
        "eligible",
        "ended",
    ]
    history = {each["at"] for each in shown(ident)["history"]}
    assert {each["changed_at"].replace("+00:00", "Z") for each in details} <= history


def test_a_change_of_anything_but_the_status_is_not_announced() -> None:
    ident = followed(1)
    before = len(announced())
    report_change(ident, "mobile", {"number": "+447700900777"})
    shown(ident)
    assert len(announced()) == before


def test_an_event_that_the_bus_refuses_is_retried() -> None:
    followed(1)
    no = raising(refusal("ThrottlingException"))
    with meddling(clients.events(), "before-call.events.PutEvents", no):
        assert failures(lambda_handler(stream(*history()), CONTEXT)) == [f"{1:021}"]
    assert len(announced()) == 2


def test_the_documented_sample_rule_matches_allocated_enrolments() -> None:
    followed(1)
    pattern = pattern_of_the_docs("StatusRule")
    taken = [each["Detail"] for each in announced() if is_taken(pattern, each)]
    assert [json.loads(detail)["status"] for detail in taken] == ["allocated"]
