"""Small extracts, written by the writer of the real ones, and edits that keep their hashes true."""

import csv
import gzip
import hashlib
import io
import json
from collections import Counter
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from extract.cells import cell
from extract.codes import Label
from extract.columns.base import Row
from extract.columns.enrolments import EnrolmentRow
from extract.columns.events import MissingRow, OutcomeRow, ReminderRow, VersionRow
from extract.package import write
from tests.support.fixture_protocol import AGREED, VERSION
from trial.codes import Arm
from trial.protocol import load as protocols

LOCKED = datetime(2028, 6, 1, 3, tzinfo=UTC)
OPEN = datetime(2029, 3, 1, 3, tzinfo=UTC)


def person(number: int) -> str:
    """The default person of the order with that number."""
    return f"P{number + 10**6:016x}"


def enrolment(number: int, arm: Arm | None = Arm.CONTROL, **changes: Any) -> EnrolmentRow:
    """A randomised person or, without an arm, a person without a number."""
    allocated = arm is not None
    treated = arm is Arm.INTERVENTION
    values: dict[str, Any] = {
        "enrolment": f"E{number:016x}",
        "trial": AGREED.trial,
        "force": "durham",
        "person": person(number),
        "superintendent": f"S-{number % 3:06x}",
        "month": f"2027-{number % 12 + 1:02}",
        "days": 28,
        "stratum": "15-28",
        "protocol": VERSION if allocated else None,
        "protocol_sha256": protocols.load(VERSION).sha256 if allocated else None,
        "order_type": "dvpo",
        "language": "en",
        "conditions": "NC",
        "no_eviction": False,
        "age_band": ("18-24", "25-34")[number % 2],
        "sex": "male",
        "ethnicity": "W1",
        "prior_incidents": None,
        "risk_grade": None,
        "first_order": None,
        "days_to_service": 0,
        "days_to_enrolment": 1,
        "status": "allocated" if allocated else "waiting",
        "reasons": () if allocated else ("no_number",),
        "first_status": "eligible" if allocated else "waiting",
        "first_reasons": () if allocated else ("no_number",),
        "number_at_enrolment": allocated,
        "missing_reason": None if allocated else "seized_evidence",
        "number_found": None if allocated else False,
        "days_to_number": None,
        "resolved_how": None,
        "shared_number": False,
        "unsafe_number": False,
        "days_to_end": None,
        "recorded_in_error": False,
        "allocated": allocated,
        "repeat": False if allocated else None,
        "days_to_allocation": 0.01 if allocated else None,
        "days_from_randomisation": 0.0 if allocated else None,
        "days_at_risk": 26.5 if allocated else None,
        "days_followed": 600.0 if allocated else None,
        "arm": arm,
        "end_reason": None,
        "block": number // 2 if allocated else None,
        "position": number % 2 if allocated else None,
        "hours_to_first_text": 2.0 if treated else None,
        "price_pence": 6.0 if treated else 0.0,
    }
    dose = dict.fromkeys(("undelivered", "unconfirmed", "suppressed", "failed", "unknown"), 0)
    dose |= dict.fromkeys(("planned", "sent", "delivered", "parts"), 2 if treated else 0)
    return EnrolmentRow.model_validate(values | dose | changes)


def reminders(number: int, **changes: Any) -> list[ReminderRow]:
    """The two texts of somebody treated."""
    values = {
        "enrolment": f"E{number:016x}",
        "of": 2,
        "theme": "conditions",
        "protocol_sha256": protocols.load(VERSION).sha256,
        "day": 0,
        "hour": 10,
        "state": "delivered",
        "reason": None,
        "minutes_late": 0.5,
        "parts": 1,
        "price_pence": 3.0,
    }
    return [ReminderRow.model_validate(values | {"number": place} | changes) for place in (1, 2)]


def outcome(number: int, **changes: Any) -> OutcomeRow:
    """A breach in the order's second week."""
    values = {
        "person": person(number),
        "outcome": 1,
        "enrolment": f"E{number:016x}",
        "type": "breach",
        "instrument": "dvpo",
        "same_protected_person": None,
        "days_from_order": 9.0,
        "days_from_allocation": 8.0,
        "within_order": True,
        "days_to_report": 1.0,
    }
    return OutcomeRow.model_validate(values | changes)


def missing(number: int, **changes: Any) -> MissingRow:
    """A time without a number that has not ended."""
    values = {
        "enrolment": f"E{number:016x}",
        "episode": 1,
        "reason": "seized_evidence",
        "days_recorded": 0.0,
        "follow_up_days": 2,
        "days_resolved": None,
        "resolved_how": None,
    }
    return MissingRow.model_validate(values | changes)


def version(number: int, **changes: Any) -> VersionRow:
    """An order as it was made, with two conditions and no end."""
    values = {
        "enrolment": f"E{number:016x}",
        "version": 1,
        "days_from": 0.0,
        "days_to_report": None,
        "days": None,
        "conditions": ("no_contact", "programme"),
    }
    return VersionRow.model_validate(values | changes)


def trial(
    *, control: tuple[int, int] = (12, 40), treated: tuple[int, int] = (5, 40), without: int = 0
) -> list[Row]:
    """Events of people in each arm, alternating in blocks of two, and people without a number."""
    rows: list[Row] = []
    for arm, place, (events, people) in ((Arm.CONTROL, 0, control), (Arm.INTERVENTION, 1, treated)):
        for i in range(people):
            number = 2 * i + place
            rows.append(enrolment(number, arm))
            rows += reminders(number) if place else []
            rows += [outcome(number)] if i < events else []
    for number in range(10**5, 10**5 + without):
        rows += [enrolment(number, None), missing(number)]
    return rows


def written(
    folder: Path, rows: Iterable[Row], at: datetime = OPEN, protocol: Path | None = None
) -> Path:
    """Both forms; the folder of the unblinded one, beside which is `blinded`."""
    rows = list(rows)
    write(
        folder,
        rows,
        protocol=protocol or protocols.path_of(VERSION),
        extracted_at=at,
        counts=Counter(cell(row) for row in rows if isinstance(row, EnrolmentRow)),
        labels={Arm.CONTROL: Label.B, Arm.INTERVENTION: Label.A},
    )
    return folder / "unblinded"


def described(folder: Path, change: Callable[[dict[str, Any]], object]) -> None:
    """Change the package's description."""
    path = folder / "datapackage.json"
    package = json.loads(path.read_text())
    change(package)
    path.write_text(json.dumps(package))


def edited(folder: Path, name: str, change: Callable[[list[list[str]]], object]) -> None:
    """Change the rows of a resource, header first, and update the file's description."""
    path = folder / f"{name}.csv.gz"
    rows = list(csv.reader(io.StringIO(gzip.decompress(path.read_bytes()).decode(), newline="")))
    change(rows)
    text = io.StringIO(newline="")
    csv.writer(text).writerows(rows)
    replaced(folder, name, gzip.compress(text.getvalue().encode()))


def replaced(folder: Path, name: str, content: bytes) -> None:
    """Other bytes for a resource, with a matching description."""
    (folder / f"{name}.csv.gz").write_bytes(content)

    def change(package: dict[str, Any]) -> None:
        resource = next(each for each in package["resources"] if each["name"] == name)
        resource["bytes"] = len(content)
        resource["hash"] = f"sha256:{hashlib.sha256(content).hexdigest()}"

    described(folder, change)
