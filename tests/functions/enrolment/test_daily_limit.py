"""A flood of orders: beyond those expected in a day they wait until a person admits them."""

from collections.abc import Callable
from datetime import timedelta
from uuid import UUID

import pytest
from time_machine import Traveller

from tests.support.faults import before_write
from tests.support.life import QUASHED, send_change
from tests.support.samples import order
from tests.support.steps import allocate, call, enrol, failures, post
from tests.support.table import enrolment_of
from trial.codes import Reason, Status

MOST = 2
BY = {"by": "Insp Siân D'Arcy"}
HELD = (Status.WAITING, (Reason.HELD_OVER_DAILY_LIMIT,))


@pytest.fixture(autouse=True)
def _limit(configure: Callable[..., None]) -> None:
    configure(ORDERS_PER_DAY=str(MOST))


def stands(ident: UUID) -> tuple[Status, tuple[Reason, ...]]:
    enrolment = enrolment_of(ident)
    return enrolment.status, enrolment.reasons


def fill_the_day() -> None:
    for serial in range(MOST):
        enrol(serial)


@pytest.fixture
def held() -> UUID:
    fill_the_day()
    return enrol(300)


def admit(ident: UUID) -> int:
    return call("POST", f"/enrolments/{ident}/admit", BY, by="operator").status


def test_orders_within_the_day_s_limit_are_accepted_without_a_hold() -> None:
    assert [stands(enrol(serial)) for serial in range(MOST)] == [(Status.ELIGIBLE, ())] * MOST


def test_an_order_over_the_day_s_limit_is_held_and_not_drawn(held: UUID) -> None:
    again = post(order(300))
    assert (again.status, again.body["reasons"]) == (200, ["held_over_daily_limit"])
    assert failures(allocate(held)) == []
    assert stands(held) == HELD


def test_rehearsals_have_a_limit_of_their_own_and_take_no_room_from_orders() -> None:
    asked = [
        order(
            serial,
            rehearsal=True,
            order={"reference": f"REHEARSAL-{serial}"},
            respondent={"person_id": f"rehearsal-{serial}"},
        )
        for serial in range(400, 400 + MOST + 1)
    ]
    statuses = [post(each).body["reasons"] for each in asked]
    assert statuses == [[], [], ["held_over_daily_limit"]]
    assert [stands(enrol(serial)) for serial in range(MOST)] == [(Status.ELIGIBLE, ())] * MOST


def test_repeated_requests_do_not_count_against_the_day_s_limit() -> None:
    for _ in range(MOST + 1):
        post(order(1))
    assert stands(enrol(2)) == (Status.ELIGIBLE, ())


def test_the_limit_counts_each_day_separately(held: UUID, clock: Traveller) -> None:
    clock.shift(timedelta(days=1))
    assert stands(enrol(301)) == (Status.ELIGIBLE, ())
    assert stands(held) == HELD


def test_of_two_simultaneous_orders_only_one_gets_the_day_s_last_place() -> None:
    enrol(1)
    with before_write(lambda: enrol(2)):
        assert stands(enrol(3)) == HELD


def test_an_admitted_order_is_drawn_like_any_other(held: UUID) -> None:
    assert admit(held) == 200
    assert stands(held) == (Status.ELIGIBLE, ())
    assert enrolment_of(held).admitted_by == BY["by"]
    assert failures(allocate(held)) == []
    assert stands(held) == (Status.ALLOCATED, ())


def test_admitting_an_order_again_or_one_that_was_never_held_changes_nothing(held: UUID) -> None:
    assert admit(held) == 200
    for ident in (held, UUID(post(order(1)).body["enrolment_id"])):
        before = enrolment_of(ident)
        assert admit(ident) == 200
        assert enrolment_of(ident) == before


def test_a_held_order_that_has_ended_is_not_admitted(held: UUID) -> None:
    assert send_change(held, "end", QUASHED).status == 200
    assert admit(held) == 409


def test_a_held_order_still_protects_numbers() -> None:
    fill_the_day()
    enrol(300, protected_numbers=["+447700900001"])
    assert stands(enrol(301, mobile={"number": "+447700900001"}))[1] == (Reason.UNSAFE_NUMBER,)


def test_a_held_order_without_a_number_waits_for_both() -> None:
    fill_the_day()
    ident = enrol(300, mobile={"missing_reason": "refused"})
    assert stands(ident)[1] == (Reason.NO_NUMBER,)
    send_change(ident, "mobile", {"number": "+447700900300"})
    assert stands(ident) == HELD


def test_a_held_order_is_in_the_worklist(held: UUID) -> None:
    shown = call("GET", "/enrolments?reason=held_over_daily_limit").body["enrolments"]
    assert [each["enrolment_id"] for each in shown] == [str(held)]


def test_a_held_order_waits_for_a_person_as_soon_as_the_place_is_free() -> None:
    enrol(1)
    somebody = {"respondent": {"person_id": "A1234BC"}}
    first, held = enrol(2, **somebody), enrol(3, **somebody)
    assert stands(held) == (Status.INELIGIBLE, (Reason.ALREADY_IN_TRIAL,))
    assert send_change(first, "end", QUASHED).status == 200
    assert stands(held) == HELD


def test_a_held_order_waits_for_nobody_while_another_has_the_place() -> None:
    lacking = {"mobile": {"missing_reason": "refused"}}
    somebody = {"respondent": {"person_id": "A1234BC"}}
    first = enrol(1, **somebody, **lacking)
    enrol(2)
    held = enrol(3, **somebody)
    assert stands(held) == HELD
    assert send_change(first, "mobile", {"number": "+447700900777"}).status == 200
    assert stands(held) == (Status.INELIGIBLE, (Reason.ALREADY_IN_TRIAL,))


def test_changing_a_held_order_does_not_admit_it(held: UUID) -> None:
    assert send_change(held, "mobile", {"number": "+447700900777"}).status == 200
    assert stands(held) == HELD
