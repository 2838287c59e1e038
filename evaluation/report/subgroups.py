"""8. Whether texts help some more than others: age first, one test each, no verdict on a group."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from evaluation.cohort import by_arm, hidden, levels, observed
from evaluation.report.charts.drawing import BLUE, INK
from evaluation.report.charts.intervals import Axis, Estimate, intervals
from evaluation.report.parts import Method, Picture, Section, Table
from evaluation.report.words import (
    HIDDEN,
    named,
    number,
    p_value,
    percent,
    plural,
    points,
)
from evaluation.statistics.proportions import risk_difference
from evaluation.statistics.subgroups import interaction
from evaluation.statistics.values import NotEstimable

if TYPE_CHECKING:
    import pandas as pd

    from evaluation.cohort import Cohort

METHODS: Final = [
    Method(
        "One test of interaction for each characteristic",
        "Likelihood ratio; Wang and others (2007), doi:10.1056/NEJMsr077003",
    ),
]


def section(cohort: Cohort) -> Section:
    """A forest of differences, and for each characteristic one test of interaction."""
    plan, minimum = cohort.extract.protocol.analysis, cohort.extract.minimum
    found = Section("subgroups", "Subgroups", methods=METHODS)
    rows = observed(cohort, plan.primary)
    rows = rows[rows["followed"]]
    overall = risk_difference(*by_arm(rows), alpha=plan.alpha)
    if isinstance(overall, NotEstimable):
        found.say(f"The arms cannot be compared, because {overall.because}.", "note")
        return found
    shown, tests = [Estimate("Everybody", *overall, _both(rows), INK, square=True)], []
    for characteristic in plan.subgroups:
        groups, figures = _groups(rows, characteristic, minimum, plan.alpha)
        test = interaction(
            event=rows["event"], treated=rows["treated"], subgroup=rows[characteristic]
        )
        found.figures[characteristic] = {"groups": figures, "interaction": test}
        shown += [Estimate(named(characteristic), heading=True), *groups]
        tests.append((named(characteristic), _tested(test)))
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
                Axis(
                    "Risk difference, percentage points",
                    lambda value: number(100 * value, 0),
                    0,
                    ("fewer with texts", "more"),
                    "with texts; without",
                ),
            ),
            f"{plural(len(rows), 'person', 'people')}. Lines are {percent(1 - plan.alpha, 0)} "
            f"intervals. Groups of fewer than {minimum} people in an arm, and one more where they "
            "could be worked out, are not shown.",
        )
    )
    found.blocks.append(
        Table("Tests of interaction", ("Characteristic", "Test"), tests, words=True)
    )
    return found


def _groups(
    rows: pd.DataFrame, characteristic: str, minimum: int, alpha: float
) -> tuple[list[Estimate], dict[str, Any]]:
    codes = levels(rows, characteristic)
    counts = {code: by_arm(rows[rows[characteristic] == code]) for code in codes}
    hide = [
        any(pair)
        for pair in zip(
            hidden([each.intervention.people for each in counts.values()], minimum),
            hidden([each.control.people for each in counts.values()], minimum),
            strict=True,
        )
    ]
    estimates, figures = [], {}
    for (code, each), too_few in zip(counts.items(), hide, strict=True):
        difference = risk_difference(*each, alpha=alpha)
        if too_few or isinstance(difference, NotEstimable):
            estimates.append(Estimate(named(code), text=HIDDEN if too_few else "nobody in one arm"))
            continue
        figures[code] = {
            "intervention": each.intervention,
            "control": each.control,
            "risk_difference": difference,
        }
        text = _both(rows[rows[characteristic] == code])
        estimates.append(Estimate(named(code), *difference, text, BLUE))
    return estimates, figures


def _both(rows: pd.DataFrame) -> str:
    counts = by_arm(rows)
    return "; ".join(f"{each.events:,} of {each.people:,}" for each in counts)


def _tested(test: Any) -> str:  # noqa: ANN401
    if isinstance(test, NotEstimable):
        return str(test)
    freedom = plural(test.degrees, "degree")
    told = f"chi-squared {number(test.chi2, 2)}, {freedom} of freedom, {p_value(test.p)}"
    left = ", ".join(named(code) for code in test.left_out)
    return told + (f"; without {left}, which can say nothing" if left else "")
