"""Freireich's trial of 6-mercaptopurine, and areas that can be worked out by hand."""

import math

import numpy as np
import pytest

from evaluation.statistics.survival import Curve, kaplan_meier, log_rank, restricted_means
from evaluation.statistics.values import NotEstimable
from tests.evaluation.estimable import known

# Freireich et al. (1963), Blood 21:699-716: weeks of remission.
TREATED = [6, 6, 6, 7, 10, 13, 16, 22, 23, 6, 9, 10, 11, 17, 19, 20, 25, 32, 32, 34, 35]
RELAPSED = [True] * 9 + [False] * 12
PLACEBO = [1, 1, 2, 2, 3, 4, 4, 5, 5, 8, 8, 8, 8, 11, 11, 12, 12, 15, 17, 22, 23]
DAYS = TREATED + PLACEBO
EVENTS = RELAPSED + [True] * 21
ARMS = [True] * 21 + [False] * 21


def curve(days: list[int], event: list[bool]) -> Curve:
    return known(kaplan_meier(days=days, event=event, alpha=0.05))


def test_freireich_s_survival_curves_have_their_published_values() -> None:
    treated, placebo = curve(TREATED, RELAPSED), curve(PLACEBO, [True] * 21)
    at_ten = known(treated.at(10))
    assert round(at_ten, 4) == 0.7529
    assert (treated.median, placebo.median) == (23, 8)
    assert [treated.at_risk(day) for day in (0, 6, 10, 23, 35, 36)] == [21, 21, 15, 6, 1, 0]
    assert treated.censored == sorted(TREATED[9:])
    assert placebo.censored == []
    assert placebo.at(40) == 0


def test_freireich_s_log_rank_test_has_its_published_value() -> None:
    found = known(log_rank(days=DAYS, event=EVENTS, treated=ARMS))
    assert round(found.chi2, 5) == 16.79294
    assert found.p == pytest.approx(4.17e-5, rel=1e-3)


def test_a_mean_of_uncensored_times_is_their_mean() -> None:
    # R prints for the placebo arm: rmean 8.67, se(rmean) 1.38.
    found = known(restricted_means(days=DAYS, event=EVENTS, treated=ARMS, alpha=0.05))
    assert found.horizon == 23
    assert found.control.value == pytest.approx(sum(PLACEBO) / 21)
    half = 1.959963984540054 * np.std(PLACEBO) / math.sqrt(21)
    assert found.control.high == pytest.approx(found.control.value + half)
    assert round(float(half / 1.959963984540054), 2) == 1.38
    assert found.difference.value == pytest.approx(found.intervention.value - found.control.value)


def test_a_restricted_mean_is_the_area_under_the_steps() -> None:
    # Two of four leave at 2 and 6 by an event, one at 4 without: 1 to day 2, 3/4 to 6, then 3/8.
    days, event = [2, 4, 6, 10], [True, False, True, False]
    found = known(
        restricted_means(
            days=days * 2, event=event * 2, treated=[True] * 4 + [False] * 4, horizon=8, alpha=0.05
        )
    )
    assert found.intervention.value == pytest.approx(2 + 4 * 3 / 4 + 2 * 3 / 8)
    variance = (4 * 3 / 4 + 2 * 3 / 8) ** 2 / (4 * 3) + (2 * 3 / 8) ** 2 / (2 * 1)
    half = 1.959963984540054 * math.sqrt(variance)
    assert found.intervention.low == pytest.approx(found.intervention.value - half)
    assert found.difference == pytest.approx((0, -half * math.sqrt(2), half * math.sqrt(2)))
    assert found.p == pytest.approx(1)


@pytest.mark.parametrize("people", range(2, 121, 2))
def test_the_median_is_reached_where_exactly_half_are_left(people: int) -> None:
    found = curve(list(range(1, people + 1)), [True] * people)
    assert found.median == people / 2


def test_without_half_having_the_event_there_is_no_median() -> None:
    found = curve([5, 6, 7, 8], [True, False, False, False])
    assert isinstance(found.median, NotEstimable)
    assert isinstance(found.at(9), NotEstimable)
    assert found.at(8) == pytest.approx(0.75)


def test_an_event_at_the_moment_of_allocation_counts() -> None:
    assert curve([0, 5], [True, False]).at(0) == 0.5


def test_without_events_the_curve_stays_at_one_and_the_arms_are_not_compared() -> None:
    flat = curve([5, 6], [False, False])
    assert (flat.survival[-1], flat.low[-1], flat.high[-1]) == (1, 1, 1)
    days, event, arm = [5, 6], [False, False], [True, False]
    assert log_rank(days=days, event=event, treated=arm) == NotEstimable(
        "nobody in either arm had the event"
    )
    assert restricted_means(days=days, event=event, treated=arm, alpha=0.05) == NotEstimable(
        "nobody in either arm had the event within 5 days"
    )


@pytest.mark.parametrize(
    ("arms", "because"),
    [
        ([], "nobody is in either arm"),
        ([True, True], "nobody is in the control arm"),
        ([False, False], "nobody is in the intervention arm"),
    ],
)
def test_an_empty_arm_is_not_compared(arms: list[bool], because: str) -> None:
    days, event = [5, 6][: len(arms)], [True, False][: len(arms)]
    assert log_rank(days=days, event=event, treated=arms) == NotEstimable(because)
    assert restricted_means(days=days, event=event, treated=arms, alpha=0.05) == NotEstimable(
        because
    )


def test_without_people_there_is_no_curve() -> None:
    assert kaplan_meier(days=[], event=[], alpha=0.05) == NotEstimable("nobody was followed")


def test_arms_are_compared_only_while_both_are_followed() -> None:
    for horizon in (24, 0, -1):
        found = restricted_means(days=DAYS, event=EVENTS, treated=ARMS, horizon=horizon, alpha=0.05)
        assert found == NotEstimable("both arms are followed for 23 days only")


def test_arms_never_followed_together_have_no_log_rank() -> None:
    found = log_rank(days=[1, 2, 5, 6], event=[False, False, True, True], treated=[1, 1, 0, 0])
    assert isinstance(found, NotEstimable)


def test_a_negative_time_is_refused() -> None:
    with pytest.raises(ValueError, match="negative"):
        kaplan_meier(days=[-1, 2], event=[True, True], alpha=0.05)


def test_no_small_group_gives_a_value_that_is_not_a_number() -> None:
    random = np.random.default_rng(7)
    for people in (1, 2, 3, 4, 5) * 8:
        days, event, arm = (random.integers(0, top, people) for top in (3, 2, 2))
        found = known(kaplan_meier(days=days, event=event, alpha=0.05))
        assert np.isfinite([found.survival, found.low, found.high]).all()
        test = log_rank(days=days, event=event, treated=arm)
        assert isinstance(test, NotEstimable) or np.isfinite(test).all()
        means = restricted_means(days=days, event=event, treated=arm, alpha=0.05)
        if not isinstance(means, NotEstimable):
            assert np.isfinite([means.intervention, means.control, means.difference]).all()
            for arm_mean in (means.intervention, means.control):
                assert 0 <= arm_mean.low <= arm_mean.value <= arm_mean.high <= means.horizon
            assert 0 <= means.p <= 1
