"""Time to the first event. Days count from allocation; people without an event are censored."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from lifelines import KaplanMeierFitter
from lifelines.statistics import logrank_test
from lifelines.utils import qth_survival_time, restricted_mean_survival_time
from scipy.stats import norm

from evaluation.statistics.values import Estimate, NotEstimable, columns, empty_arm

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray


HALF = 0.5 + 1e-9
"""The level of the median, allowing for rounding: a product may exceed a half slightly."""


@dataclass(frozen=True, slots=True)
class Curve:
    """
    A survival curve: from each of `days` on the share without an event is `survival`.

    `low` to `high` is its pointwise interval. `left` has the day on which each person's follow-up
    ended, ascending; `censored` those without an event.
    """

    days: list[float]
    survival: list[float]
    low: list[float]
    high: list[float]
    median: float | NotEstimable
    left: list[float]
    censored: list[float]

    def at_risk(self, day: float) -> int:
        """How many are still followed without an event just before that day."""
        return len(self.left) - bisect_left(self.left, day)

    def at(self, day: float) -> float | NotEstimable:
        """The share without an event on that day."""
        if day > self.left[-1] and self.survival[-1] > 0:
            return NotEstimable(f"nobody was followed for {day:g} days")
        return self.survival[bisect_right(self.days, day) - 1]


class LogRank(NamedTuple):
    """Chi-squared with one degree of freedom, and its p-value (two-sided)."""

    chi2: float
    p: float


class RestrictedMeans(NamedTuple):
    """Mean days without an event up to `horizon`; difference is intervention - control."""

    horizon: float
    intervention: Estimate
    control: Estimate
    difference: Estimate
    p: float


def kaplan_meier(*, days: ArrayLike, event: ArrayLike, alpha: float) -> Curve | NotEstimable:
    """
    The survival curve of people with days (>= 0) each, ending in an event or not.

    Kaplan and Meier (1958), JASA 53:457-481. Interval on the log(-log) scale: Kalbfleisch and
    Prentice (2002), The Statistical Analysis of Failure Time Data, 1.4.1. ValueError for unequal
    columns or a missing or negative time.
    """
    times, events = _times(days, event)
    if not len(times):
        return NotEstimable("nobody was followed")
    fit = _fitted(times, events, alpha)
    interval = fit.confidence_interval_.to_numpy()
    median = float(qth_survival_time(HALF, fit.survival_function_.iloc[:, 0]))
    return Curve(
        days=[float(day) for day in fit.survival_function_.index],
        survival=[float(share) for share in fit.survival_function_.iloc[:, 0]],
        low=[float(low) for low in interval[:, 0]],
        high=[float(high) for high in interval[:, 1]],
        median=median
        if np.isfinite(median)
        else NotEstimable("fewer than half had the event while they were followed"),
        left=sorted(times.tolist()),
        censored=sorted(times[~events].tolist()),
    )


def log_rank(*, days: ArrayLike, event: ArrayLike, treated: ArrayLike) -> LogRank | NotEstimable:
    """
    Whether the arms have the same hazard at all times.

    Mantel (1966), Cancer Chemotherapy Reports 50:163-170; Peto and Peto (1972), JRSS A
    135:185-207. ValueError as for `kaplan_meier`.
    """
    times, events = _times(days, event)
    _, arm = columns(days=times, treated=treated)
    arm = arm.astype(bool)
    if reason := empty_arm(int(arm.sum()), int((~arm).sum())):
        return reason
    if not events.any():
        return NotEstimable("nobody in either arm had the event")
    first = times[events].min()
    if not all((times[those] >= first).any() for those in (arm, ~arm)):
        return NotEstimable(
            "the arms were never followed at the same time as somebody had the event"
        )
    result = logrank_test(times[arm], times[~arm], events[arm], events[~arm])
    return LogRank(float(result.test_statistic), float(result.p_value))


def restricted_means(
    *,
    days: ArrayLike,
    event: ArrayLike,
    treated: ArrayLike,
    alpha: float,
    horizon: float | None = None,
) -> RestrictedMeans | NotEstimable:
    """
    Mean days without an event in the first `horizon`: the area under each arm's survival curve.

    The horizon is at most, and without one is, the longest time for which both arms are followed.
    Royston and Parmar (2013), BMC Medical Research Methodology 13:152; variance by Klein and
    Moeschberger (2003), Survival Analysis, 4.5. ValueError as for `kaplan_meier`.
    """
    times, events = _times(days, event)
    _, arm = columns(days=times, treated=treated)
    arm = arm.astype(bool)
    if reason := empty_arm(int(arm.sum()), int((~arm).sum())):
        return reason
    furthest = float(min(times[arm].max(), times[~arm].max()))
    horizon = furthest if horizon is None else horizon
    if not 0 < horizon <= furthest:
        return NotEstimable(f"both arms are followed for {furthest:g} days only")
    z = float(norm.isf(alpha / 2))
    (first, var_first), (second, var_second) = (
        _area(times[those], events[those], horizon, alpha) for those in (arm, ~arm)
    )
    variance = var_first + var_second
    if not variance:
        return NotEstimable(f"nobody in either arm had the event within {horizon:g} days")
    return RestrictedMeans(
        horizon,
        _around(first, z * var_first**0.5, horizon),
        _around(second, z * var_second**0.5, horizon),
        Estimate(first - second, *(first - second + side * variance**0.5 for side in (-z, z))),
        float(2 * norm.sf(abs(first - second) / variance**0.5)),
    )


def _around(value: float, half: float, horizon: float) -> Estimate:
    return Estimate(value, max(0.0, value - half), min(horizon, value + half))


def _area(
    times: NDArray[Any], events: NDArray[Any], horizon: float, alpha: float
) -> tuple[float, float]:
    """
    The area under the curve up to the horizon, in days, and the variance of that estimate.

    lifelines gives this area, but its variance is that of the times, not of the estimate.
    """
    fit = _fitted(times, events, alpha)
    area = restricted_mean_survival_time(fit, horizon)
    table = fit.event_table.loc[:horizon]
    steps = fit.survival_function_.iloc[: len(table), 0].to_numpy()
    widths = np.diff(np.append(table.index.to_numpy(), horizon))
    ahead = np.cumsum((steps * widths)[::-1])[::-1]  # the area from each time on
    died, at_risk = table["observed"].to_numpy(), table["at_risk"].to_numpy()
    survived = at_risk > died  # after the last death there is no area
    terms = ahead[survived] ** 2 * died[survived] / (at_risk * (at_risk - died))[survived]
    return float(area), float(terms.sum())


def _times(days: ArrayLike, event: ArrayLike) -> tuple[NDArray[Any], NDArray[Any]]:
    times, events = columns(days=days, event=event)
    if (times < 0).any():
        raise ValueError("a time is negative")
    return times.astype(float), events.astype(bool)


def _fitted(times: NDArray[Any], events: NDArray[Any], alpha: float) -> KaplanMeierFitter:
    return KaplanMeierFitter(alpha=alpha).fit(times, events)
