"""Risk differences between the arms: as cells of a table, and as a picture."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evaluation.report.charts.intervals import IntervalAxis, IntervalRow, intervals
from evaluation.report.words import estimate_text, events_of, number, points
from evaluation.statistics.proportions import risk_difference

if TYPE_CHECKING:
    from collections.abc import Sequence

    from evaluation.cohort import ByArm


def cells(counts: ByArm, alpha: float) -> tuple[str, str, str]:
    """People with the outcome, with texts and without, and the difference in percentage points."""
    difference = estimate_text(risk_difference(*counts, alpha=alpha), points)
    return events_of(counts.intervention), events_of(counts.control), difference


def both(counts: ByArm) -> str:
    """People with the outcome, with texts and then without, beside a picture."""
    return "; ".join(f"{each.events:,} of {each.people:,}" for each in counts)


def forest(rows: Sequence[IntervalRow], *, texts: str = "", labels: float = 210) -> str:
    """A drawing of differences, one row each."""
    shown = (f"{row.label} {points(row.value)} points" for row in rows if row.value is not None)
    axis = IntervalAxis(
        "Risk difference, percentage points",
        lambda value: number(100 * value, 0),
        0,
        ("fewer with texts", "more"),
        texts,
    )
    title = f"Risk differences, intervention less control: {'; '.join(shown)}"
    return intervals(title, rows, axis, labels=labels)
