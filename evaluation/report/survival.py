"""7. The time to the first breach or arrest."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from evaluation.cohort import observed
from evaluation.report.charts.drawing import ARM_COLOURS, ARM_DASHES
from evaluation.report.charts.lines import Axes, PlottedLine, lines
from evaluation.report.competing import show_competing
from evaluation.report.parts import Method, Picture, ReportTable, Section
from evaluation.report.words import (
    capital,
    estimate_heading,
    estimate_text,
    level,
    number,
    p_value,
    percent,
    plural,
)
from evaluation.statistics.survival import Curve, kaplan_meier, log_rank, restricted_means
from evaluation.statistics.values import NotEstimable

if TYPE_CHECKING:
    import pandas as pd

    from evaluation.cohort import Cohort
    from trial.protocol.plan import AnalysisPlan

METHODS: Final = [
    Method("Share without an event over time", "Kaplan and Meier (1958), doi:10.2307/2281868"),
    Method("Log-rank test", "Mantel (1966), Cancer Chemotherapy Reports 50:163-170"),
    Method("Restricted mean", "Royston and Parmar (2013), doi:10.1186/1471-2288-13-152"),
]
_WEEK: Final = 7


def section(cohort: Cohort) -> Section:
    """Kaplan-Meier by arm, the log-rank test, restricted means, and competing events."""
    plan = cohort.extract.protocol.analysis
    found = Section("survival", "Time to the first breach or arrest", consort="28", methods=METHODS)
    rows = observed(cohort, plan.primary)
    arms = {
        "control": rows[~rows["treated"].astype(bool)],
        "intervention": rows[rows["treated"].astype(bool)],
    }
    curves = {
        arm: kaplan_meier(days=those["reached"], event=those["event"], alpha=plan.alpha)
        for arm, those in arms.items()
    }
    test = log_rank(days=rows["reached"], event=rows["event"], treated=rows["treated"])
    means = restricted_means(
        days=rows["reached"],
        event=rows["event"],
        treated=rows["treated"],
        alpha=plan.alpha,
        horizon=plan.restricted_mean_days,
    )
    if plan.restricted_mean_days is None and not isinstance(means, NotEstimable):
        found.departures.append(
            "The protocol specifies no horizon for the restricted mean. The report uses the "
            f"longest time for which both arms are followed: {number(means.horizon)} days."
        )
    found.figures = {"log_rank": test, "restricted_means": means, "curves": curves}
    drawn = {arm: curve for arm, curve in curves.items() if isinstance(curve, Curve)}
    for arm, curve in curves.items():
        if isinstance(curve, NotEstimable):
            found.say(f"The curve of the {arm} arm is {curve}.", "note")
    if drawn:
        found.blocks.append(_picture(drawn, rows, plan))
    found.blocks.append(_table(curves, test, means, plan.alpha, len(rows)))
    show_competing(found, cohort, rows)
    return found


def _picture(drawn: dict[str, Curve], rows: pd.DataFrame, plan: AnalysisPlan) -> Picture:
    days = plan.primary.days
    weeks = int(max(rows["reached"].max(), 1) // _WEEK) + 1
    ticks = [_WEEK * week for week in range(weeks + 1)]
    places = {"control": 0, "intervention": 1}
    shown = [
        PlottedLine(
            name=arm,
            colour=ARM_COLOURS[places[arm]],
            dash=ARM_DASHES[places[arm]],
            xs=curve.days,
            ys=curve.survival,
            low=curve.low,
            high=curve.high,
        )
        for arm, curve in drawn.items()
    ]
    lowest = min(min(curve.low, default=0) for curve in drawn.values())
    return Picture(
        "Share of people without a breach or arrest, by days since allocation",
        lines(
            "Kaplan-Meier curves. "
            + " ".join(
                f"{capital(arm)}: {percent(curve.survival[-1])} without an event at the end."
                for arm, curve in drawn.items()
            ),
            shown,
            Axes(
                x="Days since allocation",
                y="Share without breach or arrest",
                x_limits=(0, ticks[-1]),
                y_limits=(max(0, int(lowest * 10) / 10), 1),
                y_tick=lambda value: percent(value, 0),
                x_ticks=ticks,
            ),
            steps=True,
            at_risk=[
                (arm, [curve.at_risk(tick) for tick in ticks]) for arm, curve in drawn.items()
            ],
        ),
        f"{plural(len(rows), 'person', 'people')} randomised, each followed until the first event "
        f"or {f'for {days} days' if days else 'the end of the order'}. Shading shows pointwise "
        f"{level(plan.alpha)} intervals. People at risk are those still followed without an event. "
        "The vertical scale need not start at 0.",
    )


def _table(curves: dict[str, Any], test: Any, means: Any, alpha: float, people: int) -> ReportTable:  # noqa: ANN401
    rows = [
        (
            f"Median days to the first event, {arm}",
            str(curve) if isinstance(curve, NotEstimable) else _median(curve.median),
        )
        for arm, curve in curves.items()
    ]
    if isinstance(test, NotEstimable):
        rows.append(("Log-rank test", str(test)))
    else:
        rows.append(("Log-rank test", f"chi-squared {number(test.chi2, 2)}, {p_value(test.p)}"))
    if isinstance(means, NotEstimable):
        rows.append(("Restricted mean", str(means)))
    else:
        until = f"days without an event in the first {number(means.horizon, 0)}"
        rows += [
            (f"Mean {until}, control", estimate_text(means.control, number)),
            (f"Mean {until}, intervention", estimate_text(means.intervention, number)),
            ("Difference, days", f"{estimate_text(means.difference, number)}, {p_value(means.p)}"),
        ]
    return ReportTable(
        "Time to the first event",
        ("Measure", estimate_heading(alpha)),
        rows,
        f"{plural(people, 'person', 'people')}. Above 0, events come later with texts.",
        words=True,
    )


def _median(median: float | NotEstimable) -> str:
    return "not reached" if isinstance(median, NotEstimable) else number(median)
