"""The effect among people whom the texts reach, identified by the randomisation alone."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

from scipy.stats import norm

from evaluation.statistics.values import Estimate, NotEstimable, columns, empty_arm

if TYPE_CHECKING:
    from numpy.typing import ArrayLike


class Complier(NamedTuple):
    """The risk difference among those reached, and their share of the intervention arm."""

    difference: Estimate
    reached: float
    people: int


def complier_effect(
    *, event: ArrayLike, treated: ArrayLike, reached: ArrayLike, alpha: float
) -> Complier | NotEstimable:
    """
    The risk difference among people who are reached if they are randomised to texts (CACE).

    It assumes that nobody in control is reached, and that texts change nothing for those whom they
    do not reach: then it is the difference between the arms, divided by the share reached. Unlike a
    comparison by dose, it selects nobody by what happened after randomisation. Its interval is
    Anderson and Rubin's, which holds however few are reached. ValueError for unequal columns, or if
    control was reached.

    Imbens and Rubin (1997), Annals of Statistics 25:305-327; Anderson and Rubin (1949), Annals of
    Mathematical Statistics 20:46-63.
    """
    y, arm, got = columns(event=event, treated=treated, reached=reached)
    y, arm, got = y.astype(float), arm.astype(bool), got.astype(float)
    if got[~arm].any():
        raise ValueError("somebody in control was reached")
    n, m = int(arm.sum()), int((~arm).sum())
    if reason := empty_arm(n, m):
        return reason
    share = float(got.mean(where=arm))
    if not share:
        return NotEstimable("nobody in the intervention arm was reached")
    if min(n, m) < 2:  # noqa: PLR2004 - a variance takes two
        return NotEstimable("an arm has one person only")
    y1, y0, d1 = y[arm], y[~arm], got[arm]
    itt = float(y1.mean() - y0.mean())
    # The effect b is inside where (itt - b * share)^2 <= z^2 * variance(itt - b * share).
    z2 = float(norm.isf(alpha / 2)) ** 2
    covariance = float(((y1 - y1.mean()) * (d1 - share)).sum() / (n - 1) / n)
    variance = float(y1.var(ddof=1) / n + y0.var(ddof=1) / m)
    a = share**2 - z2 * float(d1.var(ddof=1)) / n
    b = -2 * (itt * share - z2 * covariance)
    c = itt**2 - z2 * variance
    root = b * b - 4 * a * c
    if a <= 0 or root < 0:
        return NotEstimable("too few were reached for an interval with two ends")
    low, high = ((-b + sign * math.sqrt(root)) / (2 * a) for sign in (-1, 1))
    return Complier(Estimate(itt / share, low, high), share, n + m)
