"""The demo's orders: synthetic, varied, and the same for the same seed."""

import json
from collections import Counter
from datetime import UTC, date, datetime

import pytest

from enrolment.wire import EnrolmentIn
from local.demo.checks import CLOSES, OPENS
from local.demo.orders import (
    FEWEST,
    MOST,
    OrderStory,
    SyntheticOrder,
    clock_changes,
    first_morning,
    synthetic_orders,
)
from local.demo.run import local
from tests.support.fixture_protocol import AGREED
from tests.support.samples import LONDON
from trial.api.orders import refuse_impossible
from trial.codes import Sex

START = datetime(2027, 3, 16, 9, 30, tzinfo=UTC)


@pytest.fixture(params=[FEWEST, 48, MOST])
def orders(request: pytest.FixtureRequest) -> list[SyntheticOrder]:
    return synthetic_orders(request.param, seed=7, start=START)


def test_the_same_seed_gives_the_same_orders_and_another_seed_others() -> None:
    first = synthetic_orders(48, seed=7, start=START)
    assert synthetic_orders(48, seed=7, start=START) == first
    assert synthetic_orders(48, seed=8, start=START) != first


def test_every_kind_of_order_has_the_number_asked_for(
    orders: list[SyntheticOrder], request: pytest.FixtureRequest
) -> None:
    assert len(orders) == request.node.callspec.params["orders"]
    kinds = Counter(order.kind for order in orders)
    assert set(kinds) == set(OrderStory) - {OrderStory.CUSTODY}  # who that is depends on the arms


def test_every_number_is_a_test_number_and_nobody_shares_one(orders: list[SyntheticOrder]) -> None:
    numbers = [order.number for order in orders if order.number]
    protected = [number for order in orders for number in order.body["protected_numbers"]]
    assert len(set(numbers)) == len(numbers)
    assert len(set(protected)) == len(protected)
    for number in (*numbers, *protected):
        assert number.startswith("+447700900")
        assert len(number) == len("+447700900000")


def test_only_the_unsafe_number_is_protected_by_an_earlier_order(
    orders: list[SyntheticOrder],
) -> None:
    protected = {number: order for order in orders for number in order.body["protected_numbers"]}
    (unsafe,) = (order for order in orders if order.number in protected)
    assert unsafe.kind is OrderStory.UNSAFE_NUMBER
    assert orders.index(protected[unsafe.number]) < orders.index(unsafe)
    assert protected[unsafe.number].expires_on > local(unsafe.posted_at).date()


def test_only_the_invalid_one_breaks_the_contract(orders: list[SyntheticOrder]) -> None:
    for order in orders:
        given = EnrolmentIn.model_validate_json(json.dumps(order.body)).order
        if order.kind is OrderStory.INVALID:
            with pytest.raises(ValueError, match="29 days"):
                refuse_impossible(AGREED, given.term, given.conditions)
        else:
            refuse_impossible(AGREED, given.term, given.conditions)


def test_orders_on_time_are_posted_on_their_first_day_within_the_window(
    orders: list[SyntheticOrder],
) -> None:
    for order in orders:
        posted = local(order.posted_at)
        assert OPENS <= posted.time() < CLOSES
        late = order.kind in {OrderStory.POSTED_LATE, OrderStory.TOO_LATE}
        assert (posted.date() == order.made_on) is not late


def test_made_up_orders_vary() -> None:
    orders = synthetic_orders(48, seed=7, start=START)
    on_time = [order for order in orders if order.kind is OrderStory.ON_TIME]
    missing = [order.body["mobile"].get("missing_reason") for order in orders]
    respondents = [order.body["respondent"] for order in orders]
    assert {order.days for order in on_time} == {14, 21, 28}
    assert len({local(order.posted_at).date() for order in orders}) == 3
    assert len({tuple(order.body["order"]["conditions"]) for order in on_time}) == 5
    assert len({order.body["order"]["authorising_superintendent"] for order in orders}) > 3
    assert len(set(filter(None, missing))) == 5
    assert {respondent["sex"] for respondent in respondents} >= {Sex.MALE, Sex.FEMALE}
    assert len({respondent["ethnicity"] for respondent in respondents}) > 4
    assert len({respondent["person_id"] for respondent in respondents}) == 48


def test_every_made_up_person_is_an_adult(orders: list[SyntheticOrder]) -> None:
    for order in orders:
        born = date.fromisoformat(order.body["respondent"]["date_of_birth"])
        assert born.replace(year=born.year + 18, day=min(born.day, 28)) <= order.made_on


@pytest.mark.parametrize(
    ("now", "start", "change"),
    [
        ("2026-11-22T21:00", "2027-03-16T09:30", "2027-03-28"),
        ("2027-03-16T09:29", "2027-03-16T09:30", "2027-03-28"),
        ("2027-03-16T09:30", "2027-10-19T09:30", "2027-10-31"),
        ("2027-03-28T12:00", "2027-10-19T09:30", "2027-10-31"),
    ],
)
def test_the_demo_starts_twelve_days_before_a_future_clock_change(
    now: str, start: str, change: str
) -> None:
    moment = datetime.fromisoformat(now).replace(tzinfo=LONDON)
    morning, day = first_morning(moment)
    assert morning == datetime.fromisoformat(start).replace(tzinfo=LONDON)
    assert day == date.fromisoformat(change)


def test_the_clocks_change_twice_a_year() -> None:
    changes = clock_changes(datetime(2026, 1, 1, tzinfo=UTC))
    expected = ["2026-03-29", "2026-10-25", "2027-03-28", "2027-10-31"]
    assert [next(changes).isoformat() for _ in expected] == expected
