"""Risks and their comparison, from counts alone: intervention - control, intervention / control."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from scipy.stats import fisher_exact
from statsmodels.stats.proportion import confint_proportions_2indep, proportion_confint

from evaluation.statistics.values import Estimate, Interval, NotEstimable, empty_arm, no_variation

if TYPE_CHECKING:
    from evaluation.statistics.values import Counts


def wilson(events: int, people: int, *, alpha: float) -> Interval:
    """
    The interval of a share, from 0 to 1. For nobody it is 0 to 1.

    Wilson (1927), JASA 22:209-212.
    """
    if not people:
        return Interval(0.0, 1.0)
    low, high = proportion_confint(events, people, alpha=alpha, method="wilson")
    return Interval(float(low), float(high))


def risk_difference(
    intervention: Counts, control: Counts, *, alpha: float
) -> Estimate | NotEstimable:
    """
    Intervention's risk minus control's, from -1 to 1, with an interval that holds at zero events.

    Newcombe (1998), Statistics in Medicine 17:873-890, method 10: hybrid of Wilson's intervals.
    """
    if reason := empty_arm(intervention.people, control.people):
        return reason
    low, high = confint_proportions_2indep(
        *(intervention.events, intervention.people, control.events, control.people),
        method="newcomb",
        compare="diff",
        alpha=alpha,
    )
    value = intervention.events / intervention.people - control.events / control.people
    return Estimate(value, float(low), float(high))


def risk_ratio(intervention: Counts, control: Counts, *, alpha: float) -> Estimate | NotEstimable:
    """
    Intervention's risk divided by control's. Not estimable without events in an arm.

    Katz et al. (1978), Biometrics 34:469-474: normal on the log scale.
    """
    if reason := empty_arm(intervention.people, control.people):
        return reason
    people = intervention.people + control.people
    if reason := no_variation(intervention.events + control.events, people):
        return reason
    if not intervention.events:
        return NotEstimable("nobody in the intervention arm had the event")
    if not control.events:
        return NotEstimable("nobody in the control arm had the event")
    low, high = confint_proportions_2indep(
        *(intervention.events, intervention.people, control.events, control.people),
        method="log",
        compare="ratio",
        alpha=alpha,
    )
    # Cross-multiplied, so that equal risks give exactly 1.
    value = (intervention.events * control.people) / (control.events * intervention.people)
    return Estimate(value, float(low), float(high))


def fisher(
    intervention: Counts,
    control: Counts,
    *,
    alternative: Literal["two-sided", "less", "greater"] = "two-sided",
) -> float | NotEstimable:
    """
    The exact p-value of equal risks. "less": that intervention's risk is less than control's.

    Two-sided, it sums all tables that are no more likely than this one, as R does. Fisher (1935),
    The Design of Experiments.
    """
    if reason := empty_arm(intervention.people, control.people):
        return reason
    table = [[arm.events, arm.people - arm.events] for arm in (intervention, control)]
    return float(fisher_exact(table, alternative=alternative).pvalue)
