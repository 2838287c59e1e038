"""The cost of texts, and of preventing an event by them. Money is in pence."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from scipy.stats import norm

from evaluation.statistics.proportions import risk_difference
from evaluation.statistics.values import NotEstimable, columns, empty_arm

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from evaluation.statistics.values import Counts


class CostPerOrder(NamedTuple):
    """Means per treated order, in pence."""

    texts: float
    infrastructure: float
    staff: float
    total: float


class CostPerEvent(NamedTuple):
    """Pence per event prevented, with its interval, which may have no upper end."""

    value: float
    low: float
    high: float | NotEstimable


def cost_per_order(
    *,
    text_pence: ArrayLike,
    infrastructure_pence: float,
    staff_minutes: float,
    staff_pence_per_hour: float,
) -> CostPerOrder | NotEstimable:
    """Mean costs of the treated orders, from each order's pence of texts and the other costs."""
    (texts,) = columns(text_pence=text_pence)
    if not len(texts):
        return NotEstimable("no order was treated")
    staff = staff_minutes / 60 * staff_pence_per_hour
    mean = float(texts.mean())
    return CostPerOrder(mean, infrastructure_pence, staff, mean + infrastructure_pence + staff)


def cost_per_event_prevented(
    *, cost_pence: ArrayLike, intervention: Counts, control: Counts, alpha: float
) -> CostPerEvent | NotEstimable:
    """
    Pence per event prevented: mean cost of a treated person, over control's risk less theirs.

    `cost_pence` has each person in the intervention arm; control costs nothing. It combines the
    intervals of the mean cost (normal) and of the risk difference (Newcombe's), so it has an upper
    end exactly when the report's risk difference excludes 0. A bootstrap or Fieller's interval
    would treat an arm without events as certain. It assumes that a person's cost and event are
    independent; the cost adds too little uncertainty for that to matter.

    MOVER-R: Donner and Zou (2012), Statistical Methods in Medical Research 21:347-359.
    """
    (cost,) = columns(cost_pence=cost_pence)
    if len(cost) != intervention.people:
        raise ValueError(f"{len(cost)} costs for {intervention.people} people")
    difference = risk_difference(control, intervention, alpha=alpha)
    if isinstance(difference, NotEstimable):
        return empty_arm(intervention.people, control.people) or difference
    prevented, fewest, most = difference
    if prevented <= 0:
        return NotEstimable("no fewer people had the event in the intervention arm")
    mean = float(cost.mean())
    half = float(norm.isf(alpha / 2) * cost.std() / len(cost) ** 0.5)
    product = mean * prevented
    # Each end solves a quadratic equation; the lower one in the form that also works at a = 0.
    a, c = most * (2 * prevented - most), mean**2 - half**2
    low = c / (product + (product**2 - a * c) ** 0.5) if c > 0 else 0.0
    if fewest <= 0:
        unlimited = "the texts may prevent nothing, so the cost may be without limit"
        return CostPerEvent(mean / prevented, low, NotEstimable(unlimited))
    a = fewest * (2 * prevented - fewest)
    return CostPerEvent(mean / prevented, low, (product + (product**2 - a * c) ** 0.5) / a)
