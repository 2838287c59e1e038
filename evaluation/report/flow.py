"""1. Who came in, who left on the way and why, and who is analysed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from evaluation.cohort import SumsError, observed
from evaluation.report.charts.boxes import Box, flow
from evaluation.report.parts import Method, ReportTable, Section
from evaluation.report.words import capital, count, named, of, plural
from extract.codes import COMES_OF_TEXTS
from trial.codes import Reason

if TYPE_CHECKING:
    import pandas as pd

    from evaluation.cohort import Cohort

CONSORT = Method(
    "Flow diagram",
    "CONSORT 2025, item 22a: Hopewell and others (2025), BMJ 389:e081123, "
    "https://doi.org/10.1136/bmj-2024-081123",
)


def section(cohort: Cohort, *, dose_shown: bool) -> Section:
    """The flow of all orders. Numbers are counted from the extract, and the sums are checked."""
    found = Section("flow", "From order to analysis", consort="22a, 22b", methods=[CONSORT])
    rows = cohort.extract.enrolments
    excluded = rows.drop(cohort.allocated.index)
    reasons = _reasons(excluded)
    repeats = len(cohort.allocated) - len(cohort.people)
    followed = observed(cohort, cohort.extract.protocol.analysis.primary)["followed"]
    arms = {
        arm: _arm(cohort.arm(arm), followed, dose_shown=dose_shown) for arm in cohort.extract.arms
    }
    found.figures = {
        "enrolled": len(rows),
        "people": int(rows["person"].nunique()),
        "not_randomised": {"total": len(excluded), "reasons": reasons},
        "allocated": len(cohort.allocated),
        "repeats": repeats,
        "randomised": len(cohort.people),
        "arms": arms,
    }
    _close(found.figures)
    found.say(
        f"{plural(len(rows), 'order')} of {plural(found.figures['people'], 'person', 'people')} "
        f"came in; {of(len(cohort.people), len(rows))} led to a randomisation."
    )
    found.picture(
        "Flow of orders through the trial",
        flow(_told(found.figures), *_boxes(found.figures)),
        "Every order is in exactly one box of each row. An order recorded in error stays in "
        "its arm and is analysed there.",
    )
    found.blocks.append(_table(found.figures))
    return found


def _close(figures: dict[str, Any]) -> None:
    """Check that every order is in one box of each row; raises SumsError otherwise."""
    arms = figures["arms"].values()
    sums = {
        "enrolled": figures["not_randomised"]["total"] + figures["allocated"],
        "allocated": figures["repeats"] + figures["randomised"],
        "randomised": sum(arm["allocated"] for arm in arms),
    }
    excluded = sum(each["total"] for each in figures["not_randomised"]["reasons"].values())
    followed = all(arm["allocated"] == arm["analysed"] + arm["still_running"] for arm in arms)
    short = [name for name, total in sums.items() if figures[name] != total]
    if short or excluded != figures["not_randomised"]["total"] or not followed:
        raise SumsError(f"the flow diagram does not close: {', '.join(short) or 'within the arms'}")


def _reasons(excluded: pd.DataFrame) -> dict[str, Any]:
    """The number for each reason, with details if the extract has them."""
    first = excluded["reasons"].map(lambda each: each.partition(";")[0])
    why: dict[str, Any] = {}
    for reason in Reason:
        those = excluded[first == reason]
        if those.empty:
            continue
        behind = {"no_number": "missing_reason", "order_ended": "end_reason"}.get(reason)
        details = those[behind].value_counts().to_dict() if behind else {}
        why[reason.value] = {
            "total": len(those),
            "details": {code or "not_said": int(n) for code, n in sorted(details.items())},
        }
    if waiting := int((first == "").sum()):
        why["awaiting_allocation"] = {"total": waiting, "details": {}}
    return why


def _arm(people: pd.DataFrame, followed: pd.Series, *, dose_shown: bool) -> dict[str, Any]:
    ends = people.loc[people["end_reason"] != "", "end_reason"]
    if not dose_shown:
        ends = ends[~ends.isin(COMES_OF_TEXTS)]  # only texting reveals a wrong number
    complete = int(followed[people.index].sum())
    found = {
        "allocated": len(people),
        "ended_early": {code: int(n) for code, n in sorted(ends.value_counts().items())},
        "recorded_in_error": int(people["recorded_in_error"].fillna(value=False).sum()),
        "still_running": len(people) - complete,
        "analysed": complete,
    }
    if dose_shown:
        found["with_a_delivered_text"] = int((people["delivered"].fillna(0) > 0).sum())
        found["with_texts_planned"] = int((people["planned"].fillna(0) > 0).sum())
    return found


def _boxes(figures: dict[str, Any]) -> tuple[list[tuple[Box, Box | None]], list[tuple[Box, Box]]]:
    lines = []
    for reason, why in figures["not_randomised"]["reasons"].items():
        lines.append(f"{capital(named(reason))}: {count(why['total'])}")
        behind = sorted(why["details"].items(), key=lambda item: -item[1])
        lines += [f" {named(code)}: {count(n)}" for code, n in behind if len(why["details"]) > 1]
    stages = [
        (
            Box(f"Orders enrolled (n = {count(figures['enrolled'])})"),
            Box(f"Not randomised (n = {count(figures['not_randomised']['total'])})", lines),
        ),
        (
            Box(f"Allocated (n = {count(figures['allocated'])})"),
            Box(
                f"Repeat orders (n = {count(figures['repeats'])})",
                ["kept the arm of the person's first order; left out of the main analysis"],
            ),
        ),
        (Box(f"Randomised (n = {count(figures['randomised'])})"), None),
    ]
    (first, one), (second, two) = figures["arms"].items()
    steps = [(_allocated(first, one), _allocated(second, two)), (_followed(one), _followed(two))]
    return stages, [*steps, (_analysed(one), _analysed(two))]


def _allocated(arm: str, figures: dict[str, Any]) -> Box:
    lines = []
    if "with_texts_planned" in figures:
        lines = [
            f"Texts planned: {count(figures['with_texts_planned'])}",
            f"At least one text delivered: {count(figures['with_a_delivered_text'])}",
        ]
    return Box(f"Allocated to {named(arm)} (n = {count(figures['allocated'])})", lines)


def _followed(figures: dict[str, Any]) -> Box:
    ended = sum(figures["ended_early"].values())
    lines = [
        f"Order still running at the extract: {count(figures['still_running'])}",
        f"Ended early, still followed: {count(ended)}",
        *(f" {named(code)}: {count(n)}" for code, n in figures["ended_early"].items()),
    ]
    return Box(f"Not followed to the end (n = {count(figures['still_running'])})", lines)


def _analysed(figures: dict[str, Any]) -> Box:
    left_out = figures["allocated"] - figures["analysed"]
    return Box(
        f"Analysed (n = {count(figures['analysed'])})",
        [f"Not in the primary analysis yet: {count(left_out)}"],
    )


def _told(figures: dict[str, Any]) -> str:
    arms = ", ".join(
        f"{each['allocated']} to {named(arm)}" for arm, each in figures["arms"].items()
    )
    return (
        f"Flow diagram: {figures['enrolled']} orders enrolled, "
        f"{figures['not_randomised']['total']} not randomised, {figures['repeats']} repeats, "
        f"{figures['randomised']} randomised: {arms}. "
        "The table below has every number."
    )


def _table(figures: dict[str, Any]) -> ReportTable:
    rows: list[tuple[str, ...]] = [("Orders enrolled", count(figures["enrolled"]))]
    for reason, why in figures["not_randomised"]["reasons"].items():
        rows.append((f"Not randomised: {named(reason)}", count(why["total"])))
        rows += [(f"\N{EN DASH} {named(code)}", count(n)) for code, n in why["details"].items()]
    rows.append(("Repeat orders, left out of the main analysis", count(figures["repeats"])))
    for arm, each in figures["arms"].items():
        rows.append((f"Randomised to {named(arm)}", count(each["allocated"])))
        rows.append(("\N{EN DASH} followed to the end and analysed", count(each["analysed"])))
        rows.append(("\N{EN DASH} order still running", count(each["still_running"])))
        rows += [
            (f"\N{EN DASH} ended early: {named(code)}", count(n))
            for code, n in each["ended_early"].items()
        ]
    return ReportTable("The same flow as numbers", ("Step", "Orders"), rows, folded=True)
