"""Events that make a breach impossible, and the share of people with a breach allowing for them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from evaluation.cohort import ended_at
from evaluation.report.estimand import event_named, strategy_of
from evaluation.report.parts import Method
from evaluation.report.words import estimate_heading, estimate_text, number, p_value, plural, points
from evaluation.statistics.competing import CENSORED, COMPETING, EVENT, incidences
from evaluation.statistics.values import NotEstimable
from trial.codes import EndReason

if TYPE_CHECKING:
    import pandas as pd

    from evaluation.cohort import Cohort
    from evaluation.report.parts import Section

METHOD: Final = Method(
    "Competing events: cumulative incidence",
    "Aalen and Johansen (1978), https://www.jstor.org/stable/4615704; Marubini and Valsecchi "
    "(1995), 10.2",
)


def show_competing(found: Section, cohort: Cohort, rows: pd.DataFrame) -> None:
    """The cumulative incidence by arm, if the plan names competing events."""
    plan = cohort.extract.protocol.analysis
    competing = [r for r in EndReason if strategy_of(cohort, r) == "while_at_risk"]
    if not competing:
        found.say("The protocol names no event that would make the outcome impossible.", "note")
        return
    found.methods = [*found.methods, METHOD]
    ended = ended_at(rows).where(rows["end_reason"].isin(competing))
    first = ended.notna() & (ended < rows["reached"])
    status = rows["event"].map({True: EVENT, False: CENSORED}).where(~first, COMPETING)
    days = rows["reached"].where(~first, ended)
    horizon = plan.restricted_mean_days or float(rows["at_risk"].max() if len(rows) else 0)
    result = incidences(
        days=days, status=status, treated=rows["treated"], horizon=horizon, alpha=plan.alpha
    )
    names = ", ".join(event_named(each).lower() for each in competing)
    people = int((status == COMPETING).sum())
    found.figures["competing"] = {"events": competing, "people": people, "incidences": result}
    if isinstance(result, NotEstimable):
        found.say(f"The cumulative incidence is {result}.", "note")
        return
    difference = estimate_text(result.difference, points)
    within = f"within {number(horizon, 0)} days, %"
    found.table(
        "Cumulative incidence of a breach or arrest, allowing for competing events",
        ("Measure", estimate_heading(plan.alpha)),
        [
            (f"Control, {within}", estimate_text(result.control, points)),
            (f"Intervention, {within}", estimate_text(result.intervention, points)),
            ("Difference, points", f"{difference}, {p_value(result.p)}"),
        ],
        f"Competing events: {names}. They came first for {plural(people, 'person', 'people')}. The "
        "Kaplan-Meier estimate above treats these people as if they could still have a breach.",
        words=True,
    )
