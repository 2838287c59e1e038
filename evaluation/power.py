"""How many people a trial needs, and what a number of them can show: two arms, two-sided tests."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from scipy.optimize import brentq
from scipy.special import gammaln
from scipy.stats import binom
from statsmodels.stats.proportion import (
    power_proportions_2indep,
    samplesize_proportions_2indep_onetail,
)

from evaluation.statistics.values import NotEstimable

if TYPE_CHECKING:
    from numpy.typing import NDArray

EXACT_UP_TO = 2000
"""People per arm. With more, counting every table takes minutes and agrees with Fleiss's figure."""

NEGLIGIBLE = 1e-12
"""Tables less probable than this are not counted: together they change no displayed digit."""


SAME = 1 + 1e-7
"""Probabilities that differ by no more than this factor are equal but for rounding."""


class Needed(NamedTuple):
    """People in each arm, by three ways of testing."""

    normal: int
    fleiss: int
    exact: int | NotEstimable


class Power(NamedTuple):
    """The power by the normal test and by Fisher's exact test."""

    normal: float
    exact: float | NotEstimable


def needed(
    control: float, intervention: float, *, alpha: float, power: float, exactly: bool = True
) -> Needed | NotEstimable:
    """
    People per arm to show the difference of two risks (0 to 1) with this power.

    Normal: Fleiss, Levin and Paik (2003), Statistical Methods for Rates and Proportions, (4.14);
    with correction for continuity: (4.19), of Casagrande, Pike and Smith (1978), Biometrics
    34:483-486; exact: the fewest that give Fisher's test this power. ValueError for no risks.
    """
    _check_risks(control, intervention)
    if control == intervention:
        return NotEstimable("equal risks have no difference to show")
    normal = normal_needed(control, intervention, alpha=alpha, power=power)
    continuity = (1 + math.sqrt(1 + 4 / (normal * abs(control - intervention)))) ** 2 / 4
    return Needed(
        normal=math.ceil(normal),
        fleiss=math.ceil(normal * continuity),
        exact=_needed_by_fisher(control, intervention, alpha, power, normal=math.ceil(normal))
        if exactly
        else NotEstimable("nobody asked for it"),
    )


def normal_needed(control: float, intervention: float, *, alpha: float, power: float) -> float:
    """People per arm by the normal approximation, not rounded."""
    return float(
        samplesize_proportions_2indep_onetail(
            intervention - control, control, power, alpha=alpha, alternative="two-sided"
        )
    )


def power_of(
    control: float, intervention: float, *, per_arm: tuple[int, int], alpha: float
) -> Power | NotEstimable:
    """
    The power of this many people, (intervention, control), to show the difference of two risks.

    Formulas as for `needed`. ValueError for no risks.
    """
    _check_risks(control, intervention)
    if 0 in per_arm:
        return NotEstimable("an arm has nobody")
    exact = (
        _fisher_power((intervention, control), per_arm, alpha)
        if max(per_arm) <= EXACT_UP_TO
        else NotEstimable(f"there are more than {EXACT_UP_TO:,} people in an arm")
    )
    return Power(_normal_power(control, intervention, per_arm, alpha), exact)


def detectable(
    control: float, *, per_arm: tuple[int, int], alpha: float, power: float
) -> float | NotEstimable:
    """
    The highest risk of the intervention arm, below control's, that this many people could show.

    `per_arm` is (intervention, control); by the normal test, as for `needed`. ValueError for no
    risk.
    """
    _check_risks(control, control)
    if 0 in per_arm:
        return NotEstimable("an arm has nobody")
    most = _normal_power(control, 0.0, per_arm, alpha)
    if most < power:
        return NotEstimable(
            f"even if nobody in the intervention arm had the event, {most:.0%} power"
        )
    return float(
        brentq(lambda risk: _normal_power(control, risk, per_arm, alpha) - power, 0.0, control)
    )


def orders_needed(per_arm: int, *, never_randomised: float) -> int:
    """
    Orders to enrol for two arms of this many people, if that share of orders gets no arm.

    ValueError unless the share is from 0 to below 1.
    """
    if not 0 <= never_randomised < 1:
        raise ValueError(f"a share of {never_randomised} never randomised leaves nobody")
    # Rounded first: 200 / 0.8 must not become 251 by a float's last digit.
    return math.ceil(round(2 * per_arm / (1 - never_randomised), 9))


def reestimated(
    pooled: float, *, planned: tuple[float, float], share: float
) -> tuple[float, float] | NotEstimable:
    """
    The risks, (control, intervention), that follow from the pooled risk at the planned risk ratio.

    Blinded: it uses only the pooled risk of people of whom `share` are in the intervention arm, so
    it spends no alpha. `planned` is (control, intervention). ValueError for impossible risks or
    shares.

    Gould (1992), Statistics in Medicine 11:55-66; Friede and Kieser (2004), Pharmaceutical
    Statistics 3:269-279.
    """
    _check_risks(*planned)
    if not 0 < share < 1:
        raise ValueError(f"a share must be between 0 and 1, not {share}")
    if not 0 < pooled < 1:
        return NotEstimable("nobody or everybody has had the event so far")
    ratio = planned[1] / planned[0]
    control = pooled / (1 - share + share * ratio)
    if not 0 < control < 1:
        return NotEstimable("the risk without texts would be beyond 100 %")
    return control, control * ratio


def diluted(control: float, intervention: float, *, undelivered: float) -> float:
    """
    The risk of the intervention arm if that share of it gets no text and has control's risk.

    Lachin and Foulkes (1986), Biometrics 42:507-519. ValueError for a value outside 0 to 1.
    """
    _check_risks(control, intervention)
    if not 0 <= undelivered <= 1:
        raise ValueError(f"a share must be between 0 and 1, not {undelivered}")
    return intervention + undelivered * (control - intervention)


def _check_risks(control: float, intervention: float) -> None:
    if not 0 < control < 1:
        raise ValueError(f"control's risk must be between 0 and 1, not {control}")
    if not 0 <= intervention <= 1:
        raise ValueError(f"a risk is from 0 to 1, not {intervention}")


def _normal_power(
    control: float, intervention: float, per_arm: tuple[int, int], alpha: float
) -> float:
    treated, untreated = per_arm
    return float(
        power_proportions_2indep(
            intervention - control,
            control,
            treated,
            ratio=untreated / treated,
            alpha=alpha,
            return_results=False,
        )
    )


def _needed_by_fisher(
    control: float, intervention: float, alpha: float, power: float, *, normal: int
) -> int | NotEstimable:
    """The first number that is enough, from a little below the normal figure on."""
    for n in range(max(1, normal - math.isqrt(normal)), EXACT_UP_TO + 1):
        if _fisher_power((intervention, control), (n, n), alpha) >= power:
            return n
    return NotEstimable(f"it takes more than {EXACT_UP_TO:,} people in an arm")


def _fisher_power(risks: tuple[float, float], people: tuple[int, int], alpha: float) -> float:
    """
    The probability of all tables whose two-sided p is at most alpha.

    Given the number of events, each table has the hypergeometric probability under equal risks, and
    its p is the sum of those no more probable (as scipy.stats.fisher_exact).
    """
    n, m = people
    first, second = (
        binom.pmf(np.arange(size + 1), size, risk) for risk, size in zip(risks, people, strict=True)
    )
    ways_first, ways_second = _log_choose(n), _log_choose(m)
    found = 0.0
    for events, probable in enumerate(np.convolve(first, second)):
        if probable < NEGLIGIBLE:
            continue
        x = np.arange(max(0, events - m), min(n, events) + 1)
        ways = ways_first[x] + ways_second[events - x]
        null = np.exp(ways - ways.max())
        null /= null.sum()
        ordered = np.sort(null)
        p = np.cumsum(ordered)[np.searchsorted(ordered, null * SAME, side="right") - 1]
        found += float((first[x] * second[events - x])[p <= alpha * SAME].sum())
    return found


def _log_choose(n: int) -> NDArray[Any]:
    k = np.arange(n + 1)
    return gammaln(n + 1) - gammaln(k + 1) - gammaln(n - k + 1)
