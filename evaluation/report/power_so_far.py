"""11. The effect that this many people could show, and how many more are needed."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Final

from evaluation.cohort import followed
from evaluation.power import detectable, needed, orders_needed, power_of, reestimated
from evaluation.power_picture import powers
from evaluation.report.parts import Method, Section
from evaluation.report.words import count, of, percent, plural
from evaluation.statistics.values import NotEstimable
from trial.codes import Arm

if TYPE_CHECKING:
    from evaluation.cohort import Cohort
    from evaluation.power import Power

METHODS: Final = [
    Method(
        "Number needed and power",
        "Fleiss, Levin and Paik (2003), Statistical Methods for Rates and Proportions, chapter 4",
    ),
    Method(
        "Blinded re-estimation of the sample size",
        "Gould (1992), doi:10.1002/sim.4780110107; Friede and Kieser (2004), doi:10.1002/pst.121",
    ),
]

_needed = cache(needed)
"""Cached, because counting every table of Fisher's test is slow."""


def section(cohort: Cohort) -> Section:
    """Power at the planned risks; it uses no results."""
    plan = cohort.extract.protocol.analysis
    control, intervention = plan.planned_risk_control, plan.planned_risk_intervention
    found = Section("power", "Power so far", consort="16a", methods=METHODS)
    # In the blinded form the order of the arms does not matter for power.
    now = tuple(len(cohort.arm(arm)) for arm in reversed(cohort.extract.arms))
    per_arm = (now[0], now[1])
    enrolled = len(cohort.extract.enrolments)
    lost = 1 - len(cohort.people) / enrolled if enrolled else None
    target = _needed(control, intervention, alpha=plan.alpha, power=plan.power)
    reached = power_of(control, intervention, per_arm=per_arm, alpha=plan.alpha)
    seen = detectable(control, per_arm=per_arm, alpha=plan.alpha, power=plan.power)
    found.figures = {
        "per_arm": per_arm,
        "planned_risks": {"control": control, "intervention": intervention},
        "needed_per_arm": target,
        "power_now": reached,
        "detectable_intervention_risk": seen,
        "never_randomised": lost,
    }
    risks = f"{percent(control, 0)} without texts and {percent(intervention, 0)} with"
    if isinstance(target, NotEstimable):
        found.say(f"The number of people needed is {target}.", "note")
        return found
    goal = max(target.normal, target.fleiss)
    rows = [
        (f"Needed in each arm, for {risks}", f"{count(target.fleiss)} (Fleiss, with correction)"),
        ("The same by normal approximation", count(target.normal)),
        ("The same for Fisher's test, exactly", _plain(target.exact)),
        ("Randomised so far", " and ".join(count(n) for n in per_arm)),
        (
            "Power now, for these risks",
            str(reached) if isinstance(reached, NotEstimable) else _power(reached),
        ),
        (
            f"Highest risk with texts that is detectable at {percent(plan.power, 0)} power",
            str(seen) if isinstance(seen, NotEstimable) else percent(seen),
        ),
    ]
    if cohort.complete and min(per_arm) < goal:
        found.departures.append(
            f"The planned sample size was missed: {count(goal)} people in each arm were planned, "
            f"{' and '.join(count(n) for n in per_arm)} randomised."
        )
    more = max(0, goal - min(per_arm))
    rows.append(("More people to randomise, in each arm", count(more)))
    if lost is not None and lost < 1:
        orders = orders_needed(goal, never_randomised=lost)
        found.figures["orders_needed"] = orders
        rows.append(
            (
                f"Orders to enrol in all, if {percent(lost, 0)} never reach randomisation",
                f"{count(orders)}, of which {count(enrolled)} have come in",
            )
        )
    _reestimate(found, cohort)
    found.table("How many people are enough", ("Question", "Answer"), rows, words=True)
    found.picture(
        "Power by number of people",
        powers(control, intervention, alpha=plan.alpha, power=plan.power, now=min(per_arm)),
        f"Two-sided test, alpha {plan.alpha:g}, normal approximation, arms of equal size. The "
        "dotted line is the power that the protocol requires. The risk without texts is "
        f"{percent(control, 0)}. The smaller arm has {plural(min(per_arm), 'person', 'people')}.",
    )
    return found


def _reestimate(found: Section, cohort: Cohort) -> None:
    """The number needed if the risk differs from the plan; it uses no arm."""
    plan = cohort.extract.protocol.analysis
    rows = followed(cohort, plan.primary)
    events, people = int(rows["event"].sum()), len(rows)
    if people < cohort.extract.minimum:
        found.say("Too few people have been followed to the end to re-estimate the sample size.")
        return
    shares = cohort.extract.protocol.arms
    share = shares[Arm.INTERVENTION] / sum(shares.values())
    planned = (plan.planned_risk_control, plan.planned_risk_intervention)
    risks = reestimated(events / people, planned=planned, share=share)
    found.figures["reestimated"] = {"events": events, "people": people, "risks": risks}
    if isinstance(risks, NotEstimable):
        found.say(f"The sample size cannot be re-estimated: {risks.because}.", "note")
        return
    target = needed(*risks, alpha=plan.alpha, power=plan.power, exactly=False)
    found.figures["reestimated"]["needed_per_arm"] = target
    enough = str(target) if isinstance(target, NotEstimable) else f"{count(target.fleiss)} (Fleiss)"
    found.say(
        f"In both arms together, {of(events, people)} people had the primary outcome. If texts "
        f"reduce the risk in the planned proportion, it is {percent(risks[0])} without texts and "
        f"{percent(risks[1])} with them. The number of people needed in each arm is then {enough}. "
        "This estimate is blinded, so acting on it spends no alpha."
    )


def _power(power: Power) -> str:
    exact = "" if isinstance(power.exact, NotEstimable) else f"; exactly {percent(power.exact, 0)}"
    return percent(power.normal, 0) + exact


def _plain(value: int | NotEstimable) -> str:
    return str(value) if isinstance(value, NotEstimable) else count(value)
