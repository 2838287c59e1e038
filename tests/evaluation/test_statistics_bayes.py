"""The posterior, against draws from the prior that are kept as often as they fit the data."""

import math

import numpy as np
import pytest
from scipy.special import expit

from evaluation.statistics.bayes import Posterior, posterior
from evaluation.statistics.values import Counts, NotEstimable
from tests.evaluation.estimable import known

ARMS = (Counts(8, 60), Counts(17, 62))


def found(*arms: Counts, mean: float = 0.0, sd: float = 0.27, planned: float = 0.64) -> Posterior:
    return known(posterior(*arms, mean=mean, sd=sd, planned=planned, alpha=0.05))


@pytest.mark.parametrize(
    "arms", [ARMS, (Counts(0, 30), Counts(4, 30)), (Counts(30, 30), Counts(5, 30))]
)
def test_the_posterior_matches_weighted_draws_from_the_prior(arms: tuple[Counts, Counts]) -> None:
    random = np.random.default_rng(20261129)
    theta, control = random.normal(0, 0.27, 2_000_000), random.random(2_000_000)
    base = np.log(control / (1 - control))
    treated = expit(base + theta)
    weight = np.exp(
        arms[0].events * np.log(treated)
        + (arms[0].people - arms[0].events) * np.log1p(-treated)
        + arms[1].events * np.log(control)
        + (arms[1].people - arms[1].events) * np.log1p(-control)
        + 60
    )
    weight /= weight.sum()
    result = found(*arms)
    assert result.benefit == pytest.approx(weight[theta < 0].sum(), abs=0.01)
    assert result.planned == pytest.approx(weight[theta <= math.log(0.64)].sum(), abs=0.01)
    order = np.argsort(theta)
    middle = theta[order][np.searchsorted(np.cumsum(weight[order]), 0.5)]
    assert math.log(result.odds_ratio.value) == pytest.approx(middle, abs=0.01)
    difference = treated - control
    order = np.argsort(difference)
    ends = np.searchsorted(np.cumsum(weight[order]), [0.5, 0.025, 0.975])
    assert result.risk_difference == pytest.approx(difference[order][ends], abs=0.01)


def test_the_density_sums_to_one() -> None:
    result = found(*ARMS)
    step = result.log_odds_ratios[1] - result.log_odds_ratios[0]
    assert sum(result.density) * step == pytest.approx(1)


def test_an_empty_arm_is_not_estimable_and_a_prior_without_spread_is_refused() -> None:
    empty = posterior(Counts(0, 0), Counts(1, 2), mean=0, sd=1, planned=0.5, alpha=0.05)
    assert isinstance(empty, NotEstimable)
    with pytest.raises(ValueError, match="spread"):
        posterior(*ARMS, mean=0, sd=0, planned=0.5, alpha=0.05)
