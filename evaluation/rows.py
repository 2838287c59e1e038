"""Reads one CSV file, and checks each value against its type and codes."""

from __future__ import annotations

import csv
import gzip
import io
import re
from typing import TYPE_CHECKING, Any, Final

import pandas as pd

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

FIRST_ROW: Final = 2
"""Row 1 is the header, as a spreadsheet numbers them."""

_FORMS: Final[Mapping[str, re.Pattern[str]]] = {
    "boolean": re.compile("true|false"),
    "integer": re.compile(r"-?\d{1,9}"),
    "number": re.compile(r"-?\d{1,9}(\.\d+)?"),
    # For fields without codes or a pattern: too short for a name or a phone number.
    "string": re.compile(r"(?!.*\d{5})[A-Za-z0-9_.-]{1,60}"),
}


def read_rows(
    content: bytes, fields: Sequence[Mapping[str, Any]], *, most_faults: int
) -> tuple[pd.DataFrame, list[str]]:
    """The rows, indexed as a spreadsheet numbers them, and their faults."""
    try:
        text = gzip.decompress(content).decode()
        header, *rows = csv.reader(io.StringIO(text, newline=""), strict=True)
    except (OSError, EOFError, ValueError, csv.Error):
        return pd.DataFrame(), [": not a gzip-compressed CSV file in UTF-8 with a header"]
    names = [field["name"] for field in fields]
    if header != names:
        return pd.DataFrame(), [", row 1: not the fields that were described, in that order"]
    faults = [
        f", row {number}: {len(row)} values for {len(names)} fields"
        for number, row in enumerate(rows, start=FIRST_ROW)
        if len(row) != len(names)
    ]
    if faults:
        return pd.DataFrame(), faults[:most_faults]
    index = pd.RangeIndex(FIRST_ROW, FIRST_ROW + len(rows))
    frame = pd.DataFrame(rows, columns=names, index=index, dtype=object)
    for field in fields:
        values = frame[field["name"]]
        reasons = {value: _fault(value, field) for value in values.unique()}
        bad = {value: reason for value, reason in reasons.items() if reason}
        faults += [
            f", row {row}, field {field['name']}: {bad[value]}"
            for row, value in values[values.isin(bad.keys())][:most_faults].items()
        ]
        if not bad:
            frame[field["name"]] = _TYPED[field["type"]](values)
    return frame, faults


def _fault(value: str, field: Mapping[str, Any]) -> str | None:
    constraints = field.get("constraints", {})
    if not value:
        return "is empty" if constraints.get("required") else None
    if "enum" in constraints:
        return None if value in constraints["enum"] else "none of the codes"
    if "pattern" in constraints:
        matches = re.fullmatch(constraints["pattern"], value)
        return None if matches else "not of the form that it should have"
    if not _FORMS[field["type"]].fullmatch(value):
        return f"no {field['type']}" if field["type"] != "string" else "no code: may be personal"
    return None if field["type"] in ("boolean", "string") else _beyond(float(value), constraints)


def _beyond(value: float, constraints: Mapping[str, Any]) -> str | None:
    least, most = constraints.get("minimum", value), constraints.get("maximum", value)
    return None if least <= value <= most else "too small or too large"


def _truths(values: pd.Series[Any]) -> pd.Series[Any]:
    return values.map({"true": True, "false": False}).astype("boolean")


def _numbers(values: pd.Series[Any]) -> pd.Series[Any]:
    return pd.to_numeric(values.where(values != "")).astype("float64")


def _wholes(values: pd.Series[Any]) -> pd.Series[Any]:
    return _numbers(values).astype("Int64")


_TYPED: Final[Mapping[str, Callable[[pd.Series[Any]], pd.Series[Any]]]] = {
    "boolean": _truths,
    "integer": _wholes,
    "number": _numbers,
    "string": lambda values: values,
}
