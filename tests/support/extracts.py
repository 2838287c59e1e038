"""The research extract as those who read it find it: whatever a `datapackage.json` names."""

import csv
import gzip
import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from io import StringIO
from typing import Any

from moto.s3.models import s3_backends

from extract.columns.base import Row
from extract.columns.enrolments import EnrolmentRow
from extract.people import Allocated, People, Reported
from extract.pseudonyms import Pseudonyms
from extract.rows import File, rows
from tests.evaluation.packages import enrolment
from tests.support.fixture_protocol import AGREED
from tests.support.samples import ACCOUNT
from trial.codes import Arm
from trial.protocol.settings import Protocol

BUCKET = "extract"


def objects(prefix: str = "") -> dict[str, bytes]:
    """What the bucket in memory holds, by path."""
    held = s3_backends[ACCOUNT]["aws"].buckets[BUCKET].keys
    return {path: key.value for path, key in sorted(held.items()) if path.startswith(prefix)}


def packages() -> dict[str, dict[str, Any]]:
    """Every published package by its folder: its description, and its tables by name."""
    found = objects()
    return {
        path.removesuffix("/datapackage.json"): opened(found, path.removesuffix("datapackage.json"))
        for path in found
        if path.endswith("/datapackage.json")
    }


def opened(files: Mapping[str, bytes], folder: str) -> dict[str, Any]:
    """A package that is whole: all that it names is there, as it is said to be."""
    said = json.loads(files[f"{folder}datapackage.json"])
    protocol = files[f"{folder}protocol.toml"]
    assert hashlib.sha256(protocol).hexdigest() == said["protocol_sha256"]
    tables = {}
    for resource in said["resources"]:
        packed = files[folder + resource["path"]]
        assert len(packed) == resource["bytes"]
        assert f"sha256:{hashlib.sha256(packed).hexdigest()}" == resource["hash"]
        tables[resource["name"]] = list(_rows(packed, resource["schema"]))
    return {"said": said, **tables}


def _rows(packed: bytes, schema: dict[str, Any]) -> Iterator[dict[str, Any]]:
    kinds = {field["name"]: field["type"] for field in schema["fields"]}
    sheet = csv.DictReader(StringIO(gzip.decompress(packed).decode(), newline=""))
    assert sheet.fieldnames == list(kinds)
    for row in sheet:
        yield {name: _value(text, kinds[name]) for name, text in row.items()}


def _value(text: str, kind: str) -> Any:
    if not text:
        return None
    match kind:
        case "boolean":
            return {"true": True, "false": False}[text]
        case "integer":
            return int(text)
        case "number":
            return float(text)
        case _:
            return text


def enrolment_row(**changes: Any) -> EnrolmentRow:
    """A row about somebody in the intervention arm whose number was found, made up."""
    row = {
        "person": "P" + "1" * 16,
        "superintendent": "S-0a1b2c",
        "month": "2026-12",
        "days": 14,
        "stratum": "14",
        "protocol_sha256": "c" * 64,
        "age_band": "25-34",
        "prior_incidents": "none",
        "risk_grade": "high",
        "first_order": True,
        "first_status": "waiting",
        "first_reasons": ("no_number",),
        "number_at_enrolment": False,
        "missing_reason": "seized_evidence",
        "number_found": True,
        "days_to_number": 1.25,
        "resolved_how": "property_returned",
        "days_to_allocation": 1.251,
        "days_at_risk": 12.5,
        "days_followed": 30,
        "position": 1,
    }
    texts = {"planned": 7, "sent": 6, "delivered": 5, "undelivered": 1, "suppressed": 1, "parts": 6}
    cost = {"price_pence": 18.6, "hours_to_first_text": 0.05}
    whole = enrolment(0, Arm.INTERVENTION).model_dump() | row | texts | cost
    return EnrolmentRow.model_validate(whole | changes)


def completed(
    *files: File, names: Pseudonyms, extracted_at: datetime, protocol: Protocol = AGREED
) -> list[Row]:
    """The rows of these orders, completed by what only all of them together show."""
    return complete(
        each
        for file in files
        for each in rows(file, protocol=protocol, names=names, extracted_at=extracted_at)
    )


def complete(staged: Iterable[Row | Allocated | Reported]) -> list[Row]:
    """Staged rows, completed by what only all of them together show."""
    told = list(staged)
    people = People(each for each in told if isinstance(each, Allocated | Reported))
    return list(people.completed(each for each in told if isinstance(each, Row)))
