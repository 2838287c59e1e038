"""6. The same comparison by stratum, adjusted for what was known at enrolment, and with repeats."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

from evaluation.cohort import by_arm, followed
from evaluation.groups import grouped, grouped_by_arm, strata_are_crossed
from evaluation.report.charts.drawing import BLUE
from evaluation.report.charts.intervals import IntervalAxis, IntervalRow, intervals
from evaluation.report.differences import cells
from evaluation.report.parts import Method, Section
from evaluation.report.words import (
    capital,
    estimate_heading,
    estimate_text,
    level,
    named,
    p_text,
    p_value,
    plural,
    points,
    ratio,
    stratum_named,
)
from evaluation.statistics.regression import adjusted, by_person
from evaluation.statistics.stratified import mantel_haenszel
from evaluation.statistics.values import NotEstimable

if TYPE_CHECKING:
    import pandas as pd

    from evaluation.cohort import ByArm, Cohort
    from evaluation.statistics.values import Estimate
    from trial.protocol.plan import AnalysisPlan

METHODS: Final = [
    Method(
        "Stratified difference, ratio and test",
        "Mantel and Haenszel (1959), doi:10.1093/jnci/22.4.719; Greenland and Robins (1985), "
        "doi:10.2307/2530643; Sato, Greenland and Robins (1989), Biometrics 45:1323-1324",
    ),
    Method("Logistic regression", "Cox (1958), doi:10.1111/j.2517-6161.1958.tb00292.x"),
    Method(
        "Firth's penalty where logistic regression has no finite answer",
        "Firth (1993), doi:10.1093/biomet/80.1.27; Heinze and Schemper (2002), "
        "doi:10.1002/sim.1047",
    ),
    Method(
        "Repeats: generalised estimating equations, orders of a person together",
        "Liang and Zeger (1986), doi:10.1093/biomet/73.1.13",
    ),
]


def section(cohort: Cohort) -> Section:
    """Mantel-Haenszel, regression and GEE, each with what it adds to the primary analysis."""
    plan = cohort.extract.protocol.analysis
    found = Section(
        "adjusted",
        "Stratified and adjusted estimates, and repeats",
        consort="21a, 28",
        methods=METHODS,
    )
    people = followed(cohort, plan.primary)
    every = followed(cohort, plan.primary, repeats=True)
    keys = ["force", "stratum"] if len(set(people["force"])) > 1 else ["stratum"]
    strata = [by_arm(those) for _, those in people.groupby(keys)]
    pooled = mantel_haenszel(strata, alpha=plan.alpha)
    shown = _shown(people, keys, cohort)
    groupings = {name: grouped_by_arm(people, name, cohort) for name in covariates(people, plan)}
    levels = {name: one.groups.fillna("unknown") for name, one in groupings.items()}
    if "stratum" in levels and strata_are_crossed(cohort.extract.protocol):
        levels["stratum"] = people["stratum"]  # models do not show the size of a group
        del groupings["stratum"]
    found.departures += [each for one in groupings.values() for each in one.unplanned]
    regression = adjusted(
        event=people["event"], treated=people["treated"], covariates=levels, alpha=plan.alpha
    )
    clustered = by_person(
        event=every["event"], treated=every["treated"], person=every["person"], alpha=plan.alpha
    )
    found.figures = {
        "strata": shown,
        "mantel_haenszel": pooled,
        "adjusted": regression,
        "with_repeats": clustered,
    }
    found.table(
        "By stratum",
        ("Stratum", "With texts", "Without", "Difference, points"),
        [(capital(name), *cells(counts, plan.alpha)) for name, counts in shown.items()],
        "People with the primary outcome, of those randomised in the stratum. This table merges a "
        f"stratum that has fewer than {cohort.extract.minimum} people in an arm with another one, "
        "or merges all strata. The estimates below use the separate strata.",
    )
    rows, odds = [], []
    if isinstance(pooled, NotEstimable):
        rows.append(("Stratified", str(pooled), ""))
    else:
        test = p_text(pooled.p)
        rows += [
            ("Stratified risk difference, points", estimate_text(pooled.difference, points), test),
            ("Stratified risk ratio", estimate_text(pooled.ratio, ratio), test),
            ("Stratified odds ratio", estimate_text(pooled.odds_ratio, ratio), test),
        ]
        odds.append(("stratified", pooled.odds_ratio))
    used = ", ".join(named(name).lower() for name in groupings)
    if isinstance(regression, NotEstimable):
        rows.append((f"Adjusted for {used}", str(regression), ""))
    else:
        label = "Firth's" if regression.method == "firth" else "logistic"
        rows.append(
            (
                f"Adjusted odds ratio ({label})",
                estimate_text(regression.odds_ratio, ratio),
                p_value(regression.p),
            )
        )
        odds.append(("adjusted", regression.odds_ratio))
    if isinstance(clustered, NotEstimable):
        rows.append(("With repeat orders", str(clustered), ""))
    else:
        label = f"Odds ratio with repeats ({plural(clustered.orders, 'order')})"
        rows.append((label, estimate_text(clustered.odds_ratio, ratio), p_value(clustered.p)))
        odds.append(("with repeats", clustered.odds_ratio))
    found.table(
        "Intervention compared with control",
        ("Analysis", estimate_heading(plan.alpha), "Test"),
        rows,
        f"{plural(len(people), 'person', 'people')} randomised; with repeats "
        f"{plural(len(every), 'order')}. Adjusted for {used}, as the protocol specifies.",
        words=True,
    )
    if not isinstance(regression, NotEstimable):
        if regression.why:
            found.departures.append(
                f"Firth's penalised likelihood replaces logistic regression, because "
                f"{regression.why}."
            )
        if regression.dropped:
            names = ", ".join(named(name).lower() for name in regression.dropped)
            found.departures.append(f"Left out of the model, as everybody has the same: {names}.")
    _show_odds(found, odds, plan.alpha)
    return found


def covariates(people: pd.DataFrame, plan: AnalysisPlan) -> tuple[str, ...]:
    """The plan's characteristics; of several forces also the force, which draws its own blocks."""
    several = len(set(people["force"])) > 1 and "force" not in plan.adjust_for
    return ("force", *plan.adjust_for) if several else plan.adjust_for


def _shown(people: pd.DataFrame, keys: list[str], cohort: Cohort) -> dict[str, ByArm]:
    """
    The strata by name, merged so that a small one cannot be inferred by subtraction.

    Strata that cross force and length, or length and baseline, are all shown or none is, because
    other tables have the sums of each.
    """
    place = (
        people[keys].map(stratum_named).agg(", ".join, axis=1) if len(people) else people["stratum"]
    )
    plan = cohort.extract.protocol
    grouping = grouped(
        people.assign(place=place),
        "place",
        plan=plan.analysis,
        minimum=cohort.extract.minimum,
        by=people["arm"],
        crossed=strata_are_crossed(plan) or (len(keys) > 1 and len(set(people["stratum"])) > 1),
    )
    return {title: by_arm(people[grouping.groups == title]) for title in grouping.titles}


def _logs(value: Estimate) -> tuple[float, float, float]:
    return math.log(value.value), math.log(value.low), math.log(value.high)


def _show_odds(
    found: Section, odds: list[tuple[str, Estimate | NotEstimable]], alpha: float
) -> None:
    rows = [
        IntervalRow(name, *_logs(value), estimate_text(value, ratio), BLUE)
        for name, value in odds
        if not isinstance(value, NotEstimable) and min(value) > 0
    ]
    if rows:
        found.picture(
            "Odds ratios",
            intervals(
                "Odds ratios, intervention to control: "
                + "; ".join(f"{row.label} {row.text}" for row in rows),
                rows,
                IntervalAxis(
                    "Odds ratio (logarithmic scale)",
                    lambda value: ratio(math.exp(value)),
                    0,
                    ("fewer with texts", "more"),
                ),
            ),
            f"Lines are {level(alpha)} intervals. The vertical line at 1 means no difference.",
        )
