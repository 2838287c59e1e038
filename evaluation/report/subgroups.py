"""8. Whether texts help some groups more than others: one test for each characteristic."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from evaluation.cohort import by_arm, observed
from evaluation.groups import grouped_by_arm
from evaluation.report.charts.drawing import BLUE, INK
from evaluation.report.charts.intervals import IntervalAxis, IntervalRow, intervals
from evaluation.report.parts import Method, Picture, ReportTable, Section
from evaluation.report.words import named, number, p_value, percent, plural, points
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
    rows = observed(cohort, plan.primary)
    rows = rows[rows["followed"]]
    overall = risk_difference(*by_arm(rows), alpha=plan.alpha)
    if isinstance(overall, NotEstimable):
        found.say(f"The arms cannot be compared, because {overall.because}.", "note")
        return found
    shown, tests = [IntervalRow("Everybody", *overall, _both(rows), INK, square=True)], []
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
        if not grouping.tells:
            shown.append(IntervalRow("too few to show apart"))
        tests.append((named(characteristic), _tested(test, grouping.unknown)))
    found.say(
        "Whether texts help some groups more than others is asked once for each characteristic, "
        "by the test of interaction. A group's own interval says how little is known of it alone."
    )
    found.blocks.append(
        Picture(
            "Difference in the primary outcome, by group",
            intervals(
                "Risk differences, intervention less control: "
                + "; ".join(
                    f"{each.label} {points(each.value)} points"
                    for each in shown
                    if each.value is not None
                ),
                shown,
                IntervalAxis(
                    "Risk difference, percentage points",
                    lambda value: number(100 * value, 0),
                    0,
                    ("fewer with texts", "more"),
                    "with texts; without",
                ),
            ),
            f"{plural(len(rows), 'person', 'people')}. Lines are {percent(1 - plan.alpha, 0)} "
            f"intervals. Groups of fewer than {minimum} people in an arm are shown with another.",
        )
    )
    found.blocks.append(
        ReportTable("Tests of interaction", ("Characteristic", "Test"), tests, words=True)
    )
    return found


def _groups(
    rows: pd.DataFrame, grouping: Grouping, alpha: float
) -> tuple[list[IntervalRow], dict[str, Any]]:
    estimates, figures = [], {}
    for title in grouping.titles if grouping.tells else ():
        those = rows[grouping.groups == title]
        counts = by_arm(those)
        difference = risk_difference(*counts, alpha=alpha)
        figures[title] = {
            "intervention": counts.intervention,
            "control": counts.control,
            "risk_difference": difference,
        }
        if isinstance(difference, NotEstimable):
            estimates.append(IntervalRow(title, text=str(difference)))
        else:
            estimates.append(IntervalRow(title, *difference, _both(those), BLUE))
    return estimates, figures


def _both(rows: pd.DataFrame) -> str:
    counts = by_arm(rows)
    return "; ".join(f"{each.events:,} of {each.people:,}" for each in counts)


def _tested(test: Any, unknown: int) -> str:  # noqa: ANN401
    if isinstance(test, NotEstimable):
        return str(test)
    freedom = plural(test.degrees, "degree")
    result = f"chi-squared {number(test.chi2, 2)}, {freedom} of freedom, {p_value(test.p)}"
    left = ", ".join(named(code) for code in test.left_out)
    result += f"; without {left}, which can say nothing" if left else ""
    lacking = plural(unknown, "person is", "people are")
    return result + (f"; {lacking} in no group: withheld, or nobody said" if unknown else "")
