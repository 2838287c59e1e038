"""Describes the outcomes of people who were never randomised, without a comparison."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evaluation.report.words import HIDDEN, capital, named, of
from evaluation.statistics.values import Counts

if TYPE_CHECKING:
    import pandas as pd

    from evaluation.cohort import Cohort
    from evaluation.report.parts import Section


def show_never_randomised(found: Section, cohort: Cohort) -> None:
    """
    The primary outcome among people never randomised, by reason, beside those who were.

    For both it counts from the order's first day to its last, because people never randomised have
    no allocation to count from. The arms are pooled.
    """
    rows = cohort.extract.enrolments
    first = rows.drop_duplicates("person")
    never = first[~first["person"].isin(cohort.people["person"])]
    minimum = cohort.extract.minimum
    groups = {"Randomised, both arms together": cohort.people}
    reasons = never["reasons"].map(lambda each: each.partition(";")[0])
    common = [r for r, n in reasons.value_counts().items() if r and n >= minimum]
    for reason in common:
        groups[f"Never randomised: {named(str(reason))}"] = never[reasons == reason]
    rest = never[~reasons.isin(common)]
    if len(rest) >= minimum:
        groups["Never randomised: all other reasons"] = rest
    elif len(rest) and common:
        last = f"Never randomised: {named(str(common[-1]))}"
        together = reasons.eq(common[-1]) | never.index.isin(rest.index)
        groups[f"{last}, and all others"] = never[together]
        del groups[last]
    counts = {name: _counts(cohort, those) for name, those in groups.items()}
    found.figures["outcomes_of_never_randomised"] = counts
    found.table(
        "Breach or arrest during the order, of people who were never randomised",
        ("People", "With the outcome"),
        [(capital(name), _shown(each, minimum)) for name, each in counts.items()],
        "From the first day of each person's first order to its last, including what happened "
        "before allocation. The table describes to whom the results apply. It does not compare "
        "the arms, and makes no test.",
    )


def _counts(cohort: Cohort, people: pd.DataFrame) -> Counts:
    primary = cohort.extract.protocol.analysis.primary
    outcomes = cohort.extract.outcomes
    counts = outcomes["type"].isin(primary.types)
    if primary.instruments:
        counts &= outcomes["instrument"].isin(primary.instruments)
    days = people.set_index("enrolment")["days"]
    last = outcomes["enrolment"].map(days)
    counts &= (outcomes["days_from_order"] >= 0) & (outcomes["days_from_order"] <= last)
    events = people["enrolment"].isin(outcomes.loc[counts, "enrolment"])
    return Counts(int(events.sum()), len(people))


def _shown(counts: Counts, minimum: int) -> str:
    return of(counts.events, counts.people) if counts.people >= minimum else HIDDEN
