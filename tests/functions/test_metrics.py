"""Business metrics, emitted where events happen: bounded codes, no ids, no arms."""

from collections.abc import Callable
from datetime import timedelta
from typing import TypeAlias

import pytest
from time_machine import Traveller

from tests.support.delivery_lines import bring, line
from tests.support.gaps import turn
from tests.support.life import BREACH, QUASHED, send_change, treated
from tests.support.samples import order
from tests.support.steps import allocate, enrol, fire, post, schedule, someone_in
from tests.support.table import number_of, reminder_of
from trial.codes import Arm

Emitted: TypeAlias = Callable[[], dict[str, float]]

pytestmark = pytest.mark.usefixtures("cloud")


def test_an_accepted_order_is_counted_once(emitted: Emitted) -> None:
    post(order())
    assert emitted() == {"EnrolmentAccepted": 1, "EnrolmentEligible": 1}
    post(order())
    assert emitted() == {}


def test_a_missing_number_and_its_finding_are_counted(emitted: Emitted) -> None:
    ident = enrol(mobile={"missing_reason": "seized_evidence"})
    assert emitted() == {
        "EnrolmentAccepted": 1,
        "EnrolmentWaiting no_number": 1,
        "NumberMissing seized_evidence": 1,
    }
    for expected in ({"NumberFound": 1, "EnrolmentEligible": 1}, {}):
        send_change(ident, "mobile", {"number": "+447700900123"})
        assert emitted() == expected
    send_change(ident, "mobile", {"missing_reason": "lost_stolen_broken"})
    assert emitted() == {"NumberMissing lost_stolen_broken": 1, "EnrolmentWaiting no_number": 1}


def test_a_person_who_is_too_young_is_counted_as_ineligible(emitted: Emitted) -> None:
    enrol(respondent={"date_of_birth": "2010-01-01"})
    assert emitted() == {"EnrolmentAccepted": 1, "EnrolmentIneligible under_18": 1}


def test_a_draw_is_counted_once_whatever_its_arm(emitted: Emitted) -> None:
    for serial in range(1, 5):
        ident = enrol(serial)
        emitted()
        for expected in ({"EnrolmentAllocated": 1}, {}):
            allocate(ident)
            assert emitted() == expected


def test_an_order_too_late_for_the_draw_is_counted_as_ineligible(
    emitted: Emitted, clock: Traveller
) -> None:
    ident = enrol()
    emitted()
    clock.shift(timedelta(days=12))
    allocate(ident)
    assert emitted() == {"EnrolmentIneligible too_late": 1}


def test_schedules_are_counted_once_when_made_and_when_cancelled(emitted: Emitted) -> None:
    ident = someone_in(Arm.INTERVENTION)
    emitted()
    schedule(ident)
    assert emitted() == {"ReminderScheduled": 7}
    schedule(ident)
    assert emitted() == {}
    end = QUASHED | {"reason": "safety_stop"}
    send_change(ident, "end", end)
    assert emitted() == {"EnrolmentEnded safety_stop": 1}
    send_change(ident, "end", end)
    assert emitted() == {}
    schedule(ident)
    assert emitted() == {"ReminderSuppressed ended": 7}


def test_a_due_sent_and_delivered_text_is_counted(emitted: Emitted, clock: Traveller) -> None:
    ident = treated()
    emitted()
    assert fire(ident, 1) == "not_due"
    assert emitted() == {}
    clock.move_to(reminder_of(ident, 1).due_at + timedelta(seconds=5))
    assert fire(ident, 1) == "sent"
    assert emitted() == {"ReminderDue": 1, "ReminderSent": 1, "SecondsLate": 5}
    assert fire(ident, 1) == "nothing_to_do"
    assert emitted() == {}

    message_id = reminder_of(ident, 1).message_id or ""
    for expected in ({"ReminderDelivered": 1, "TextParts": 1, "TextPence": 3.16}, {}):
        bring(line(message_id))
        assert emitted() == expected


def test_an_undelivered_text_is_counted_by_the_carrier_s_reason(
    emitted: Emitted, clock: Traveller
) -> None:
    ident = someone_in(Arm.INTERVENTION)
    clock.move_to(reminder_of(ident, 1).due_at)
    fire(ident, 1)
    emitted()
    bring(line(reminder_of(ident, 1).message_id or "", words="Phone has blocked SMS"))
    assert emitted()["ReminderUndelivered phone_blocks_texts"] == 1
    bring(line("somebody-elses", number=number_of(ident)))
    assert emitted()["StrayReceipt"] == 1
    bring(line("a-strangers"))
    assert emitted() == {}


def test_a_suppressed_text_is_counted_by_its_reason(emitted: Emitted, clock: Traveller) -> None:
    ident = someone_in(Arm.INTERVENTION)
    emitted()
    clock.move_to(reminder_of(ident, 1).due_at + timedelta(hours=7))
    assert fire(ident, 1) == "suppressed"
    assert emitted() == {"ReminderDue": 1, "ReminderSuppressed stale": 1}


def test_a_pause_and_an_outcome_are_counted(emitted: Emitted) -> None:
    ident = enrol()
    emitted()
    for paused in (True, False):
        turn(paused=paused)
        assert emitted() == {"SendingPaused": paused}
    for expected in ({"OutcomeReported breach": 1}, {}):
        send_change(ident, "outcomes", BREACH)
        assert emitted() == expected
