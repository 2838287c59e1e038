"""Pence per order, and pence per event prevented."""

from collections.abc import Sequence
from itertools import product

import pytest

from evaluation.statistics.costs import CostPerEvent, cost_per_event_prevented, cost_per_order
from evaluation.statistics.proportions import risk_difference
from evaluation.statistics.values import Counts, NotEstimable
from tests.evaluation.estimable import known


def cost(
    intervention: Counts, control: Counts, pence: Sequence[float] | None = None
) -> CostPerEvent | NotEstimable:
    """The cost of an event prevented. Texts to a person cost 60 pence unless `pence` is given."""
    return cost_per_event_prevented(
        cost_pence=[60] * intervention.people if pence is None else pence,
        intervention=intervention,
        control=control,
        alpha=0.05,
    )


FEWER = Counts(5, 100), Counts(25, 100)


def test_an_order_s_cost_is_that_of_its_texts_machines_and_minutes() -> None:
    found = cost_per_order(
        text_pence=[28, 52, 40], infrastructure_pence=3, staff_minutes=2, staff_pence_per_hour=2400
    )
    assert found == (40, 3, 80, 123)


def test_no_orders_have_no_mean_cost() -> None:
    found = cost_per_order(
        text_pence=[], infrastructure_pence=3, staff_minutes=2, staff_pence_per_hour=2400
    )
    assert found == NotEstimable("no order was treated")


def test_with_equal_costs_only_the_difference_widens_the_interval() -> None:
    intervention, control = FEWER
    difference = known(risk_difference(control, intervention, alpha=0.05))
    assert cost(*FEWER) == pytest.approx((60 / 0.2, 60 / difference.high, 60 / difference.low))


def test_costs_that_vary_widen_the_interval() -> None:
    even, varied = known(cost(*FEWER)), known(cost(*FEWER, [10, 110] * 50))
    assert varied.value == even.value
    assert not isinstance(even.high, NotEstimable)
    assert not isinstance(varied.high, NotEstimable)
    assert varied.low < even.low
    assert even.high < varied.high


def test_a_difference_that_may_be_zero_leaves_the_cost_without_an_upper_limit() -> None:
    found = known(cost(Counts(20, 100), Counts(25, 100)))
    assert isinstance(found.high, NotEstimable)
    assert found.value == pytest.approx(1200)
    assert 0 < found.low < 1200


@pytest.mark.parametrize(
    ("intervention", "control", "because"),
    [
        (Counts(5, 20), Counts(5, 20), "no fewer people had the event in the intervention arm"),
        (Counts(9, 20), Counts(5, 20), "no fewer people had the event in the intervention arm"),
        (Counts(0, 20), Counts(0, 20), "no fewer people had the event in the intervention arm"),
        (Counts(0, 0), Counts(5, 20), "nobody is in the intervention arm"),
        (Counts(5, 20), Counts(0, 0), "nobody is in the control arm"),
        (Counts(0, 0), Counts(0, 0), "nobody is in either arm"),
    ],
)
def test_with_nothing_prevented_no_cost_per_event_is_given(
    intervention: Counts, control: Counts, because: str
) -> None:
    assert cost(intervention, control) == NotEstimable(because)


def test_a_cost_is_never_below_zero() -> None:
    for control in (Counts(25, 100), Counts(9, 100)):
        assert known(cost(Counts(5, 100), control, [0] * 99 + [6000])).low == 0


def test_free_texts_prevent_events_for_free() -> None:
    assert cost(*FEWER, [0] * 100) == (0, 0, 0)


def test_a_cost_for_each_treated_person_is_required() -> None:
    with pytest.raises(ValueError, match="3 costs for 100 people"):
        cost(*FEWER, [1, 2, 3])


def test_no_small_arms_give_a_value_that_is_not_a_number() -> None:
    arms = [Counts(events, people) for people in range(5) for events in range(people + 1)]
    for intervention, control in product(arms, arms):
        found = cost(intervention, control, [10 * (i + 1) for i in range(intervention.people)])
        if isinstance(found, CostPerEvent):
            assert 0 <= found.low <= found.value
            assert isinstance(found.high, NotEstimable) or found.value <= found.high < float("inf")
