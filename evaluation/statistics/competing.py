"""Time to an event that a competing event, such as a death, can make impossible."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np
from scipy.stats import norm
from statsmodels.duration.survfunc import CumIncidenceRight

from evaluation.statistics.values import Estimate, NotEstimable, columns, empty_arm

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

CENSORED: Final = 0
EVENT: Final = 1
COMPETING: Final = 2


@dataclass(frozen=True, slots=True)
class Incidence:
    """Cumulative incidence: from each of `days` on the share with the event, and its variance."""

    days: list[float]
    share: list[float]
    variance: list[float]

    def at(self, day: float) -> tuple[float, float]:
        """The share by that day, and its variance: 0 before the first event."""
        place = int(np.searchsorted(self.days, day, side="right")) - 1
        return (self.share[place], self.variance[place]) if place >= 0 else (0.0, 0.0)


class Incidences(NamedTuple):
    """The share with the event by `horizon` in each arm; difference is intervention - control."""

    horizon: float
    intervention: Estimate
    control: Estimate
    difference: Estimate
    p: float


def cumulative_incidence(*, days: ArrayLike, status: ArrayLike) -> Incidence | NotEstimable:
    """
    The cumulative incidence of people with days (>= 0) and a status each.

    Aalen and Johansen (1978), Scandinavian Journal of Statistics 5:141-150; variance by Marubini
    and Valsecchi (1995), Analysing Survival Data from Clinical Trials, 10.2. ValueError for unequal
    columns.
    """
    times, states = columns(days=days, status=status)
    if not len(times):
        return NotEstimable("nobody was followed")
    if not (states == EVENT).any():
        return Incidence([], [], [])
    fit = CumIncidenceRight(times.astype(float), states.astype(int))
    variance = np.nan_to_num(np.asarray(fit.cinc_se[0])) ** 2
    return Incidence(*(_floats(each) for each in (fit.times, fit.cinc[0], variance)))


def incidences(
    *, days: ArrayLike, status: ArrayLike, treated: ArrayLike, horizon: float, alpha: float
) -> Incidences | NotEstimable:
    """
    The arms compared at a horizon, which both must have reached. Wald's intervals and p.

    ValueError for unequal columns.
    """
    times, states, arm = columns(days=days, status=status, treated=treated)
    arm = arm.astype(bool)
    if reason := empty_arm(int(arm.sum()), int((~arm).sum())):
        return reason
    shares = []
    for those in (arm, ~arm):
        found = cumulative_incidence(days=times[those], status=states[those])
        if isinstance(found, NotEstimable):
            return found
        shares.append(found.at(horizon))
    (first, variance), (second, other) = shares
    if not variance + other:
        return NotEstimable(f"nobody in either arm had the event within {horizon:g} days")
    z = float(norm.isf(alpha / 2))
    error = (variance + other) ** 0.5
    difference = first - second
    return Incidences(
        horizon,
        _within(first, z * variance**0.5),
        _within(second, z * other**0.5),
        Estimate(difference, difference - z * error, difference + z * error),
        float(2 * norm.sf(abs(difference) / error)),
    )


def _within(share: float, half: float) -> Estimate:
    return Estimate(share, max(0.0, share - half), min(1.0, share + half))


def _floats(values: NDArray[Any]) -> list[float]:
    return [float(value) for value in values]
