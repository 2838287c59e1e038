"""Who has no phone number, by superintendent and by characteristic."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from evaluation.groups import grouped, strata_are_crossed
from evaluation.report.charts.intervals import IntervalAxis, IntervalRow, intervals
from evaluation.report.words import count, level, named, of, percent, plural
from evaluation.statistics.proportions import wilson

if TYPE_CHECKING:
    import pandas as pd

    from evaluation.cohort import Cohort
    from evaluation.report.parts import Section

BY: Final = ("force", "age_band", "sex", "ethnicity_group", "stratum")


def show_superintendents(found: Section, rows: pd.DataFrame, minimum: int) -> None:
    """
    A table of those who authorised enough orders, the highest share of unrecorded reasons first.

    All others share one row, with the smallest of those shown if they are too few.
    """
    sizes = rows["superintendent"].value_counts()
    apart = [str(officer) for officer, n in sizes.items() if n >= minimum]
    others = [str(officer) for officer in sizes.index if officer not in apart]
    while others and apart and int(sizes[others].sum()) < minimum:
        others.append(apart.pop())  # the last one has fewest
    groups = [(officer, [officer]) for officer in apart]
    shown = sorted((_recorded(rows, name, these) for name, these in groups), reverse=True)
    if others:
        shown.append(_recorded(rows, f"{plural(len(others), 'other')} together", others))
    found.figures["superintendents"] = [
        {"superintendent": name, "orders": n, "without": without, "not_recorded": unsaid}
        for _, name, n, without, unsaid in shown
    ]
    if not apart:
        found.say(f"No superintendent is shown separately: none authorised {minimum} orders.")
        return
    found.table(
        "By the superintendent who authorised the order",
        ("Superintendent", "Orders", "Without a number", "Reason not recorded"),
        [(name, count(n), of(without, n), of(unsaid, n)) for _, name, n, without, unsaid in shown],
        f"Superintendents are shown by pseudonym. Those with fewer than {minimum} orders share a "
        "row. \N{LEFT SINGLE QUOTATION MARK}Not recorded\N{RIGHT SINGLE QUOTATION MARK} is a "
        "failure of the process, not of the respondent.",
    )


def _recorded(
    rows: pd.DataFrame, name: str, officers: list[str]
) -> tuple[float, str, int, int, int]:
    those = rows[rows["superintendent"].isin(officers)]
    without = int((those["missing_reason"] != "").sum())
    unsaid = int((those["missing_reason"] == "not_recorded").sum())
    return unsaid / len(those), name, len(those), without, unsaid


def show_characteristics(found: Section, rows: pd.DataFrame, cohort: Cohort) -> None:
    """A picture of the share without a number in each group."""
    estimates: list[IntervalRow] = []
    figures: dict[str, Any] = {}
    plan, minimum = cohort.extract.protocol.analysis, cohort.extract.minimum
    for characteristic in BY:
        grouping = grouped(
            rows,
            characteristic,
            plan=plan,
            minimum=minimum,
            crossed=characteristic == "stratum" and strata_are_crossed(cohort.extract.protocol),
        )
        if not grouping.has_groups:
            continue
        estimates.append(IntervalRow(named(characteristic), heading=True))
        figures[characteristic] = {}
        for title in grouping.titles:
            those = rows[grouping.groups == title]
            n, without = len(those), int((those["missing_reason"] != "").sum())
            share = wilson(without, n, alpha=plan.alpha)
            figures[characteristic][title] = {"orders": n, "without": without}
            text = f"{without:,} of {n:,} ({percent(without / n)})"
            estimates.append(IntervalRow(title, without / n, share[0], share[1], text))
    found.figures["characteristics"] = figures
    if not estimates:
        return
    found.picture(
        "Share of orders without a number, by characteristic",
        intervals(
            "Share without a number at enrolment with intervals: "
            + "; ".join(f"{each.label} {each.text}" for each in estimates if each.text),
            estimates,
            IntervalAxis("Share without a number at enrolment", lambda value: f"{value:.0%}"),
        ),
        f"Of {plural(len(rows), 'order')}. Lines are {level(plan.alpha)} intervals (Wilson). A "
        f"group of fewer than {minimum} is merged with another.",
    )
