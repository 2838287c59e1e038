"""Changes of number, service and order: accepted once, refused clearly, never half done."""

from datetime import date, datetime, timedelta
from functools import partial
from itertools import count
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
    report_change,
    send_change,
    stands,
    treated,
)
from tests.support.samples import ACCOUNT, MORNING
from tests.support.steps import allocate, call, enrol, failures, fire, someone_in, texts
from tests.support.table import (
    allocation_of,
    change_enrolment,
    enrolment_of,
    held,
    number_of,
    reminder_of,
    reminders_of,
    unchanged,
)
from trial.aws import clients
from trial.codes import Arm, Condition, ReminderState, Suppression
from trial.protocol.timetable import timetable
from trial.retry import TRIES
from trial.settlement.settle import TRIES_TO_END

pytestmark = pytest.mark.usefixtures("cloud")

READ = "before-call.dynamodb.BatchGetItem"
OTHER = "+447700900777"
TOMORROW: dict[str, Any] = {"made_on": "2026-12-02", "expires_on": "2026-12-15"}
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
FAILURE = raising(refusal("InternalServerError", status=500))
every_route = pytest.mark.parametrize("what", CHANGES)  # but a variation: no dvpo has one


def serial_of(ident: UUID) -> int:
    return int((enrolment_of(ident).order.reference or "")[-6:])


def ready(what: str) -> UUID:
    """An enrolment to which this change would make a difference, known to the stream."""
    unserved: dict[str, Any] = {"order": {"served_on": None}} if what == "service" else {}
    ident = followed(**unserved)
    if what == "resume":
        report_change(ident, "end", CUSTODY)
    if what == "release":
        report_change(ident, "hold", CHANGES["hold"])
    return ident


# Every route


@every_route
def test_a_change_of_an_unknown_enrolment_is_refused(what: str) -> None:
    with unchanged():
        for nobody in (uuid4(), "DVPO-2026-000123"):
            answer = call(METHODS[what], f"/enrolments/{nobody}/{what}", CHANGES[what])
            assert (answer.status, answer.body["detail"]) == (404, "no enrolment has this id")


@every_route
def test_a_repeated_change_changes_nothing(what: str, clock: Traveller) -> None:
    ident = ready(what)
    first = send_change(ident, what, CHANGES[what])
    follow(ident)
    clock.shift(60)
    with unchanged(held):
        again = send_change(ident, what, CHANGES[what])
        follow(ident)
    assert (first.status, again.status) == ((201 if what == "outcomes" else 200), 200)


@every_route
def test_a_change_and_who_made_it_are_stored_in_one_transaction(what: str) -> None:
    ident = ready(what)
    told_before = audit_of(ident)
    with counting(clients.dynamodb(), "dynamodb.TransactWriteItems") as writes:
        send_change(ident, what, CHANGES[what], by="chaser")
    assert len(writes) == (3 if what == "end" else 1)  # with what is left to be followed up
    (entry,) = [each for each in audit_of(ident) if each not in told_before]
    assert entry == {
        "at": MORNING.isoformat().replace("+00:00", "Z"),
        "what": DONE[what],
        "by": f"arn:aws:iam::{ACCOUNT}:user/chaser",
    }


@every_route
def test_a_change_that_cannot_be_stored_changes_nothing(what: str) -> None:
    ident = ready(what)
    with unchanged(), before_write(FAILURE):
        answer = send_change(ident, what, CHANGES[what])
    assert (answer.status, answer.headers["Retry-After"]) == (503, ["1"])
    assert send_change(ident, what, CHANGES[what]).status in (200, 201)


@every_route
def test_a_change_is_repeated_safely_after_a_lost_answer(what: str) -> None:
    ident = ready(what)
    with after_write(FAILURE):
        assert send_change(ident, what, CHANGES[what]).status == 503
    with unchanged(held):
        assert send_change(ident, what, CHANGES[what]).status == 200


@pytest.mark.parametrize("what", [each for each in CHANGES if each != "outcomes"])  # meet nobody
def test_a_contended_change_is_retried_a_limited_number_of_times(
    what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("time.sleep", lambda _: None)
    ident = ready(what)
    body = CHANGES[what]
    others, tries = partial(change_enrolment, ident), TRIES_TO_END if what == "end" else TRIES
    with before_write(others, times=tries):
        answer = send_change(ident, what, body)
    assert (answer.status, answer.headers["Retry-After"]) == (503, ["1"])
    assert DONE[what] not in [each["what"] for each in audit_of(ident)]
    with before_write(others, times=tries - 1):
        assert send_change(ident, what, body).status in (200, 201)


@pytest.mark.parametrize("what", ["mobile", "service", "order", "resume"])
def test_after_an_end_for_good_a_change_is_refused_without_the_reason(what: str) -> None:
    ident = ready(what)
    report_change(ident, "end", QUASHED)
    with unchanged(held):
        answer = send_change(ident, what, CHANGES[what])
    assert answer.status == 409
    assert answer.body["detail"] == "this enrolment has ended for good: show it to see why"


@pytest.mark.parametrize("what", ["mobile", "service", "order", "resume"])
def test_a_change_from_before_an_end_for_good_may_come_again_after_it(what: str) -> None:
    ident = ready(what)
    for route, body in ((what, CHANGES[what]), ("end", QUASHED)):
        assert send_change(ident, route, body).status == 200
    with unchanged(held):
        assert send_change(ident, what, CHANGES[what]).status == 200


@pytest.mark.parametrize("what", ["mobile", "service", "order"])
def test_changes_are_accepted_during_custody(what: str) -> None:
    ident = ready(what)
    report_change(ident, "end", CUSTODY)
    assert report_change(ident, what, CHANGES[what]).body["status"] == "ended"
    assert report_change(ident, "resume", RELEASE).body["status"] == (
        # Nobody was drawn before the order was served, and nobody is while in custody.
        "eligible" if what == "service" else "allocated"
    )
    assert stands(ident) == ("allocated", [])


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
        ("order", corrected(**TOMORROW), "made_on"),
        ("order", corrected(**TOMORROW, served_on=None), "made_on"),
        ("order", corrected(served_on="2026-12-02"), "served_on"),
        ("order", corrected(expires_on="2026-12-13"), "expires_on"),
        ("order", corrected(conditions=["no_contact"]), "conditions"),
        ("end", QUASHED | {"reason": "gone"}, "reason"),
        ("end", QUASHED | {"by": "Jane Roe; 1 High St"}, "by"),
        ("resume", RELEASE | {"reason": "quashed"}, "reason"),
        ("outcomes", ARREST | {"type": "murder"}, "type"),
    ],
)
def test_an_invalid_change_is_refused_by_field_and_its_values_are_not_repeated(
    what: str, body: dict[str, Any], field: str
) -> None:
    ident = followed()
    with unchanged(held):
        answer = send_change(ident, what, body)
    assert (answer.status, answer.fields) == (422, [field])
    assert "Jane" not in answer.text
    assert OTHER not in answer.text


def test_two_simultaneous_changes_are_both_stored() -> None:
    ident = enrol(order={"served_on": None}, mobile={"missing_reason": "refused"})
    with before_write(lambda: send_change(ident, "service", CHANGES["service"])):
        send_change(ident, "mobile", {"number": OTHER})
    enrolment = enrolment_of(ident)
    assert (number_of(ident), enrolment.order.served_on) == (OTHER, date(2026, 12, 1))
    assert stands(ident) == ("eligible", [])


@every_route
def test_a_change_that_changes_nothing_is_audited_because_it_shows_the_order(what: str) -> None:
    ident = ready(what)
    assert send_change(ident, what, CHANGES[what]).status in (200, 201)
    before = audit_of(ident)
    assert send_change(ident, what, CHANGES[what], by="curious").status == 200
    (entry,) = [each for each in audit_of(ident) if each not in before]
    assert entry["what"] == f"{'outcome' if what == 'outcomes' else 'enrolment'} consulted"
    assert entry["by"].endswith("/curious")


@pytest.mark.parametrize(
    ("what", "body"),
    [
        ("resume", RELEASE | {"at": "2026-12-01T09:05:00Z"}),  # no custody by then
        ("order", corrected(reference="DVPO-2026-000999")),  # a guess at the reference
        ("end", QUASHED | {"reason": "discharged"}),
        ("outcomes", ARREST | {"occurred_at": "2026-11-29T09:00:00Z"}),  # before it was made
        ("release", {"by": "PC-1182"}),  # it has several holds
    ],
)
def test_a_refusal_by_what_is_stored_is_audited_because_it_discloses_some_of_it(
    what: str, body: dict[str, Any]
) -> None:
    ident = followed()
    for by in ("PC-1182", "PC-1183"):
        report_change(ident, "hold", {"reason": "complaint", "by": by})
    before = audit_of(ident)
    assert send_change(ident, what, body, by="curious").status in (409, 422)
    (entry,) = [each for each in audit_of(ident) if each not in before]
    assert entry["what"] == f"{'outcome' if what == 'outcomes' else 'enrolment'} consulted"
    assert entry["by"].endswith("/curious")


def test_an_order_is_not_shown_if_the_read_cannot_be_recorded() -> None:
    ident = ready("end")
    send_change(ident, "end", CHANGES["end"])
    with before_write(FAILURE):
        assert send_change(ident, "end", CHANGES["end"]).status == 503


def test_the_audit_trail_holds_no_content_of_a_change() -> None:
    ident = followed(mobile={"missing_reason": "refused", "recorded_by": "PC-77"})
    for what, body in CHANGES.items():
        send_change(ident, what, body)
    trail = str(audit_of(ident))
    assert len(audit_of(ident)) == 9, trail  # enrolled; all but service and resume, which show it
    for content in (OTHER, "Durham", "PC-1182", "PC-77", "CRIME-77", "ARREST-1", "arrest"):
        assert content not in trail


# The number


def test_a_number_makes_a_person_eligible_and_that_person_is_drawn_once() -> None:
    ident = followed(mobile={"missing_reason": "seized_evidence"})
    assert stands(ident) == ("waiting", ["no_number"])
    answer = send_change(ident, "mobile", {"number": OTHER, "resolved_how": "officer_visit"})
    assert (answer.body["status"], answer.body["reasons"]) == ("eligible", [])
    known = {"known": True, "last_digits": "777", "unsafe": False, "shared": False}
    assert answer.body["mobile"] == known | {"missing_reason": None, "follow_up_on": None}
    for _ in range(2):  # the stream may bring it twice
        assert failures(allocate(ident)) == []
    assert [each["what"] for each in audit_of(ident)].count("allocated") == 1
    assert stands(ident) == ("allocated", [])


def test_a_number_lost_before_the_draw_makes_the_person_wait_again() -> None:
    ident = enrol()
    answer = send_change(ident, "mobile", {"missing_reason": "lost_stolen_broken"})
    assert (answer.body["status"], answer.body["reasons"]) == ("waiting", ["no_number"])
    assert failures(allocate(ident)) == []
    assert stands(ident) == ("waiting", ["no_number"])


def test_remaining_reminders_go_to_the_new_number(clock: Traveller) -> None:
    ident = treated()
    before = number_of(ident)
    for number in (1, 2):
        clock.move_to(reminder_of(ident, number).due_at)
        assert fire(ident, number) == "sent"
        report_change(ident, "mobile", {"number": OTHER})
    assert [number for number, _ in texts()] == [before, OTHER]


def test_without_a_number_reminders_are_held_until_they_are_due(clock: Traveller) -> None:
    ident = treated()
    before = reminders_of(ident)
    report_change(ident, "mobile", {"missing_reason": "lost_stolen_broken"})
    assert stands(ident) == ("allocated", [])
    assert reminders_of(ident) == before

    clock.move_to(before[0].due_at)
    assert fire(ident, 1) == "suppressed"
    report_change(ident, "mobile", {"number": OTHER})
    clock.move_to(before[1].due_at)
    assert fire(ident, 2) == "sent"
    held, went, *_ = reminders_of(ident)
    assert (held.state, held.reason) == (ReminderState.SUPPRESSED, Suppression.NO_NUMBER)
    assert went.state is ReminderState.SENT


def test_a_late_number_starts_a_late_timetable_without_a_burst(clock: Traveller) -> None:
    clock.move_to(MORNING + timedelta(days=6))
    for serial in count(1):
        ident = followed(serial, mobile={"missing_reason": "seized_evidence"})
        report_change(ident, "mobile", {"number": f"+447700900{serial:03}"})
        if allocation_of(ident).arm is Arm.INTERVENTION:
            break
    reminders = reminders_of(ident)
    missed = [each.number for each in reminders if each.reason == Suppression.MISSED_LATE_START]
    assert missed == [2, 3]  # on days 2 and 4; the conditions still go, at once
    assert reminders[0].due_at == MORNING + timedelta(days=6, minutes=2)
    days = [each.due_at.date() for each in reminders if each.number not in missed]
    assert len(set(days)) == len(days) == 5
    assert len(reminders) == 7  # the dose is still counted out of all


# Service


def test_service_makes_somebody_eligible() -> None:
    ident = followed(order={"served_on": None})
    assert stands(ident) == ("waiting", ["not_served"])
    answer = report_change(ident, "service", {"served_on": "2026-12-01"})
    assert (answer.body["status"], answer.body["order"]["served_on"]) == ("eligible", "2026-12-01")
    assert stands(ident) == ("allocated", [])


def test_a_person_with_two_reasons_to_wait_waits_until_both_are_resolved() -> None:
    ident = followed(order={"served_on": None}, mobile={"missing_reason": "refused"})
    report_change(ident, "mobile", {"number": OTHER})
    assert stands(ident) == ("waiting", ["not_served"])
    report_change(ident, "service", {"served_on": "2026-12-01"})
    assert stands(ident) == ("allocated", [])


def test_a_person_served_too_late_is_not_drawn(clock: Traveller) -> None:
    ident = followed(order={"served_on": None})
    clock.move_to(MORNING + timedelta(days=12))  # two days are left, today and tomorrow
    report_change(ident, "service", {"served_on": "2026-12-13"})
    assert stands(ident) == ("ineligible", ["too_late"])


# Corrections of the order


def test_before_the_draw_every_field_of_an_order_may_be_corrected() -> None:
    ident = enrol()
    order = corrected(
        court="Durham Magistrates' Court",
        made_on="2026-11-24",
        expires_on="2026-12-14",
        served_on="2026-11-30",
        conditions=["no_entry", "no_molestation"],
        authorising_superintendent="S-0001",
    )
    answer = report_change(ident, "order", order)
    assert (answer.status, answer.body["order"]) == (200, order | {"type": "dvpo"})
    assert allocation_of(ident).stratum == "14"  # as when it became eligible


def test_a_correction_decides_eligibility_again() -> None:
    ident = enrol()
    early = corrected(made_on="2026-11-19", expires_on="2026-12-02", served_on="2026-11-20")
    report_change(ident, "order", early)
    assert stands(ident) == ("ineligible", ["too_late"])
    report_change(ident, "order", corrected())
    assert stands(ident) == ("allocated", [])


def test_an_order_cannot_be_served_before_it_was_made(clock: Traveller) -> None:
    ident = enrol()
    clock.shift(timedelta(days=1))
    answer = send_change(ident, "order", corrected(**TOMORROW))
    assert (answer.status, answer.fields) == (422, ["served_on"])


@pytest.mark.parametrize("clear", ["left out", "null"])
def test_a_correction_without_service_clears_it(clear: str) -> None:
    ident = enrol()
    whole = corrected(served_on=None, court="Durham")
    if clear == "left out":
        del whole["served_on"]
    report_change(ident, "order", whole)
    assert enrolment_of(ident).order.served_on is None
    assert stands(ident) == ("waiting", ["not_served"])


def test_service_cannot_be_taken_back_after_the_draw() -> None:
    ident = followed()
    with unchanged(held):
        answer = send_change(ident, "order", corrected(served_on=None, court="Durham"))
    assert answer.status == 409


def test_remaining_texts_follow_the_corrected_order(clock: Traveller) -> None:
    ident = treated()
    serial = serial_of(ident)
    report_change(ident, "order", corrected(serial, conditions=["no_molestation", "no_entry"]))
    clock.move_to(reminder_of(ident, 1).due_at)
    assert fire(ident, 1) == "sent"
    ((_, text),) = texts()
    assert "do not go into the address" in text
    assert "Do not contact" not in text


@pytest.mark.parametrize("arm", Arm)
def test_arm_and_stratum_never_change(arm: Arm) -> None:
    ident = someone_in(arm)
    before = allocation_of(ident)
    serial = serial_of(ident)
    report_change(ident, "order", corrected(serial, expires_on="2026-12-28"))
    assert allocation_of(ident) == before
    assert before.stratum == "14"
    assert enrolment_of(ident).order.days == 28


@pytest.mark.parametrize("arm", Arm)
def test_dates_may_change_until_the_first_reminder_could_be_due_in_either_arm(
    arm: Arm, clock: Traveller
) -> None:
    clock.move_to(MORNING.replace(hour=20))  # so the first is due at nine, or a little later
    ident = someone_in(arm)
    serial = serial_of(ident)
    clock.move_to(_first_due(ident) - timedelta(seconds=1))
    report_change(ident, "order", corrected(serial, expires_on="2026-12-21"))

    clock.move_to(_first_due(ident))
    with unchanged(held):
        answer = send_change(ident, "order", corrected(serial, expires_on="2026-12-22"))
    assert answer.status == 409
    assert answer.body["detail"] == "reminders may have begun: the dates can no longer change"
    # All else may still be corrected; and what is so already is no change.
    same_dates = corrected(serial, expires_on="2026-12-21", conditions=["no_molestation"])
    assert report_change(ident, "order", same_dates).status == 200
    assert enrolment_of(ident).order.conditions == (Condition.NO_MOLESTATION,)


@pytest.mark.parametrize("arm", Arm)
def test_a_correction_of_the_dates_moves_the_deadline_for_the_next_correction(
    arm: Arm, clock: Traveller
) -> None:
    yesterday = {"made_on": "2026-11-30", "expires_on": "2026-12-13"}
    ident = someone_in(arm, order=yesterday)  # so the conditions go in two minutes
    serial = serial_of(ident)
    for seconds, last_day, status in ((60, 14, 200), (150, 15, 200), (270, 16, 409)):
        clock.move_to(MORNING + timedelta(seconds=seconds))
        order = corrected(serial, made_on="2026-11-30", expires_on=f"2026-12-{last_day}")
        assert send_change(ident, "order", order).status == status


def _first_due(ident: UUID) -> datetime:
    """What an intervention's first reminder would have, from the record that both arms have."""
    enrolment = enrolment_of(ident)
    assert enrolment.allocated_at
    start, term = enrolment.dates_changed_at or enrolment.allocated_at, enrolment.order.term
    slots = timetable(enrolment_id=ident, term=term, protocol=AGREED, start=start)
    due_at = min(slot.due_at for slot in slots if not slot.missed)
    if reminders := reminders_of(ident):
        assert due_at == min(each.due_at for each in reminders if each.reason is None)
    return due_at


def test_dates_that_are_all_in_the_past_can_be_corrected() -> None:
    ident = someone_in(Arm.INTERVENTION)
    serial = serial_of(ident)
    past = {"made_on": "2026-11-02", "expires_on": "2026-11-15", "served_on": "2026-11-03"}
    report_change(ident, "order", corrected(serial, **past))
    assert {each.reason for each in reminders_of(ident)} == {Suppression.MISSED_LATE_START}
    report_change(ident, "order", corrected(serial))
    assert all(each.state is ReminderState.SCHEDULED for each in reminders_of(ident))
    assert stands(ident) == ("allocated", [])
