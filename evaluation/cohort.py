"""Who is analysed, and what happened to them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

import pandas as pd

from evaluation.statistics.values import Counts

if TYPE_CHECKING:
    from evaluation.package import Extract
    from trial.protocol.plan import Endpoint


class SumsError(Exception):
    """The extract's people do not add up, so no report is made."""


@dataclass(frozen=True, slots=True)
class Cohort:
    """
    An extract with its populations, which are checked to add up.

    `allocated` has every allocation; `people` only the first of each person, which are analysed.
    """

    extract: Extract
    allocated: pd.DataFrame
    people: pd.DataFrame
    _observed: dict[tuple[Endpoint, bool], pd.DataFrame] = field(default_factory=dict)

    @property
    def complete(self) -> bool:
        """Whether the protocol's lock date is past, after which nobody else is randomised."""
        return self.extract.made_on >= self.extract.protocol.analysis.lock_date

    def arm(self, name: str) -> pd.DataFrame:
        """The people in one arm."""
        return self.people[self.people["arm"] == name]


def cohort_of(extract: Extract) -> Cohort:
    """The populations. Raises SumsError with every reason why they do not add up."""
    rows = extract.enrolments
    allocated = rows[rows["allocated"].fillna(value=False).astype(bool)]
    others = rows.drop(allocated.index)
    repeat = allocated["repeat"].astype("boolean")
    people = allocated[~repeat.fillna(value=False).astype(bool)]
    repeats = allocated.drop(people.index)
    first_arm = people.drop_duplicates("person").set_index("person")["arm"]
    kept = repeats["person"].map(first_arm)
    faults = {
        "allocated without an arm": (allocated["arm"] == "").sum(),
        "allocated, but not said whether as a repeat": repeat.isna().sum(),
        "with an arm, but not allocated": (others["arm"] != "").sum(),
        "neither allocated nor with a reason, nor waiting for their allocation": (
            (others["reasons"] == "") & (others["status"] != "eligible")
        ).sum(),
        "randomised though the same person had been": people["person"].duplicated().sum(),
        "repeats of somebody never randomised": kept.isna().sum(),
        "repeats in another arm than the person's first": (
            kept.notna() & (kept != repeats["arm"])
        ).sum(),
        "randomised without a block and a position": _unplaced(people),
        "allocated without days at risk or followed": allocated[["days_at_risk", "days_followed"]]
        .isna()
        .any(axis=1)
        .sum(),
    }
    if wrong := [f"{number} enrolments {what}" for what, number in faults.items() if number]:
        raise SumsError("the flow diagram would not close: " + "; ".join(wrong))
    return Cohort(extract, allocated, people)


def _unplaced(people: pd.DataFrame) -> int:
    places = [name for name in ("block", "position") if name in people]  # not in the blinded form
    return int(people[places].isna().any(axis=1).sum())


def happened(extract: Extract, rows: pd.DataFrame, endpoint: Endpoint) -> pd.DataFrame:
    """
    What happened to each of these allocated rows.

    `event`: whether it happened. `reached`: days from allocation to it, or as far as followed.
    `followed`: whether the whole window has been followed. `count`: events in `at_risk` days.
    """
    outcomes = extract.outcomes
    counts = outcomes["type"].isin(endpoint.types)
    if endpoint.instruments:
        counts &= outcomes["instrument"].isin(endpoint.instruments)
    if endpoint.same_protected_person:
        counts &= outcomes["same_protected_person"].fillna(value=False).astype(bool)
    if endpoint.days is None:
        window = rows["days_at_risk"]
    else:
        window = pd.Series(float(endpoint.days), index=rows.index)
    # Outcomes belong to the person: each order counts those that fall into its own window.
    starts = rows[["enrolment", "person", "days_from_randomisation"]].assign(window=window)
    each = starts.merge(outcomes[counts].drop(columns="enrolment"), on="person")
    since = each["days_from_allocation"] - each["days_from_randomisation"]
    inside = (since >= 0) & (since <= each["window"])
    if endpoint.days is None:
        # For the order under which somebody was randomised, the extract has exact times.
        first_order = each["days_from_randomisation"] == 0
        inside = inside.where(~first_order, each["within_order"].astype(bool))
    by_order = since[inside].groupby(each["enrolment"])
    at = rows["enrolment"].map(by_order.min())
    at_risk = pd.concat([window, rows["days_followed"]], axis=1).min(axis=1).clip(lower=0)
    return pd.DataFrame(
        {
            "event": at.notna(),
            "reached": at.fillna(at_risk).clip(lower=0),
            "followed": rows["days_followed"] >= window,
            "count": rows["enrolment"].map(by_order.size()).fillna(0).astype(int),
            "at_risk": at_risk,
        },
        index=rows.index,
    )


def ended_at(rows: pd.DataFrame) -> pd.Series:
    """Days from each row's allocation to its early end; missing if it did not end early."""
    return (rows["days_to_end"] - rows["days_to_allocation"]).clip(lower=0)


class ByArm(NamedTuple):
    """Events and people in each arm."""

    intervention: Counts
    control: Counts


def by_arm(rows: pd.DataFrame) -> ByArm:
    """The counts of rows with `event` and `treated`."""
    events, treated = rows["event"].astype(bool), rows["treated"].astype(bool)
    return ByArm(
        Counts(int((events & treated).sum()), int(treated.sum())),
        Counts(int((events & ~treated).sum()), int((~treated).sum())),
    )


def observed(cohort: Cohort, endpoint: Endpoint, *, repeats: bool = False) -> pd.DataFrame:
    """The people (with repeats: all allocations), `treated` or not, and what happened to them."""
    found = cohort._observed.get((endpoint, repeats))  # noqa: SLF001 - worked out once for all
    if found is None:
        rows = cohort.allocated if repeats else cohort.people
        found = rows.join(happened(cohort.extract, rows, endpoint))
        found["treated"] = found["arm"] == cohort.extract.arms[1]
        cohort._observed[endpoint, repeats] = found  # noqa: SLF001
    return found.copy()


def followed(cohort: Cohort, endpoint: Endpoint, *, repeats: bool = False) -> pd.DataFrame:
    """Those of them who have been followed for the endpoint's whole window."""
    rows = observed(cohort, endpoint, repeats=repeats)
    return rows[rows["followed"]]
