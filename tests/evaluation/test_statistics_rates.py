"""Rate ratios, against R: glm(poisson), sandwich's HC1."""

import pytest

from evaluation.statistics.rates import RateRatio, rate_ratio
from evaluation.statistics.values import Estimate, NotEstimable
from tests.evaluation.estimable import known

EVENTS = [0, 1, 2, 0, 3, 1, 0, 0, 2, 4, 1, 0, 3, 5, 2, 1]
DAYS = [10, 12, 14, 9, 14, 14, 7, 14, 14, 13, 12, 11, 14, 14, 10, 9]
TREATED = [True] * 8 + [False] * 8


def found(events: list[int] = EVENTS, days: list[int] = DAYS) -> RateRatio:
    return known(rate_ratio(events=events, days=days, treated=TREATED, alpha=0.05))


def test_the_rate_ratio_and_its_interval_equal_r_s() -> None:
    result = found()
    assert isinstance(result.ratio, Estimate)
    assert result.ratio == pytest.approx((0.401300236418, 0.160408745959, 1.00394700293))
    assert result.p == pytest.approx(0.0509923363372)
    assert result.intervention.per_year == pytest.approx(7 / 94 * 365.25)


def test_people_without_a_day_at_risk_do_not_count() -> None:
    events, days, treated = [*EVENTS, 4], [*DAYS, 0], [*TREATED, True]
    assert rate_ratio(events=events, days=days, treated=treated, alpha=0.05) == found()


def test_an_arm_without_events_has_a_rate_and_no_ratio() -> None:
    result = found(events=[0] * 8 + EVENTS[8:])
    assert isinstance(result.ratio, NotEstimable)
    assert str(result.ratio).endswith("there was no event in the intervention arm")
    assert result.control.events == 18


def test_without_any_variation_there_is_no_interval() -> None:
    result = found(events=[1] * 16, days=[14] * 16)
    assert isinstance(result.ratio, NotEstimable)
    assert isinstance(result.p, NotEstimable)


def test_an_empty_arm_is_not_estimable_and_a_negative_time_is_refused() -> None:
    result = rate_ratio(events=[1], days=[1], treated=[True], alpha=0.05)
    assert str(result).endswith("nobody is in the control arm")
    with pytest.raises(ValueError, match="a time at risk is negative"):
        rate_ratio(events=[1], days=[-1], treated=[True], alpha=0.05)
