"""
Nothing about a running trial changes: a month of it, recorded from the first release.

Each line of the recording is an order with the moment from which it was planned, and all that came
of it: the timetable, the texts and the rows of the extract. It was recorded once and is never
recorded again: allocations and reminders of that trial carry the hash of its protocol.
"""

import json
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from extract.columns.base import Row
from extract.pseudonyms import Pseudonyms
from extract.rows import File, rows
from tests.support.fixture_protocol import REAL
from tests.support.people import ALLOCATION, ENROLMENT, SERVED
from trial.codes import Condition, Status
from trial.planning import planned_reminders
from trial.protocol import load as protocols
from trial.protocol.wording import Recipient, Sender, render

VERSION = "dvpo-2026-1"
RECORDED = [
    json.loads(line)
    for line in Path(__file__).with_name("month-dvpo-2026-1.jsonl").read_text().splitlines()
]


@pytest.fixture(autouse=True)
def _(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protocols, "FOLDER", REAL)


def lived(given: dict[str, Any]) -> dict[str, Any]:
    """The results of an order of the recording."""
    agreed, start = protocols.load(VERSION), datetime.fromisoformat(given["start"])
    made_on = date.fromisoformat(given["made_on"])
    order = SERVED.model_copy(
        update={
            "reference": given["reference"],
            "made_on": made_on,
            "expires_on": made_on + timedelta(days=given["days"] - 1),
            "served_on": made_on,
            "conditions": tuple(map(Condition, given["conditions"])),
        }
    )
    started = {"enrolled_at": start, "allocated_at": start, "month": f"{start:%Y-%m}"}
    ident = {"enrolment_id": UUID(given["enrolment_id"])}
    enrolment = ENROLMENT.model_copy(
        update=ident | started | {"status": Status.ALLOCATED, "order": order, "trial": agreed.trial}
    )
    of_protocol = {"protocol": agreed.version, "protocol_sha256": agreed.sha256}
    stratum = "14" if given["days"] == 14 else "15-28"
    allocation = ALLOCATION.model_copy(
        update=ident | of_protocol | {"allocated_at": start, "stratum": stratum, "position": 0}
    )
    reminders = planned_reminders(enrolment, allocation, start=start)
    file = File(enrolment, allocation, tuple(reminders))
    names, extracted_at = Pseudonyms(b"a key"), start + timedelta(days=40)
    told = rows(file, protocol=agreed, names=names, extracted_at=extracted_at)
    stamped = {(each.protocol, each.protocol_sha256) for each in reminders}
    assert stamped == {(agreed.version, agreed.sha256)}
    sender = Sender(force="Northumbria Police", contact="101")
    about = Recipient(
        order_type=order.type, conditions=order.conditions, expires_on=order.expires_on
    )
    return {
        "reminders": [
            each.model_dump(mode="json", include={"number", "theme", "due_at", "state", "reason"})
            for each in reminders
        ],
        "texts": [
            render(agreed, each.theme, turn=each.turn, about=about, sender=sender).message
            for each in reminders
        ],
        "extract": [each.model_dump(mode="json") for each in told if isinstance(each, Row)],
    }


@pytest.mark.parametrize("recorded", RECORDED, ids=lambda each: each["given"]["reference"])
def test_the_timetable_the_texts_and_the_rows_of_an_order_are_as_recorded(
    recorded: dict[str, Any],
) -> None:
    became = lived(recorded["given"])
    assert became["reminders"] == recorded["reminders"]
    assert became["texts"] == recorded["texts"]
    for row, expected in zip(became["extract"], recorded["extract"], strict=True):
        # A later release may add columns.
        assert {name: row[name] for name in expected} == expected


def test_the_protocol_file_is_the_one_that_was_agreed() -> None:
    agreed = "3a427c1a7989a29dab76d9d83ad88802fb66c649cc23db95c9406342b6641898"
    assert protocols.load(VERSION).sha256 == agreed


def test_the_recording_has_every_length_every_set_of_conditions_and_late_starts() -> None:
    given = [each["given"] for each in RECORDED]
    assert {each["days"] for each in given} == set(range(14, 29))
    sets = {tuple(each["conditions"]) for each in given}
    others = ("no_contact", "no_eviction", "no_entry", "leave_premises", "keep_distance")
    assert len(sets) == 2 ** len(others)
    reasons = {each["reason"] for line in RECORDED for each in line["reminders"]}
    assert reasons == {None, "missed_late_start"}
