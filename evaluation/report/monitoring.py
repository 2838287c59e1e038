"""The plan's stopping rule, which the monitoring committee considers at a look."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from evaluation.cohort import by_arm, followed, observed
from evaluation.report.parts import Method, Section
from evaluation.report.primary import rerandomised
from evaluation.report.words import number, p_value
from evaluation.statistics.proportions import risk_difference
from evaluation.statistics.values import NotEstimable

if TYPE_CHECKING:
    from evaluation.cohort import Cohort

METHODS: Final = [
    Method(
        "Monitoring: Haybittle-Peto boundary for benefit, a lower one for harm",
        "Haybittle (1971), doi:10.1259/0007-1285-44-526-793; Peto and others (1976), "
        "doi:10.1038/bjc.1976.220",
    ),
]


def section(cohort: Cohort) -> Section:
    """The rule, and whether it is met."""
    plan = cohort.extract.protocol.analysis
    found = Section("monitoring", "Monitoring", consort="16b", methods=METHODS)
    rule = plan.monitoring
    if rule is None:
        found.say("The protocol specifies no rule for stopping early.", "note")
        return found
    looks = ", ".join(f"{look:%-d %B %Y}" for look in plan.interim_looks) or "none"
    found.say(
        f"{rule.source}. Looks before the end: {looks}. The committee considers stopping in two "
        "cases. Either there are fewer events with texts, and the two-sided p of the "
        f"re-randomisation test is {rule.benefit_p:g} or less. Or there are more, and p is "
        f"{rule.harm_p:g} or less. The rule is advisory: the committee decides, and also considers "
        "harms."
    )
    if cohort.complete:
        found.say("The trial is over. The rule applies only to looks before its end.")
        return found
    test = rerandomised(observed(cohort, plan.primary), cohort)
    difference = risk_difference(*by_arm(followed(cohort, plan.primary)), alpha=plan.alpha)
    if isinstance(test, NotEstimable) or isinstance(difference, NotEstimable):
        found.figures = {"met": None}
        found.say("Neither limit can be tested yet.", "note")
        return found
    harmful = difference.value > 0
    limit = rule.harm_p if harmful else rule.benefit_p
    met = test.p <= limit
    found.figures = {"p": test.p, "met": ("harm" if harmful else "benefit") if met else "neither"}
    if cohort.extract.made_on not in plan.interim_looks:
        found.say("No look is planned for this day. What follows is for information only.")
    direction = "more" if harmful else "fewer"
    found.say(
        f"At this look: {direction} events with texts, {p_value(test.p)}, limit "
        f"{number(limit, 4)}. "
        + (
            "The limit is reached, so the committee has to consider stopping."
            if met
            else "No limit is reached, so the trial continues."
        ),
        "warning" if met else "plain",
    )
    return found
