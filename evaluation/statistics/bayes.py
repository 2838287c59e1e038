"""The posterior of the effect, under a prior fixed before the data."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from scipy.special import expit, log_expit
from scipy.stats import norm

from evaluation.statistics.values import Estimate, NotEstimable, empty_arm

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from evaluation.statistics.values import Counts

GRID = 801
"""Points on each axis: twice as many change no displayed digit."""


class Posterior(NamedTuple):
    """
    The odds ratio and the risk difference, each with its median and central credible interval.

    `benefit` is the probability that the odds ratio is below 1, `planned` that it is at most the
    planned one; `log_odds_ratios` and `density` are the whole distribution.
    """

    odds_ratio: Estimate
    risk_difference: Estimate
    benefit: float
    planned: float
    log_odds_ratios: list[float]
    density: list[float]


def posterior(
    intervention: Counts, control: Counts, *, mean: float, sd: float, planned: float, alpha: float
) -> Posterior | NotEstimable:
    """
    The posterior under a normal prior of the log odds ratio, and a flat one of control's risk.

    `planned` is an odds ratio. Exact apart from the grid of the integration, so it also holds
    without events in an arm. ValueError unless sd is above 0.

    Spiegelhalter, Freedman and Parmar (1994), JRSS A 157:357-416, for sceptical priors.
    """
    if sd <= 0:
        raise ValueError("a prior must have a positive spread")
    if reason := empty_arm(intervention.people, control.people):
        return reason
    theta = np.linspace(mean - 8 * sd, mean + 8 * sd, GRID)
    # A uniform risk has logistic log odds, of which a millionth lies beyond 14.
    base = np.linspace(-14, 14, GRID)
    weight = norm.logpdf(theta, mean, sd)[:, None] + (log_expit(base) + log_expit(-base))[None, :]
    weight = weight + _log_likelihood(control, base)[None, :]
    weight = weight + _log_likelihood(intervention, base[None, :] + theta[:, None])
    weight = np.exp(weight - weight.max())
    weight /= weight.sum()
    of_theta = weight.sum(axis=1)
    step = theta[1] - theta[0]
    odds = [np.exp(each) for each in _quantiles(theta, of_theta, alpha)]
    differences = expit(base[None, :] + theta[:, None]) - expit(base)[None, :]
    order = np.argsort(differences, axis=None)
    risk = _quantiles(differences.ravel()[order], weight.ravel()[order], alpha)
    return Posterior(
        Estimate(*(float(each) for each in odds)),
        Estimate(*risk),
        _below(theta, of_theta, 0.0),
        _below(theta, of_theta, float(np.log(planned))),
        [float(each) for each in theta],
        [float(each / step) for each in of_theta],
    )


def _log_likelihood(counts: Counts, log_odds: NDArray[Any]) -> NDArray[Any]:
    lost: NDArray[Any] = counts.events * log_expit(log_odds)
    return lost + (counts.people - counts.events) * log_expit(-log_odds)


def _quantiles(
    values: NDArray[Any], weight: NDArray[Any], alpha: float
) -> tuple[float, float, float]:
    """The median and the ends of the central interval, interpolated on the grid."""
    middle = np.cumsum(weight) - weight / 2
    median, low, high = np.interp([0.5, alpha / 2, 1 - alpha / 2], middle, values)
    return float(median), float(low), float(high)


def _below(values: NDArray[Any], weight: NDArray[Any], limit: float) -> float:
    return float(np.interp(limit, values, np.cumsum(weight) - weight / 2))
