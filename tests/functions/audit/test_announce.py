"""Changes of status, as other systems hear of them: which, of whom, and of what never."""

import json
from typing import Any

import pytest
from time_machine import Traveller

from audit.handler import lambda_handler
from tests.support.buckets import make_bucket
from tests.support.faults import counting, meddling, refusal
from tests.support.life import CUSTODY, RELEASE, followed, shown, told
from tests.support.outward import is_taken, pattern_of_the_docs, schema_of_event
from tests.support.steps import CONTEXT, announcement, stream
from tests.support.table import everything
from trial.aws import clients
from trial.errors import UnavailableError


@pytest.fixture(autouse=True)
def _bucket(cloud: dict[str, str]) -> None:
    make_bucket(cloud["AUDIT_BUCKET"])


def announced() -> list[dict[str, Any]]:
    """Let the stream bring the whole trail; the events that were published."""
    items = everything()
    keys = [key for key, item in items.items() if item["kind"] == "audit"]
    keys.sort(key=lambda key: str(items[key]["at"]))
    with counting(clients.events(), "events.PutEvents") as calls:
        answer = lambda_handler(stream(*map(announcement, keys, range(len(keys)))), CONTEXT)
    assert answer == {"batchItemFailures": []}
    return [each for call in calls for each in call["Entries"]]


def test_each_change_of_status_is_an_event_as_its_schema_says(clock: Traveller) -> None:
    ident = followed(1)
    for what, body in (("end", CUSTODY), ("resume", RELEASE)):
        clock.shift(1)
        told(ident, what, body)
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


def test_what_changes_no_status_is_no_event() -> None:
    ident = followed(1)
    before = len(announced())
    told(ident, "mobile", {"number": "+447700900777"})
    shown(ident)
    assert len(announced()) == before


def test_a_bus_that_takes_no_events_holds_up_no_link_and_hears_of_all_later() -> None:
    followed(1)
    error = refusal("ThrottlingException")

    def fail() -> None:
        raise error

    with (
        meddling(clients.events(), "before-call.events.PutEvents", fail),
        pytest.raises(UnavailableError),
    ):
        announced()
    assert clients.s3().list_objects_v2(Bucket="audit")["KeyCount"] == 1
    assert len(announced()) == 2
    assert clients.s3().list_objects_v2(Bucket="audit")["KeyCount"] == 1


def test_the_sample_rule_of_the_docs_takes_whoever_is_allocated() -> None:
    followed(1)
    pattern = pattern_of_the_docs("StatusRule")
    taken = [each["Detail"] for each in announced() if is_taken(pattern, each)]
    assert [json.loads(detail)["status"] for detail in taken] == ["allocated"]
