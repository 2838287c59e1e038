"""The comparison in each force, and whether forces differ more than chance explains."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from evaluation.cohort import by_arm, followed
from evaluation.groups import grouped_by_arm
from evaluation.report.charts.drawing import BLUE, INK
from evaluation.report.charts.intervals import IntervalRow
from evaluation.report.differences import both, forest
from evaluation.report.parts import Method, Section
from evaluation.report.words import capital, level, named, number, p_value, percent, plural
from evaluation.statistics.heterogeneity import heterogeneity
from evaluation.statistics.proportions import risk_difference
from evaluation.statistics.values import NotEstimable

if TYPE_CHECKING:
    from evaluation.cohort import ByArm, Cohort

METHODS: Final = [
    Method(
        "Differences between forces",
        "Breslow and Day (1980); Tarone (1985), doi:10.1093/biomet/72.1.91; Higgins and Thompson "
        "(2002), doi:10.1002/sim.1186",
    ),
]


def section(cohort: Cohort) -> Section:
    """Each force's difference, and the pooled one."""
    plan = cohort.extract.protocol.analysis
    found = Section("forces", "Forces", consort="28", methods=METHODS)
    people = followed(cohort, plan.primary)
    grouping = grouped_by_arm(people, "force", cohort)
    if not grouping.has_groups:
        found.say("Only one force has randomised enough people to be shown.")
        found.figures = {"forces": sorted(set(people["force"]))}
        return found
    found.departures += grouping.unplanned
    forces = {title: by_arm(people[grouping.groups == title]) for title in grouping.titles}
    differ = heterogeneity(list(forces.values()))
    found.figures = {"forces": forces, "heterogeneity": differ}
    found.say(
        "Each force randomises in blocks of its own, so each is a trial in itself. The stratified "
        "analyses below compare people only within one force and one stratum."
    )
    rows = [
        row
        for title, counts in [*forces.items(), ("all forces", by_arm(people))]
        if (row := _row(title, counts, plan.alpha, whole=title == "all forces"))
    ]
    found.picture(
        "Difference in the primary outcome, by force",
        forest(rows, texts="with texts; without"),
        f"Lines are {level(plan.alpha)} intervals (Newcombe). "
        + (
            f"The heterogeneity between forces is {differ}."
            if isinstance(differ, NotEstimable)
            else f"Equal odds ratios in all forces: chi-squared {number(differ.chi2, 2)}, "
            f"{plural(differ.degrees, 'degree')} of freedom, {p_value(differ.p)}; "
            f"I-squared {percent(differ.i_squared, 0)}."
        ),
    )
    return found


def _row(title: str, counts: ByArm, alpha: float, *, whole: bool) -> IntervalRow | None:
    value = risk_difference(*counts, alpha=alpha)
    if isinstance(value, NotEstimable):
        return None
    return IntervalRow(
        capital(named(title)), *value, both(counts), INK if whole else BLUE, square=whole
    )
