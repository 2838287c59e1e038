"""2. Who has no phone number, why, who recorded it, and how many numbers were found."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from evaluation.report.attrition_groups import show_characteristics, show_superintendents
from evaluation.report.charts.bars import Bar, Part, bars, columns
from evaluation.report.charts.drawing import GREEN, GREY, ORANGE, VERMILION
from evaluation.report.never_randomised import show_never_randomised
from evaluation.report.parts import Method, Section
from evaluation.report.words import capital, count, named, number, of, percent, plural

if TYPE_CHECKING:
    import pandas as pd

    from evaluation.cohort import Cohort

WILSON = Method(
    "Intervals of shares", "Wilson (1927), JASA 22:209-212, https://doi.org/10.2307/2276774"
)


def section(cohort: Cohort) -> Section:
    """Missing numbers by reason, month, superintendent and characteristic."""
    found = Section("attrition", "Missing phone numbers", consort="22a, 30", methods=[WILSON])
    rows = cohort.extract.enrolments
    without = rows[rows["missing_reason"] != ""]
    if without.empty:
        found.say(
            f"Every order came in with a phone number ({plural(len(rows), 'order')})."
            if len(rows)
            else "No order has come in yet."
        )
        found.figures = {"enrolled": len(rows), "without": 0}
        return found
    later = _true(without["number_found"])
    saved = int((later & _true(without["allocated"])).sum())
    found.figures = {
        "enrolled": len(rows),
        "without": len(without),
        "found_later": int(later.sum()),
        "found_and_randomised": saved,
        "reasons": _reasons(without),
        "months": _months(rows),
        "found_how": _counted(without.loc[later, "resolved_how"]),
    }
    found.say(
        f"{of(len(without), len(rows))} orders came in without a phone number. A number was found "
        f"later for {of(int(later.sum()), len(without))} of these, and {count(saved)} were then "
        "randomised."
    )
    _show_reasons(found)
    _show_months(found)
    _show_how(found, without[later])
    show_superintendents(found, rows, cohort.extract.minimum)
    show_characteristics(found, rows, cohort)
    show_never_randomised(found, cohort)
    return found


def _true(column: pd.Series[Any]) -> pd.Series[bool]:
    return column.fillna(value=False).astype(bool)


def _counted(column: pd.Series[Any]) -> dict[str, int]:
    return {code or "not_said": int(n) for code, n in column.value_counts().items()}


def _reasons(without: pd.DataFrame) -> dict[str, Any]:
    return {
        reason: {
            "without": len(those),
            "found_later": int(_true(those["number_found"]).sum()),
            "median_days_to_number": _median(those["days_to_number"]),
        }
        for reason in [str(each) for each in without["missing_reason"].value_counts().index]
        if len(those := without[without["missing_reason"] == reason])
    }


def _median(days: pd.Series[float]) -> float | None:
    return float(days.median()) if days.notna().any() else None


def _months(rows: pd.DataFrame) -> dict[str, dict[str, int]]:
    return {
        str(month): {
            "number_at_enrolment": int((those["missing_reason"] == "").sum()),
            "found_later": int(_true(those["number_found"]).sum()),
            "never_found": int(
                ((those["missing_reason"] != "") & ~_true(those["number_found"])).sum()
            ),
        }
        for month, those in rows.groupby("month")
    }


def _show_reasons(found: Section) -> None:
    total = found.figures["without"]
    reasons = found.figures["reasons"]
    found.picture(
        "Why there was no number at enrolment",
        bars(
            "Bars of reasons for a missing number, the most frequent first; see the table.",
            [
                Bar(
                    named(reason),
                    each["without"],
                    f"{count(each['without'])} ({percent(each['without'] / total)})",
                )
                for reason, each in reasons.items()
            ],
            VERMILION,
        ),
        f"Of {plural(total, 'order')} without a number, by main reason.",
    )
    found.table(
        "Reasons, and what became of them",
        ("Reason", "Orders", "Number found later", "Median days to it"),
        [
            (
                capital(named(reason)),
                count(each["without"]),
                of(each["found_later"], each["without"]),
                number(each["median_days_to_number"]) if each["found_later"] else "none found",
            )
            for reason, each in reasons.items()
        ],
        "Days from enrolment, among numbers found.",
    )


def _show_months(found: Section) -> None:
    months = found.figures["months"]
    found.picture(
        "Phone numbers month by month",
        columns(
            f"Columns for {len(months)} months: orders with a number at enrolment, with one "
            "found later, and with none.",
            [_short(month) for month in months],
            [
                Part("number at enrolment", GREEN, _each(months, "number_at_enrolment")),
                Part("found later", ORANGE, _each(months, "found_later")),
                Part("never found", GREY, _each(months, "never_found")),
            ],
            "Orders by month of enrolment",
        ),
        f"All {plural(found.figures['enrolled'], 'order')} enrolled.",
    )


def _short(month: str) -> str:
    names = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
    return f"{names[int(month[5:]) - 1]} {month[2:4]}"


def _each(months: dict[str, dict[str, int]], what: str) -> list[float]:
    return [each[what] for each in months.values()]


def _show_how(found: Section, later: pd.DataFrame) -> None:
    if len(later):
        found.table(
            "How numbers were found",
            ("How", "Numbers", "Median days"),
            [
                (
                    capital(named(how)),
                    of(n, len(later)),
                    number(_median(_found_so(later, how)["days_to_number"])),
                )
                for how, n in found.figures["found_how"].items()
            ],
        )


def _found_so(later: pd.DataFrame, how: str) -> pd.DataFrame:
    return later[later["resolved_how"] == ("" if how == "not_said" else how)]
