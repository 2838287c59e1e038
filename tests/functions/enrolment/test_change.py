"""Changes of number, service and order: accepted once, refused clearly, never half done."""

from datetime import UTC, date, datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID, uuid4

import pytest
from time_machine import Traveller

from tests.support.faults import after_write, before_write, counting, raising, refusal
from tests.support.fixture_protocol import AGREED
from tests.support.life import (
    ARREST,
    CUSTODY,
    METHODS,
    QUASHED,
    RELEASE,
    audit_of,
    corrected,
    follow,
    followed,
    send_change,
    shown,
    stands,
    told,
)
from tests.support.samples import ACCOUNT, MORNING
from tests.support.steps import allocate, call, enrol, failures, fire, someone_in
from tests.support.table import (
    allocation_of,
    change_enrolment,
    enrolment_of,
    everything,
    held,
    number_of,
    reminder_of,
    reminders_of,
)
from trial.aws import clients
from trial.codes import Arm, Condition, ReminderState, Suppression
from trial.protocol.timetable import timetable
from trial.retry import TRIES

pytestmark = pytest.mark.usefixtures("cloud")

READ = "before-call.dynamodb.BatchGetItem"
OTHER, THIRD = "+447700900777", "+447700900778"
CHANGES: dict[str, dict[str, Any]] = {
    "mobile": {"number": OTHER},
    "service": {"served_on": "2026-12-01"},
    "order": corrected(court="Durham Magistrates' Court"),
    "end": QUASHED,
    "resume": RELEASE,
    "hold": {"reason": "proceedings", "by": "PC-1182"},
    "release": {"by": "PC-1182"},
    "outcomes": ARREST,
}
DONE = {
    "mobile": "mobile_changed",
    "service": "served",
    "order": "order_corrected",
    "end": "ended_quashed",
    "resume": "resumed",
    "hold": "held_proceedings",
    "release": "released",
    "outcomes": "outcome_reported",
}
every_route = pytest.mark.parametrize("what", CHANGES)  # but a variation: no dvpo has one


def ready(what: str) -> UUID:
    """An enrolment to which this change would make a difference, known to the stream."""
    unserved: dict[str, Any] = {"order": {"served_on": None}} if what == "service" else {}
    enrolment_id = followed(**unserved)
    if what == "resume":
        told(enrolment_id, "end", CUSTODY)
    if what == "release":
        told(enrolment_id, "hold", CHANGES["hold"])
    return enrolment_id


def fail_write() -> None:
    raise refusal("InternalServerError", status=500)


# Every route


@every_route
def test_a_change_of_nobody_is_not_known(what: str) -> None:
    before = everything()
    for nobody in (uuid4(), "DVPO-2026-000123"):
        answer = call(METHODS[what], f"/enrolments/{nobody}/{what}", CHANGES[what])
        assert (answer.status, answer.body["detail"]) == (404, "no enrolment has this id")
    assert everything() == before


@every_route
def test_a_repeated_change_changes_nothing(what: str, clock: Traveller) -> None:
    enrolment_id = ready(what)
    first = send_change(enrolment_id, what, CHANGES[what])
    follow(enrolment_id)
    before = held()
    clock.shift(60)
    again = send_change(enrolment_id, what, CHANGES[what])
    follow(enrolment_id)
    assert (first.status, again.status) == ((201 if what == "outcomes" else 200), 200)
    assert held() == before


@every_route
def test_a_change_and_who_made_it_are_stored_in_one_transaction(what: str) -> None:
    enrolment_id = ready(what)
    told_before = audit_of(enrolment_id)
    with counting(clients.dynamodb(), "dynamodb.TransactWriteItems") as writes:
        send_change(enrolment_id, what, CHANGES[what], by="chaser")
    assert len(writes) == (3 if what == "end" else 1)  # with what is left to be followed up
    (entry,) = [each for each in audit_of(enrolment_id) if each not in told_before]
    assert entry == {
        "at": MORNING.isoformat().replace("+00:00", "Z"),
        "what": DONE[what],
        "by": f"arn:aws:iam::{ACCOUNT}:user/chaser",
    }


@every_route
def test_what_cannot_be_stored_is_not_half_done(what: str) -> None:
    enrolment_id = ready(what)
    before = everything()
    with before_write(fail_write):
        answer = send_change(enrolment_id, what, CHANGES[what])
    assert (answer.status, answer.headers["Retry-After"]) == (503, ["1"])
    assert everything() == before
    assert send_change(enrolment_id, what, CHANGES[what]).status in (200, 201)


@every_route
def test_an_answer_lost_after_the_change_does_no_harm(what: str) -> None:
    enrolment_id = ready(what)
    lost = raising(refusal("InternalServerError", status=500))
    with after_write(lost):
        assert send_change(enrolment_id, what, CHANGES[what]).status == 503
    before = held()
    assert send_change(enrolment_id, what, CHANGES[what]).status == 200
    assert held() == before


@pytest.mark.parametrize("what", [each for each in CHANGES if each != "outcomes"])  # meet nobody
def test_a_change_tries_again_under_contention_but_not_for_ever(
    what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("time.sleep", lambda _: None)
    enrolment_id = ready(what)
    body = CHANGES[what]
    others = partial(change_enrolment, enrolment_id)
    with before_write(others, times=TRIES):
        answer = send_change(enrolment_id, what, body)
    assert (answer.status, answer.headers["Retry-After"]) == (503, ["1"])
    assert DONE[what] not in [each["what"] for each in audit_of(enrolment_id)]
    with before_write(others, times=TRIES - 1):
        assert send_change(enrolment_id, what, body).status in (200, 201)


@pytest.mark.parametrize("what", ["mobile", "service", "order", "resume"])
def test_after_an_end_for_good_a_change_is_refused_without_the_reason(what: str) -> None:
    enrolment_id = ready(what)
    told(enrolment_id, "end", QUASHED)
    before = everything()
    answer = send_change(enrolment_id, what, CHANGES[what])
    assert answer.status == 409
    assert answer.body["detail"] == "this enrolment has ended for good: show it to see why"
    assert everything() == before


@pytest.mark.parametrize("what", ["mobile", "service", "order"])
def test_custody_is_no_end_for_good_changes_are_accepted_meanwhile(what: str) -> None:
    enrolment_id = ready(what)
    told(enrolment_id, "end", CUSTODY)
    assert told(enrolment_id, what, CHANGES[what]).body["status"] == "ended"
    assert told(enrolment_id, "resume", RELEASE).body["status"] == (
        # Nobody was drawn before the order was served, and nobody is while in custody.
        "eligible" if what == "service" else "allocated"
    )
    assert stands(enrolment_id) == ("allocated", [])


@pytest.mark.parametrize(
    ("what", "body", "field"),
    [
        ("mobile", {}, "number"),
        ("mobile", {"number": OTHER, "missing_reason": "refused"}, "missing_reason"),
        ("mobile", {"number": "+441388601234"}, "number"),
        ("mobile", {"number": "+447700900777", "why": "Jane Roe told us"}, "why"),
        ("service", {"served_on": "2026-12-02"}, "served_on"),
        ("service", {"served_on": "2026-11-30"}, "served_on"),
        ("service", {}, "served_on"),
        ("order", corrected(force="cumbria"), "reference"),
        ("order", corrected(reference="DVPO-2026-000124"), "reference"),
        ("order", corrected(made_on="2026-12-02", expires_on="2026-12-15"), "made_on"),
        (
            "order",
            corrected(made_on="2026-12-02", expires_on="2026-12-15", served_on=None),
            "made_on",
        ),
        ("order", corrected(served_on="2026-12-02"), "served_on"),
        ("order", corrected(expires_on="2026-12-13"), "expires_on"),
        ("order", corrected(conditions=["no_contact"]), "conditions"),
        ("end", QUASHED | {"reason": "gone"}, "reason"),
        ("end", QUASHED | {"at": "2026-12-01T09:00:00"}, "at"),
        ("end", QUASHED | {"at": "0001-01-01T00:00:00Z"}, "at"),
        ("end", QUASHED | {"at": "9999-12-31T23:59:59Z"}, "at"),
        ("end", QUASHED | {"by": "Jane Roe; 1 High St"}, "by"),
        ("resume", RELEASE | {"at": "2026-12-01T09:36:00Z"}, "at"),
        ("resume", RELEASE | {"reason": "quashed"}, "reason"),
        ("outcomes", ARREST | {"type": "murder"}, "type"),
        ("outcomes", ARREST | {"occurred_at": "0001-01-01T00:00:00+14:00"}, "occurred_at"),
    ],
)
def test_what_is_not_valid_is_refused_by_field_and_not_repeated(
    what: str, body: dict[str, Any], field: str
) -> None:
    enrolment_id = followed()
    before = everything()
    answer = send_change(enrolment_id, what, body)
    assert answer.status == 422, answer.text
    assert answer.fields == [field]
    assert "Jane" not in answer.text
    assert OTHER not in answer.text
    assert everything() == before


def test_two_changes_at_once_are_both_kept() -> None:
    enrolment_id = enrol(order={"served_on": None}, mobile={"missing_reason": "refused"})

    def served() -> None:
        assert send_change(enrolment_id, "service", {"served_on": "2026-12-01"}).status == 200

    with before_write(served):
        send_change(enrolment_id, "mobile", {"number": OTHER})
    enrolment = enrolment_of(enrolment_id)
    assert (number_of(enrolment_id), enrolment.order.served_on) == (OTHER, date(2026, 12, 1))
    assert stands(enrolment_id) == ("eligible", [])


@every_route
def test_who_is_shown_an_order_by_a_change_that_changes_nothing_is_in_the_trail(what: str) -> None:
    enrolment_id = ready(what)
    assert send_change(enrolment_id, what, CHANGES[what]).status in (200, 201)
    before = audit_of(enrolment_id)
    assert send_change(enrolment_id, what, CHANGES[what], by="curious").status == 200
    (entry,) = [each for each in audit_of(enrolment_id) if each not in before]
    assert entry["what"] == f"{'outcome' if what == 'outcomes' else 'enrolment'} consulted"
    assert entry["by"].endswith("/curious")


def test_nothing_is_shown_that_could_not_be_recorded() -> None:
    enrolment_id = ready("end")
    send_change(enrolment_id, "end", CHANGES["end"])
    broken = raising(refusal("InternalServerError", status=500))
    with before_write(broken):
        assert send_change(enrolment_id, "end", CHANGES["end"]).status == 503


def test_the_audit_trail_names_no_content() -> None:
    enrolment_id = followed(mobile={"missing_reason": "refused", "recorded_by": "PC-77"})
    for what, body in CHANGES.items():
        send_change(enrolment_id, what, body)
    trail = str(audit_of(enrolment_id))
    assert len(audit_of(enrolment_id)) == 8, trail  # enrolled; all but service and resume; a look
    for content in (OTHER, "Durham", "PC-1182", "PC-77", "CRIME-77", "ARREST-1", "arrest"):
        assert content not in trail


# The number


def test_a_number_makes_somebody_eligible_who_is_drawn_once() -> None:
    enrolment_id = followed(mobile={"missing_reason": "seized_evidence"})
    assert stands(enrolment_id) == ("waiting", ["no_number"])
    answer = send_change(enrolment_id, "mobile", {"number": OTHER, "resolved_how": "officer_visit"})
    assert (answer.body["status"], answer.body["reasons"]) == ("eligible", [])
    assert answer.body["mobile"] == {
        "known": True,
        "last_digits": "777",
        "unsafe": False,
        "shared": False,
        "missing_reason": None,
        "follow_up_on": None,
    }
    for _ in range(2):  # the stream may bring it twice
        assert failures(allocate(enrolment_id)) == []
    assert [each["what"] for each in audit_of(enrolment_id)].count("allocated") == 1
    assert stands(enrolment_id) == ("allocated", [])


def test_a_number_lost_before_the_draw_makes_somebody_wait_again() -> None:
    enrolment_id = enrol()
    answer = send_change(enrolment_id, "mobile", {"missing_reason": "lost_stolen_broken"})
    assert (answer.body["status"], answer.body["reasons"]) == ("waiting", ["no_number"])
    assert failures(allocate(enrolment_id)) == []
    assert stands(enrolment_id) == ("waiting", ["no_number"])


def test_remaining_reminders_go_to_the_new_number(clock: Traveller) -> None:
    enrolment_id = someone_in(Arm.INTERVENTION)
    follow(enrolment_id)
    with counting(clients.sns(), "sns.Publish") as texts:
        for number in (1, 2):
            clock.move_to(reminder_of(enrolment_id, number).due_at)
            assert fire(enrolment_id, number) == "sent"
            told(enrolment_id, "mobile", {"number": OTHER})
    first, second = (text["PhoneNumber"] for text in texts)
    assert first != OTHER
    assert second == OTHER


def test_without_a_number_reminders_are_held_until_they_are_due(clock: Traveller) -> None:
    enrolment_id = someone_in(Arm.INTERVENTION)
    follow(enrolment_id)
    before = reminders_of(enrolment_id)
    told(enrolment_id, "mobile", {"missing_reason": "lost_stolen_broken"})
    assert stands(enrolment_id) == ("allocated", [])
    assert reminders_of(enrolment_id) == before

    clock.move_to(before[0].due_at)
    assert fire(enrolment_id, 1) == "suppressed"
    told(enrolment_id, "mobile", {"number": OTHER})
    clock.move_to(before[1].due_at)
    assert fire(enrolment_id, 2) == "sent"
    held, went, *_ = reminders_of(enrolment_id)
    assert (held.state, held.reason) == (ReminderState.SUPPRESSED, Suppression.NO_NUMBER)
    assert went.state is ReminderState.SENT


def test_a_late_number_starts_a_late_timetable_without_a_burst(clock: Traveller) -> None:
    clock.move_to(MORNING + timedelta(days=6))
    serial = 1
    while True:
        enrolment_id = followed(serial, mobile={"missing_reason": "seized_evidence"})
        told(enrolment_id, "mobile", {"number": f"+447700900{serial:03}"})
        if allocation_of(enrolment_id).arm is Arm.INTERVENTION:
            break
        serial += 1
    reminders = reminders_of(enrolment_id)
    missed = [each.number for each in reminders if each.reason == Suppression.MISSED_LATE_START]
    assert missed == [2, 3]  # on days 2 and 4; the conditions still go, at once
    assert reminders[0].due_at == MORNING + timedelta(days=6, minutes=2)
    days = [each.due_at.date() for each in reminders if each.number not in missed]
    assert len(set(days)) == len(days) == 5
    assert len(reminders) == 7  # the dose is still counted out of all


# Service


def test_service_makes_somebody_eligible() -> None:
    enrolment_id = followed(order={"served_on": None})
    assert stands(enrolment_id) == ("waiting", ["not_served"])
    answer = told(enrolment_id, "service", {"served_on": "2026-12-01"})
    assert (answer.body["status"], answer.body["order"]["served_on"]) == ("eligible", "2026-12-01")
    assert stands(enrolment_id) == ("allocated", [])


def test_each_of_two_reasons_has_to_go() -> None:
    enrolment_id = followed(order={"served_on": None}, mobile={"missing_reason": "refused"})
    told(enrolment_id, "mobile", {"number": OTHER})
    assert stands(enrolment_id) == ("waiting", ["not_served"])
    told(enrolment_id, "service", {"served_on": "2026-12-01"})
    assert stands(enrolment_id) == ("allocated", [])


def test_whoever_is_served_too_late_is_not_drawn(clock: Traveller) -> None:
    enrolment_id = followed(order={"served_on": None})
    clock.move_to(MORNING + timedelta(days=12))  # two days are left, today and tomorrow
    told(enrolment_id, "service", {"served_on": "2026-12-13"})
    assert stands(enrolment_id) == ("ineligible", ["too_late"])


# Corrections of the order


def test_before_the_draw_anything_may_be_corrected() -> None:
    enrolment_id = enrol()
    order = corrected(
        court="Durham Magistrates' Court",
        made_on="2026-11-24",
        expires_on="2026-12-14",
        served_on="2026-11-30",
        conditions=["no_entry", "no_molestation"],
        authorising_superintendent="S-0001",
    )
    answer = told(enrolment_id, "order", order)
    assert (answer.status, answer.body["order"]) == (200, order | {"type": "dvpo"})
    assert allocation_of(enrolment_id).stratum == "14"  # as when it became eligible


def test_a_correction_decides_anew_about_eligibility() -> None:
    enrolment_id = enrol()
    order = corrected(made_on="2026-11-19", expires_on="2026-12-02", served_on="2026-11-20")
    told(enrolment_id, "order", order)
    assert stands(enrolment_id) == ("ineligible", ["too_late"])
    told(enrolment_id, "order", corrected())
    assert stands(enrolment_id) == ("allocated", [])


def test_an_order_cannot_be_made_tomorrow() -> None:
    enrolment_id = enrol(order={"served_on": None})
    tomorrow: dict[str, Any] = {
        "made_on": "2026-12-02",
        "expires_on": "2026-12-15",
        "served_on": None,
    }
    answer = send_change(enrolment_id, "order", corrected(**tomorrow))
    assert (answer.status, answer.fields) == (422, ["made_on"])


def test_an_order_cannot_be_served_before_it_was_made(clock: Traveller) -> None:
    enrolment_id = enrol()
    clock.shift(timedelta(days=1))
    later: dict[str, Any] = {"made_on": "2026-12-02", "expires_on": "2026-12-15"}
    answer = send_change(enrolment_id, "order", corrected(**later))
    assert (answer.status, answer.fields) == (422, ["served_on"])


@pytest.mark.parametrize("clear", ["left out", "null"])
def test_a_correction_without_service_clears_it(clear: str) -> None:
    enrolment_id = enrol()
    whole = corrected(served_on=None, court="Durham")
    if clear == "left out":
        del whole["served_on"]
    told(enrolment_id, "order", whole)
    assert enrolment_of(enrolment_id).order.served_on is None
    assert stands(enrolment_id) == ("waiting", ["not_served"])


def test_service_cannot_be_taken_back_after_the_draw() -> None:
    enrolment_id = followed()
    before = everything()
    answer = send_change(enrolment_id, "order", corrected(served_on=None, court="Durham"))
    assert answer.status == 409
    assert everything() == before


def test_what_the_order_says_is_what_the_remaining_texts_say(clock: Traveller) -> None:
    enrolment_id = someone_in(Arm.INTERVENTION)
    follow(enrolment_id)
    serial = int((enrolment_of(enrolment_id).order.reference or "")[-6:])
    told(enrolment_id, "order", corrected(serial, conditions=["no_molestation", "no_entry"]))
    with counting(clients.sns(), "sns.Publish") as texts:
        clock.move_to(reminder_of(enrolment_id, 1).due_at)
        assert fire(enrolment_id, 1) == "sent"
    assert "do not go into the address" in texts[0]["Message"]
    assert "Do not contact" not in texts[0]["Message"]


@pytest.mark.parametrize("arm", Arm)
def test_arm_and_stratum_never_change(arm: Arm) -> None:
    enrolment_id = someone_in(arm)
    before = allocation_of(enrolment_id)
    serial = int((enrolment_of(enrolment_id).order.reference or "")[-6:])
    told(enrolment_id, "order", corrected(serial, expires_on="2026-12-28"))
    assert allocation_of(enrolment_id) == before
    assert before.stratum == "14"
    assert enrolment_of(enrolment_id).order.days == 28


@pytest.mark.parametrize("arm", Arm)
def test_dates_may_change_until_the_first_reminder_could_be_due_in_either_arm(
    arm: Arm, clock: Traveller
) -> None:
    clock.move_to(MORNING.replace(hour=20))  # so the first is due at nine, or a little later
    enrolment_id = someone_in(arm)
    serial = int((enrolment_of(enrolment_id).order.reference or "")[-6:])
    clock.move_to(_first_due(enrolment_id) - timedelta(seconds=1))
    told(enrolment_id, "order", corrected(serial, expires_on="2026-12-21"))

    clock.move_to(_first_due(enrolment_id))
    before = everything()
    answer = send_change(enrolment_id, "order", corrected(serial, expires_on="2026-12-22"))
    assert answer.status == 409
    assert answer.body["detail"] == "reminders may have begun: the dates can no longer change"
    assert everything() == before
    # All else may still be corrected; and what is so already is no change.
    same_dates = corrected(serial, expires_on="2026-12-21", conditions=["no_molestation"])
    assert told(enrolment_id, "order", same_dates).status == 200
    assert enrolment_of(enrolment_id).order.conditions == (Condition.NO_MOLESTATION,)


@pytest.mark.parametrize("arm", Arm)
def test_a_correction_moves_the_moment_until_which_the_next_may_come(
    arm: Arm, clock: Traveller
) -> None:
    yesterday = {"made_on": "2026-11-30", "expires_on": "2026-12-13"}
    enrolment_id = someone_in(arm, order=yesterday)  # so the conditions go in two minutes
    serial = int((enrolment_of(enrolment_id).order.reference or "")[-6:])
    for seconds, last_day, status in ((60, 14, 200), (150, 15, 200), (270, 16, 409)):
        clock.move_to(MORNING + timedelta(seconds=seconds))
        order = corrected(serial, made_on="2026-11-30", expires_on=f"2026-12-{last_day}")
        assert send_change(enrolment_id, "order", order).status == status


def _first_due(enrolment_id: UUID) -> datetime:
    """What an intervention's first reminder would have, from the record that both arms have."""
    enrolment = enrolment_of(enrolment_id)
    assert enrolment.allocated_at
    slots = timetable(
        enrolment_id=enrolment_id,
        term=enrolment.order.term,
        protocol=AGREED,
        start=enrolment.dates_changed_at or enrolment.allocated_at,
    )
    due_at = min(slot.due_at for slot in slots if not slot.missed)
    if reminders := reminders_of(enrolment_id):
        assert due_at == min(each.due_at for each in reminders if each.reason is None)
    return due_at


def test_dates_all_in_the_past_can_be_put_right() -> None:
    enrolment_id = someone_in(Arm.INTERVENTION)
    serial = int((enrolment_of(enrolment_id).order.reference or "")[-6:])
    past = {"made_on": "2026-11-02", "expires_on": "2026-11-15", "served_on": "2026-11-03"}
    told(enrolment_id, "order", corrected(serial, **past))
    assert {each.reason for each in reminders_of(enrolment_id)} == {Suppression.MISSED_LATE_START}
    told(enrolment_id, "order", corrected(serial))
    assert all(each.state is ReminderState.SCHEDULED for each in reminders_of(enrolment_id))
    assert shown(enrolment_id)["status"] == "allocated"
    assert datetime.now(UTC) == MORNING
