"""Ends, custody and release; and what an end means for the person's next order."""

from datetime import timedelta
from uuid import UUID

import pytest
from time_machine import Traveller

from tests.support.faults import before_write
from tests.support.life import (
    CUSTODY,
    QUASHED,
    RELEASE,
    audit_of,
    corrected,
    follow,
    followed,
    report_change,
    schedules_of,
    send_change,
    stands,
    treated,
)
from tests.support.samples import LATER, MORNING
from tests.support.steps import call, enrol, fire, texts
from tests.support.table import (
    allocation_of,
    enrolment_of,
    held,
    reminder_of,
    reminders_of,
    unchanged,
)
from trial.codes import EndReason, ReminderState, Suppression

pytestmark = pytest.mark.usefixtures("cloud")

ENDS = [reason for reason in EndReason if reason is not EndReason.DISCHARGED]
"""Those of every order: one of the type that the fixture has is never discharged."""

FOR_GOOD = [reason for reason in ENDS if reason is not EndReason.IN_CUSTODY]
SOMEBODY = {"person_id": "2003/0000777P"}
LACKING = {"missing_reason": "seized_evidence", "recorded_by": "PC-1182"}
OUT = ("ineligible", ["already_in_trial"])


def at(hour: int, minute: int = 0, day: int = 1) -> str:
    return f"2026-12-{day:02}T{hour:02}:{minute:02}:00Z"


# Ends


@pytest.mark.parametrize("reason", ENDS)
def test_an_end_cancels_every_remaining_reminder(reason: EndReason) -> None:
    ident = treated()
    assert len(schedules_of(ident)) == 7
    answer = report_change(ident, "end", QUASHED | {"reason": reason})
    assert (answer.body["status"], answer.body["reasons"]) == ("ended", [])
    assert {each.reason for each in reminders_of(ident)} == {Suppression.ENDED}
    assert schedules_of(ident) == {}
    assert f"ended_{reason}" in [each["what"] for each in audit_of(ident)]


@pytest.mark.parametrize("reason", ENDS)
def test_an_enrolment_that_ends_before_its_draw_is_never_drawn(reason: EndReason) -> None:
    ident = enrol()
    answer = report_change(ident, "end", QUASHED | {"reason": reason})
    why = "in_custody" if reason is EndReason.IN_CUSTODY else "order_ended"
    assert (answer.body["status"], answer.body["reasons"]) == ("ended", [why])
    assert enrolment_of(ident).allocated_at is None


@pytest.fixture
def due(clock: Traveller) -> UUID:
    """Somebody whose first reminder is due."""
    ident = treated()
    clock.move_to(reminder_of(ident, 1).due_at)
    return ident


def test_no_text_goes_after_an_end_was_answered_even_if_its_schedule_fires(due: UUID) -> None:
    assert send_change(due, "end", QUASHED).status == 200  # and nobody has heard of it yet
    assert fire(due, 1) == "suppressed"
    assert texts() == []
    assert reminder_of(due, 1).reason == Suppression.ENDED


def test_an_end_that_comes_just_before_a_claim_stops_the_text(due: UUID) -> None:
    with before_write(lambda: send_change(due, "end", QUASHED)):
        assert fire(due, 1) == "suppressed"
    assert texts() == []


def test_a_text_sent_before_the_end_stays_sent(due: UUID) -> None:
    assert fire(due, 1) == "sent"
    report_change(due, "end", QUASHED)
    first, *others = reminders_of(due)
    assert first.state is ReminderState.SENT
    assert {each.reason for each in others} == {Suppression.ENDED}


def test_of_several_final_ends_the_first_to_happen_counts() -> None:
    ident = enrol()
    for reason, minute in (("deceased", 5), ("quashed", 2), ("safety_stop", 9)):
        report_change(ident, "end", QUASHED | {"reason": reason, "at": at(9, minute)})
    ended = call("GET", "/reports/flow").body["ended"]
    assert [reason for reason, number in ended.items() if number] == ["quashed"]


# Custody and release


def test_a_release_plans_later_reminders_and_missed_ones_stay_missed(clock: Traveller) -> None:
    ident = treated()
    before, fires = reminders_of(ident), schedules_of(ident)
    report_change(ident, "end", CUSTODY)
    assert schedules_of(ident) == {}

    clock.move_to(before[2].due_at)  # in custody on days 0, 2 and 4
    report_change(ident, "resume", RELEASE | {"at": at(9, day=4)})
    after = reminders_of(ident)
    assert [each.reason for each in after[:3]] == [Suppression.ENDED] * 3
    assert after[3:] == before[3:]
    assert schedules_of(ident) == {number: fires[number] for number in (4, 5, 6, 7)}

    clock.move_to(before[3].due_at)
    assert fire(ident, 4) == "sent"
    assert fire(ident, 3) == "nothing_to_do"


def test_release_without_custody_is_refused() -> None:
    ident = followed()
    with unchanged(held):
        for body in (RELEASE, RELEASE | {"reason": "in_custody"}):
            answer = send_change(ident, "resume", body)
            assert answer.status == 409
            assert answer.body["detail"] == "it cannot be resumed: no custody is known at that time"


def test_release_before_any_known_custody_is_refused() -> None:
    ident = followed()
    report_change(ident, "end", CUSTODY | {"at": at(9, 10)})
    assert send_change(ident, "resume", RELEASE | {"at": at(9, 9)}).status == 409
    report_change(ident, "resume", RELEASE | {"at": at(9, 10)})
    assert stands(ident) == ("allocated", [])


def test_a_custody_reported_again_after_the_release_changes_nothing() -> None:
    ident = treated()
    report_change(ident, "end", CUSTODY)
    report_change(ident, "resume", RELEASE)
    with unchanged(held):
        for again in (CUSTODY, CUSTODY | {"by": "PC-9"}):
            assert report_change(ident, "end", again).body["status"] == "allocated"


def test_custody_and_release_may_alternate(clock: Traveller) -> None:
    ident = treated()
    for day in (2, 5, 8):
        clock.move_to(MORNING + timedelta(days=day))
        report_change(ident, "end", CUSTODY | {"at": at(9, day=day)})
        assert stands(ident) == ("ended", [])
        report_change(ident, "resume", RELEASE | {"at": at(9, 1, day=day)})
        assert stands(ident) == ("allocated", [])
        to_come = {each.number for each in reminders_of(ident) if each.reason is None}
        assert set(schedules_of(ident)) == to_come


def test_a_final_end_during_custody_is_final() -> None:
    ident = followed()
    report_change(ident, "end", CUSTODY)
    report_change(ident, "end", QUASHED)
    assert send_change(ident, "resume", RELEASE).status == 409
    assert stands(ident) == ("ended", [])


def test_a_person_released_before_the_draw_is_drawn_once() -> None:
    ident = enrol()
    report_change(ident, "end", CUSTODY)
    assert stands(ident) == ("ended", ["in_custody"])
    assert send_change(ident, "resume", RELEASE).body["status"] == "eligible"
    for _ in range(2):
        follow(ident)
    assert stands(ident) == ("allocated", [])
    assert [each["what"] for each in audit_of(ident)].count("allocated") == 1


def test_a_person_released_too_late_is_not_drawn(clock: Traveller) -> None:
    ident = enrol()
    report_change(ident, "end", CUSTODY)
    clock.move_to(MORNING + timedelta(days=12))
    report_change(ident, "resume", RELEASE)
    assert stands(ident) == ("ineligible", ["too_late"])


# The next order of the same person


def test_during_custody_the_order_stays_live_and_the_person_in_the_trial() -> None:
    first = followed(1, respondent=SOMEBODY)
    report_change(first, "end", CUSTODY)
    assert stands(followed(2, respondent=SOMEBODY)) == OUT


def test_a_waiting_order_does_not_exclude_another_of_the_same_person() -> None:
    first = enrol(1, respondent=SOMEBODY, mobile=LACKING)
    second = followed(2, respondent=SOMEBODY)
    assert stands(second) == ("allocated", [])
    report_change(first, "mobile", {"number": "+447700900001"})
    assert stands(first) == OUT


def test_of_two_eligible_orders_the_first_posted_is_drawn() -> None:
    first = enrol(1, respondent=SOMEBODY, mobile=LACKING)
    second = enrol(2, respondent=SOMEBODY)
    assert stands(second) == ("eligible", [])
    report_change(first, "mobile", {"number": "+447700900001"})
    assert stands(first) == ("allocated", [])
    assert stands(second) == OUT
    report_change(second, "order", corrected(2, court="Durham Magistrates' Court"))
    assert stands(second) == OUT


@pytest.mark.parametrize("reason", FOR_GOOD)
def test_an_order_that_ends_before_the_draw_makes_room_for_the_next(reason: EndReason) -> None:
    first, second = enrol(1, respondent=SOMEBODY), enrol(2, respondent=SOMEBODY)
    assert stands(second) == OUT
    report_change(first, "end", QUASHED | {"reason": reason})
    assert stands(second) == ("eligible", [])
    assert audit_of(second)[-1]["what"] == "place_freed"
    follow(second)
    assert not allocation_of(second).repeat


def test_an_order_that_ends_after_the_draw_makes_room_for_a_repeat() -> None:
    first, second = followed(1, respondent=SOMEBODY), enrol(2, respondent=SOMEBODY)
    report_change(first, "end", QUASHED | {"reason": "recorded_in_error"})
    follow(second)
    assert allocation_of(second).repeat
    report_change(second, "order", corrected(2, court="Durham Magistrates' Court"))
    assert stands(second) == ("allocated", [])


def test_custody_before_the_draw_frees_the_place_and_a_return_takes_it_back() -> None:
    first, second = enrol(1, respondent=SOMEBODY), enrol(2, respondent=SOMEBODY)
    send_change(first, "end", CUSTODY)
    assert stands(second) == ("eligible", [])
    send_change(first, "resume", RELEASE)
    assert stands(first) == ("eligible", [])
    assert stands(second) == OUT


@pytest.mark.parametrize("reason", FOR_GOOD)
def test_after_an_early_end_the_next_order_is_a_repeat_in_the_same_arm(
    reason: EndReason, clock: Traveller
) -> None:
    first = followed(1, respondent=SOMEBODY)
    clock.move_to(MORNING + timedelta(days=3))
    report_change(first, "end", QUASHED | {"reason": reason, "at": at(9, day=4)})
    later = {"made_on": "2026-12-04", "expires_on": "2026-12-31", "served_on": "2026-12-04"}
    allocation = allocation_of(followed(2, order=later, respondent=SOMEBODY))
    assert (allocation.repeat, allocation.arm) == (True, allocation_of(first).arm)
    assert (allocation.block, allocation.position) == (None, None)


def test_after_expiry_the_next_order_is_a_repeat(clock: Traveller) -> None:
    first = followed(1, respondent=SOMEBODY)
    clock.move_to(MORNING + timedelta(days=14))
    second = allocation_of(followed(2, order=LATER, respondent=SOMEBODY))
    assert (second.repeat, second.arm) == (True, allocation_of(first).arm)


def test_an_order_recorded_in_error_keeps_its_allocation_and_its_slot() -> None:
    first = followed(1)
    before = allocation_of(first)
    report_change(first, "end", QUASHED | {"reason": "recorded_in_error"})
    assert allocation_of(first) == before
    assert stands(first) == ("ended", [])
    second = allocation_of(followed(2))
    assert (before.block, before.position) == (0, 0)
    assert (second.block, second.position) in [(0, 1), (1, 0)]


def test_corrected_dates_also_decide_about_the_next_order(clock: Traveller) -> None:
    first = enrol(1, order={"served_on": None}, respondent=SOMEBODY)
    report_change(first, "order", corrected(1, expires_on="2026-12-28"))
    clock.move_to(MORNING + timedelta(days=14))
    assert stands(enrol(2, order=LATER, respondent=SOMEBODY)) == OUT
