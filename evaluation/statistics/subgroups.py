"""Tests whether the effect differs between subgroups; adjusts several tests to one alpha."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import statsmodels.api as sm
from scipy.stats import chi2
from statsmodels.stats.multitest import multipletests
from statsmodels.tools.sm_exceptions import PerfectSeparationWarning

from evaluation.statistics.values import NotEstimable, columns, empty_arm, no_variation

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import ArrayLike, NDArray


class Interaction(NamedTuple):
    """Chi-squared, its degrees of freedom and p, and the subgroups that were left out."""

    chi2: float
    degrees: int
    p: float
    left_out: tuple[str, ...]


def interaction(
    *, event: ArrayLike, treated: ArrayLike, subgroup: ArrayLike
) -> Interaction | NotEstimable:
    """
    Whether the odds ratio is the same in each subgroup: one test, whatever their number.

    Likelihood ratio of the logistic regressions with and without arm-by-subgroup terms. Unlike
    Wald's test, it works if a subgroup has no event in one arm. A subgroup with one arm only, or
    where all or none had the event, adds nothing and is left out. ValueError for unequal columns.

    Agresti (2013), Categorical Data Analysis, 5.4 and 6.4; Rothwell (2005), Lancet 365:176-186, for
    one test instead of one in each subgroup.
    """
    y, arm, groups = columns(event=event, treated=treated, subgroup=subgroup)
    y, arm = y.astype(bool), arm.astype(bool)
    if reason := empty_arm(int(arm.sum()), int((~arm).sum())) or no_variation(int(y.sum()), len(y)):
        return reason
    informative: list[Any] = []
    left_out: list[Any] = []
    for group in np.unique(groups):
        those = groups == group
        informs = len(set(arm[those].tolist())) == len(set(y[those].tolist())) == 2  # noqa: PLR2004 - both
        (informative if informs else left_out).append(group)
    if len(informative) < 2:  # noqa: PLR2004 - one alone cannot differ
        return NotEstimable(
            "fewer than two subgroups have both arms, people with events and without"
        )
    cells, design = [], []
    for group in informative:
        for in_arm in (True, False):
            there = y[(groups == group) & (arm == in_arm)]
            cells.append((there.sum(), (~there).sum()))
            design.append([*(group == other for other in informative), in_arm])
    if _runs_away(np.array(cells)):
        return NotEstimable("in each subgroup, one and the same arm has all the events or none")
    # The model with interaction fits each cell exactly, so the deviance is twice the log ratio.
    model = sm.GLM(np.array(cells, float), np.array(design, float), family=sm.families.Binomial())
    with warnings.catch_warnings():
        # Equal odds also fit the cells perfectly. That is not separation, which is excluded above.
        warnings.simplefilter("ignore", PerfectSeparationWarning)
        # Rounded, because equal odds leave noise, which p amplifies near 1.
        ratio = round(abs(float(model.fit().deviance)), 9)
    degrees = len(informative) - 1
    return Interaction(
        ratio, degrees, float(chi2.sf(ratio, degrees)), tuple(str(group) for group in left_out)
    )


def _runs_away(cells: NDArray[Any]) -> bool:
    """Whether the odds ratio common to all subgroups is 0 or infinite."""
    (events, without), (events_control, without_control) = (cells[i::2].T for i in (0, 1))
    higher = (events_control == 0) | (without == 0)
    lower = (events == 0) | (without_control == 0)
    return bool(higher.all() or lower.all())


def holm(p: Mapping[str, float]) -> dict[str, float]:
    """
    P-values adjusted so that one alpha holds for all together, under the same names.

    Holm (1979), Scandinavian Journal of Statistics 6:65-70.
    """
    adjusted = multipletests(list(p.values()), method="holm")[1]
    return {name: float(value) for name, value in zip(p, adjusted, strict=True)}
