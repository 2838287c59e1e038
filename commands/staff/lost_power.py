"""What missing numbers cost a planned trial in statistical power."""

from __future__ import annotations

from math import sqrt
from statistics import NormalDist
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from trial.protocol.plan import AnalysisPlan

POINT = 0.01


def power(control: float, intervention: float, per_arm: float, alpha: float) -> float:
    """
    The power of a two-sided test of two risks, with `per_arm` people in each arm.

    Normal approximation: Fleiss, Levin and Paik 2003, equation 4.14 solved for power.
    """
    if per_arm <= 0:
        return 0.0
    normal, mean = NormalDist(), (control + intervention) / 2
    under_null = sqrt(2 * mean * (1 - mean))
    apart = sqrt(control * (1 - control) + intervention * (1 - intervention))
    reach = abs(control - intervention) * sqrt(per_arm)
    return normal.cdf((reach - normal.inv_cdf(1 - alpha / 2) * under_null) / apart)


def power_without(plan: AnalysisPlan, share: float) -> tuple[int, float]:
    """
    The people that a plan randomises if this share of orders (0 to 1) has no number, and the power.

    Raises ValueError for a plan without expected recruitment.
    """
    if plan.recruitment is None:
        raise ValueError("the protocol does not say how many orders it expects")
    people = plan.recruitment.model_copy(update={"without_number": min(share, 1.0)}).people
    risks = plan.planned_risk_control, plan.planned_risk_intervention
    return people, power(*risks, people / 2, plan.alpha)


def cost_of_a_point(plan: AnalysisPlan, share: float) -> float:
    """The percentage points of power lost to one more percentage point without a number."""
    return 100 * (power_without(plan, share)[1] - power_without(plan, share + POINT)[1])
