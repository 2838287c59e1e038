"""The packages: reproducible to the byte, and described as the standard says."""

import hashlib
import json
import re
from collections import Counter
from datetime import UTC, datetime
from html import escape
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from extract.cells import cell
from extract.codes import Form, Label
from extract.columns.base import Row
from extract.columns.enrolments import EnrolmentRow
from extract.columns.events import MissingRow, OutcomeRow, ReminderRow
from extract.package import write
from tests.support.extracts import enrolment_row, opened
from tests.support.fixture_protocol import AGREED, VERSION
from trial.codes import Arm, EndReason
from trial.protocol.load import path_of

AT = datetime(2026, 12, 20, 3, tzinfo=UTC)
LABELS = {Arm.CONTROL: Label.B, Arm.INTERVENTION: Label.A}
FIRST, SECOND = "E" + "a" * 16, "E" + "b" * 16
PERSON = "P" + "1" * 16
BREACH = OutcomeRow(
    person=PERSON,
    outcome=1,
    enrolment=FIRST,
    type="breach",
    instrument="dvpo",
    same_protected_person=True,
    days_from_order=2.5,
    days_from_allocation=-0.0001,
    within_order=False,
    days_to_report=0.5,
)
ROWS: list[Row] = [
    enrolment_row(enrolment=FIRST, first_reasons=("no_number", "not_served")),
    ReminderRow(
        enrolment=FIRST,
        number=1,
        of=7,
        theme="conditions",
        protocol_sha256="c" * 64,
        day=0,
        hour=15,
        state="delivered",
        reason=None,
        minutes_late=0.1,
        parts=1,
        price_pence=3.1,
    ),
    BREACH,
    BREACH.model_copy(
        update={
            "outcome": 2,
            "type": "harm",
            "harm": "wrong_recipient",
            "instrument": None,
            "same_protected_person": None,
            "days_from_allocation": 2,
            "within_order": True,
        }
    ),
    MissingRow(
        enrolment=FIRST,
        episode=1,
        reason="seized_evidence",
        days_recorded=0,
        follow_up_days=3,
        days_resolved=1.25,
        resolved_how="property_returned",
    ),
    MissingRow(
        enrolment=FIRST,
        episode=2,
        reason="invalid_number",
        after_allocation=True,
        days_recorded=3,
        follow_up_days=None,
        days_resolved=None,
        resolved_how=None,
    ),
    enrolment_row(enrolment=SECOND, arm="control", end_reason="objection_upheld", planned=0),
]


Packages = dict[str, dict[str, Any]]


def written(folder: Path, rows: list[Row] | None = None, protocol: Path | None = None) -> Packages:
    """Each form, opened."""
    rows = ROWS if rows is None else rows
    write(
        folder,
        rows,
        protocol=protocol or path_of(VERSION),
        extracted_at=AT,
        counts=Counter(cell(row) for row in rows if isinstance(row, EnrolmentRow)),
        labels=LABELS,
    )
    return {form: opened(bytes_of(folder / form), "") for form in Form}


def bytes_of(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.fixture
def both(tmp_path: Path) -> Packages:
    return written(tmp_path)


def resources(package: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {each["name"]: each for each in package["said"]["resources"]}


def test_the_same_rows_give_the_same_bytes(tmp_path: Path) -> None:
    for folder in ("one", "other"):
        written(tmp_path / folder)
    for form in Form:
        one = bytes_of(tmp_path / "one" / form)
        assert one == bytes_of(tmp_path / "other" / form)
        packed = [data for name, data in one.items() if name.endswith(".gz")]
        assert [data[4:8] for data in packed] == [bytes(4)] * len(packed)  # no time
        assert [data[3] for data in packed] == [0] * len(packed)  # no name


def test_a_package_describes_itself(both: Packages) -> None:
    for form, package in both.items():
        said = package["said"]
        assert said["profile"] == "tabular-data-package"
        assert said["form"] == form
        assert (said["trial"], said["protocol"]) == (AGREED.trial, VERSION)
        assert said["minimum_cell_size"] == AGREED.minimum_cell_size
        assert said["created"] == said["extracted_at"] == "2026-12-20T03:00:00Z"
        assert re.fullmatch(r"[a-z0-9._-]+", said["name"])


def test_beside_its_data_a_package_has_protocol_codebook_and_scripts_with_their_hashes(
    tmp_path: Path, both: Packages
) -> None:
    for form in Form:
        files = bytes_of(tmp_path / form)
        said = both[form]["said"]["files"]
        assert said.keys() == {"protocol.toml", "codebook.html", "load.py", "load.R"}
        assert said == {name: f"sha256:{hashlib.sha256(files[name]).hexdigest()}" for name in said}
        data = {each["path"] for each in both[form]["said"]["resources"]}
        assert files.keys() == said.keys() | data | {"datapackage.json"}


def test_the_codebook_explains_every_column_and_every_code(tmp_path: Path, both: Packages) -> None:
    for form in Form:
        page = (tmp_path / form / "codebook.html").read_text()
        for name, resource in resources(both[form]).items():
            assert f"<h2>{name}</h2>" in page
            for field in resource["schema"]["fields"]:
                assert f'<th scope="row">{field["name"]}</th>' in page
                assert escape(field["description"]) in page
                for each in field.get("categories", ()):
                    line = f"<code>{escape(each['value'])}</code> {escape(each['label'])}"
                    assert line in page
        assert "src=" not in page
        assert "http" not in page
    assert "delivered" not in (tmp_path / "blinded/codebook.html").read_text()


def test_every_code_has_a_label_and_bands_have_an_order(both: Packages) -> None:
    listed = resources(both["unblinded"])["enrolments"]["schema"]["fields"]
    fields = {field["name"]: field for field in listed}
    for field in fields.values():
        codes = [each["value"] for each in field.get("categories", ())]
        assert codes == field["constraints"].get("enum", [])
        assert len({each["label"] for each in field.get("categories", ())}) == len(codes)
    ordered = {name for name, field in fields.items() if field.get("categoriesOrdered")}
    assert ordered == {"age_band", "prior_incidents", "risk_grade"}


def test_licence_and_contributors_are_the_protocol_s(tmp_path: Path) -> None:
    title = "On request from the force, for research <only>"
    publication = f"""[publication]
licence = {{ name = "on-request", title = "{title}" }}
contributors = [{{ title = "Durham Constabulary", role = "publisher" }}]

[costs]"""
    path = tmp_path / f"{VERSION}.toml"
    path.write_text(path_of(VERSION).read_text().replace("[costs]", publication))
    said = written(tmp_path, protocol=path)["blinded"]["said"]
    assert said["licenses"] == [{"name": "on-request", "title": title}]
    assert said["contributors"] == [{"title": "Durham Constabulary", "role": "publisher"}]
    page = (tmp_path / "blinded/codebook.html").read_text()
    assert "for research &lt;only&gt;" in page
    assert "Durham Constabulary (publisher)" in page


def test_the_unblinded_form_has_every_column(both: Packages) -> None:
    package = both["unblinded"]
    tables = {"enrolments", "reminders", "outcomes", "missing", "versions"}
    assert resources(package).keys() == tables
    first, second = package["enrolments"]
    assert (first["arm"], second["arm"]) == ("intervention", "control")
    assert (first["block"], first["planned"], first["price_pence"]) == (0, 7, 18.6)
    assert second["end_reason"] == "objection_upheld"
    assert package["reminders"][0]["theme"] == "conditions"


def test_the_blinded_form_leaves_out_whatever_reveals_the_arm(both: Packages) -> None:
    package, whole = both["blinded"], both["unblinded"]
    assert resources(package).keys() == {"enrolments", "outcomes", "missing", "versions"}
    first, second = package["enrolments"]
    assert (first["arm"], second["arm"]) == ("A", "B")
    assert whole["enrolments"][0].keys() - first.keys() == {
        "block", "position", "planned", "sent", "delivered", "undelivered", "unconfirmed",
        "suppressed", "failed", "unknown", "parts", "price_pence", "hours_to_first_text",
    }  # fmt: skip
    (breach, harm), (first_time, after) = whole["outcomes"], whole["missing"]
    assert (harm.pop("harm"), breach.pop("harm")) == ("wrong_recipient", None)
    assert after["after_allocation"]
    assert package["outcomes"] == [breach]
    assert package["missing"] == [first_time]


def test_in_the_blinded_form_only_the_label_differs_between_arms(tmp_path: Path) -> None:
    """The same events in either arm, except those that texts cause."""
    lives: list[Any] = []
    for arm in Arm:
        treated = {"arm": arm, "end_reason": None}
        untreated = dict.fromkeys(("planned", "sent", "delivered", "parts"), 0)
        row = enrolment_row(**treated, **(untreated if arm is Arm.CONTROL else {}))
        (told,) = written(tmp_path / arm, [row])["blinded"]["enrolments"]
        lives.append({name: value for name, value in told.items() if name != "arm"})
    assert lives[0] == lives[1]


COMES_OF_TEXTS = {"wrong_number", "safety_stop", "objection_upheld"}


@pytest.mark.parametrize("reason", EndReason)
def test_the_blinded_form_hides_an_end_caused_by_texts(tmp_path: Path, reason: EndReason) -> None:
    ended = {"end_reason": reason, "status": "ended", "days_to_end": 3}
    rows: list[Row] = [enrolment_row(**ended), enrolment_row(enrolment=SECOND)]
    for row in (known := written(tmp_path, rows)["blinded"]["enrolments"]):
        row.pop("enrolment")
    assert (known[0] == known[1]) == (reason in COMES_OF_TEXTS)
    if reason not in COMES_OF_TEXTS:
        assert {name: known[0][name] for name in ended} == ended


def test_before_the_draw_the_blinded_form_shows_every_reason_for_an_end(tmp_path: Path) -> None:
    rows: list[Row] = [
        enrolment_row(end_reason=reason, arm=None, allocated=False) for reason in EndReason
    ]
    told = written(tmp_path, rows)["blinded"]["enrolments"]
    assert [row["end_reason"] for row in told] == list(EndReason)


def test_small_cells_are_generalised_in_both_forms(tmp_path: Path) -> None:
    minimum = AGREED.minimum_cell_size
    rows: list[Row] = [
        *[enrolment_row(ethnicity="W1")] * minimum,
        *[enrolment_row(ethnicity="A1")] * (minimum - 1),
        enrolment_row(ethnicity="A9"),
        enrolment_row(ethnicity="B1"),
    ]
    for package in written(tmp_path, rows).values():
        told = Counter((row["ethnicity"], row["ethnicity_group"]) for row in package["enrolments"])
        assert told == {("W1", "white"): minimum, ("asian", "asian"): minimum, (None, None): 1}


def test_values_are_written_in_the_form_of_their_types(tmp_path: Path) -> None:
    both = written(tmp_path)
    first = both["unblinded"]["enrolments"][0]
    assert (first["first_reasons"], first["reasons"]) == ("no_number;not_served", None)
    assert (first["number_found"], first["no_eviction"]) == (True, False)
    assert str(both["unblinded"]["outcomes"][0]["days_from_allocation"]) == "0.0"  # not -0


@pytest.mark.parametrize("form", Form)
def test_every_value_matches_its_column_s_description(form: Form, both: Packages) -> None:
    """Table Schema, as far as it is used: types, codes, patterns, limits, what may be empty."""
    for name, resource in resources(both[form]).items():
        schema = resource["schema"]
        assert schema["missingValues"] == [""]
        for field in schema["fields"]:
            assert field["description"].endswith(".")
            assert field["type"] in {"string", "integer", "number", "boolean"}
            values = [row[field["name"]] for row in both[form][name]]
            keeps(values, field["constraints"])
        keys = [tuple(row[part] for part in schema["primaryKey"]) for row in both[form][name]]
        assert len(set(keys)) == len(keys)
        known = {row["enrolment"] for row in both[form]["enrolments"]} | {None}
        for foreign in schema.get("foreignKeys", []):
            assert foreign["reference"] == {"resource": "enrolments", "fields": ["enrolment"]}
            assert {row[foreign["fields"][0]] for row in both[form][name]} <= known
        assert ("foreignKeys" in schema) == (name != "enrolments")


def keeps(values: list[Any], constraints: dict[str, Any]) -> None:
    assert constraints.keys() <= {"required", "enum", "pattern", "minimum", "maximum"}
    assert not constraints.get("required") or None not in values
    for value in filter(None, values):
        assert value in constraints.get("enum", [value])
        assert re.fullmatch(constraints.get("pattern", ".*"), str(value))
        assert value >= constraints.get("minimum", value)
        assert value <= constraints.get("maximum", value)


def test_each_form_lists_all_its_codes(both: Packages) -> None:
    def codes(form: str, column: str) -> list[str]:
        fields = resources(both[form])["enrolments"]["schema"]["fields"]
        (found,) = (field for field in fields if field["name"] == column)
        listed: list[str] = found["constraints"]["enum"]
        return listed

    assert codes("blinded", "arm") == ["A", "B"]
    assert codes("unblinded", "arm") == ["control", "intervention"]
    assert codes("blinded", "end_reason") == list(EndReason)
    assert len(codes("blinded", "ethnicity")) == 19 + 6


def test_an_unlisted_code_is_refused() -> None:
    with pytest.raises(ValidationError):
        enrolment_row(missing_reason="her brother has it")


def test_a_package_of_nobody_is_valid(tmp_path: Path) -> None:
    both = written(tmp_path, [])
    assert [package["enrolments"] for package in both.values()] == [[], []]


def test_json_files_are_formatted_for_reading(tmp_path: Path) -> None:
    written(tmp_path)
    text = (tmp_path / "blinded/datapackage.json").read_text()
    assert text == json.dumps(json.loads(text), indent=2) + "\n"
