"""Who has no phone number, by superintendent and by characteristic."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from evaluation.cohort import hidden, levels
from evaluation.report.charts.intervals import Axis, Estimate, intervals
from evaluation.report.parts import Picture, Table
from evaluation.report.words import HIDDEN, count, named, of, percent, plural
from evaluation.statistics.proportions import wilson

if TYPE_CHECKING:
    import pandas as pd

    from evaluation.cohort import Cohort
    from evaluation.report.parts import Section

BY: Final = ("age_band", "sex", "ethnicity_group", "stratum")


def show_superintendents(found: Section, rows: pd.DataFrame, minimum: int) -> None:
    """A table of those who authorised enough orders, the least diligent recorder first."""
    shown = []
    for officer, those in rows.groupby("superintendent"):
        if len(those) >= minimum:
            without = int((those["missing_reason"] != "").sum())
            unsaid = int((those["missing_reason"] == "not_recorded").sum())
            shown.append((unsaid / len(those), str(officer), len(those), without, unsaid))
    officers = rows["superintendent"].nunique()
    found.figures["superintendents"] = [
        {"superintendent": officer, "orders": n, "without": without, "not_recorded": unsaid}
        for _, officer, n, without, unsaid in sorted(shown, reverse=True)
    ]
    if not shown:
        found.say(f"No superintendent authorised {minimum} orders or more: not shown one by one.")
        return
    found.blocks.append(
        Table(
            "By the superintendent who authorised the order",
            ("Superintendent", "Orders", "Without a number", "Reason not recorded"),
            [
                (officer, count(n), of(without, n), of(unsaid, n))
                for _, officer, n, without, unsaid in sorted(shown, reverse=True)
            ],
            f"Pseudonyms; {len(shown)} of {plural(officers, 'superintendent')}: those with "
            f"{minimum} orders or more. \N{LEFT SINGLE QUOTATION MARK}Not recorded"
            "\N{RIGHT SINGLE QUOTATION MARK} is a failure of the process, not of the person.",
        )
    )


def show_characteristics(found: Section, rows: pd.DataFrame, cohort: Cohort) -> None:
    """A picture of the share without a number in each group that is not too small."""
    estimates: list[Estimate] = []
    figures: dict[str, Any] = {}
    for characteristic in BY:
        codes = levels(rows, characteristic)
        sizes = [int((rows[characteristic] == code).sum()) for code in codes]
        estimates.append(Estimate(named(characteristic), heading=True))
        figures[characteristic] = {}
        for code, n, hide in zip(codes, sizes, hidden(sizes, cohort.extract.minimum), strict=True):
            if hide:
                estimates.append(Estimate(named(code), text=HIDDEN))
                continue
            without = int((rows.loc[rows[characteristic] == code, "missing_reason"] != "").sum())
            share = wilson(without, n, alpha=cohort.extract.protocol.analysis.alpha)
            figures[characteristic][code] = {"orders": n, "without": without}
            text = f"{without:,} of {n:,} ({percent(without / n)})"
            estimates.append(Estimate(named(code), without / n, share[0], share[1], text))
    found.figures["characteristics"] = figures
    found.blocks.append(
        Picture(
            "Share of orders without a number, by characteristic",
            intervals(
                "Share without a number at enrolment with intervals: "
                + "; ".join(f"{each.label} {each.text}" for each in estimates if each.text),
                estimates,
                Axis("Share without a number at enrolment", lambda value: f"{value:.0%}"),
            ),
            f"Of {plural(len(rows), 'order')}. Lines are 95% intervals (Wilson). Groups of fewer "
            f"than {cohort.extract.minimum}, and one more where they could be worked out, are "
            "not shown.",
        )
    )
