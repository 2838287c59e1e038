"""8. Whether texts help some groups more than others: one test for each characteristic."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from evaluation.cohort import by_arm, followed
from evaluation.groups import grouped_by_arm
from evaluation.report.charts.drawing import BLUE, INK
from evaluation.report.charts.intervals import IntervalRow
from evaluation.report.differences import both, forest
from evaluation.report.parts import Method, Section
from evaluation.report.words import level, named, number, p_value, plural
from evaluation.statistics.proportions import risk_difference
from evaluation.statistics.subgroups import interaction
from evaluation.statistics.values import NotEstimable

if TYPE_CHECKING:
    import pandas as pd

    from evaluation.cohort import Cohort
    from evaluation.groups import Grouping

METHODS: Final = [
    Method(
        "One test of interaction for each characteristic",
        "Likelihood ratio; Wang and others (2007), doi:10.1056/NEJMsr077003",
    ),
]


def section(cohort: Cohort) -> Section:
    """A forest plot, and one test of interaction for each characteristic."""
    plan, minimum = cohort.extract.protocol.analysis, cohort.extract.minimum
    found = Section("subgroups", "Subgroups", consort="21d, 28", methods=METHODS)
    rows = followed(cohort, plan.primary)
    overall = risk_difference(*by_arm(rows), alpha=plan.alpha)
    if isinstance(overall, NotEstimable):
        found.say(f"The arms cannot be compared, because {overall.because}.", "note")
        return found
    shown, tests = [IntervalRow("Everybody", *overall, both(by_arm(rows)), INK, square=True)], []
    for characteristic in plan.subgroups:
        grouping = grouped_by_arm(rows, characteristic, cohort)
        known = grouping.groups.notna()
        test = interaction(
            event=rows.loc[known, "event"],
            treated=rows.loc[known, "treated"],
            subgroup=grouping.groups[known],
        )
        groups, figures = _groups(rows, grouping, plan.alpha)
        found.figures[characteristic] = {
            "groups": figures,
            "interaction": test,
            "in_no_group": grouping.unknown,
        }
        found.departures += grouping.unplanned
        shown += [IntervalRow(named(characteristic), heading=True), *groups]
        if not grouping.has_groups:
            shown.append(IntervalRow("too few to show separately"))
        tests.append((named(characteristic), _tested(test, grouping.unknown)))
    found.say(
        "For each characteristic, one test of interaction asks whether the effect of texts differs "
        "between its groups. The interval of a single group is wide, because few people are in it."
    )
    found.picture(
        "Difference in the primary outcome, by group",
        forest(shown, texts="with texts; without"),
        f"{plural(len(rows), 'person', 'people')}. Lines are {level(plan.alpha)} intervals. A "
        f"group with fewer than {minimum} people in an arm is merged with another.",
    )
    found.table("Tests of interaction", ("Characteristic", "Test"), tests, words=True)
    return found


def _groups(
    rows: pd.DataFrame, grouping: Grouping, alpha: float
) -> tuple[list[IntervalRow], dict[str, Any]]:
    estimates, figures = [], {}
    for title in grouping.titles if grouping.has_groups else ():
        counts = by_arm(rows[grouping.groups == title])
        difference = risk_difference(*counts, alpha=alpha)
        figures[title] = {
            "intervention": counts.intervention,
            "control": counts.control,
            "risk_difference": difference,
        }
        if isinstance(difference, NotEstimable):
            estimates.append(IntervalRow(title, text=str(difference)))
        else:
            estimates.append(IntervalRow(title, *difference, both(counts), BLUE))
    return estimates, figures


def _tested(test: Any, unknown: int) -> str:  # noqa: ANN401
    if isinstance(test, NotEstimable):
        return str(test)
    freedom = plural(test.degrees, "degree")
    result = f"chi-squared {number(test.chi2, 2)}, {freedom} of freedom, {p_value(test.p)}"
    left = ", ".join(named(code) for code in test.left_out)
    result += f"; without {left}, which say nothing about it" if left else ""
    lacking = plural(unknown, "person is", "people are")
    return result + (f"; {lacking} in no group: withheld or not stated" if unknown else "")
