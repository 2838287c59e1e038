"""Compares the arms within strata and combines the strata (Mantel and Haenszel)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from scipy.stats import chi2, norm
from statsmodels.stats.contingency_tables import StratifiedTable

from evaluation.statistics.values import Estimate, NotEstimable, empty_arm, no_variation

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from evaluation.statistics.values import Counts


class MantelHaenszel(NamedTuple):
    """
    Intervention against control over all strata that have both arms, and the number of these.

    `p` is the two-sided Cochran-Mantel-Haenszel test's, without a correction for continuity.
    """

    difference: Estimate | NotEstimable
    ratio: Estimate | NotEstimable
    odds_ratio: Estimate | NotEstimable
    p: float | NotEstimable
    strata: int


def mantel_haenszel(
    strata: Sequence[tuple[Counts, Counts]], *, alpha: float
) -> MantelHaenszel | NotEstimable:
    """
    Risk difference, risk ratio and odds ratio from each stratum's (intervention, control).

    Estimates: Mantel and Haenszel (1959), JNCI 22:719-748; Greenland and Robins (1985),
    Biometrics 41:55-68. Variances: Sato, Greenland and Robins (1989), Biometrics 45:1323-1324
    (difference); Greenland and Robins (ratio); Robins, Breslow and Greenland (1986), Biometrics
    42:311-323 (odds ratio).
    """
    both = [(first, second) for first, second in strata if first.people and second.people]
    if not both:
        people = [sum(pair[i].people for pair in strata) for i in (0, 1)]
        return empty_arm(*people) or NotEstimable("no stratum has people in both arms")
    a, n1, c, n0 = np.array(
        [(i.events, i.people, k.events, k.people) for i, k in both], dtype=float
    ).T
    if reason := no_variation(int((a + c).sum()), int((n1 + n0).sum())):
        return reason
    z = float(norm.isf(alpha / 2))
    odds_ratio, p = _odds(a, n1, c, n0, alpha)
    return MantelHaenszel(
        _difference(a, n1, c, n0, z), _ratio(a, n1, c, n0, z), odds_ratio, p, len(both)
    )


def _difference(
    a: NDArray[Any], n1: NDArray[Any], c: NDArray[Any], n0: NDArray[Any], z: float
) -> Estimate | NotEstimable:
    n = n1 + n0
    weight = (n1 * n0 / n).sum()
    value = float(((a * n0 - c * n1) / n).sum() / weight)
    p = ((n1**2 * c - n0**2 * a + n1 * n0 * (n0 - n1) / 2) / n**2).sum()
    q = ((a * (n0 - c) + c * (n1 - a)) / (2 * n)).sum()
    variance = float((value * p + q) / weight**2)
    if variance <= 0:
        return NotEstimable("in each stratum, all or none in an arm had the event")
    half = z * variance**0.5
    return Estimate(value, max(-1.0, value - half), min(1.0, value + half))


def _ratio(
    a: NDArray[Any], n1: NDArray[Any], c: NDArray[Any], n0: NDArray[Any], z: float
) -> Estimate | NotEstimable:
    if not a.sum():
        return NotEstimable("nobody in the intervention arm had the event")
    if not c.sum():
        return NotEstimable("nobody in the control arm had the event")
    n = n1 + n0
    above, below = (a * n0 / n).sum(), (c * n1 / n).sum()
    variance = ((n1 * n0 * (a + c) - a * c * n) / n**2).sum() / (above * below)
    factor = float(np.exp(z * np.sqrt(variance)))
    value = float(above / below)
    return Estimate(value, value / factor, value * factor)


def _odds(
    a: NDArray[Any], n1: NDArray[Any], c: NDArray[Any], n0: NDArray[Any], alpha: float
) -> tuple[Estimate | NotEstimable, float | NotEstimable]:
    if not ((a + c > 0) & (a + c < n1 + n0)).any():
        reason = NotEstimable("in each stratum, all or none had the event")
        return reason, reason
    table = StratifiedTable(np.array([[a, n1 - a], [c, n0 - c]]))
    p = float(chi2.sf(table.test_null_odds(correction=False).statistic, 1))
    if not (a * (n0 - c)).any() or not (c * (n1 - a)).any():
        return NotEstimable("the odds in an arm are 0 or infinite"), p
    low, high = table.oddsratio_pooled_confint(alpha)
    return Estimate(float(table.oddsratio_pooled), float(low), float(high)), p
