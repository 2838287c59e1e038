"""The daily digest and the events of overdue follow-ups: recipients and content."""

import json
from datetime import timedelta
from typing import Any

import pytest
from time_machine import Traveller

from digest.digest import MOST, by_superintendent
from digest.handler import lambda_handler as digest
from tests.support.faults import counting, meddling, raising, refusal
from tests.support.life import audit_of, report_change
from tests.support.outward import is_taken, pattern_of_the_docs, schema_of_event
from tests.support.people import ENROLMENT, MADE_ON, SERVED
from tests.support.samples import MORNING
from tests.support.steps import CONTEXT, enrol, someone_in
from trial.aws import clients
from trial.codes import Arm, Status
from trial.errors import UnavailableError
from trial.records.enrolment import Missing
from trial.records.waiting import Waiting

pytestmark = pytest.mark.usefixtures("cloud")


def morning() -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """A run of the digest: the messages that it published, and its events."""
    with (
        counting(clients.sns(), "sns.Publish") as messages,
        counting(clients.events(), "events.PutEvents") as batches,
    ):
        digest({}, CONTEXT)
    return messages, [event for batch in batches for event in batch["Entries"]]


def missing(on: str | None = None, **more: str) -> dict[str, str]:
    given = {"missing_reason": "seized_evidence", "recorded_by": "DC O'Neil"} | more
    return given | ({"follow_up_on": on} if on else {})


def test_a_digest_lists_references_reasons_and_days_left(clock: Traveller) -> None:
    enrol(1, mobile=missing("2026-12-02"))
    enrol(2, order={"served_on": None})
    clock.shift(timedelta(days=3))
    (message,), _ = morning()
    assert message["Subject"] == "2 orders wait, 1 overdue"
    assert message["Message"].splitlines() == [
        "Orders that you authorised and that wait for somebody to act:",
        "",
        (
            "DVPO-2026-000001: no number (seized evidence); ask again on 2 December 2026, "
            "2 days late; 9 days left"
        ),
        "DVPO-2026-000002: not served; 9 days left",
    ]


def test_a_digest_names_no_number_no_person_and_no_arm() -> None:
    for first, arm in ((1, Arm.CONTROL), (100, Arm.INTERVENTION)):
        ident = someone_in(arm, first=first)
        report_change(ident, "mobile", missing("2026-12-04", follow_up_by="PC Jones"))
    text = str(morning()[0])
    assert text.count("DVPO-2026-") == 2
    for never in ("7700900", "O'Neil", "Jones", "2003/", *Arm):
        assert never not in text


def test_a_filter_gives_each_superintendent_their_own_digest() -> None:
    for serial, whose in ((1, "Supt B"), (2, "Supt A"), (3, "Supt B")):
        enrol(serial, mobile=missing(), order={"authorising_superintendent": whose})
    messages, _ = morning()
    to = [each["MessageAttributes"]["superintendent"]["StringValue"] for each in messages]
    heard = dict(zip(to, [each["Message"] for each in messages], strict=True))
    assert heard.keys() == {"Supt A", "Supt B"}
    assert ("000002" in heard["Supt A"], heard["Supt A"].count("DVPO")) == (True, 1)
    assert heard["Supt B"].count("DVPO") == 2
    assert {each["MessageAttributes"]["force"]["StringValue"] for each in messages} == {"durham"}


def test_no_digest_is_sent_if_nobody_waits_or_can_still_be_helped(clock: Traveller) -> None:
    enrol(1, mobile=missing("2026-12-02"))
    clock.shift(timedelta(days=12))
    assert morning() == ([], [])


def test_each_order_that_a_digest_names_has_an_entry_of_its_disclosure() -> None:
    ident = enrol(1, mobile=missing())
    morning()
    trail = audit_of(ident)
    assert ("digest disclosed", "digest") in [(each["what"], each["by"]) for each in trail]


def test_an_overdue_follow_up_is_an_event_as_its_schema_says(clock: Traveller) -> None:
    late = enrol(1, mobile=missing("2026-12-02", follow_up_by="PC 7"))
    enrol(2, mobile=missing("2026-12-09"))
    clock.shift(timedelta(days=3))
    _, (event,) = morning()
    assert (event["Source"], event["DetailType"]) == ("dvpo-reminders", "FollowUpOverdue")
    detail = json.loads(event["Detail"])
    schema_of_event("follow-up-overdue").validate(detail)
    assert detail == {
        "enrolment_id": str(late),
        "reference": "DVPO-2026-000001",
        "force": "durham",
        "superintendent": "S-0417",
        "reason": "seized_evidence",
        "follow_up_on": "2026-12-02",
        "follow_up_by": "PC 7",
        "last_chance_on": "2026-12-12",
    }


def test_eleven_overdue_follow_ups_are_eleven_events(clock: Traveller) -> None:
    for serial in range(1, 12):
        enrol(serial, mobile=missing("2026-12-02"))
    clock.shift(timedelta(days=3))
    assert len({event["Detail"] for event in morning()[1]}) == 11


@pytest.mark.parametrize("call_of", ["sns.Publish", "events.PutEvents"])
def test_a_refused_digest_or_event_fails_the_run(call_of: str, clock: Traveller) -> None:
    enrol(1, mobile=missing("2026-12-02"))
    clock.shift(timedelta(days=3))
    client: Any = clients.sns() if call_of.startswith("sns") else clients.events()
    fault = raising(refusal("AuthorizationError", status=403))
    with meddling(client, f"before-call.{call_of}", fault), pytest.raises(UnavailableError):
        digest({}, CONTEXT)
    assert [len(each) for each in morning()] == [1, 1]


def test_a_flood_of_waiting_orders_makes_one_digest_of_a_bounded_length() -> None:
    waiting = Waiting(
        enrolment_id=ENROLMENT.enrolment_id,
        status=Status.WAITING,
        waits_for=("no_number",),
        order=SERVED,
        missing=(Missing(reason="refused", recorded_at=MORNING),),
        enrolled_at=MORNING,
        place="9999",
    )
    (only,) = by_superintendent([waiting] * (MOST + 5), MADE_ON, 3)
    assert len(only.named) == MOST
    assert only.text.endswith("And 5 more: see the worklist.")
    endless = waiting.model_copy(update={"order": SERVED.model_copy(update={"expires_on": None})})
    (only,) = by_superintendent([endless], MADE_ON, 3)
    assert only.text.endswith("the order has no end")


def test_the_documented_sample_rule_matches_this_event_and_no_other(clock: Traveller) -> None:
    pattern = pattern_of_the_docs("OverdueRule")
    for serial, whose in ((1, "S-0417"), (2, "S-9")):
        order = {"authorising_superintendent": whose}
        enrol(serial, mobile=missing("2026-12-02"), order=order)
    clock.shift(timedelta(days=3))
    assert sorted(is_taken(pattern, each) for each in morning()[1]) == [False, True]
