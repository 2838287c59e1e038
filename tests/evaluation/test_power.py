"""How many people it takes, against the published figures and against every table."""

from itertools import product

import pytest
from scipy.stats import binom

from evaluation.power import (
    EXACT_UP_TO,
    detectable,
    diluted,
    needed,
    orders_needed,
    power_of,
    reestimated,
)
from evaluation.statistics.proportions import fisher
from evaluation.statistics.values import Counts, NotEstimable
from tests.evaluation.estimable import known


@pytest.mark.parametrize(
    ("intervention", "normal", "fleiss", "exact"), [(0.04, 36, 44, 39), (0.14, 132, 146, 144)]
)
def test_sample_sizes_are_those_published(
    intervention: float, normal: int, fleiss: int, exact: int
) -> None:
    assert needed(0.28, intervention, alpha=0.05, power=0.8) == (normal, fleiss, exact)


def test_showing_an_increase_takes_as_many_people_as_showing_a_decrease() -> None:
    assert needed(0.04, 0.28, alpha=0.05, power=0.8) == (36, 44, 39)
    assert needed(0.72, 0.96, alpha=0.05, power=0.8) == (36, 44, 39)


def test_an_extreme_risk_needs_fewer_than_the_normal_figure() -> None:
    found = known(needed(0.4, 0, alpha=0.05, power=0.9))
    assert (found.normal, found.exact) == (19, 18)


def test_no_exact_figure_is_given_beyond_the_largest_exact_calculation() -> None:
    found = known(needed(0.28, 0.27, alpha=0.05, power=0.8))
    assert found.normal > EXACT_UP_TO
    assert isinstance(found.exact, NotEstimable)
    power = known(power_of(0.28, 0.27, per_arm=(EXACT_UP_TO + 1, 5), alpha=0.05))
    assert isinstance(power.exact, NotEstimable)


def test_the_sample_size_has_the_power_and_one_person_fewer_does_not() -> None:
    for n, enough in ((36, True), (35, False)):
        power = known(power_of(0.28, 0.04, per_arm=(n, n), alpha=0.05))
        assert (power.normal >= 0.8) == enough
    for n, enough in ((39, True), (38, False)):
        power = known(power_of(0.28, 0.04, per_arm=(n, n), alpha=0.05))
        assert not isinstance(power.exact, NotEstimable)
        assert (power.exact >= 0.8) == enough


@pytest.mark.parametrize(("n", "m", "alpha"), [(14, 9, 0.05), (13, 11, 0.01), (12, 12, 0.05)])
def test_the_exact_power_is_the_sum_over_every_table(n: int, m: int, alpha: float) -> None:
    treated, control = 0.1, 0.6
    expected = 0.0
    for a, c in product(range(n + 1), range(m + 1)):
        p = known(fisher(Counts(a, n), Counts(c, m)))
        if p <= alpha:
            expected += binom.pmf(a, n, treated) * binom.pmf(c, m, control)
    power = known(power_of(control, treated, per_arm=(n, m), alpha=alpha))
    assert power.exact == pytest.approx(expected, rel=1e-9)


def test_a_p_value_equal_to_alpha_counts_as_significant() -> None:
    # Of 3 and 3, all and none: two of the 20 ways, p = 0.1, and probability 2 / 2**6.
    power = known(power_of(0.5, 0.5, per_arm=(3, 3), alpha=0.1))
    assert power.exact == pytest.approx(2 / 2**6)


def test_the_detectable_effect_needs_as_many_people_as_there_are() -> None:
    risk = known(detectable(0.28, per_arm=(132, 132), alpha=0.05, power=0.8))
    assert risk == pytest.approx(0.14, abs=0.001)
    found = known(needed(0.28, risk - 1e-5, alpha=0.05, power=0.8))
    assert found.normal == 132


def test_unequal_arms_detect_less_than_equal_ones() -> None:
    equal, unequal = (
        detectable(0.28, per_arm=sizes, alpha=0.05, power=0.8) for sizes in ((100, 100), (30, 170))
    )
    assert not isinstance(equal, NotEstimable)
    assert not isinstance(unequal, NotEstimable)
    assert unequal < equal


def test_too_few_people_detect_nothing() -> None:
    assert isinstance(detectable(0.28, per_arm=(8, 8), alpha=0.05, power=0.8), NotEstimable)


def test_empty_arms_show_nothing() -> None:
    for sizes in ((0, 5), (5, 0), (0, 0)):
        nobody = NotEstimable("an arm has nobody")
        assert power_of(0.28, 0.14, per_arm=sizes, alpha=0.05) == nobody
        assert detectable(0.28, per_arm=sizes, alpha=0.05, power=0.8) == nobody


def test_equal_risks_need_no_trial() -> None:
    assert isinstance(needed(0.28, 0.28, alpha=0.05, power=0.8), NotEstimable)


@pytest.mark.parametrize(
    ("share", "orders"), [(0, 264), (0.2, 330), (0.5, 528), (0.34, 400), (0.9, 2640)]
)
def test_orders_to_enrol_allow_for_those_never_randomised(share: float, orders: int) -> None:
    assert orders_needed(132, never_randomised=share) == orders


def test_texts_that_do_not_arrive_dilute_the_effect() -> None:
    assert diluted(0.28, 0.14, undelivered=0) == 0.14
    assert diluted(0.28, 0.14, undelivered=0.5) == pytest.approx(0.21)
    assert diluted(0.28, 0.14, undelivered=1) == pytest.approx(0.28)


def test_a_number_that_is_not_a_risk_or_a_share_is_refused() -> None:
    for control, intervention in ((0, 0.1), (1, 0.5), (-0.1, 0.1), (0.2, 1.1), (0.2, -0.1)):
        with pytest.raises(ValueError, match="risk"):
            needed(control, intervention, alpha=0.05, power=0.8)
    with pytest.raises(ValueError, match="leaves nobody"):
        orders_needed(132, never_randomised=1)
    with pytest.raises(ValueError, match="a share must be"):
        diluted(0.28, 0.14, undelivered=1.5)


@pytest.mark.parametrize("share", [0.5, 2 / 3])
def test_a_pooled_risk_is_split_in_the_planned_proportion(share: float) -> None:
    found = known(reestimated(0.3, planned=(0.28, 0.20), share=share))
    control, intervention = found
    assert intervention / control == pytest.approx(0.20 / 0.28)
    assert share * intervention + (1 - share) * control == pytest.approx(0.3)


def test_splitting_the_planned_risks_pool_gives_them_back() -> None:
    assert reestimated(0.24, planned=(0.28, 0.20), share=0.5) == pytest.approx((0.28, 0.20))


def test_an_extreme_pooled_risk_gives_no_risks() -> None:
    for pooled in (0.0, 1.0, 0.95):
        assert isinstance(reestimated(pooled, planned=(0.28, 0.20), share=0.5), NotEstimable)
    with pytest.raises(ValueError, match="a share must be"):
        reestimated(0.2, planned=(0.28, 0.20), share=1)
