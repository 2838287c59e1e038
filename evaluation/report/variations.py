"""Orders that a court varied or discharged after the allocation: a description, and no test."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pandas as pd

from evaluation.report.parts import Section
from evaluation.report.words import named, number, of
from trial.codes import EndReason

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from evaluation.cohort import Cohort

_QUARTILES: Final = (0.5, 0.25, 0.75)


def section(cohort: Cohort) -> Section:
    """How many orders were varied or discharged in each arm, when, and what variations changed."""
    found = Section("variations", "Orders varied or discharged", consort="28")
    kinds = cohort.extract.protocol.orders
    varied_kinds = [name for name, kind in kinds.items() if kind.may_be_varied]
    if not varied_kinds:
        found.say("No type of order in this trial can be varied.")
        return found
    people = cohort.people[cohort.people["order_type"].isin(varied_kinds)]
    changes = _changes(cohort.extract.versions, people)
    arms = {"intervention": cohort.extract.arms[1], "control": cohort.extract.arms[0]}
    found.figures = {
        name: _of_arm(people[people["arm"] == arm], changes[changes["arm"] == arm])
        for name, arm in arms.items()
    }
    first, second = found.figures["intervention"], found.figures["control"]
    spread = "median (quartiles)"

    def row(title: str, shown: Callable[[dict[str, Any]], str]) -> tuple[str, str, str]:
        return title, shown(first), shown(second)

    found.say(
        "Courts can vary or discharge such orders at any time, and the remaining texts change with "
        "them. This section describes how often that happened after allocation. It leaves nobody "
        "out of any analysis, and makes no test."
    )
    found.table(
        "Orders varied or discharged after allocation",
        ("", "With texts", "Without"),
        [
            row(f"Orders ({', '.join(varied_kinds)})", lambda arm: str(arm["orders"])),
            row("Varied at least once", lambda arm: of(arm["varied"], arm["orders"])),
            row("Discharged", lambda arm: of(arm["discharged"], arm["orders"])),
            row(f"Days to the first variation, {spread}", lambda arm: _times(arm["days_to_first"])),
            row(f"Days to the discharge, {spread}", lambda arm: _times(arm["days_to_discharge"])),
            row("Variations in all", lambda arm: str(arm["variations"])),
        ],
        "The order under which each person was randomised, for as long as it was followed.",
    )
    if names := [*dict.fromkeys([*first["changed"], *second["changed"]])]:
        found.table(
            "What variations changed",
            ("Change", "With texts", "Without"),
            [
                (name, *(str(arm["changed"].get(name, 0)) for arm in (first, second)))
                for name in sorted(names)
            ],
            "Counts variations. One variation may change several things.",
        )
    return found


def _changes(versions: pd.DataFrame, people: pd.DataFrame) -> pd.DataFrame:
    """Each variation since the allocation, with the version before it."""
    rows = versions.sort_values(["enrolment", "version"])
    for name in ("days", "conditions"):
        rows[f"{name}_before"] = rows.groupby("enrolment")[name].shift()
    rows = rows[rows["version"] > 1].merge(
        people[["enrolment", "arm", "days_to_allocation"]], on="enrolment"
    )
    rows["since"] = rows["days_from"] - rows["days_to_allocation"]
    return rows[rows["since"] >= 0]


def _of_arm(people: pd.DataFrame, changes: pd.DataFrame) -> dict[str, Any]:
    discharged = people[people["end_reason"] == EndReason.DISCHARGED]
    to_end = (discharged["days_to_end"] - discharged["days_to_allocation"]).clip(lower=0)
    changed: dict[str, int] = {}
    for row in changes.itertuples():
        for what in _differences(row):
            changed[what] = changed.get(what, 0) + 1
    return {
        "orders": len(people),
        "varied": int(changes["enrolment"].nunique()),
        "variations": len(changes),
        "discharged": len(discharged),
        "days_to_first": _quartiles(changes.groupby("enrolment")["since"].min()),
        "days_to_discharge": _quartiles(to_end),
        "changed": changed,
    }


def _differences(row: Any) -> Iterator[str]:  # noqa: ANN401 - a row of pandas
    """A sentence for each thing that a variation changed."""
    now, before = (set(filter(None, each.split(";"))) for each in
                   (row.conditions, row.conditions_before))  # fmt: skip
    yield from (f"Condition added: {named(each)}" for each in sorted(now - before))
    yield from (f"Condition dropped: {named(each)}" for each in sorted(before - now))
    ended, ends = pd.notna(row.days_before), pd.notna(row.days)
    if ended and ends and row.days != row.days_before:
        yield f"Made {'longer' if row.days > row.days_before else 'shorter'}"
    elif ended != ends:
        yield "Given a last day" if ends else "Last day removed"


def _quartiles(days: pd.Series) -> list[float] | None:
    return [float(days.quantile(each)) for each in _QUARTILES] if len(days) else None


def _times(quartiles: list[float] | None) -> str:
    if quartiles is None:
        return "none"
    middle, low, high = quartiles
    return f"{number(middle, 0)} ({number(low, 0)} to {number(high, 0)})"
