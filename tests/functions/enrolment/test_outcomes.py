"""Outcomes: kept once, whatever became of the enrolment."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from time_machine import Traveller

from tests.support.faults import before_write
from tests.support.fixture_protocol import FIRST
from tests.support.life import (
    ARREST,
    BREACH,
    CUSTODY,
    QUASHED,
    audit_of,
    followed,
    report_change,
    send_change,
    treated,
)
from tests.support.steps import enrol, fire, texts
from tests.support.table import enrolment_of, everything, held, reminder_of, reminders_of, unchanged
from trial.codes import Harm, Instrument, OutcomeType, Suppression

pytestmark = pytest.mark.usefixtures("cloud")

LATER = ARREST | {"outcome_id": "ARREST-2"}


def kept(ident: UUID) -> list[dict[str, Any]]:
    """The outcomes stored for an enrolment."""
    return [
        item
        for key, item in everything().items()
        if item["kind"] == "outcome" and str(ident) in key.pk
    ]


@pytest.mark.parametrize("instrument", Instrument)
@pytest.mark.parametrize("type_", [each for each in OutcomeType if each != "harm"])
def test_an_outcome_is_stored_as_reported(type_: OutcomeType, instrument: Instrument) -> None:
    ident = enrol()
    body = ARREST | {"type": type_, "instrument": instrument}
    answer = send_change(ident, "outcomes", body)
    assert answer.status == 201
    added = {"enrolment_id": str(ident), "reported_at": "2026-12-01T09:30:00Z"}
    assert answer.body == body | added
    (item,) = kept(ident)
    assert {name: item[name] for name in body} == body


HARM = {
    "outcome_id": "HARM-1",
    "type": "harm",
    "kind": "wrong_recipient",
    "occurred_at": "2026-12-01T09:05:00Z",
}


@pytest.mark.parametrize("kind", Harm)
def test_a_harm_is_stored_with_its_kind_and_needs_no_instrument(kind: Harm) -> None:
    ident = enrol()
    answer = send_change(ident, "outcomes", HARM | {"kind": kind})
    assert answer.status == 201
    assert answer.body["kind"] == kind
    assert "instrument" not in answer.body
    (item,) = kept(ident)
    assert (item["type"], item["harm"]) == ("harm", kind)
    assert "instrument" not in item
    assert send_change(ident, "outcomes", HARM | {"kind": kind}).status == 200
    other = next(each for each in Harm if each is not kind)
    assert send_change(ident, "outcomes", HARM | {"kind": other}).status == 409


@pytest.mark.parametrize("same", [True, False])
def test_an_outcome_may_say_whether_the_protected_person_was_affected(
    same: bool,  # noqa: FBT001
) -> None:
    ident = enrol()
    body = ARREST | {"same_protected_person": same}
    assert send_change(ident, "outcomes", body).body["same_protected_person"] is same
    (item,) = kept(ident)
    assert item["same_protected_person"] is same


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({name: value for name, value in HARM.items() if name != "kind"}, "kind"),
        (ARREST | {"kind": "threat"}, "kind"),
        (HARM | {"kind": "boredom"}, "kind"),
        ({name: value for name, value in ARREST.items() if name != "instrument"}, "instrument"),
        (ARREST | {"same_protected_person": "yes"}, "same_protected_person"),
    ],
)
def test_an_outcome_whose_fields_do_not_go_together_is_refused(
    body: dict[str, Any], field: str
) -> None:
    answer = send_change(enrol(), "outcomes", body)
    assert (answer.status, answer.fields) == (422, [field])


def test_a_repeated_outcome_is_recognised_in_any_time_zone() -> None:
    ident = enrol()
    first = send_change(ident, "outcomes", ARREST)
    summer = ARREST | {"occurred_at": "2026-12-01T10:05:00+01:00"}
    again = send_change(ident, "outcomes", summer)
    assert (first.status, again.status) == (201, 200)
    assert again.body == first.body


@pytest.mark.parametrize(
    "change",
    [
        {"type": "offence"},
        {"instrument": "bail"},
        {"occurred_at": "2026-12-01T09:06:00Z"},
        {"reference": "CRIME-78"},
        {"reference": None},
    ],
)
def test_the_same_id_with_other_content_is_refused(change: dict[str, Any]) -> None:
    ident = enrol()
    send_change(ident, "outcomes", ARREST)
    with unchanged(held):
        answer = send_change(ident, "outcomes", ARREST | change)
    assert answer.status == 409
    assert answer.body["detail"] == "this outcome is known, with other content"


@pytest.mark.parametrize(("other", "status"), [(ARREST, 200), (BREACH, 201)])
def test_of_two_simultaneous_reports_with_one_id_the_first_is_stored(
    other: dict[str, Any], status: int
) -> None:
    ident = enrol()
    with before_write(lambda: send_change(ident, "outcomes", ARREST)):
        assert send_change(ident, "outcomes", other).status == status
    with before_write(lambda: send_change(ident, "outcomes", LATER)):
        assert send_change(ident, "outcomes", LATER | {"type": "offence"}).status == 409
    assert {each["outcome_id"]: each["type"] for each in kept(ident)} == {
        other["outcome_id"]: other["type"],
        "ARREST-1": "arrest",
        "ARREST-2": "arrest",
    }


def test_outcome_ids_are_separate_for_each_enrolment() -> None:
    first, second = enrol(1), enrol(2)
    for ident in (first, second):
        assert send_change(ident, "outcomes", ARREST).status == 201
    assert (len(kept(first)), len(kept(second))) == (1, 1)


@pytest.mark.parametrize("end", [QUASHED, CUSTODY])
def test_an_enrolment_that_has_ended_takes_outcomes(end: dict[str, Any]) -> None:
    ident = followed()
    report_change(ident, "end", end)
    assert [send_change(ident, "outcomes", each).status for each in (ARREST, BREACH)] == [201] * 2


def test_an_enrolment_that_was_never_drawn_takes_outcomes() -> None:
    ident = enrol(mobile={"missing_reason": "refused"})
    assert send_change(ident, "outcomes", BREACH).status == 201


@pytest.mark.parametrize(
    ("occurred_at", "instrument", "status"),
    [
        ("2026-12-01T00:00:00Z", "dvpo", 201),
        ("2026-11-30T23:59:59Z", "dvpo", 422),
        ("2026-11-30T23:59:59Z", "bail", 422),
        ("2026-11-30T23:59:59Z", "other", 422),
        ("2026-11-30T23:59:59Z", "dvpn", 201),  # a notice comes before its order
        ("2026-12-01T09:35:00Z", "dvpo", 201),  # clocks differ a little
        ("2026-12-01T09:35:01Z", "dvpo", 422),
        ("2026-12-01T09:35:01Z", "dvpn", 422),
    ],
)
def test_an_outcome_must_lie_between_the_order_and_now(
    occurred_at: str, instrument: str, status: int
) -> None:
    ident = enrol()
    body = ARREST | {"occurred_at": occurred_at, "instrument": instrument}
    answer = send_change(ident, "outcomes", body)
    assert answer.status == status
    if status == 422:
        assert answer.fields == ["occurred_at"]
        assert kept(ident) == []


def test_an_order_begins_at_midnight_in_london(clock: Traveller) -> None:
    clock.move_to("2027-06-01T12:00:00Z")
    dates = {"made_on": "2027-06-01", "expires_on": "2027-06-14", "served_on": "2027-06-01"}
    ident = enrol(order=dates)
    for moment, status in (("2027-05-31T22:59:59Z", 422), ("2027-05-31T23:00:00Z", 201)):
        answer = send_change(ident, "outcomes", ARREST | {"occurred_at": moment})
        assert answer.status == status


@pytest.fixture
def first_format(configure: Callable[..., None]) -> None:
    """In the trial that is under way, a breach holds the text about plans back."""
    configure(PROTOCOL=FIRST)


def test_after_a_breach_all_texts_still_go(clock: Traveller) -> None:
    ident = treated()
    report_change(ident, "outcomes", BREACH)
    for reminder in reminders_of(ident):
        clock.move_to(reminder.due_at)
        assert fire(ident, reminder.number) == "sent"
    assert len(texts()) == 7


@pytest.mark.usefixtures("first_format")
def test_under_the_first_format_a_breach_holds_back_the_text_about_plans(clock: Traveller) -> None:
    ident = treated()
    report_change(ident, "outcomes", BREACH)
    plan = next(each for each in reminders_of(ident) if each.theme == "plan")
    for number, outcome in ((plan.number, "suppressed"), (plan.number + 1, "sent")):
        clock.move_to(reminder_of(ident, number).due_at)
        assert fire(ident, number) == outcome
    assert reminder_of(ident, plan.number).reason == Suppression.BREACH_REPORTED


@pytest.mark.parametrize(
    "change", [{"type": "arrest"}, {"instrument": "bail"}, {"instrument": "dvpn"}]
)
@pytest.mark.usefixtures("first_format")
def test_under_the_first_format_no_other_outcome_holds_that_text_back(
    change: dict[str, Any],
) -> None:
    ident = enrol()
    send_change(ident, "outcomes", BREACH | change)
    assert enrolment_of(ident).breach_reported_at is None


@pytest.mark.usefixtures("first_format")
def test_a_second_breach_does_not_change_the_time_of_the_first(clock: Traveller) -> None:
    ident = enrol()
    send_change(ident, "outcomes", BREACH)
    first = enrolment_of(ident).breach_reported_at
    clock.shift(3600)
    send_change(ident, "outcomes", BREACH | {"outcome_id": "BREACH-2"})
    assert enrolment_of(ident).breach_reported_at == first
    assert first is not None


def test_the_audit_trail_has_an_entry_for_each_outcome_reported_or_shown_again(
    clock: Traveller,
) -> None:
    ident = enrol()
    for body in (ARREST, BREACH, ARREST):
        clock.shift(1)
        send_change(ident, "outcomes", body)
    assert [each["what"] for each in audit_of(ident)] == [
        "enrolled",
        "outcome_reported",
        "outcome_reported",
        "outcome consulted",
    ]
