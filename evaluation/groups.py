"""
The groups of a characteristic, merged so that none is too small to show or can be inferred.

A group of too few people is merged with another, first as the plan states and then with its
smallest neighbour. So every person stays in the sums, no estimator changes for the sake of three
people, and no count follows by subtraction. Only people whose code is withheld or not stated are in
no group; if they are few, they are merged into one too.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import pandas as pd

from evaluation.report.words import capital, named, stratum_named
from trial.protocol.strata import VALUES

if TYPE_CHECKING:
    from collections.abc import Iterable

    from evaluation.cohort import Cohort
    from trial.protocol.plan import AnalysisPlan
    from trial.protocol.settings import Protocol

ORDERED: Final = {
    "age_band": ("under_18", "18-24", "25-34", "35-44", "45-54", "55+"),
    "sex": ("male", "female", "other", "not_known"),
    "ethnicity_group": ("white", "mixed", "asian", "black", "other", "not_stated"),
    "conditions": ("MOL", "NC", "NE", "KD", "NCNE", "NCKD"),
    "prior_incidents": ("none", "one_or_two", "three_to_five", "six_or_more"),
    "risk_grade": ("standard", "medium", "high"),
    "first_order": ("yes", "no"),
}
"""Codes in the order in which tables show them."""

SCALES: Final = frozenset({"age_band", "prior_incidents", "risk_grade"})
"""Characteristics in which only neighbours are merged."""

UNKNOWN: Final = {
    "ethnicity_group": "withheld",
    "prior_incidents": "not said",
    "risk_grade": "not said",
    "first_order": "not said",
}
"""The meaning of an empty cell, which is not a group and is compared with none."""


@dataclass(frozen=True, slots=True)
class Grouping:
    """
    Each person's group by its title (missing: not known or withheld), in the order of the titles.

    `planned` has a sentence for each merger that the plan states; `unplanned` for each other one.
    """

    characteristic: str
    groups: pd.Series
    titles: list[str]
    planned: list[str] = field(default_factory=list)
    unplanned: list[str] = field(default_factory=list)

    @property
    def has_groups(self) -> bool:
        """Whether there is more than one group."""
        return len(self.titles) > 1

    @property
    def unknown(self) -> int:
        """How many people are in no group."""
        return int(self.groups.isna().sum())


def codes_of(rows: pd.DataFrame, characteristic: str) -> pd.Series:
    """Each person's code; missing if it is withheld or was not stated."""
    codes = rows[characteristic]
    if characteristic == "first_order":
        codes = codes.map({True: "yes", False: "no"})
    if characteristic == "stratum":
        codes = codes.map(stratum_named, na_action="ignore")
    return codes.astype(object).where(codes.notna() & (codes.astype(str) != ""), None)


def grouped(
    rows: pd.DataFrame,
    characteristic: str,
    *,
    plan: AnalysisPlan,
    minimum: int,
    by: pd.Series | None = None,
    crossed: bool = False,
) -> Grouping:
    """
    The groups of these people; each must have `minimum` people in each value of `by`.

    If the codes cross two characteristics that are also shown separately, merging only some groups
    would reveal those by subtraction: then all are merged, or none.
    """
    codes = codes_of(rows, characteristic)
    by = pd.Series("all", index=rows.index) if by is None else by
    listed = ORDERED.get(characteristic, tuple(sorted(set(codes.dropna()))))
    order = [code for code in listed if (codes == code).any()]
    cells: list[tuple[str, ...]] = [(code,) for code in order]
    titles: dict[tuple[str, ...], str] = {}
    planned, unplanned = [], []
    title = capital(named(characteristic))
    for merge in plan.merges:
        stratum = characteristic == "stratum"
        wanted = {stratum_named(each) if stratum else each for each in merge.codes}
        these = [cell for cell in cells if set(cell) & wanted]
        if merge.characteristic != characteristic or len(these) < 2:  # noqa: PLR2004 - to be merged
            continue
        if any(_fewest(codes, cell, by) < minimum for cell in these):
            joined = tuple(code for cell in these for code in cell)
            place = cells.index(these[0])
            cells = [cell for cell in cells if cell not in these]
            cells.insert(place, joined)
            titles[joined] = merge.title
            planned.append(
                f"{capital(named(characteristic))}: {_list(these, titles)} are shown as one."
            )
    unsaid = UNKNOWN.get(characteristic, "not known")
    in_each = [int((codes.isna() & (by == value)).sum()) for value in set(by)]
    if cells and any(0 < few < minimum for few in in_each):
        place = min(range(len(cells)), key=lambda i: (int(codes.isin(cells[i]).sum()), i))
        unplanned.append(
            f"{title}: {_list([cells[place], (unsaid,)], titles)} are shown as one, since there "
            f"are fewer than {minimum} of whom it is {unsaid}."
        )
        codes, cells[place] = codes.fillna(unsaid), (*cells[place], unsaid)
    if crossed and len(cells) > 1 and _smallest(codes, cells, by, minimum) is not None:
        unplanned.append(f"{title}: shown together, since there are fewer than {minimum} of one.")
        cells = [tuple(code for cell in cells for code in cell)]
        titles[cells[0]] = "all together"
    while len(cells) > 1 and (small := _smallest(codes, cells, by, minimum)) is not None:
        other = _neighbour(codes, cells, small, characteristic)
        first, second = sorted((small, other))
        unplanned.append(
            f"{title}: {_list([cells[first], cells[second]], titles)} are "
            f"shown as one, since there are fewer than {minimum} of one of them."
        )
        joined = cells[first] + cells[second]
        cells = [c for i, c in enumerate(cells) if i not in (first, second)]
        cells.insert(first, joined)
    shown = {cell: titles.get(cell) or _named(cell, titles) for cell in cells}
    title_of = {code: title for cell, title in shown.items() for code in cell}
    groups = codes.map(lambda code: title_of.get(code) if code is not None else None)
    return Grouping(characteristic, groups, list(shown.values()), planned, unplanned)


def grouped_by_arm(people: pd.DataFrame, characteristic: str, cohort: Cohort) -> Grouping:
    """The groups of randomised people, of whom each arm must have enough."""
    return grouped(
        people,
        characteristic,
        plan=cohort.extract.protocol.analysis,
        minimum=cohort.extract.minimum,
        by=people["arm"],
        crossed=characteristic == "stratum" and strata_are_crossed(cohort.extract.protocol),
    )


def strata_are_crossed(protocol: Protocol) -> bool:
    """Whether the strata cross length with a baseline that has groups of its own."""
    return any(stratum.named(name) for stratum in protocol.strata for name in VALUES)


def _fewest(codes: pd.Series, cell: tuple[str, ...], by: pd.Series) -> int:
    """The number of people with these codes in the value of `by` that has fewest of them."""
    those = codes.isin(cell)
    return min((int((those & (by == value)).sum()) for value in set(by)), default=0)


def _smallest(
    codes: pd.Series, cells: list[tuple[str, ...]], by: pd.Series, minimum: int
) -> int | None:
    """The smallest of the groups that are too small."""
    small = [
        (fewest, int(codes.isin(cell).sum()), place)
        for place, cell in enumerate(cells)
        if (fewest := _fewest(codes, cell, by)) < minimum
    ]
    return min(small)[2] if small else None


def _neighbour(
    codes: pd.Series, cells: list[tuple[str, ...]], place: int, characteristic: str
) -> int:
    """The neighbour on a scale, otherwise the smallest of the others."""
    others = [i for i in range(len(cells)) if i != place]
    if characteristic in SCALES:
        others = [i for i in others if abs(i - place) == 1]
    return min(others, key=lambda i: (int(codes.isin(cells[i]).sum()), i))


def _list(cells: Iterable[tuple[str, ...]], titles: dict[tuple[str, ...], str]) -> str:
    names = [titles.get(cell) or _named(cell, titles) for cell in cells]
    return ", ".join(names[:-1]) + f" and {names[-1]}"


def _named(cell: tuple[str, ...], titles: dict[tuple[str, ...], str]) -> str:
    known = [part for part in titles if set(part) < set(cell)]
    rest = [code for code in cell if not any(code in part for part in known)]
    return " or ".join([named(code) for code in rest] + [titles[part] for part in known])
