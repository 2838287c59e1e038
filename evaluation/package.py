"""
Reads a research extract: a Frictionless data package, as a folder or as a zip file.

It checks everything that can be checked: hashes, fields, types, codes, keys and the protocol. A
fault names file, row and field, never the value, which may be personal.
"""

from __future__ import annotations

import hashlib
import json
import re
import tempfile
import zipfile
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

import pandas as pd

from evaluation.rows import read_rows
from extract.dictionary import table_schema
from extract.schema import BLINDED_ROWS, ROWS
from trial.protocol import load as protocols
from trial.protocol.load import ProtocolError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from trial.protocol.settings import Protocol

Form = Literal["blinded", "unblinded"]
Described = dict[str, Any]

DESCRIPTOR: Final = "datapackage.json"
RESOURCES: Final = {"blinded": BLINDED_ROWS, "unblinded": ROWS}
ARMS: Final = {"blinded": ("A", "B"), "unblinded": ("control", "intervention")}
MOST: Final = 5
"""The most faults of a kind that are reported: the first ones show what is wrong."""


class PackageError(Exception):
    """The package must not be used: the message has a line for every fault."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Extract:
    """
    A checked extract, or several as one. Times are in days, truth values nullable, codes strings.

    `extracted_at` is the oldest extract's, `sha256` has each description's. `source` in
    `enrolments` names the extract, because blocks and strata of different extracts are unrelated.

    A missing string is "", a missing number NaN or NA. `reminders` is empty in the blinded form.
    """

    form: Form
    extracted_at: datetime
    protocol: Protocol
    minimum: int
    sha256: tuple[str, ...]
    made_up: bool
    enrolments: pd.DataFrame
    reminders: pd.DataFrame
    outcomes: pd.DataFrame
    missing: pd.DataFrame
    versions: pd.DataFrame

    @property
    def made_on(self) -> date:
        """The local date on which it was made."""
        return self.protocol.place.date_at(self.extracted_at)

    @property
    def trials(self) -> set[str]:
        """The trials of its orders: one, unless something is wrong."""
        return set(self.enrolments["trial"])

    @property
    def arms(self) -> tuple[str, str]:
        """The names of the arms; in the unblinded form control comes first."""
        return ARMS[self.form]


def read(path: Path) -> Extract:
    """The extract in that folder or zip file. Raises PackageError with every fault in it."""
    with _folder(path) as folder:
        content = _bytes(folder, DESCRIPTOR)
        package = _described(content)
        form: Form = package["form"]
        kinds = RESOURCES[form]
        frames = {
            resource["name"]: _frame(folder, resource, table_schema(kinds[resource["name"]]))
            for resource in _resources(package, form)
        }
        _check_keys(frames, {name: list(kind.key) for name, kind in kinds.items()})
        no_reminders = pd.DataFrame(columns=list(ROWS["reminders"].model_fields))
        return Extract(
            form=form,
            extracted_at=datetime.fromisoformat(package["extracted_at"]),
            protocol=_protocol(folder, package),
            minimum=package["minimum_cell_size"],
            sha256=(hashlib.sha256(content).hexdigest(),),
            made_up=package.get("made_up") is True,
            enrolments=frames["enrolments"].assign(source="1"),
            reminders=frames.get("reminders", no_reminders),
            outcomes=frames["outcomes"],
            missing=frames["missing"],
            versions=frames["versions"],
        )


@contextmanager
def _folder(path: Path) -> Iterator[Path]:
    if path.is_dir():
        yield _with_descriptor(path)
    elif zipfile.is_zipfile(path):
        with tempfile.TemporaryDirectory() as folder:
            with zipfile.ZipFile(path) as archive:
                archive.extractall(folder)
            yield _with_descriptor(Path(folder))
    else:
        reason = "neither a folder nor a zip file" if path.exists() else "there is no such file"
        raise PackageError(f"{path}: {reason}")


def _with_descriptor(folder: Path) -> Path:
    """The folder with the descriptor: this one, or the only subfolder that has one."""
    if (folder / DESCRIPTOR).exists():
        return folder
    inside = sorted(each.parent for each in folder.glob(f"*/{DESCRIPTOR}"))
    if len(inside) == 1:
        return inside[0]
    hint = f"; give one of: {', '.join(each.name for each in inside)}" if inside else ""
    raise PackageError(f"{folder}: has no {DESCRIPTOR}{hint}")


def _bytes(folder: Path, name: str) -> bytes:
    try:
        return (folder / name).read_bytes()
    except OSError as error:
        raise PackageError(f"{name}: {error.strerror}") from error


def _described(content: bytes) -> Described:
    """The package's descriptor, checked to have everything that is needed."""
    try:
        package = json.loads(content)
    except ValueError as error:
        raise PackageError(f"{DESCRIPTOR}: not JSON") from error
    if not isinstance(package, dict):
        raise PackageError(f"{DESCRIPTOR}: not an object")
    minimum, resources = package.get("minimum_cell_size"), package.get("resources")
    faults = {
        "form: neither blinded nor unblinded": package.get("form") not in RESOURCES,
        "extracted_at: no time with a time zone": not _is_moment(package.get("extracted_at")),
        "minimum_cell_size: no whole number from 1": not isinstance(minimum, int) or minimum < 1,
        "resources: no list of objects": not isinstance(resources, list)
        or not all(isinstance(each, dict) for each in resources),
    }
    if any(faults.values()):
        raise PackageError(
            "\n".join(f"{DESCRIPTOR}: {why}" for why, is_so in faults.items() if is_so)
        )
    return package


def _is_moment(text: object) -> bool:
    try:
        return datetime.fromisoformat(str(text)).tzinfo is not None
    except ValueError:
        return False


def _resources(package: Described, form: Form) -> list[Described]:
    there, wanted = {each.get("name") for each in package["resources"]}, RESOURCES[form].keys()
    faults = [f"{DESCRIPTOR}: resource {name} is missing" for name in sorted(wanted - there)]
    if there - wanted or len(there) < len(package["resources"]):
        faults.append(f"{DESCRIPTOR}: resources: more than belong into the {form} form")
    if faults:
        raise PackageError("\n".join(faults))
    return list(package["resources"])


def _frame(folder: Path, resource: Described, expected: Described) -> pd.DataFrame:
    """The rows of a resource, checked against its description."""
    name, path = resource["name"], str(resource.get("path"))
    if not re.fullmatch(r"[a-z]+\.csv(\.gz)?", path):
        raise PackageError(f"{DESCRIPTOR}: {name}: path: not the plain name of a CSV file")
    content = _bytes(folder, path)
    stated = str(resource.get("hash", "")).removeprefix("sha256:")
    if len(content) != resource.get("bytes") or hashlib.sha256(content).hexdigest() != stated:
        raise PackageError(f"{path}: not the file that was described: its size or SHA-256 differs")
    fields = resource.get("schema", {}).get("fields", [])
    if faults := list(_strange_fields(fields, expected["fields"])):
        raise PackageError("\n".join(f"{path}: field {fault}" for fault in faults))
    frame, faults = read_rows(content, fields, most_faults=MOST)
    if faults:
        raise PackageError("\n".join(f"{path}{fault}" for fault in faults))
    return frame


def _strange_fields(fields: list[Described], expected: list[Described]) -> Iterator[str]:
    """Refuse an unexpected column, which may be personal, and a missing one."""
    known = {field["name"]: field for field in expected}
    there = {str(field.get("name")): field for field in fields}
    yield from (f"{name}: is missing" for name in known if name not in there)
    for name, field in there.items():
        if name not in known:
            yield f"{name}: does not belong into an extract of this form"
            continue
        said, meant = field.get("constraints", {}), known[name]["constraints"]
        codes = [set(each.get("enum", ())) for each in (said, meant)]
        # An older extract may have fewer codes, but no others, and no free text.
        if (
            field.get("type") != known[name]["type"]
            or said.get("pattern") != meant.get("pattern")
            or bool(codes[0]) != bool(codes[1])
            or not codes[0] <= codes[1]
        ):
            yield f"{name}: described otherwise than the trial has it"


def _check_keys(frames: Mapping[str, pd.DataFrame], keys: Mapping[str, list[str]]) -> None:
    known = frames["enrolments"]["enrolment"]
    faults = []
    for name, frame in frames.items():
        again = frame.index[frame.duplicated(subset=keys[name])][:MOST]
        faults += [f"{name}, row {row}: {' and '.join(keys[name])}: there twice" for row in again]
        # An outcome reported under another trial's order names no order.
        strangers = frame.index[~frame["enrolment"].isin(known) & (frame["enrolment"] != "")][:MOST]
        faults += [f"{name}, row {row}: enrolment: no such enrolment" for row in strangers]
    if faults:
        raise PackageError("\n".join(faults))


def _protocol(folder: Path, package: Described) -> Protocol:
    path = folder / "protocol.toml"
    try:
        protocol = protocols.read(path, version=str(package.get("protocol")))
    except ProtocolError as error:
        raise PackageError(str(error)) from error
    if protocol.sha256 != package.get("protocol_sha256"):
        raise PackageError(f"{path.name}: not the one that was described: its SHA-256 differs")
    return protocol
