"""What unknown outcomes could change: bounds, and the tipping point."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from evaluation.statistics.proportions import risk_difference
from evaluation.statistics.values import Counts, Estimate, NotEstimable

if TYPE_CHECKING:
    from collections.abc import Sequence


class Bounds(NamedTuple):
    """
    The risk difference if the unknown outcomes favoured the texts most, and least.

    `tips` is how many unknown people of the intervention arm must have the event, if those of
    control have control's risk, for the interval to include 0; None if it does already, or never
    does.
    """

    best: Estimate
    worst: Estimate
    unknown: tuple[int, int]
    tips: int | None


def bounds(
    known: tuple[Counts, Counts], unknown: tuple[int, int], *, alpha: float
) -> Bounds | NotEstimable:
    """
    How far the unknown outcomes of these people, (intervention, control), could move the result.

    Bounds: Horowitz and Manski (2000), JASA 95:77-84. Tipping point: Yan, Lee and Li (2009),
    Journal of Biopharmaceutical Statistics 19:1085-1098. ValueError for a negative number.
    """
    if min(unknown) < 0:
        raise ValueError("the number of people with an unknown outcome is negative")
    best = _filled(known, unknown, (0, unknown[1]), alpha)
    worst = _filled(known, unknown, (unknown[0], 0), alpha)
    if isinstance(best, NotEstimable):
        return best
    if isinstance(worst, NotEstimable):
        return worst
    return Bounds(best, worst, unknown, _tips(known, unknown, alpha))


def _tips(known: tuple[Counts, Counts], unknown: tuple[int, int], alpha: float) -> int | None:
    risk = known[1].risk
    if isinstance(risk, NotEstimable):
        return None
    of_control = round(unknown[1] * risk)
    for events in range(unknown[0] + 1):
        difference = _filled(known, unknown, (events, of_control), alpha)
        if not isinstance(difference, NotEstimable) and difference.low <= 0 <= difference.high:
            return events
    return None


def _filled(
    known: tuple[Counts, Counts], unknown: tuple[int, int], events: Sequence[int], alpha: float
) -> Estimate | NotEstimable:
    arms = (
        Counts(each.events + more, each.people + people)
        for each, people, more in zip(known, unknown, events, strict=True)
    )
    return risk_difference(*arms, alpha=alpha)
