"""Every value in a request becomes canonical, or is refused and nothing is stored."""

import base64
import json
import unicodedata
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from time_machine import Traveller

from tests.support.life import ARREST, CUSTODY, RELEASE, corrected, send_change, shown
from tests.support.samples import MORNING, order, sample
from tests.support.steps import API, CONTEXT, call, enrol, post
from tests.support.table import enrolment_of, everything, held, identifiers_of, unchanged
from trial.identity import pnc_id

pytestmark = pytest.mark.usefixtures("cloud")

PNC = pnc_id(2004, 21985)


# People and orders


@pytest.mark.parametrize(
    ("canonical", "spelling"),
    [
        (PNC, f"04/21985{PNC[-1]}"),
        (PNC, PNC.lower()),
        (PNC, PNC.replace("/", "")),
        ("A1234BC", "a1234bc"),  # of another system
    ],
)
def test_every_spelling_of_a_person_s_id_is_the_same_person(canonical: str, spelling: str) -> None:
    first = enrol(1, respondent={"person_id": canonical})
    answer = post(order(2, respondent={"person_id": spelling}))
    assert answer.body["reasons"] == ["already_in_trial"]
    second = UUID(answer.body["enrolment_id"])
    assert enrolment_of(first).person_hash == enrolment_of(second).person_hash
    assert identifiers_of(second)["person_id"] == canonical


def test_a_national_id_is_the_same_person_in_every_force() -> None:
    enrol(1, respondent={"person_id": PNC})
    elsewhere = order(2, respondent={"person_id": PNC}, order={"force": "cleveland"})
    assert post(elsewhere).body["reasons"] == ["already_in_trial"]


def test_capitals_in_a_reference_make_no_other_order() -> None:
    first = post(order(order={"reference": "DVPO-2026-000900"}))
    again = post(order(order={"reference": "dvpo-2026-000900"}))
    assert (first.status, again.status) == (202, 200)
    assert again.body == first.body
    ident = UUID(first.body["enrolment_id"])
    assert shown(ident)["order"]["reference"] == "DVPO-2026-000900"
    correction = order(order={"reference": "dvpo-2026-000900", "court": "Durham"})["order"]
    assert send_change(ident, "order", correction).status == 200


def test_an_id_cannot_be_worked_out_without_the_key(cloud: dict[str, str]) -> None:
    assert cloud["IDENTITY_KEY_ID"]
    assert enrol(1).version == 8, "a keyed hash, and not a plain one of the reference"


# The same request


@pytest.mark.parametrize(
    "changes",
    [
        {"order": {"conditions": ["no_contact", "no_molestation"]}},
        {"order": {"conditions": ["no_molestation", "no_contact", "no_molestation"]}},
        {"order": {"court": unicodedata.normalize("NFD", "Llys Gŵyr")}},
        {"order": {"court": "  Llys\u00a0Gŵyr "}},
        {"order": {"reference": "dvpo-2026-000123"}},
        {"protected_numbers": ["+447700900457", "+447700900456"]},
        {"protected_numbers": ["+447700900456", "+447700900457", "+447700900456"]},
        {"respondent": {"ethnicity": None}},
        {"event_id": "another"},
    ],
    ids=str,
)
def test_a_request_in_another_spelling_is_the_same_request(changes: dict[str, Any]) -> None:
    body = order(
        order={"court": "Llys Gŵyr"},
        respondent={"ethnicity": None},
        protected_numbers=["+447700900456", "+447700900457"],
    )
    ident = post(body).body["enrolment_id"]
    again = body | changes
    for name in ("order", "respondent"):
        again[name] = body[name] | changes.get(name, {})
    if changes.get("respondent"):
        del again["respondent"]["ethnicity"]
    with unchanged(held):
        answer = post(again)
    assert (answer.status, answer.body["enrolment_id"]) == (200, ident)


@pytest.mark.parametrize(
    "null",
    [{"protected_numbers": None}, {"order": {"type": None}}, {"respondent": {"language": None}}],
    ids=str,
)
def test_null_is_the_same_as_a_field_that_is_absent(null: dict[str, Any]) -> None:
    assert post(order()).status == 202
    assert post(order(**null)).status == 200


def test_a_correction_in_another_spelling_changes_nothing() -> None:
    ident = enrol()
    same = corrected(conditions=["no_contact", "no_molestation", "no_contact"])
    with unchanged(held):
        assert send_change(ident, "order", same).status == 200


def test_a_retry_on_another_day_is_still_recognised(clock: Traveller) -> None:
    body = order(mobile={"missing_reason": "refused", "follow_up_on": "2026-12-02"})
    ident = post(body).body["enrolment_id"]
    clock.move_to(MORNING + timedelta(days=100))
    answer = post(body)
    assert (answer.status, answer.body["enrolment_id"]) == (200, ident)


# Names and lines


@pytest.mark.parametrize(
    "name",
    ["Supt Siân D'Arcy", "Supt Siân D\u2019Arcy", "Det Supt (Acting) O'Brien", "T/Supt Ng & Co."],
)
def test_superintendents_names_follow_the_rule_for_people_s_names(name: str) -> None:
    ident = enrol(order={"authorising_superintendent": unicodedata.normalize("NFD", name)})
    assert shown(ident)["order"]["authorising_superintendent"] == name


def test_the_author_of_a_change_follows_the_rule_for_people_s_names() -> None:
    ident = enrol(mobile={"missing_reason": "refused", "recorded_by": "Custody visit, DC O'Neil"})
    end = CUSTODY | {"by": "PC Łukasz Żółć"}
    assert send_change(ident, "end", end).status == 200


# Numbers, on every route that takes one


@pytest.mark.parametrize(
    "number", ["+4407700900457", "+44 7700 900457", "07700900457", "+44770090"]
)
def test_no_route_takes_a_number_in_another_spelling(number: str) -> None:
    ident = enrol()
    suppression = {"number": number, "reason": "wrong_number", "by": "PC-1"}
    with unchanged():
        changed = send_change(ident, "mobile", {"number": number})
        suppressed = call("POST", "/suppressions", suppression)
    assert (changed.status, changed.fields) == (422, ["number"])
    assert (suppressed.status, suppressed.fields) == (422, ["number"])


# Dates and times


def test_an_order_may_be_ninety_days_old() -> None:
    old = {"made_on": "2026-09-02", "expires_on": "2026-09-15", "served_on": None}
    assert post(order(order=old)).status == 202


def test_a_correction_cannot_date_an_order_out_of_range(clock: Traveller) -> None:
    ident = enrol()
    a_year_back: dict[str, Any] = {
        "made_on": "2025-12-01",
        "expires_on": "2025-12-14",
        "served_on": "2025-12-01",
    }
    answer = send_change(ident, "order", corrected(**a_year_back))
    assert (answer.status, answer.fields) == (422, ["made_on"])
    clock.move_to(MORNING + timedelta(days=120))
    late = send_change(ident, "order", corrected(court="Durham"))
    assert late.status == 200, "made on the day that was known"


TIMED: tuple[tuple[str, dict[str, Any], str], ...] = (
    ("end", CUSTODY, "at"), ("resume", RELEASE, "at"), ("outcomes", ARREST, "occurred_at"),
)  # fmt: skip
TIMES = [
    1795968037, "1795968037", "1795968037.5", "2026-12-01", "2026-12-01 09:00Z",
    "2026-12-01 09:00:00Z", "2026-12-01T09:00Z", "2026-12-01T09:00:00", "2026-12-01T09:00:00 Z",
    "2026-12-01T09:00:00+00", "2026-12-01T09:00:00+0000", "2026-12-01T25:00:00Z",
    "2026-02-30T09:00:00Z", "20261201T090000Z", "2026-W49-2T09:00:00Z",
    "0001-01-01T00:00:00+14:00", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59-14:00",
    "2013-01-01T00:00:00Z", "", None, True,
]  # fmt: skip


@pytest.mark.parametrize("time", TIMES, ids=repr)
def test_a_time_has_one_spelling(time: object) -> None:
    ident = enrol()
    with unchanged():
        for route, body, field in TIMED:
            answer = send_change(ident, route, body | {field: time})
            assert (answer.status, answer.fields) == (422, [field])


@pytest.mark.parametrize("offset", ["Z", "+00:00", "-00:00"])
def test_a_time_must_state_its_offset(offset: str) -> None:
    ident = enrol()
    assert send_change(ident, "end", CUSTODY | {"at": f"2026-12-01T09:10:00{offset}"}).status == 200
    (event,) = enrolment_of(ident).life
    assert event.at.isoformat() == "2026-12-01T09:10:00+00:00"


def test_the_same_moment_in_another_offset_is_the_same_report() -> None:
    ident = enrol()
    for at in ("2026-12-01T09:10:00Z", "2026-12-01T10:10:00+01:00"):
        assert send_change(ident, "end", CUSTODY | {"at": at}).status == 200
    assert len(enrolment_of(ident).life) == 1


def test_an_event_in_the_future_is_refused() -> None:
    ident = enrol()
    soon = (MORNING + timedelta(minutes=6)).isoformat()
    with unchanged(held):
        for route, body, field in TIMED:
            answer = send_change(ident, route, body | {field: soon})
            assert (answer.status, answer.fields) == (422, [field])
    just = (MORNING + timedelta(minutes=5)).isoformat()
    assert send_change(ident, "end", CUSTODY | {"at": just}).status == 200


@pytest.mark.parametrize("day", ["1796083200", "2026-12-1", "20261201", "2026-12-01T00:00:00Z", ""])
def test_a_day_in_a_path_has_one_spelling(day: str) -> None:
    shape = f"made_on={day}&expires_on=2026-12-14&conditions=no_molestation"
    answer = call("GET", f"/timetable?{shape}")
    assert (answer.status, answer.fields) == (422, ["made_on"])


# The body itself


def test_an_array_that_holds_one_order_is_refused() -> None:
    answer = post([order()])
    assert answer.status == 422
    assert answer.body["errors"] == [{"field": "", "message": "must be an object"}]
    assert everything() == {}


@pytest.mark.parametrize(
    ("start", "twice", "field"),
    [
        ("{", '{"mobile": {"number": "+447700900456"}, ', "mobile"),
        ("{", '{"event_id": "a", ', "event_id"),
        ("{", '{"\\u006dobile": {}, ', "mobile"),
        ("{", '{"Ford Prefect": 1, "Ford Prefect": 2, ', "(a field)"),
        ('"court":', '"court": "Durham", "court":', "court"),
    ],
)
def test_a_field_that_is_given_twice_is_refused(start: str, twice: str, field: str) -> None:
    answer = post(json.dumps(order()).replace(start, twice, 1))
    assert (answer.status, answer.fields) == (422, [field])
    assert answer.headers["Content-Type"] == ["application/problem+json"]
    assert everything() == {}


def test_the_size_of_a_body_is_limited_in_bytes() -> None:
    body = json.dumps(order(padding="\u20ac" * 40_000), ensure_ascii=False)
    assert len(body) < 64 * 1024 < len(body.encode())
    answer = post(body)
    assert answer.status == 413
    assert answer.headers["Content-Type"] == ["application/problem+json"]
    assert everything() == {}


def in_base64(body: bytes) -> dict[str, Any]:
    """The answer to a body as API Gateway passes it on where it is set to take any bytes."""
    text = base64.b64encode(body).decode()
    answer: dict[str, Any] = API["enrolment"](
        sample("api-enrol") | {"body": text, "isBase64Encoded": True}, CONTEXT
    )
    return answer


def test_a_body_in_base64_is_measured_and_read_as_what_it_encodes() -> None:
    most = json.dumps(order(padding="x" * 60_000)).encode()
    assert in_base64(most)["statusCode"] == 422, "not too large"
    assert in_base64(json.dumps(order()).encode())["statusCode"] == 202


@pytest.mark.parametrize("body", [b"\xff\xfe{}", json.dumps(order()).encode("utf-16"), b"\x00"])
def test_bytes_that_are_not_text_are_refused(body: bytes) -> None:
    answer = in_base64(body)
    assert answer["statusCode"] == 422
    assert "is not JSON" in answer["body"]
    assert everything() == {}


@pytest.mark.parametrize(
    "kind",
    ["application/JSON", "Application/Json; charset=UTF-8", 'application/json;profile="a;b"'],
)
def test_the_json_content_type_is_accepted_in_any_capitals_and_with_parameters(kind: str) -> None:
    assert call("POST", "/enrolments", order(), kind=kind).status == 202


@pytest.mark.parametrize(
    "kind", ["text/plain", "application/jsonl", "multipart/form-data; boundary=x", "json"]
)
def test_a_body_of_another_content_type_is_refused(kind: str) -> None:
    answer = call("POST", "/enrolments", order(), kind=kind)
    assert answer.status == 415
    assert answer.headers["Content-Type"] == ["application/problem+json"]
    assert everything() == {}
