"""The business facts, told as metrics where they happen: bounded codes, no ids, no arms."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import TypeAlias

import pytest
from time_machine import Traveller

from tests.support.delivery_lines import bring, line
from tests.support.life import send_change, treated
from tests.support.samples import MORNING, order
from tests.support.steps import allocate, call, enrol, fire, post, schedule, someone_in
from tests.support.table import number_of, reminder_of
from trial.codes import Arm

Told: TypeAlias = dict[tuple[str, str], float]

pytestmark = pytest.mark.usefixtures("cloud")


@pytest.fixture
def told(capsys: pytest.CaptureFixture[str]) -> Callable[[], Told]:
    """What has been told since the last time, by name and code."""

    def read() -> Told:
        counted: Told = {}
        for printed in capsys.readouterr().out.splitlines():
            metric = json.loads(printed)
            for directive in metric.get("_aws", {}).get("CloudWatchMetrics", []):
                (dimensions,) = directive["Dimensions"]
                (name,) = (each["Name"] for each in directive["Metrics"])
                assert directive["Namespace"] == "DvpoReminders"
                assert metric.keys() == {"_aws", name, *dimensions}
                assert metric["service"] == "trial"
                codes = "".join(metric[code] for code in dimensions if code != "service")
                counted[name, codes] = counted.get((name, codes), 0) + metric[name][0]
        return counted

    return read


def test_an_order_is_accepted_once(told: Callable[[], Told]) -> None:
    post(order())
    assert told() == {("EnrolmentAccepted", ""): 1, ("EnrolmentEligible", ""): 1}
    post(order())
    assert told() == {}


def test_a_number_is_missing_and_found(told: Callable[[], Told]) -> None:
    ident = enrol(mobile={"missing_reason": "seized_evidence"})
    assert told() == {
        ("EnrolmentAccepted", ""): 1,
        ("EnrolmentWaiting", "no_number"): 1,
        ("NumberMissing", "seized_evidence"): 1,
    }
    for expected in ({("NumberFound", ""): 1, ("EnrolmentEligible", ""): 1}, {}):
        send_change(ident, "mobile", {"number": "+447700900123"})
        assert told() == expected
    send_change(ident, "mobile", {"missing_reason": "lost_stolen_broken"})
    assert told() == {
        ("NumberMissing", "lost_stolen_broken"): 1,
        ("EnrolmentWaiting", "no_number"): 1,
    }


def test_who_is_too_young_is_ineligible(told: Callable[[], Told]) -> None:
    enrol(respondent={"date_of_birth": "2010-01-01"})
    assert told() == {("EnrolmentAccepted", ""): 1, ("EnrolmentIneligible", "under_18"): 1}


def test_an_enrolment_is_drawn_once_whatever_its_arm(told: Callable[[], Told]) -> None:
    for serial in range(1, 5):
        ident = enrol(serial)
        told()
        for expected in ({("EnrolmentAllocated", ""): 1}, {}):
            allocate(ident)
            assert told() == expected


def test_who_became_too_late_before_the_draw_is_ineligible(
    told: Callable[[], Told], clock: Traveller
) -> None:
    ident = enrol()
    told()
    clock.shift(timedelta(days=12))
    allocate(ident)
    assert told() == {("EnrolmentIneligible", "too_late"): 1}


def test_a_timetable_is_scheduled_once_and_called_off_at_the_end(
    told: Callable[[], Told],
) -> None:
    ident = someone_in(Arm.INTERVENTION)
    told()
    schedule(ident)
    assert told() == {("ReminderScheduled", ""): 7}
    schedule(ident)
    assert told() == {}
    end = {"reason": "safety_stop", "at": MORNING.isoformat(), "by": "dv-unit-7"}
    send_change(ident, "end", end)
    assert told() == {("EnrolmentEnded", "safety_stop"): 1}
    send_change(ident, "end", end)
    assert told() == {}
    schedule(ident)
    assert told() == {("ReminderSuppressed", "ended"): 7}


def test_a_text_is_due_sent_and_delivered(
    told: Callable[[], Told], clock: Traveller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("USD_TO_GBP", "0.75")
    ident = treated()
    told()
    assert fire(ident, 1) == "not_due"
    assert told() == {}
    clock.move_to(reminder_of(ident, 1).due_at + timedelta(seconds=5))
    assert fire(ident, 1) == "sent"
    assert told() == {("ReminderDue", ""): 1, ("ReminderSent", ""): 1, ("SecondsLate", ""): 5}
    assert fire(ident, 1) == "nothing_to_do"
    assert told() == {}

    message_id = reminder_of(ident, 1).message_id or ""
    for expected in (
        {("ReminderDelivered", ""): 1, ("TextParts", ""): 1, ("TextPence", ""): 3.16},
        {},
    ):
        bring(line(message_id))
        assert told() == expected


def test_a_text_that_did_not_arrive_has_the_carriers_reason(
    told: Callable[[], Told], clock: Traveller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("USD_TO_GBP", "0.75")
    ident = someone_in(Arm.INTERVENTION)
    clock.move_to(reminder_of(ident, 1).due_at)
    fire(ident, 1)
    told()
    bring(line(reminder_of(ident, 1).message_id or "", words="Phone has blocked SMS"))
    counted = told()
    assert counted["ReminderUndelivered", "phone_blocks_texts"] == 1
    bring(line("somebody-elses", number=number_of(ident)))
    assert told()["StrayReceipt", ""] == 1
    bring(line("a-strangers"))
    assert told() == {}


def test_a_text_that_may_not_go_is_suppressed_with_its_reason(
    told: Callable[[], Told], clock: Traveller
) -> None:
    ident = someone_in(Arm.INTERVENTION)
    told()
    clock.move_to(reminder_of(ident, 1).due_at + timedelta(hours=7))
    assert fire(ident, 1) == "suppressed"
    assert told() == {("ReminderDue", ""): 1, ("ReminderSuppressed", "stale"): 1}


def test_a_pause_and_an_outcome_are_told(told: Callable[[], Told]) -> None:
    ident = enrol()
    told()
    for paused in (True, False):
        call("PUT", "/sending", {"paused": paused, "reason": "A drill", "by": "ops-1"})
        assert told() == {("SendingPaused", ""): paused}
    breach = {
        "outcome_id": "OC-1",
        "type": "breach",
        "instrument": "dvpo",
        "occurred_at": MORNING.isoformat(),
    }
    for expected in ({("OutcomeReported", "breach"): 1}, {}):
        send_change(ident, "outcomes", breach)
        assert told() == expected
