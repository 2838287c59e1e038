"""Enrolment by its handler: what is accepted, what is refused, and what neither gives away."""

import re
from datetime import date, timedelta
from io import StringIO
from typing import Any
from uuid import UUID

import phonenumbers
import pytest
from time_machine import Traveller

from tests.support.faults import after_write, before_write, meddling, raising, refusal
from tests.support.life import send_change
from tests.support.samples import LATER, MORNING, order, sample
from tests.support.steps import allocate, announcement, call, enrol, failures, post
from tests.support.table import (
    enrolment_of,
    everything,
    found,
    held,
    identifiers_of,
    keep,
    number_of,
    unchanged,
    wired,
)
from trial.aws import clients
from trial.codes import MissingReason
from trial.records.enrolment import enrolment_key
from trial.records.person import Person, person_key
from trial.retry import TRIES

pytestmark = pytest.mark.usefixtures("cloud")

PROTECTED = "+447700900456"
PERSONAL = ("2003/0000123D", "1990-05-01", "+447700900123", "7700900123", PROTECTED[1:])


def dates(made_on: str, expires_on: str) -> dict[str, str]:
    """Of an order that was served when it was made."""
    return {"made_on": made_on, "served_on": made_on, "expires_on": expires_on}


def unserved(made_on: str, expires_on: str) -> dict[str, str | None]:
    return dates(made_on, expires_on) | {"served_on": None}


def jersey() -> str:
    number = phonenumbers.example_number_for_type("JE", phonenumbers.PhoneNumberType.MOBILE)
    assert number
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


# Taken in


def test_an_order_is_accepted_under_its_own_id() -> None:
    answer = call("POST", "/enrolments", sample("api-enrol")["body"])
    assert answer.status == 202
    assert answer.body == {
        "enrolment_id": "a5e1485f-199d-8556-a497-98980cd19691",
        "status": "eligible",
        "reasons": [],
    }


@pytest.mark.parametrize(
    ("changes", "status", "reason"),
    [
        ({"respondent": {"date_of_birth": "2008-12-02"}}, "ineligible", "under_18"),
        ({"order": {"served_on": None}}, "waiting", "not_served"),
        ({"mobile": {"missing_reason": "seized_evidence"}}, "waiting", "no_number"),
        ({"protected_numbers": ["+447700900123"]}, "waiting", "unsafe_number"),
        ({"order": dates("2026-11-19", "2026-12-02")}, "ineligible", "too_late"),
        ({"order": dates("2026-11-10", "2026-11-30")}, "ineligible", "order_ended"),
    ],
)
def test_an_order_that_cannot_be_randomised_is_stored_with_the_reason(
    changes: dict[str, Any], status: str, reason: str
) -> None:
    answer = post(order(**changes))
    assert answer.status == 202
    assert (answer.body["status"], answer.body["reasons"]) == (status, [reason])
    assert enrolment_of(UUID(answer.body["enrolment_id"])).status == status


@pytest.mark.parametrize("reason", MissingReason)
def test_every_reason_for_a_missing_number_is_accepted(reason: MissingReason) -> None:
    mobile = {"missing_reason": reason, "recorded_by": "PC-1182", "follow_up_on": "2026-12-04"}
    ident = enrol(mobile=mobile)
    shown = call("GET", f"/enrolments/{ident}").body["mobile"]
    assert (shown["known"], shown["missing_reason"]) == (False, reason)


def test_a_person_is_randomised_for_one_live_order_at_a_time(clock: Traveller) -> None:
    person = {"person_id": "2003/0000777P"}
    first = post(order(1, respondent=person))
    second = post(order(2, respondent=person))
    assert (first.body["status"], second.body["reasons"]) == ("eligible", ["already_in_trial"])

    clock.move_to(MORNING + timedelta(days=14))  # the first has run out, but only just
    assert post(order(3, order=LATER, respondent=person)).body["status"] == "eligible"


def test_an_order_is_live_on_its_last_day(clock: Traveller) -> None:
    person = {"person_id": "2003/0000777P"}
    assert failures(allocate(enrol(1, respondent=person))) == []
    clock.move_to(MORNING + timedelta(days=13))
    answer = post(order(2, order=dates("2026-12-14", "2026-12-27"), respondent=person))
    assert answer.body["reasons"] == ["already_in_trial"]


# Nothing twice


@pytest.mark.parametrize("hours", [0, 25], ids=["at once", "a day after its allocation"])
def test_an_order_posted_again_gets_the_same_answer_and_changes_nothing(
    clock: Traveller, hours: int
) -> None:
    first = post(order())
    if hours:
        allocate(UUID(first.body["enrolment_id"]))
    clock.shift(timedelta(hours=hours))
    with unchanged(held):
        again = post(order())
    assert (again.status, again.body) == (200, first.body)


def test_a_request_with_the_same_content_is_the_same_order() -> None:
    post(order())
    with unchanged(held):
        assert post(order(event_id="0190b8f2-6f0e-7cc0-a1de-00000000ffff")).status == 200


@pytest.mark.parametrize(
    "changes",
    [
        {"order": {"court": "Newton Aycliffe Magistrates' Court"}},
        {"order": {"expires_on": "2026-12-15"}},
        {"respondent": {"person_id": "2003/0000999F"}},
        {"mobile": {"number": "+447700900999"}},
        {"protected_numbers": [PROTECTED]},
    ],
    ids=str,
)
def test_the_same_order_with_other_content_is_a_conflict(changes: dict[str, Any]) -> None:
    post(order())
    with unchanged(held):
        answer = post(order(**changes))
    assert answer.status == 409
    assert answer.headers["Content-Type"] == ["application/problem+json"]


def test_the_same_reference_of_another_force_is_another_order() -> None:
    assert enrol() != enrol(order={"force": "cleveland"}, respondent={"person_id": "1"})


# At the same time


def test_of_two_simultaneous_orders_of_a_person_one_is_eligible() -> None:
    person = {"person_id": "2003/0000777P"}
    rival = []
    with before_write(lambda: rival.append(post(order(2, respondent=person)).body)):
        slower = post(order(1, respondent=person)).body
    assert rival[0]["status"] == "eligible"
    assert (slower["status"], slower["reasons"]) == ("ineligible", ["already_in_trial"])


def test_an_order_posted_twice_at_once_is_stored_once() -> None:
    rival = []
    with before_write(lambda: rival.append(post(order()))):
        slower = post(order())
    assert (rival[0].status, slower.status) == (202, 200)
    assert rival[0].body == slower.body
    assert sum(item["kind"] == "enrolment" for item in everything().values()) == 1


def test_a_request_that_is_always_contended_gets_a_retry_later_answer() -> None:
    key = person_key(enrolment_of(enrol(1)).person_hash)

    def overtake() -> None:
        person = Person.of(found(key))
        keep(key, person.model_copy(update={"version": person.version + 1}))

    with before_write(overtake, times=TRIES):
        answer = post(order(2, respondent={"person_id": "2003/0000001W"}))
    assert (answer.status, answer.headers["Retry-After"]) == (503, ["1"])
    assert len(found(key)["enrolments"]) == 1


def test_a_retry_after_a_lost_answer_finds_the_stored_order() -> None:
    lost = raising(refusal("InternalServerError", status=500))
    with after_write(lost):
        assert post(order()).status == 503
    with unchanged(held):
        assert post(order()).status == 200


@pytest.mark.parametrize(
    ("client", "moment"),
    [
        (clients.dynamodb, "before-call.dynamodb.BatchGetItem"),
        (clients.kms, "before-call.kms.GenerateMac"),
    ],
    ids=["table", "key"],
)
def test_without_the_table_or_the_key_upstream_gets_a_retry_later_answer(
    client: Any, moment: str
) -> None:
    with meddling(client(), moment, raising(refusal("ThrottlingException"))):
        answer = post(order())
    assert (answer.status, answer.headers["Retry-After"]) == (503, ["1"])
    assert everything() == {}


# Refused

LACKING = {"missing_reason": "refused"}
REFUSED: dict[str, tuple[str, object] | tuple[str, object, str]] = {
    "an unknown field": ("nickname", "Ford"),
    "an unknown field of the order": ("order.arm", "control"),
    "a number for a text": ("order.court", 7),
    "a text for a list": ("order.conditions", "no_molestation"),
    "a list for an object": ("respondent.sex", ["male"]),
    "a number for a date": ("order.made_on", 1796083200),
    "a time for a date": ("order.served_on", "2026-12-01T10:00:00Z"),
    "no such date": ("order.expires_on", "2026-12-32"),
    "a British date": ("respondent.date_of_birth", "01/05/1990"),
    "13 days": ("order.expires_on", "2026-12-13"),
    "29 days": ("order.expires_on", "2026-12-29"),
    "an end before the start": ("order.expires_on", "2026-11-30"),
    "made tomorrow": ("order", unserved("2026-12-02", "2026-12-15"), "order.made_on"),
    "made in the year 1": ("order", unserved("0001-01-01", "0001-01-14"), "order.made_on"),
    "made before there were such orders": (
        "order", unserved("2013-12-31", "2014-01-13"), "order.made_on",
    ),
    "made a year ago": ("order", unserved("2025-12-01", "2025-12-14"), "order.made_on"),
    "made 91 days ago": ("order", unserved("2026-09-01", "2026-09-14"), "order.made_on"),
    "served tomorrow": ("order.served_on", "2026-12-02"),
    "served before it was made": ("order.served_on", "2026-11-30"),
    "born tomorrow": ("respondent.date_of_birth", "2026-12-02"),
    "born in 1880": ("respondent.date_of_birth", "1880-05-05"),
    "born in 1899": ("respondent.date_of_birth", "1899-12-31"),
    "born in 9999": ("respondent.date_of_birth", "9999-12-31"),
    "a landline": ("mobile.number", "+442079460123"),
    "a foreign number": ("mobile.number", "+12025550123"),
    "a number of Jersey": ("mobile.number", jersey()),
    "a number as people write it": ("mobile.number", "07700 900123"),
    "a trunk zero": ("mobile.number", "+4407400123457"),
    "a number and why there is none": (
        "mobile", LACKING | {"number": "+447700900123"}, "mobile.missing_reason",
    ),
    "neither a number nor why": ("mobile", {}, "mobile.number"),
    "an unknown reason": ("mobile.missing_reason", "dog_ate_it"),
    "a follow-up yesterday": (
        "mobile", LACKING | {"follow_up_on": "2026-11-30"}, "mobile.follow_up_on",
    ),
    "a follow-up in 9999": (
        "mobile", LACKING | {"follow_up_on": "9999-12-31"}, "mobile.follow_up_on",
    ),
    "an unknown condition": (
        "order.conditions", ["no_molestation", "no_fun"], "order.conditions.1",
    ),
    "no condition": ("order.conditions", []),
    "no no_molestation": ("order.conditions", ["no_contact"]),
    "an unknown ethnicity": ("respondent.ethnicity", "W4"),
    "a share of an incident": ("respondent.prior_incidents", 1.5),
    "fewer incidents than none": ("respondent.prior_incidents", -1),
    "an unknown risk": ("respondent.risk_grade", "immense"),
    "first order perhaps": ("respondent.first_order", "perhaps"),
    "a protected trunk zero": ("protected_numbers", ["+4407400123456"], "protected_numbers.0"),
    "a protected number that is too short": (
        "protected_numbers", ["+44740012345"], "protected_numbers.0",
    ),
    "a protected number of no country's": (
        "protected_numbers", ["+7400123456"], "protected_numbers.0",
    ),
    "a protected name": ("protected_numbers", ["Ford Prefect"], "protected_numbers.0"),
    "twenty-one protected numbers": ("protected_numbers", [PROTECTED] * 21),
    "a sentence for a code": ("order.reference", "see what Ford said"),
    "a force in capitals": ("order.force", "DURHAM"),
    "a force with a stroke": ("order.force", "durham/west"),
    "a line break": ("order.court", "Peterlee\nMagistrates"),
    "half a character": ("order.court", "Peterlee \ud800"),
    "text that is turned round": ("order.court", "\u202eyelretep"),
    "a court of blanks": ("order.court", "\u3000  "),
    "a name of other marks": ("order.authorising_superintendent", "<script>"),
}  # fmt: skip
"""Each case: the field, the value given, and the field that is named if it is another."""


@pytest.mark.parametrize(
    ("incidents", "band"),
    [(0, "none"), (1, "one_or_two"), (2, "one_or_two"), (3, "three_to_five"), (5, "three_to_five"),
     (6, "six_or_more"), (999, "six_or_more")],
)  # fmt: skip
def test_risk_details_are_stored_as_bands(incidents: int, band: str) -> None:
    told = {"prior_incidents": incidents, "risk_grade": "high", "first_order": False}
    respondent = enrolment_of(enrol(respondent=told)).respondent
    assert respondent.prior_incidents == band
    assert (respondent.risk_grade, respondent.first_order) == ("high", False)


def test_an_order_may_omit_all_risk_details() -> None:
    respondent = enrolment_of(enrol()).respondent
    assert (respondent.prior_incidents, respondent.risk_grade) == (None, None)
    assert respondent.first_order is None


@pytest.mark.parametrize("refused", REFUSED.values(), ids=REFUSED)
def test_an_invalid_field_is_named_its_value_is_not_repeated_and_nothing_is_stored(
    refused: tuple[str, object] | tuple[str, object, str], log: StringIO
) -> None:
    path, value, named = refused[0], refused[1], refused[-1] if len(refused) == 3 else refused[0]
    part, _, field = path.partition(".")
    changes: dict[str, Any] = {part: {field: value} if field else value}
    body = order(**{"protected_numbers": [PROTECTED]} | changes)
    answer = post(body)
    assert answer.status == 422
    assert answer.headers["Content-Type"] == ["application/problem+json"]
    assert named in answer.fields
    assert repeated(body, answer.text) == []
    assert repeated(body, log.getvalue()) == []
    assert everything() == {}


def repeated(body: object, told: str) -> list[str]:
    """What an answer repeats of a body, apart from the codes in the contract."""
    listed = {"male", "W1", "no_molestation", "no_contact", "refused", "durham"}
    return [value for value in leaves(body) if value in told and value not in listed]


def leaves(body: object) -> list[str]:
    if isinstance(body, dict):
        return [leaf for value in body.values() for leaf in leaves(value)]
    if isinstance(body, list):
        return [leaf for value in body for leaf in leaves(value)]
    return [] if body in (None, 7) else [str(body)]


@pytest.mark.parametrize("part", ["event_id", "order", "respondent", "mobile"])
def test_a_missing_field_is_named(part: str) -> None:
    body = order()
    del body[part]
    answer = post(body)
    assert (answer.status, answer.fields) == (422, [part])


@pytest.mark.parametrize(
    "body",
    [
        '{"event_id": "+447700900123"',
        "+447700900123",
        '"+447700900123"',
        '["+447700900123"]',
        "",
        None,
        "NaN",
        "\ud800",
        "[" * 60_000,
        '{"order": ' * 6_000,
        '{"order": ' + "9" * 5_000 + "}",
    ],
    ids=lambda body: repr(body)[:20],
)
def test_a_body_that_is_not_a_json_object_is_refused(body: str | None, log: StringIO) -> None:
    answer = call("POST", "/enrolments", body)
    assert answer.status == 422
    assert "900123" not in answer.text + log.getvalue()
    assert everything() == {}


# Shown


def test_an_enrolment_shows_its_order_and_three_digits_of_a_number() -> None:
    ident = enrol(protected_numbers=[PROTECTED])
    answer = call("GET", f"/enrolments/{ident}")
    assert answer.status == 200
    assert answer.body["order"] == order()["order"] | {"type": "dvpo"}
    assert (answer.body["status"], answer.body["reasons"]) == ("eligible", [])
    assert answer.body["mobile"]["known"] is True
    assert answer.body["mobile"]["last_digits"] == "123"
    assert [personal for personal in PERSONAL if personal in answer.text] == []


def test_the_history_of_an_enrolment_says_who_enrolled_it_and_when() -> None:
    ident = enrol()
    (entry,) = call("GET", f"/enrolments/{ident}").body["history"]
    assert entry == {
        "at": "2026-12-01T09:30:00Z",
        "what": "enrolled",
        "by": "arn:aws:iam::123456789012:user/upstream",
    }


def looked_at() -> set[tuple[str, str]]:
    """The audit trail's entries, and their authors."""
    trail = [item for item in everything().values() if item["kind"] == "audit"]
    return {(entry["what"], entry["by"].rpartition("/")[2]) for entry in trail}


def test_a_conflict_says_that_an_order_is_known_and_is_audited() -> None:
    post(order(1))
    event = order(1, order={"court": "Newton Aycliffe Magistrates' Court"})
    assert call("POST", "/enrolments", event, by="curious").status == 409
    assert looked_at() == {("enrolled", "upstream"), ("enrolment consulted", "curious")}


def test_posting_an_order_again_shows_its_status_and_is_audited() -> None:
    post(order(1))
    assert call("POST", "/enrolments", order(1), by="curious").status == 200
    assert looked_at() == {("enrolled", "upstream"), ("enrolment consulted", "curious")}


def test_each_read_of_an_enrolment_is_audited() -> None:
    call("GET", f"/enrolments/{enrol()}", by="curious")
    assert looked_at() == {("enrolled", "upstream"), ("enrolment consulted", "curious")}


@pytest.mark.parametrize(
    "ident", [UUID(int=1), "3701f7e2", "DVPO-2026-000123", "../enrolments", "%00"], ids=str
)
def test_an_unknown_id_is_not_found(ident: object) -> None:
    answer = call("GET", f"/enrolments/{ident}")
    assert answer.status == 404
    assert answer.headers["Content-Type"] == ["application/problem+json"]


# Kept


def test_the_table_alone_reveals_no_number_and_no_identifiers() -> None:
    ident = enrol(protected_numbers=[PROTECTED])
    send_change(ident, "mobile", {"number": "+447700900777"})
    stored = str(everything())
    assert [each for each in (*PERSONAL, "900777", "05-01") if each in stored] == []
    assert not re.search(r"(?<![\w+/])1990(?![\w+/])", stored)  # a seal may hold any digits
    assert identifiers_of(ident) == {"person_id": PERSONAL[0], "date_of_birth": PERSONAL[1]}
    assert number_of(ident) == "+447700900777"


def test_no_two_seals_are_alike() -> None:
    """Otherwise a reader of the table could see who has two orders or shares a number."""
    number = {"number": "+447700900001"}
    first, second = (enrolment_of(enrol(serial, mobile=number)) for serial in (1, 2))
    assert first.mobile.number_hash == second.mobile.number_hash
    assert len({first.mobile.sealed, second.mobile.sealed, first.respondent.sealed}) == 3


@pytest.mark.parametrize(
    ("born", "kept"),
    [("2009-01-02", date(2027, 1, 2)), ("2007-12-02", date(2025, 12, 2)), ("2007-12-01", None)],
)
def test_a_birthday_is_stored_only_if_a_correction_could_make_the_person_under_age(
    born: str, kept: date | None
) -> None:
    ident = enrol(respondent={"date_of_birth": born})
    assert enrolment_of(ident).respondent.of_age_on == kept


def test_the_sample_stream_record_matches_a_stored_eligible_order() -> None:
    call("POST", "/enrolments", sample("api-enrol")["body"])
    (record,) = sample("stream-eligible")["Records"]
    ident = UUID("a5e1485f-199d-8556-a497-98980cd19691")
    assert record["dynamodb"]["Keys"] == wired(enrolment_key(ident))
    stored = announcement(enrolment_key(ident))["dynamodb"]["NewImage"]
    assert record["dynamodb"]["NewImage"].keys() == stored.keys()
