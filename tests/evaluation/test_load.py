import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from evaluation.package import PackageError, read
from tests.evaluation.packages import (
    described,
    edited,
    enrolment,
    missing,
    outcome,
    replaced,
    trial,
    written,
)
from tests.support.fixture_protocol import VERSION

Edit = Callable[[Path], object]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return written(tmp_path, trial(without=3))


def refusal(path: Path) -> str:
    with pytest.raises(PackageError) as refused:
        read(path)
    return str(refused.value)


def test_an_extract_that_the_trial_writes_is_read(folder: Path) -> None:
    extract = read(folder)
    assert (extract.form, extract.arms) == ("unblinded", ("control", "intervention"))
    assert extract.protocol.version == VERSION
    assert (len(extract.enrolments), len(extract.outcomes)) == (83, 17)
    assert (len(extract.reminders), len(extract.missing)) == (80, 3)
    first = extract.enrolments.iloc[0]
    assert (first["allocated"], first["days"], first["days_at_risk"]) == (True, 28, 26.5)
    assert extract.enrolments.iloc[-1]["arm"] == ""


def test_the_blinded_form_has_neither_arms_nor_texts(folder: Path) -> None:
    extract = read(folder.parent / "blinded")
    assert extract.arms == ("A", "B")
    assert set(extract.enrolments["arm"]) == {"A", "B", ""}
    assert extract.reminders.empty
    assert "sent" not in extract.enrolments


@pytest.mark.parametrize("inner", ["", "unblinded/"], ids=["at its root", "in a folder"])
def test_a_zip_file_is_read_as_the_folder(tmp_path: Path, folder: Path, inner: str) -> None:
    path = tmp_path / "extract.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for each in folder.iterdir():
            archive.write(each, f"{inner}{each.name}")
    assert read(path).sha256 == read(folder).sha256


def test_an_empty_extract_is_read(tmp_path: Path) -> None:
    extract = read(written(tmp_path, []))
    assert extract.enrolments.empty
    assert extract.enrolments["allocated"].dtype == "boolean"


def test_a_folder_with_both_forms_asks_which_one_is_meant(folder: Path) -> None:
    assert "give one of: blinded, unblinded" in refusal(folder.parent)


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [("nothing", None, "no such file"), ("a.txt", b"a", "neither a folder nor a zip file")],
)
def test_a_folder_that_is_not_a_package_is_refused(
    tmp_path: Path, name: str, content: bytes | None, reason: str
) -> None:
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    assert reason in refusal(path)


def _set(rows: list[list[str]], column: str, value: str) -> None:
    rows[3][rows[0].index(column)] = value


def _cell(resource: str, column: str, value: str) -> Edit:
    return lambda folder: edited(folder, resource, lambda rows: _set(rows, column, value))


def _field(package: dict[str, Any], name: str) -> dict[str, Any]:
    fields = package["resources"][0]["schema"]["fields"]
    found: dict[str, Any] = next(field for field in fields if field["name"] == name)
    return found


def _column(folder: Path) -> None:
    """A column more, in file and description alike."""

    def widen(rows: list[list[str]]) -> None:
        for place, row in enumerate(rows):
            row.append("Smith" if place else "surname")

    edited(folder, "enrolments", widen)
    surname = {"name": "surname", "type": "string", "description": "", "constraints": {}}
    described(folder, lambda p: p["resources"][0]["schema"]["fields"].append(surname))


def _codes(folder: Path) -> None:
    described(folder, lambda p: _field(p, "sex")["constraints"]["enum"].append("Smith"))


def _no_codes(folder: Path) -> None:
    described(folder, lambda p: _field(p, "sex")["constraints"].pop("enum"))


def _says(key: str, value: object) -> Edit:
    return lambda folder: described(folder, lambda package: package.update({key: value}))


def _protocol(folder: Path) -> None:
    path = folder / "protocol.toml"
    path.write_text(path.read_text().replace("power = 0.8", "power = 0.9"))


SPOILT: dict[str, tuple[Edit, str]] = {
    "other bytes": (
        lambda folder: (folder / "outcomes.csv.gz").write_bytes(b"other"),
        "outcomes.csv.gz: not the file that was described",
    ),
    "a file gone": (lambda folder: (folder / "outcomes.csv.gz").unlink(), "outcomes.csv.gz: No"),
    "no archive": (lambda f: replaced(f, "outcomes", b"a"), "outcomes.csv.gz: not a gzip"),
    "nothing in it": (lambda f: replaced(f, "outcomes", b""), "outcomes.csv.gz: not a gzip"),
    "short row": (
        lambda f: edited(f, "outcomes", lambda rows: rows[2].pop()),
        "outcomes.csv.gz, row 3: 10 values for 11 fields",
    ),
    "fields out of order": (
        lambda f: edited(f, "outcomes", lambda rows: rows[0].reverse()),
        "outcomes.csv.gz, row 1: not the fields",
    ),
    "unknown code": (_cell("enrolments", "sex", "Smith"), "gz, row 4, field sex: none of the cod"),
    "unknown arm": (_cell("enrolments", "arm", "A"), "gz, row 4, field arm: none of the codes"),
    "unknown reason": (_cell("enrolments", "reasons", "Smith"), "row 4, field reasons: not of th"),
    "no pseudonym": (_cell("enrolments", "person", "Smith"), "row 4, field person: not of the"),
    "free text": (_cell("enrolments", "stratum", "Jo Smith"), "field stratum: no code: may be per"),
    "a number to call": (_cell("enrolments", "stratum", "07700900123"), "stratum: no code: may"),
    "empty": (_cell("enrolments", "sex", ""), "row 4, field sex: is empty"),
    "no truth": (_cell("enrolments", "allocated", "yes"), "field allocated: no boolean"),
    "no whole number": (_cell("enrolments", "days", "14.5"), "field days: no integer"),
    "no number": (_cell("outcomes", "days_to_report", "soon"), "field days_to_report: no number"),
    "not a number": (_cell("outcomes", "days_to_report", "nan"), "days_to_report: no number"),
    "too large": (_cell("reminders", "hour", "24"), "field hour: too small or too large"),
    "too small": (_cell("reminders", "hour", "-1"), "field hour: too small or too large"),
    "a column more": (_column, "field surname: does not belong"),
    "a code more": (_codes, "field sex: described otherwise"),
    "any code": (_no_codes, "field sex: described otherwise"),
    "no such form": (_says("form", "open"), "form: neither blinded nor unblinded"),
    "no time": (_says("extracted_at", "2027-01-01T00:00:00"), "extracted_at: no time with a ti"),
    "no minimum": (_says("minimum_cell_size", 0), "minimum_cell_size: no whole number"),
    "no resources": (_says("resources", [1]), "resources: no list of objects"),
    "none of the resources": (_says("resources", []), "resource enrolments is missing"),
    "a resource twice": (
        lambda f: described(f, lambda p: p["resources"].append(p["resources"][0])),
        "resources: more than belong",
    ),
    "a path outside": (
        lambda f: described(f, lambda p: p["resources"][0].update(path="../enrolments.csv.gz")),
        "enrolments: path: not the plain name",
    ),
    "another protocol": (_protocol, "protocol.toml: not the one that was described"),
    "another version": (_says("protocol", "dvpo-2027-1"), "protocol.toml, line"),
    "not JSON": (lambda f: (f / "datapackage.json").write_text("{"), "not JSON"),
    "not an object": (lambda f: (f / "datapackage.json").write_text("1"), "not an obj"),
}  # fmt: skip


@pytest.mark.parametrize(("spoil", "reason"), SPOILT.values(), ids=SPOILT)
def test_a_fault_is_reported_with_file_row_and_field_but_not_its_value(
    folder: Path, spoil: Edit, reason: str
) -> None:
    spoil(folder)
    told = refusal(folder)
    assert reason in told
    assert "Smith" not in told
    assert "07700" not in told


def test_rows_of_the_other_form_are_refused(folder: Path) -> None:
    blinded = folder.parent / "blinded"
    described(blinded, lambda package: package.update(form="unblinded"))
    assert "resource reminders is missing" in refusal(blinded)
    shutil.copy(folder / "reminders.csv.gz", blinded)
    described(folder, lambda package: package.update(form="blinded"))
    assert "more than belong into the blinded form" in refusal(folder)


@pytest.mark.parametrize(
    ("rows", "reason"),
    [
        ([enrolment(1), enrolment(1)], "enrolments, row 3: enrolment: there twice"),
        ([enrolment(1), outcome(1), outcome(1)], "outcomes, row 3: person and outcome: there"),
        ([enrolment(1), missing(2)], "missing, row 2: enrolment: no such enrolment"),
    ],
)
def test_keys_are_checked(tmp_path: Path, rows: list[Any], reason: str) -> None:
    assert reason in refusal(written(tmp_path, rows))


def test_only_the_first_faults_of_a_kind_are_reported(folder: Path) -> None:
    def spoil(rows: list[list[str]]) -> None:
        for row in rows[1:]:
            row[rows[0].index("sex")] = "x"

    edited(folder, "enrolments", spoil)
    assert len(refusal(folder).splitlines()) == 5
