"""A closed trial takes no new order; those that it has continue to their end."""

from collections.abc import Callable
from functools import partial

import pytest

from tests.support.life import send_change
from tests.support.samples import order
from tests.support.steps import allocate, enrol, failures, fire, post, someone_in
from tests.support.table import allocation_of, enrolment_of, everything
from trial.codes import Arm, Status

pytestmark = pytest.mark.usefixtures("cloud")


@pytest.fixture
def close(configure: Callable[..., None]) -> Callable[[], None]:
    return partial(configure, TAKES_ORDERS="false")


def test_a_closed_trial_refuses_a_new_order_and_stores_nothing(close: Callable[[], None]) -> None:
    close()
    answer = post(order(1))
    assert answer.status == 409
    assert answer.headers["Content-Type"] == ["application/problem+json"]
    assert "the trial is closed" in answer.body["detail"]
    assert answer.body["errors"] == []
    assert everything() == {}


def test_a_closed_trial_answers_a_known_order_as_before(close: Callable[[], None]) -> None:
    request = order(1)
    before = post(request)
    close()
    again = post(request)
    assert (again.status, again.body) == (200, before.body)


def test_a_closed_trial_s_orders_continue(close: Callable[[], None]) -> None:
    treated = someone_in(Arm.INTERVENTION)
    waiting = enrol(900, mobile={"missing_reason": "refused"})
    close()
    assert fire(treated, 1) == "not_due"
    found = send_change(waiting, "mobile", {"number": "+447700900900"})
    assert found.status == 200
    assert failures(allocate(waiting)) == []
    assert enrolment_of(waiting).status is Status.ALLOCATED
    assert allocation_of(waiting).arm in Arm
    end = {"reason": "quashed", "at": "2026-12-01T09:30:00Z", "by": "PC-1182"}
    assert send_change(treated, "end", end).status == 200
