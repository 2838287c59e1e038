"""Writes an extract's tables as Parquet files, for other tools."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from evaluation.package import Extract


def write(extract: Extract, folder: Path) -> list[Path]:
    """Write one file for each table of this form; returns their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    tables = {"enrolments": extract.enrolments, "outcomes": extract.outcomes}
    tables |= {"missing": extract.missing, "versions": extract.versions}
    if extract.form == "unblinded":
        tables["reminders"] = extract.reminders
    written = []
    for name, table in tables.items():
        path = folder / f"{name}.parquet"
        table.to_parquet(path, engine="pyarrow", index=False)
        written.append(path)
    return written
