"""
The small-cell rule: an ethnicity that too few people share is hidden, as it could identify them.

Within an age band and a sex, a code that too few share is replaced by its group, and a group of too
few is withheld. Age band and sex stay: the subgroups were agreed before.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from extract.codes import Group, group_of
from trial.codes import Ethnicity

if TYPE_CHECKING:
    from collections.abc import Mapping

    from extract.columns.enrolments import EnrolmentRow


def cell(row: EnrolmentRow) -> str:
    """The row's cell: its age band, sex and ethnicity as recorded."""
    return _named(row, _recorded(row))


class Cells:
    """The number of enrolments in each cell, and the minimum that may be shown."""

    def __init__(self, counts: Mapping[str, int], minimum: int) -> None:
        self._counts = counts
        self._minimum = minimum
        # A group counts only those for whom it would be shown, not those with a common code.
        self._pooled: Counter[str] = Counter()
        for name, count in counts.items():
            band_and_sex, _, code = name.rpartition("|")
            if code not in set(Ethnicity) or count < minimum:
                group = group_of(Ethnicity(code) if code in set(Ethnicity) else Group(code))
                self._pooled[f"{band_and_sex}|{group}"] += count

    def shown(self, row: EnrolmentRow) -> EnrolmentRow:
        """The row with its ethnicity's code, its group or neither, as the rule allows."""
        code = _recorded(row)
        group = group_of(code)
        shown: dict[str, Ethnicity | Group | None]
        if isinstance(code, Ethnicity) and self._counts[_named(row, code)] >= self._minimum:
            shown = {"ethnicity": code, "ethnicity_group": group}
        elif self._pooled[_named(row, group)] >= self._minimum:
            shown = {"ethnicity": group, "ethnicity_group": group}
        else:
            shown = {"ethnicity": None, "ethnicity_group": None}
        return row.model_copy(update=shown)


def _recorded(row: EnrolmentRow) -> Ethnicity | Group:
    return row.ethnicity or Group.NOT_STATED


def _named(row: EnrolmentRow, ethnicity: Ethnicity | Group) -> str:
    return f"{row.age_band}|{row.sex}|{ethnicity}"
