"""
Writes rows as data packages: the blinded form and the unblinded form, each in its folder.

A package is `datapackage.json`, the files that it names, and the protocol. The same rows always
give the same bytes.
"""

from __future__ import annotations

import csv
import gzip
import hashlib
import json
import shutil
from contextlib import ExitStack
from io import TextIOWrapper
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from extract import codebook, load_r
from extract.cells import Cells
from extract.codes import COMES_OF_TEXTS, Form
from extract.columns.enrolments import BlindedEnrolment, EnrolmentColumns, EnrolmentRow
from extract.columns.events import (
    BlindedOutcome,
    MissingRow,
    OutcomeColumns,
    OutcomeRow,
    ReminderRow,
)
from extract.dictionary import table_schema
from extract.schema import BLINDED_ROWS, ROWS
from trial.codes import OutcomeType, Status
from trial.protocol.load import read

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from extract.codes import Label
    from extract.columns.base import Row
    from trial.codes import Arm
    from trial.protocol.settings import Protocol

DESCRIPTOR: Final = "datapackage.json"
PROTOCOL: Final = "protocol.toml"
BESIDE: Final = (PROTOCOL, "codebook.html", "load.py", "load.R")
"""The files of a package that are not data files. `files` holds the hash of each."""

_RESOURCES: Final = {Form.BLINDED: BLINDED_ROWS, Form.UNBLINDED: ROWS}


def write(
    folder: Path,
    rows: Iterable[Row],
    *,
    protocol: Path,
    extracted_at: datetime,
    counts: Mapping[str, int],
    labels: Mapping[Arm, Label],
) -> None:
    """
    Write both forms into `blinded` and `unblinded` below the folder.

    `rows` are of all resources, in any order, with true values. `counts` is the number of their
    enrolments in each `cell`; `labels` are the blinded form's names of the arms. Raises
    ProtocolError if the file is not a protocol.
    """
    agreed = read(protocol)
    cells = Cells(counts, agreed.minimum_cell_size)
    with ExitStack() as files:
        sheets = {form: _sheets(folder / form, _RESOURCES[form], files) for form in Form}
        for each in rows:
            row = cells.shown(each) if isinstance(each, EnrolmentRow) else each
            sheets[Form.UNBLINDED][row.resource](row)
            if blinded := _blinded(row, labels):
                sheets[Form.BLINDED][row.resource](blinded)
    for form in Form:
        descriptor = _descriptor(folder / form, form, agreed, extracted_at)
        shutil.copyfile(protocol, folder / form / PROTOCOL)
        shutil.copyfile(Path(__file__).with_name("load.py"), folder / form / "load.py")
        script = load_r.script(descriptor["resources"])
        (folder / form / "load.R").write_text(script, encoding="utf-8")
        (folder / form / "codebook.html").write_text(codebook.page(descriptor), encoding="utf-8")
        descriptor["files"] = {name: f"sha256:{_sha256(folder / form / name)}" for name in BESIDE}
        (folder / form / DESCRIPTOR).write_text(
            json.dumps(descriptor, indent=2, ensure_ascii=False) + "\n"
        )


def _sheets(folder: Path, kinds: Mapping[str, type[Row]], files: ExitStack) -> dict[str, Any]:
    """For each resource, a function that writes a row into its file."""
    folder.mkdir(parents=True, exist_ok=True)
    return {name: _sheet(folder / f"{name}.csv.gz", kind, files) for name, kind in kinds.items()}


def _sheet(path: Path, kind: type[Row], files: ExitStack) -> Any:  # noqa: ANN401
    raw = files.enter_context(path.open("wb"))
    # No name and no time in its header, because they would change the hash.
    packed = files.enter_context(gzip.GzipFile("", "wb", fileobj=raw, mtime=0))
    sheet = csv.writer(files.enter_context(TextIOWrapper(packed, "utf-8", newline="")))
    names = list(kind.model_fields)
    sheet.writerow(names)
    return lambda row: sheet.writerow([_text(getattr(row, name)) for name in names])


def _text(value: object) -> str:
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case float():
            return f"{value:.3f}".rstrip("0").rstrip(".")
        case tuple():
            return ";".join(value)
        case _:
            return str(value)


def _blinded(row: Row, labels: Mapping[Arm, Label]) -> Row | None:
    """The row as the blinded form shows it; None if its existence would reveal the arm."""
    match row:
        case ReminderRow() | MissingRow(after_allocation=True) | OutcomeRow(type=OutcomeType.HARM):
            return None
        case OutcomeRow():
            names = OutcomeColumns.model_fields
            return BlindedOutcome(**{name: getattr(row, name) for name in names})
        case EnrolmentRow():
            shown: dict[str, Any] = {
                name: getattr(row, name) for name in EnrolmentColumns.model_fields
            }
            shown |= {"arm": labels[row.arm] if row.arm else None, "end_reason": row.end_reason}
            if row.allocated and row.end_reason in COMES_OF_TEXTS:
                shown |= {"end_reason": None, "days_to_end": None, "status": Status.ALLOCATED}
            return BlindedEnrolment(**shown)
        case _:
            return row


def _descriptor(
    folder: Path, form: Form, protocol: Protocol, extracted_at: datetime
) -> dict[str, Any]:
    at = extracted_at.strftime("%Y-%m-%dT%H:%M:%SZ")
    return {
        "profile": "tabular-data-package",
        "name": f"{protocol.trial}-{form}",
        "title": f"{protocol.title}: research extract, {form}",
        "created": at,
        "trial": protocol.trial,
        "protocol": protocol.version,
        "protocol_sha256": protocol.sha256,
        "form": form,
        "minimum_cell_size": protocol.minimum_cell_size,
        "extracted_at": at,
        **_terms(protocol),
        "resources": [
            _resource(folder / f"{name}.csv.gz", kind) for name, kind in _RESOURCES[form].items()
        ],
    }


def _terms(protocol: Protocol) -> dict[str, Any]:
    """Who made the data and what may be done with them, as the protocol states."""
    if protocol.publication is None:
        return {}
    terms = protocol.publication.model_dump(mode="json", exclude_none=True)
    return {"licenses": [terms["licence"]], "contributors": terms["contributors"]}


def _resource(path: Path, kind: type[Row]) -> dict[str, Any]:
    return {
        "profile": "tabular-data-resource",
        "name": kind.resource,
        "title": kind.title,
        "path": path.name,
        "format": "csv",
        "mediatype": "text/csv",
        "encoding": "utf-8",
        "compression": "gz",
        "bytes": path.stat().st_size,
        "hash": f"sha256:{_sha256(path)}",
        "schema": table_schema(kind),
    }


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
