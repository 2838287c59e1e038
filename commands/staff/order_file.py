"""A CSV file of orders: its template, and its rows as written."""

from __future__ import annotations

import csv
import sys
from dataclasses import dataclass
from datetime import timedelta
from io import StringIO
from typing import TYPE_CHECKING

from commands.staff.as_written import code
from commands.staff.columns import COLUMNS

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date
    from pathlib import Path

_MARKS = ",;\t"


_WORKBOOKS = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")  # .xlsx and .ods; .xls
_UTF_16 = (b"\xff\xfe", b"\xfe\xff")  # as Excel saves "Unicode text"
_SEPARATOR = "sep="
"""How Excel lets a file's first line name its separator."""


@dataclass(frozen=True)
class SpreadsheetRow:
    """One order of a file: its line number, as in a spreadsheet, its cells, and a fault of both."""

    line: int
    cells: Mapping[str, str]
    wrong: str = ""


def rows(file: Path) -> list[SpreadsheetRow]:
    """The orders in a file. Exits, and says what to do, if it is not a file of orders."""
    content = _decoded(file)
    first, _, rest = content.partition("\n")
    above = first.casefold().startswith(_SEPARATOR)
    content = rest if above else content
    header = content.partition("\n")[0]
    mark = first[len(_SEPARATOR) :][:1].strip("\r") if above else ""
    mark = mark or max(_MARKS, key=header.count)
    # Strict, since one quotation mark without another would swallow all lines after it.
    reader = csv.reader(StringIO(content, newline=""), delimiter=mark, strict=True)
    try:
        names = [code(name) for name in next(reader, [])]
        while names and not names[-1]:
            names.pop()  # a spreadsheet may save empty columns
        if wrong := _wrong(names):
            sys.exit(f"{file}: {wrong}. For a file to fill in: make import ARGS=--template")
        return [
            SpreadsheetRow(
                line, dict(zip(names, cells, strict=False)), _too_many(cells[len(names) :])
            )
            for line, cells in enumerate(reader, start=2)
            if any(cell.strip() for cell in cells)
        ]
    except csv.Error as error:
        sys.exit(
            f"{file}: cannot be read as far as its line {reader.line_num + above}: {error}. "
            "Look for a quotation mark that nothing closes."
        )


def _decoded(file: Path) -> str:
    """The file's text, in whichever encoding a spreadsheet saved it."""
    try:
        written = file.read_bytes()
    except OSError as error:
        sys.exit(f"{file}: {error.strerror}. For a file to fill in: make import ARGS=--template")
    if written.startswith(_WORKBOOKS):
        sys.exit(f"{file}: is a workbook. Save its sheet as CSV, and import that file.")
    try:
        return written.decode("utf-16" if written.startswith(_UTF_16) else "utf-8-sig")
    except UnicodeDecodeError:
        return written.decode("cp1252", errors="replace")  # as Excel saves "CSV" in Britain


def _too_many(cells: list[str]) -> str:
    """The fault in the cells beyond the last column that has a name."""
    if not any(cell.strip() for cell in cells):
        return ""
    return "the line has more cells than the first one: put a cell with a comma in quotation marks"


def _wrong(names: list[str]) -> str:
    """The fault in the column names (the first line); empty if there is none."""
    unknown = [name or "(nothing)" for name in names if name not in COLUMNS]
    twice = sorted({name for name in names if names.count(name) > 1})
    lacking = [name for name in ("reference", "force") if name not in names]
    if unknown:
        return f"no column is called {', '.join(unknown)}; there are: {', '.join(COLUMNS)}"
    if twice:
        return f"two columns are called {', '.join(twice)}"
    return f"its first line lacks {', '.join(lacking)}" if lacking else ""


def write_template(file: Path, today: date) -> None:
    """
    Write a file to fill in, with every column and one made-up order of today.

    Never overwrites a file.
    """
    example = {name: each.example for name, each in COLUMNS.items()}
    example |= dict.fromkeys(("made_on", "served_on"), f"{today.day}/{today.month}/{today.year}")
    last = today + timedelta(days=13)
    example["expires_on"] = f"{last.day}/{last.month}/{last.year}"
    try:
        with file.open("x", newline="", encoding="utf-8-sig") as to:  # so that Excel reads it
            csv.writer(to).writerows([example, example.values()])
    except FileExistsError:
        sys.exit(f"{file} exists already: name another file.")
