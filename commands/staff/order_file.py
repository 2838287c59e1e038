"""A CSV file of orders: its template, and its rows as written."""

from __future__ import annotations

import csv
import sys
from dataclasses import dataclass
from datetime import timedelta
from io import StringIO
from typing import TYPE_CHECKING

from commands.staff.columns import COLUMNS

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date
    from pathlib import Path

_MARKS = ",;\t"


@dataclass(frozen=True)
class Row:
    """One order of a file: its line number, as in a spreadsheet, and its cells."""

    line: int
    cells: Mapping[str, str]


def rows(file: Path) -> list[Row]:
    """The orders in a file. Exits, and says what to do, if it is not a file of orders."""
    try:
        written = file.read_bytes()
    except OSError as error:
        sys.exit(f"{file}: {error.strerror}. For a file to fill in: make import ARGS=--template")
    try:
        content = written.decode("utf-8-sig")
    except UnicodeDecodeError:
        content = written.decode("cp1252", errors="replace")  # as Excel saves "CSV" in Britain
    header = content.partition("\n")[0]
    reader = csv.reader(StringIO(content, newline=""), delimiter=max(_MARKS, key=header.count))
    names = [name.strip().casefold().replace(" ", "_") for name in next(reader, [])]
    if wrong := _wrong(names):
        sys.exit(f"{file}: {wrong}. For a file to fill in: make import ARGS=--template")
    return [
        Row(line, dict(zip(names, cells, strict=False)))
        for line, cells in enumerate(reader, start=2)
        if any(cell.strip() for cell in cells)
    ]


def _wrong(names: list[str]) -> str:
    """The fault in the column names (the first line); empty if there is none."""
    unknown = [name for name in names if name not in COLUMNS]
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
        sys.exit(f"{file} is there already: name another file.")
