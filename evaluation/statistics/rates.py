"""Rates of events, not people: events in an arm for the time that it was followed."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import statsmodels.api as sm
from scipy.stats import norm
from statsmodels.tools.sm_exceptions import PerfectSeparationWarning

from evaluation.statistics.values import Estimate, NotEstimable, columns, empty_arm

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

A_YEAR = 365.25
NEGLIGIBLE = 1e-9
"""A smaller standard error counts as none."""


class Rate(NamedTuple):
    """Events in the days of several people together."""

    events: int
    days: float
    people: int

    @property
    def per_year(self) -> float | NotEstimable:
        """Events per person and year."""
        return self.events / self.days * A_YEAR if self.days else NotEstimable("nobody was at risk")


class RateRatio(NamedTuple):
    """Each arm's rate, and the ratio of intervention's to control's."""

    intervention: Rate
    control: Rate
    ratio: Estimate | NotEstimable
    p: float | NotEstimable


def rate_ratio(
    *, events: ArrayLike, days: ArrayLike, treated: ArrayLike, alpha: float
) -> RateRatio | NotEstimable:
    """
    The ratio of two rates: one entry per person, with events (0, 1, 2 ...) and days at risk.

    Poisson regression with a variance that is robust to some people having far more events than
    others; Wald's interval and p on the log scale. People without a day at risk do not count.
    ValueError for unequal columns or negative days.

    Lin, Wei, Yang and Ying (2000), JRSS B 62:711-730; Zou (2004), American Journal of Epidemiology
    159:702-706, for the variance (here HC1, which allows for few people).
    """
    y, time, arm = columns(events=events, days=days, treated=treated)
    if (time < 0).any():
        raise ValueError("a time at risk is negative")
    at_risk = time > 0
    y, time, arm = y[at_risk].astype(float), time[at_risk].astype(float), arm[at_risk].astype(bool)
    if reason := empty_arm(int(arm.sum()), int((~arm).sum())):
        return reason
    rates = [Rate(int(y[a].sum()), float(time[a].sum()), int(a.sum())) for a in (arm, ~arm)]
    for rate, name in zip(rates, ("intervention", "control"), strict=True):
        if not rate.events:
            reason = NotEstimable(f"there was no event in the {name} arm")
            return RateRatio(rates[0], rates[1], reason, reason)
    model = sm.GLM(
        y,
        np.column_stack([np.ones(len(y)), arm]),
        family=sm.families.Poisson(),
        offset=np.log(time),
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PerfectSeparationWarning)  # as many for everybody
        fit = model.fit(cov_type="HC0")
    # HC1; statsmodels' own "HC1" is HC0 for this model.
    error = float(fit.bse[1]) * (len(y) / max(len(y) - 2, 1)) ** 0.5
    if error < NEGLIGIBLE:
        reason = NotEstimable("everybody in an arm had as many events for their time")
        return RateRatio(rates[0], rates[1], reason, reason)
    log, half = float(fit.params[1]), float(norm.isf(alpha / 2)) * error
    ratio = Estimate(*(float(np.exp(each)) for each in (log, log - half, log + half)))
    return RateRatio(rates[0], rates[1], ratio, float(2 * norm.sf(abs(log) / error)))
