"""Enrolment by its handler: what is accepted, what is refused, and what neither gives away."""

from datetime import date, timedelta
from io import StringIO
from typing import Any
from uuid import UUID

import phonenumbers
import pytest
from time_machine import Traveller

from tests.support.faults import after_write, before_write, meddling, raising, refusal
from tests.support.life import send_change
from tests.support.samples import MORNING, order, sample
from tests.support.steps import allocate, announcement, call, enrol, failures, post, someone_in
from tests.support.table import (
    enrolment_of,
    everything,
    found,
    held,
    identifiers_of,
    keep,
    number_of,
    wired,
)
from trial.aws import clients
from trial.codes import Arm, MissingReason, Reason, Status
from trial.records.enrolment import enrolment_key
from trial.records.person import Person, person_key
from trial.retry import TRIES

pytestmark = pytest.mark.usefixtures("cloud")

PROTECTED = "+447700900456"
PERSONAL = ("2003/0000123D", "1990-05-01", "+447700900123", "7700900123", PROTECTED)


def jersey() -> str:
    number = phonenumbers.example_number_for_type("JE", phonenumbers.PhoneNumberType.MOBILE)
    assert number
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


# Taken in


def test_an_order_is_accepted_under_an_id_of_its_own() -> None:
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
        (
            {"order": {"made_on": "2026-11-19", "expires_on": "2026-12-02"}},
            "ineligible",
            "too_late",
        ),
        (
            {"order": {"made_on": "2026-11-10", "expires_on": "2026-11-30"}},
            "ineligible",
            "order_ended",
        ),
    ],
)
def test_whoever_cannot_be_randomised_is_taken_in_with_the_reason(
    changes: dict[str, Any], status: str, reason: str
) -> None:
    if "order" in changes and "made_on" in changes["order"]:
        changes["order"]["served_on"] = changes["order"]["made_on"]
    answer = post(order(**changes))
    assert answer.status == 202
    assert (answer.body["status"], answer.body["reasons"]) == (status, [reason])
    assert enrolment_of(UUID(answer.body["enrolment_id"])).status == status


@pytest.mark.parametrize("reason", MissingReason)
def test_every_reason_for_no_number_is_known(reason: MissingReason) -> None:
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
    later = {"made_on": "2026-12-15", "expires_on": "2026-12-28", "served_on": "2026-12-15"}
    assert post(order(3, order=later, respondent=person)).body["status"] == "eligible"


def test_the_last_day_of_an_order_is_still_live(clock: Traveller) -> None:
    person = {"person_id": "2003/0000777P"}
    assert failures(allocate(enrol(1, respondent=person))) == []
    clock.move_to(MORNING + timedelta(days=13))
    later = {"made_on": "2026-12-14", "expires_on": "2026-12-27", "served_on": "2026-12-14"}
    answer = post(order(2, order=later, respondent=person))
    assert answer.body["reasons"] == ["already_in_trial"]


def test_a_number_that_any_live_order_protects_is_not_safe(clock: Traveller) -> None:
    enrol(1, protected_numbers=["+447700900002"])
    assert post(order(2)).body["reasons"] == ["unsafe_number"]

    clock.move_to(MORNING + timedelta(days=14))
    later = {"made_on": "2026-12-15", "expires_on": "2026-12-28", "served_on": "2026-12-15"}
    number = {"number": "+447700900002"}
    assert post(order(3, order=later, mobile=number)).body["status"] == "eligible"


def test_a_number_that_comes_to_be_protected_stops_whoever_has_it() -> None:
    ident = enrol(1)
    enrol(2, protected_numbers=["+447700900001"])
    stopped = enrolment_of(ident)
    assert (stopped.status, stopped.reasons) == (Status.WAITING, (Reason.UNSAFE_NUMBER,))


def test_a_number_that_two_respondents_share_is_flagged() -> None:
    first, alone = enrol(1), enrol(2)
    second = enrol(3, mobile={"number": "+447700900001"})
    assert [enrolment_of(each).mobile.shared for each in (first, second, alone)] == [
        True,
        True,
        False,
    ]


# Nothing twice


def test_the_same_order_again_is_answered_alike_and_changes_nothing() -> None:
    first = post(order())
    before = held()
    again = post(order())
    assert (again.status, again.body) == (200, first.body)
    assert held() == before


def test_the_same_order_a_day_after_its_allocation_changes_nothing(clock: Traveller) -> None:
    first = post(order())
    allocate(UUID(first.body["enrolment_id"]))
    before = held()
    clock.move_to(MORNING + timedelta(hours=25))
    again = post(order())
    assert (again.status, again.body) == (200, first.body)
    assert held() == before


def test_another_event_with_the_same_content_is_the_same_order() -> None:
    post(order())
    before = held()
    assert post(order(event_id="0190b8f2-6f0e-7cc0-a1de-00000000ffff")).status == 200
    assert held() == before


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
    before = everything()
    answer = post(order(**changes))
    assert answer.status == 409
    assert answer.headers["Content-Type"] == ["application/problem+json"]
    assert everything() == before


def test_the_same_reference_of_another_force_is_another_order() -> None:
    assert enrol() != enrol(order={"force": "cleveland"}, respondent={"person_id": "1"})


# At the same time


def test_of_two_orders_of_a_person_at_once_one_is_eligible() -> None:
    person = {"person_id": "2003/0000777P"}
    rival = []
    with before_write(lambda: rival.append(post(order(2, respondent=person)).body)):
        slower = post(order(1, respondent=person)).body
    assert rival[0]["status"] == "eligible"
    assert (slower["status"], slower["reasons"]) == ("ineligible", ["already_in_trial"])


def test_of_an_order_posted_twice_at_once_one_is_taken_in() -> None:
    rival = []
    with before_write(lambda: rival.append(post(order()))):
        slower = post(order())
    assert (rival[0].status, slower.status) == (202, 200)
    assert rival[0].body == slower.body
    assert sum(item["kind"] == "enrolment" for item in everything().values()) == 1


def test_a_number_protected_in_the_same_moment_is_not_safe() -> None:
    with before_write(lambda: enrol(2, protected_numbers=["+447700900001"])):
        answer = post(order(1))
    assert answer.body["reasons"] == ["unsafe_number"]


def test_who_is_always_overtaken_is_told_to_come_back() -> None:
    key = person_key(enrolment_of(enrol(1)).person_hash)

    def overtake() -> None:
        person = Person.of(found(key))
        keep(key, person.model_copy(update={"version": person.version + 1}))

    with before_write(overtake, times=TRIES):
        answer = post(order(2, respondent={"person_id": "2003/0000001W"}))
    assert answer.status == 503
    assert answer.headers["Retry-After"] == ["1"]
    assert len(found(key)["enrolments"]) == 1


def test_an_answer_lost_after_the_write_is_found_by_the_retry() -> None:
    lost = raising(refusal("InternalServerError", status=500))
    with after_write(lost):
        assert post(order()).status == 503
    before = held()
    assert post(order()).status == 200
    assert held() == before


@pytest.mark.parametrize(
    ("client", "moment"),
    [
        (clients.dynamodb, "before-call.dynamodb.BatchGetItem"),
        (clients.kms, "before-call.kms.GenerateMac"),
    ],
    ids=["table", "key"],
)
def test_without_the_table_or_the_key_upstream_is_told_to_come_back(
    client: Any, moment: str
) -> None:
    with meddling(client(), moment, raising(refusal("ThrottlingException"))):
        answer = post(order())
    assert answer.status == 503
    assert answer.headers["Retry-After"] == ["1"]
    assert everything() == {}


# Refused

REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "an unknown field": ({"nickname": "Ford"}, "nickname"),
    "an unknown field of the order": ({"order": {"arm": "control"}}, "order.arm"),
    "a number for a text": ({"order": {"court": 7}}, "order.court"),
    "a text for a list": ({"order": {"conditions": "no_molestation"}}, "order.conditions"),
    "a list for an object": ({"respondent": {"sex": ["male"]}}, "respondent.sex"),
    "a number for a date": ({"order": {"made_on": 1796083200}}, "order.made_on"),
    "a time for a date": ({"order": {"served_on": "2026-12-01T10:00:00Z"}}, "order.served_on"),
    "no such date": ({"order": {"expires_on": "2026-12-32"}}, "order.expires_on"),
    "a British date": ({"respondent": {"date_of_birth": "01/05/1990"}}, "respondent.date_of_birth"),
    "13 days": ({"order": {"expires_on": "2026-12-13"}}, "order.expires_on"),
    "29 days": ({"order": {"expires_on": "2026-12-29"}}, "order.expires_on"),
    "an end before the start": ({"order": {"expires_on": "2026-11-30"}}, "order.expires_on"),
    "made tomorrow": (
        {"order": {"made_on": "2026-12-02", "expires_on": "2026-12-15", "served_on": None}},
        "order.made_on",
    ),
    "served tomorrow": ({"order": {"served_on": "2026-12-02"}}, "order.served_on"),
    "served before it was made": ({"order": {"served_on": "2026-11-30"}}, "order.served_on"),
    "born tomorrow": (
        {"respondent": {"date_of_birth": "2026-12-02"}},
        "respondent.date_of_birth",
    ),
    "a landline": ({"mobile": {"number": "+442079460123"}}, "mobile.number"),
    "a foreign number": ({"mobile": {"number": "+12025550123"}}, "mobile.number"),
    "a number of Jersey": ({"mobile": {"number": jersey()}}, "mobile.number"),
    "a number as people write it": ({"mobile": {"number": "07700 900123"}}, "mobile.number"),
    "a number and why there is none": (
        {"mobile": {"number": "+447700900123", "missing_reason": "refused"}},
        "mobile.missing_reason",
    ),
    "neither a number nor why": ({"mobile": {}}, "mobile.number"),
    "an unknown reason": ({"mobile": {"missing_reason": "dog_ate_it"}}, "mobile.missing_reason"),
    "an unknown condition": (
        {"order": {"conditions": ["no_molestation", "no_fun"]}},
        "order.conditions.1",
    ),
    "no condition": ({"order": {"conditions": []}}, "order.conditions"),
    "no no_molestation": ({"order": {"conditions": ["no_contact"]}}, "order.conditions"),
    "an unknown ethnicity": ({"respondent": {"ethnicity": "W4"}}, "respondent.ethnicity"),
    "a share of an incident": (
        {"respondent": {"prior_incidents": 1.5}},
        "respondent.prior_incidents",
    ),
    "fewer incidents than none": (
        {"respondent": {"prior_incidents": -1}},
        "respondent.prior_incidents",
    ),
    "an unknown risk": ({"respondent": {"risk_grade": "immense"}}, "respondent.risk_grade"),
    "first order perhaps": ({"respondent": {"first_order": "perhaps"}}, "respondent.first_order"),
    "a trunk zero": ({"mobile": {"number": "+4407400123457"}}, "mobile.number"),
    "a protected trunk zero": ({"protected_numbers": ["+4407400123456"]}, "protected_numbers.0"),
    "a protected number that is too short": (
        {"protected_numbers": ["+44740012345"]},
        "protected_numbers.0",
    ),
    "a protected number of no country's": (
        {"protected_numbers": ["+7400123456"]},
        "protected_numbers.0",
    ),
    "a protected name": ({"protected_numbers": ["Ford Prefect"]}, "protected_numbers.0"),
    "twenty-one protected numbers": ({"protected_numbers": [PROTECTED] * 21}, "protected_numbers"),
    "a sentence for a code": (
        {"order": {"reference": "see what Ford said"}},
        "order.reference",
    ),
    "a line break": ({"order": {"court": "Peterlee\nMagistrates"}}, "order.court"),
    "half a character": ({"order": {"court": "Peterlee \ud800"}}, "order.court"),
}


@pytest.mark.parametrize(
    ("incidents", "band"),
    [(0, "none"), (1, "one_or_two"), (2, "one_or_two"), (3, "three_to_five"), (5, "three_to_five"),
     (6, "six_or_more"), (999, "six_or_more")],
)  # fmt: skip
def test_what_upstream_knows_of_the_risk_is_kept_in_bands(incidents: int, band: str) -> None:
    told = {"prior_incidents": incidents, "risk_grade": "high", "first_order": False}
    respondent = enrolment_of(enrol(respondent=told)).respondent
    assert respondent.prior_incidents == band
    assert (respondent.risk_grade, respondent.first_order) == ("high", False)


def test_an_order_may_come_without_a_word_on_the_risk() -> None:
    respondent = enrolment_of(enrol()).respondent
    assert (respondent.prior_incidents, respondent.risk_grade) == (None, None)
    assert respondent.first_order is None


@pytest.mark.parametrize(("changes", "field"), REFUSED.values(), ids=REFUSED)
def test_a_bad_field_is_named_nothing_is_repeated_and_nothing_is_stored(
    changes: dict[str, Any], field: str, log: StringIO
) -> None:
    body = order(**{"protected_numbers": [PROTECTED]} | changes)
    answer = post(body)
    assert answer.status == 422
    assert answer.headers["Content-Type"] == ["application/problem+json"]
    assert field in answer.fields
    assert repeated(body, answer.text) == []
    assert repeated(body, log.getvalue()) == []
    assert everything() == {}


def repeated(body: object, told: str) -> list[str]:
    """What of a body is told again, apart from the codes that the contract itself lists."""
    listed = {"male", "W1", "no_molestation", "no_contact", "refused", "durham"}
    return [value for value in leaves(body) if value in told and value not in listed]


def leaves(body: object) -> list[str]:
    if isinstance(body, dict):
        return [leaf for value in body.values() for leaf in leaves(value)]
    if isinstance(body, list):
        return [leaf for value in body for leaf in leaves(value)]
    return [] if body in (None, 7) else [str(body)]


@pytest.mark.parametrize("part", ["event_id", "order", "respondent", "mobile"])
def test_what_is_missing_is_named(part: str) -> None:
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
def test_a_body_that_is_no_json_object_is_not_valid(body: str | None, log: StringIO) -> None:
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


def test_its_history_tells_who_enrolled_it_and_when() -> None:
    ident = enrol()
    (entry,) = call("GET", f"/enrolments/{ident}").body["history"]
    assert entry == {
        "at": "2026-12-01T09:30:00Z",
        "what": "enrolled",
        "by": "arn:aws:iam::123456789012:user/upstream",
    }


def test_who_posts_an_order_again_is_shown_where_it_stands_and_leaves_a_trace() -> None:
    body = order(1)
    post(body)
    assert call("POST", "/enrolments", body, by="curious").status == 200
    looked = [item for item in everything().values() if item["kind"] == "audit"]
    assert {(entry["what"], entry["by"].rpartition("/")[2]) for entry in looked} == {
        ("enrolled", "upstream"),
        ("enrolment consulted", "curious"),
    }


def test_whoever_looks_leaves_a_trace() -> None:
    ident = enrol()
    call("GET", f"/enrolments/{ident}", by="curious")
    looked = [item for item in everything().values() if item["kind"] == "audit"]
    assert {(entry["what"], entry["by"].rpartition("/")[2]) for entry in looked} == {
        ("enrolled", "upstream"),
        ("enrolment consulted", "curious"),
    }


@pytest.mark.parametrize(
    "ident", [UUID(int=1), "3701f7e2", "DVPO-2026-000123", "../enrolments", "%00"], ids=str
)
def test_an_id_that_is_not_known_is_not_found(ident: object) -> None:
    answer = call("GET", f"/enrolments/{ident}")
    assert answer.status == 404
    assert answer.headers["Content-Type"] == ["application/problem+json"]


def test_nothing_shown_of_an_enrolment_depends_on_its_arm() -> None:
    shown = []
    for arm, first in ((Arm.CONTROL, 100), (Arm.INTERVENTION, 200)):
        body = call("GET", f"/enrolments/{someone_in(arm, first=first)}").body
        del body["enrolment_id"], body["order"]["reference"], body["mobile"]["last_digits"]
        for entry in body["history"]:  # no two are drawn in the same microsecond
            entry["at"] = entry["at"].partition(".")[0].rstrip("Z")
        shown.append(body)
    assert shown[0] == shown[1]
    assert [entry["what"] for entry in shown[0]["history"]] == ["enrolled", "allocated"]


# Kept


def test_the_protected_person_s_number_is_kept_by_its_hash_alone() -> None:
    enrol(protected_numbers=[PROTECTED])
    assert PROTECTED[1:] not in str(everything())


def test_the_table_alone_tells_no_number_and_nobody_s_identifiers() -> None:
    ident = enrol()
    send_change(ident, "mobile", {"number": "+447700900777"})
    stored = str(everything())
    born = ("1990-05-01", "05-01", "1990")
    assert [each for each in (*PERSONAL, "900777", *born) if each in stored] == []
    assert identifiers_of(ident) == {"person_id": PERSONAL[0], "date_of_birth": PERSONAL[1]}
    assert number_of(ident) == "+447700900777"


def test_no_seal_is_like_another() -> None:
    """Or whoever reads the table could see who has two orders, and who has whose number."""
    first, second = (
        enrolment_of(enrol(serial, mobile={"number": "+447700900001"})) for serial in (1, 2)
    )
    assert first.mobile.number_hash == second.mobile.number_hash
    seals = {first.mobile.sealed, second.mobile.sealed, first.respondent.sealed}
    assert len(seals) == 3


@pytest.mark.parametrize(
    ("born", "kept"),
    [("2009-01-02", date(2027, 1, 2)), ("2007-12-02", date(2025, 12, 2)), ("2007-12-01", None)],
)
def test_a_birthday_is_kept_only_of_whoever_a_correction_could_make_a_child(
    born: str, kept: date | None
) -> None:
    ident = enrol(respondent={"date_of_birth": born})
    assert enrolment_of(ident).respondent.of_age_on == kept


def test_the_sample_of_a_stream_record_holds_what_is_stored_of_an_eligible_order() -> None:
    call("POST", "/enrolments", sample("api-enrol")["body"])
    (record,) = sample("stream-eligible")["Records"]
    ident = UUID("a5e1485f-199d-8556-a497-98980cd19691")
    assert record["dynamodb"]["Keys"] == wired(enrolment_key(ident))
    stored = announcement(enrolment_key(ident))["dynamodb"]["NewImage"]
    assert record["dynamodb"]["NewImage"].keys() == stored.keys()


def test_nothing_personal_is_logged(log: StringIO) -> None:
    ident = enrol(protected_numbers=[PROTECTED])
    call("GET", f"/enrolments/{ident}")
    post(order(respondent={"date_of_birth": "1990-05-02"}))
    assert str(ident) in log.getvalue()
    assert [personal for personal in PERSONAL if personal in log.getvalue()] == []


def test_no_force_and_reference_can_be_read_in_two_ways() -> None:
    answer = call("POST", "/enrolments", order(order={"force": "durham/west"}))
    assert (answer.status, answer.fields) == (422, ["order.force"])
