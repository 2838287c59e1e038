"""What the texts cost, and what it costs to prevent an event by them. Money is in pence."""

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
    """Means over the treated orders, each of which has so many pence of texts, and all the rest."""
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

    `cost_pence` has each person in the intervention arm; control costs nothing. Mean cost and risk
    difference bring their own intervals (normal; Newcombe's), so that this one has an upper end
    exactly when the report's risk difference leaves out 0. A bootstrap or Fieller's interval would
    take an arm without events to be free of chance. Cost and event of a person are taken as
    unrelated: the cost's share in the uncertainty is too small for it to show.

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
    # Each end solves a quadratic equation; the lower one in the form that also stands at a = 0.
    a, c = most * (2 * prevented - most), mean**2 - half**2
    low = c / (product + (product**2 - a * c) ** 0.5) if c > 0 else 0.0
    if fewest <= 0:
        unlimited = "the texts may prevent nothing, and then no money prevents an event"
        return CostPerEvent(mean / prevented, low, NotEstimable(unlimited))
    a = fewest * (2 * prevented - fewest)
    return CostPerEvent(mean / prevented, low, (product + (product**2 - a * c) ** 0.5) / a)
