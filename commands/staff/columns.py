"""The columns of a file of orders: the field that each fills, and how it is read."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid5

from commands.staff import as_written as read

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


@dataclass(frozen=True)
class Column:
    """One column: its part of the request, how it is read, and an example."""

    part: str
    read: Callable[..., Any]
    example: str
    national: bool = False
    """Whether reading it takes the country too, as of phone numbers."""

    def taken(self, written: str, country: str) -> Any:  # noqa: ANN401 - JSON
        """A cell as the request has it."""
        return self.read(written, country) if self.national else self.read(written)


COLUMNS: Mapping[str, Column] = {
    "type": Column("order", read.code, "dvpo"),
    "reference": Column("order", read.capital, "DVPO-2026-000123"),
    "force": Column("order", read.slug, "durham"),
    "court": Column("order", read.text, "Peterlee Magistrates' Court"),
    "made_on": Column("order", read.day, ""),
    "expires_on": Column("order", read.day, ""),
    "served_on": Column("order", read.day, ""),
    "conditions": Column("order", read.codes, "no molestation; no contact"),
    "authorising_superintendent": Column("order", read.text, "S-0417"),
    "person_id": Column("respondent", read.capital, "2003/0011985X"),
    "date_of_birth": Column("respondent", read.day, "1/5/1990"),
    "sex": Column("respondent", read.code, "male"),
    "ethnicity": Column("respondent", read.capital, "W1"),
    "language": Column("respondent", read.code, "en"),
    "prior_incidents": Column("respondent", read.whole, "2"),
    "risk_grade": Column("respondent", read.code, "medium"),
    "first_order": Column("respondent", read.yes_or_no, "yes"),
    "number": Column("mobile", read.number, "07700 900123", national=True),
    "source": Column("mobile", read.code, "respondent"),
    "missing_reason": Column("mobile", read.code, ""),
    "recorded_by": Column("mobile", read.text, "PC-1182"),
    "follow_up_on": Column("mobile", read.day, ""),
    "follow_up_by": Column("mobile", read.text, ""),
    "protected_numbers": Column("", read.numbers, "07700 900456", national=True),
}
"""In the template's order; the template supplies the dates. An empty cell omits the field."""

PARTS = {column.part for column in COLUMNS.values()} - {""}

_ROUNDED = re.compile(r"\d[.,]\d+E\+\d\d", re.IGNORECASE)
_IMPORTS = UUID("0f4b0e0e-6a0b-4c5a-9d53-7f1a3b1f6c11")


def request(row: Mapping[str, str], country: str) -> dict[str, Any]:
    """The body of a request for the order in a row. Numbers without a code are the country's."""
    body: dict[str, Any] = {part: {} for part in sorted(PARTS)}
    for name, written in row.items():
        if written.strip():
            column = COLUMNS[name]
            (body[column.part] if column.part else body)[name] = column.taken(written, country)
    order = body["order"]
    named = f"{order.get('force')}/{order.get('reference')}"
    body["event_id"] = f"import-{uuid5(_IMPORTS, named)}"
    return body


def rounded(row: Mapping[str, str]) -> list[str]:
    """What to do about numbers of which a spreadsheet has kept the first digits only."""
    return [
        f"{name}: the spreadsheet has rounded it: format the column as text, and type it again"
        for name, written in row.items()
        if COLUMNS[name].national and _ROUNDED.search(written)
    ]


def readings(row: Mapping[str, str], country: str) -> dict[str, tuple[str, str]]:
    """The cells that conversion changed: by column, as written and as sent."""
    changed = {}
    for name, written in row.items():
        if not written.strip():
            continue
        taken = COLUMNS[name].taken(written, country)
        shown = "; ".join(taken) if isinstance(taken, list) else str(taken)
        if shown != written:
            changed[name] = (written, shown)
    return changed
