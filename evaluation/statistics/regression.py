"""Odds ratios from regression: adjusted for what was known at enrolment; with repeats."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np
import statsmodels.api as sm
from firthmodels import FirthLogisticRegression, detect_separation
from scipy.stats import chi2

from evaluation.statistics.values import Estimate, NotEstimable, columns, empty_arm, no_variation

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import ArrayLike, NDArray

FEWEST = 10
"""People per arm. With fewer, a robust variance is too small."""

MOST_ITERATIONS = 100
"""The iterations of Firth's method, for the estimate and for each end of its interval."""


class Adjusted(NamedTuple):
    """
    The odds ratio, intervention to control, among people alike in `covariates`.

    By "logistic": maximum likelihood, Wald's interval and p. By "firth": penalised likelihood,
    its profile interval and ratio test, and `why`. Covariates alike in everybody are `dropped`.
    """

    odds_ratio: Estimate
    p: float
    method: Literal["logistic", "firth"]
    why: str
    people: int
    covariates: tuple[str, ...]
    dropped: tuple[str, ...]


class ByPerson(NamedTuple):
    """The odds ratio, intervention to control, over all orders, clustered by person."""

    odds_ratio: Estimate
    p: float
    orders: int
    people: int


def adjusted(
    *, event: ArrayLike, treated: ArrayLike, covariates: Mapping[str, ArrayLike], alpha: float
) -> Adjusted | NotEstimable:
    """
    Logistic regression on the arm and on covariates, which are codes: one entry per person.

    If the data are separated (a combination of arm and codes predicts the event perfectly), the
    likelihood has no maximum, and Firth's is used. ValueError for unequal columns.

    Separation: Konis (2007), DPhil thesis, Oxford. Firth (1993), Biometrika 80:27-38; Heinze and
    Schemper (2002), Statistics in Medicine 21:2409-2419.
    """
    y, arm, *codes = columns(event=event, treated=treated, **covariates)
    y, arm = y.astype(bool), arm.astype(bool)
    if reason := _nothing_to_compare(y, arm):
        return reason
    used: list[str] = []
    dropped: list[str] = []
    design = [arm]
    for name, values in zip(covariates, codes, strict=True):
        levels = np.unique(values)
        (used if len(levels) > 1 else dropped).append(name)
        design += [values == level for level in levels[1:]]
    x = np.column_stack(design).astype(float)
    # Columns of 0 and 1 are either dependent or far from it, so this tolerance is safe.
    if np.linalg.matrix_rank(sm.add_constant(x, has_constant="add"), rtol=1e-9) <= x.shape[1]:
        return NotEstimable("the arm or a covariate follows from the other covariates")
    separated = bool(detect_separation(x, y).separation)
    fit = _firth(x, y, alpha) if separated else _logistic(x, y, alpha)
    if isinstance(fit, NotEstimable):
        return fit
    why = "a combination of arm and covariates predicts the event perfectly" if separated else ""
    method: Literal["logistic", "firth"] = "firth" if separated else "logistic"
    return Adjusted(*fit, method, why, len(y), tuple(used), tuple(dropped))


def _logistic(x: NDArray[Any], y: NDArray[Any], alpha: float) -> tuple[Estimate, float]:
    fit = sm.Logit(y.astype(float), sm.add_constant(x, has_constant="add")).fit(
        method="newton", maxiter=100, disp=False
    )
    return _odds_ratio(fit.params[1], *fit.conf_int(alpha)[1]), float(fit.pvalues[1])


def _firth(x: NDArray[Any], y: NDArray[Any], alpha: float) -> tuple[Estimate, float] | NotEstimable:
    # The tolerances are well above the rounding noise of the log-likelihood, which differs between
    # processors: with tighter ones they would disagree whether the fit converged.
    model = FirthLogisticRegression(max_iter=MOST_ITERATIONS, gtol=1e-6, xtol=1e-6)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a fit that did not converge gives nan, checked below
        model.fit(x, y)
        model.lrt(0)
        low, high = model.conf_int(alpha, method="pl", features=0, max_iter=MOST_ITERATIONS)[0]
    if not (model.converged_ and np.isfinite([low, high, model.lrt_pvalues_[0]]).all()):
        return NotEstimable(f"Firth's method did not converge within {MOST_ITERATIONS} iterations")
    # Equal likelihoods differ in their last digits, and near 1 p amplifies such differences.
    ratio = round(float(chi2.isf(model.lrt_pvalues_[0], 1)), 9)
    return _odds_ratio(model.coef_[0], low, high), float(chi2.sf(ratio, 1))


def by_person(
    *, event: ArrayLike, treated: ArrayLike, person: ArrayLike, alpha: float
) -> ByPerson | NotEstimable:
    """
    The odds ratio over all orders, repeats too: one entry per order.

    Logistic estimating equations with working independence, since a few repeats cannot estimate a
    correlation; the variance is robust to correlation. Wald's interval and p. ValueError for
    unequal columns.

    Liang and Zeger (1986), Biometrika 73:13-22.
    """
    y, arm, who = columns(event=event, treated=treated, person=person)
    y, arm = y.astype(bool), arm.astype(bool)
    if reason := _nothing_to_compare(y, arm) or _all_or_none(y, arm):
        return reason
    if min(len(np.unique(who[those])) for those in (arm, ~arm)) < FEWEST:
        return NotEstimable(f"an arm has fewer than {FEWEST} people")
    if _alike(y[arm], who[arm]) and _alike(y[~arm], who[~arm]):
        return NotEstimable(
            "the share of orders with the event is the same for everybody in an arm"
        )
    fit = sm.GEE(
        y.astype(float),
        np.column_stack([np.ones(len(y)), arm]),
        groups=who,
        family=sm.families.Binomial(),
        cov_struct=sm.cov_struct.Independence(),
    ).fit()
    return ByPerson(
        _odds_ratio(fit.params[1], *fit.conf_int(alpha)[1]),
        float(fit.pvalues[1]),
        len(y),
        len(np.unique(who)),
    )


def _odds_ratio(*logs: float) -> Estimate:
    return Estimate(*(float(np.exp(log)) for log in logs))


def _nothing_to_compare(y: NDArray[Any], arm: NDArray[Any]) -> NotEstimable | None:
    return empty_arm(int(arm.sum()), int((~arm).sum())) or no_variation(int(y.sum()), len(y))


def _all_or_none(y: NDArray[Any], arm: NDArray[Any]) -> NotEstimable | None:
    for name, those in (("intervention", y[arm]), ("control", y[~arm])):
        if those.all() or not those.any():
            how_many = "everybody" if those.all() else "nobody"
            return NotEstimable(f"{how_many} in the {name} arm had the event")
    return None


def _alike(y: NDArray[Any], who: NDArray[Any]) -> bool:
    """Whether each person has the same share of events, so that a robust variance is zero."""
    _, index = np.unique(who, return_inverse=True)
    events, orders = np.bincount(index, weights=y), np.bincount(index)
    return bool((events * len(y) == orders * y.sum()).all())
