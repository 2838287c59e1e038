"""Whether an effect differs between forces more than chance explains."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from statsmodels.stats.contingency_tables import StratifiedTable

from evaluation.statistics.values import NotEstimable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from evaluation.statistics.values import Counts


class Heterogeneity(NamedTuple):
    """
    Chi-squared of equal odds ratios with its degrees of freedom and p.

    `i_squared` is the share of the variation between forces that is beyond chance, 0 to 1.
    """

    chi2: float
    degrees: int
    p: float
    i_squared: float


def heterogeneity(strata: Sequence[tuple[Counts, Counts]]) -> Heterogeneity | NotEstimable:
    """
    Whether odds ratios are the same in all strata, each with (intervention, control).

    Strata with one arm only, or in which all or none had the event, do not contribute.

    Breslow and Day (1980), Statistical Methods in Cancer Research I, 4.4, with Tarone's (1985)
    correction, Biometrika 72:91-95; I-squared: Higgins and Thompson (2002), Statistics in Medicine
    21:1539-1558.
    """
    telling = [
        (first, second)
        for first, second in strata
        if first.people
        and second.people
        and 0 < first.events + second.events < first.people + second.people
    ]
    if len(telling) < 2:  # noqa: PLR2004 - one alone cannot differ
        return NotEstimable("fewer than two forces have both arms, people with events and without")
    table = StratifiedTable(
        np.array(
            [
                [[a.events for a, _ in telling], [a.people - a.events for a, _ in telling]],
                [[c.events for _, c in telling], [c.people - c.events for _, c in telling]],
            ],
            dtype=float,
        )
    )
    if not 0 < table.oddsratio_pooled < np.inf:
        return NotEstimable("the odds in an arm are 0 or infinite")
    test = table.test_equal_odds(adjust=True)
    chi2, degrees = float(test.statistic), len(telling) - 1
    return Heterogeneity(
        chi2, degrees, float(test.pvalue), max(0.0, (chi2 - degrees) / chi2) if chi2 else 0.0
    )
