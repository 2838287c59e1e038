"""A rehearsal is about nobody, and nothing of the real trial knows of it."""

from typing import Any
from uuid import UUID

import pytest
from time_machine import Traveller

from tests.support.fixture_protocol import AGREED
from tests.support.life import send_change, treated
from tests.support.samples import order
from tests.support.steps import allocate, call, failures, fire, post
from tests.support.table import (
    allocation_of,
    change_enrolment,
    enrolment_of,
    everything,
    reminders_of,
)
from trial.errors import RejectedError
from trial.records.allocation import cursor_key
from trial.rehearsal import rehearsal_of

REAL = {"number": "+447400123456"}


@pytest.fixture(autouse=True)
def _cloud(cloud: dict[str, str]) -> None:
    assert cloud


def request(serial: int = 1, **changes: Any) -> dict[str, Any]:
    made = {"rehearsal": True, "order": {"reference": f"REHEARSAL-{serial}"}}
    who = {"respondent": {"person_id": f"rehearsal-{serial}"}}
    return order(serial, **made | who | changes)


def rehearsal(serial: int = 1) -> UUID:
    answer = post(request(serial))
    assert answer.status == 202, answer.text
    return UUID(answer.body["enrolment_id"])


def test_no_count_includes_a_rehearsal() -> None:
    before = call("GET", "/reports/flow", by="operator").body
    assert failures(allocate(rehearsal())) == []
    assert call("GET", "/reports/flow", by="operator").body == before


def test_rehearsals_are_drawn_from_a_sequence_of_their_own() -> None:
    ident = rehearsal()
    assert failures(allocate(ident)) == []
    stratum = allocation_of(ident).stratum
    held = everything()
    assert held[cursor_key(rehearsal_of(AGREED.trial), stratum)]["position"] == 1
    assert cursor_key(AGREED.trial, stratum) not in held


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"mobile": REAL}, "mobile.number"),
        ({"mobile": {"number": None, "missing_reason": "refused"}}, "mobile.number"),
        ({"protected_numbers": ["+447700900999"]}, "protected_numbers"),
        ({"order": {"reference": "DVPO-2026-000123"}}, "order.reference"),
        ({"respondent": {"person_id": "2003/0011985X"}}, "respondent.person_id"),
    ],
)
def test_a_rehearsal_names_no_real_person(changes: dict[str, Any], field: str) -> None:
    answer = post(request(1, **changes))
    assert (answer.status, answer.fields) == (422, [field])


def test_a_rehearsal_refuses_a_real_number() -> None:
    ident = rehearsal()
    answer = send_change(ident, "mobile", REAL)
    assert (answer.status, answer.fields) == (422, ["number"])
    assert send_change(ident, "mobile", {"number": "+447700900998"}).status == 200


def test_an_order_is_a_rehearsal_only_if_it_says_so() -> None:
    answer = post(request(1, rehearsal=False))
    ident = UUID(answer.body["enrolment_id"])
    assert enrolment_of(ident).trial == AGREED.trial
    assert post(request(1)).status == 409  # enrolled already, as a real one


def test_a_rehearsal_is_never_texted_on_a_real_number(clock: Traveller) -> None:
    ident = treated(mobile=REAL)
    change_enrolment(ident, trial=rehearsal_of(AGREED.trial))
    first = reminders_of(ident)[0]
    clock.move_to(first.due_at)
    with pytest.raises(RejectedError, match="a rehearsal"):
        fire(ident, first.number)


def test_a_rehearsal_takes_outcomes_like_any_other_order() -> None:
    outcome = {
        "outcome_id": "REHEARSAL-1",
        "type": "arrest",
        "instrument": "dvpo",
        "occurred_at": "2026-12-01T09:00:00Z",
    }
    assert call("POST", f"/enrolments/{rehearsal()}/outcomes", outcome).status == 201
