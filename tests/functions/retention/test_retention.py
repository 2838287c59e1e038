"""What is due is erased, each order by itself, and everything that the trial needs stays."""

import json
from collections.abc import Callable
from datetime import date, datetime, timedelta
from itertools import count
from typing import Any
from uuid import UUID

import pytest
from time_machine import Traveller

from extract.pseudonyms import Pseudonyms
from extract.rows import File, rows
from reconciliation.handler import lambda_handler as reconciliation
from retention import handler, store
from retention.traces import Traces
from tests.support.faults import before_write, counting
from tests.support.fixture_protocol import AGREED
from tests.support.gaps import leave_stray
from tests.support.life import (
    ARREST,
    BREACH,
    QUASHED,
    corrected,
    followed,
    report_change,
    send_change,
    shown,
    stands,
    treated,
)
from tests.support.samples import MORNING, order, sample
from tests.support.steps import (
    UNHURRIED,
    Context,
    allocate,
    call,
    enrol,
    failures,
    post,
    someone_in,
)
from tests.support.table import (
    allocation_of,
    change_enrolment,
    enrolment_of,
    everything,
    found,
    held,
    keep,
    keep_outcomes,
    number_hash_of,
    put_item,
    reminders_of,
    unchanged,
)
from trial.aws import clients
from trial.aws.kms import MacKey
from trial.aws.table import Key
from trial.codes import AgeBand, Arm, Retained
from trial.config import ExtractSettings, settings
from trial.records.enrolment import (
    Enrolment,
    Outcome,
    Respondent,
    enrolment_key,
    enrolment_partition,
)
from trial.records.person import Person, number_key, person_key, suppressed_key
from trial.records.receipt import OptOut, message_key, opt_out_key, stray_key
from trial.records.reminder import day_key
from trial.settlement.standing import Surroundings, with_derived_status

DAY = timedelta(days=1)
NIGHT = timedelta(hours=16)
LONGER = {"expires_on": "2026-12-28"}
HOLD = {"reason": "proceedings", "by": "PC-1182"}
LAST_DAY = date(2026, 12, 14)
DUE = MORNING + 102 * DAY + NIGHT  # 90 days after the last day of an order of 14
PERSONAL = ("+447700900001", "2003/0000001W", "1990-05-01", "DVPO-2026-000001", "CRIME-77")

NightAt = Callable[[datetime], dict[str, Any]]

pytestmark = pytest.mark.usefixtures("cloud")


def night(seconds: int = 300) -> dict[str, Any]:
    """A run with so much time, of which every look at the clock takes a second."""
    context = Context(count(seconds * 1000, -1000))
    return handler.lambda_handler(sample("retention-nightly"), context)


@pytest.fixture
def night_at(clock: Traveller) -> NightAt:
    """Move the clock to a moment and run that night's retention."""

    def at(moment: datetime) -> dict[str, Any]:
        clock.move_to(moment)
        return night()

    return at


def left_of(*words: str) -> list[str]:
    """Where in the table any of these words is found."""
    return [
        f"{key.pk} {key.sk}"
        for key, item in everything().items()
        for word in words
        if word in json.dumps([*key, item], default=str)
    ]


def numbers() -> list[Key]:
    return [key for key in everything() if key.pk.startswith("number#")]


def audit_trail() -> dict[Key, dict[str, Any]]:
    return {key: item for key, item in everything().items() if item["kind"] == "audit"}


def suppress() -> None:
    body = {"number": "+447700900001", "reason": "wrong_number", "by": "PC-1182"}
    assert call("POST", "/suppressions", body).status == 201


def a_life(serial: int = 1, **changes: Any) -> UUID:
    """Somebody who was drawn, texted once, moved, and was arrested."""
    ident = followed(serial, **changes)
    report_change(ident, "outcomes", ARREST)
    return ident


# When


def test_the_period_of_a_late_order_begins_at_its_enrolment(
    clock: Traveller, night_at: NightAt
) -> None:
    clock.move_to(MORNING + 80 * DAY)
    ident = enrol(1)
    assert night_at(DUE)["erased"] == {}
    assert night_at(MORNING + 80 * DAY + 90 * DAY + NIGHT)["erased"] == {"identifiers": 1}
    assert enrolment_of(ident).erased_at


def test_the_period_of_an_order_changed_late_begins_at_the_change(
    clock: Traveller, night_at: NightAt
) -> None:
    ident = followed(1)
    clock.move_to(MORNING + 100 * DAY)
    report_change(
        ident, "end", {"reason": "quashed", "at": "2026-12-05T10:00:00Z", "by": "PC-1182"}
    )
    assert night_at(DUE)["erased"] == {}
    assert night_at(MORNING + 190 * DAY + NIGHT)["erased"] == {"identifiers": 1}


# What goes


def test_once_due_nothing_identifies_the_person(night_at: NightAt) -> None:
    ident = a_life(protected_numbers=["+447700900456"])
    assert len(set(left_of(*PERSONAL))) == 2
    assert night_at(DUE) == {"erased": {"identifiers": 1}, "failed": 0, "finished": True}
    assert left_of(*PERSONAL) == []
    assert numbers() == []
    erased = enrolment_of(ident)
    assert erased.request_digest is None
    assert erased.protected_hashes == ()
    assert erased.erased_at == DUE


def test_nothing_is_erased_a_day_too_early(clock: Traveller) -> None:
    a_life()
    clock.move_to(DUE - DAY)
    with unchanged():
        assert night()["erased"] == {}


def test_every_earlier_number_is_erased_too(night_at: NightAt) -> None:
    ident = followed(1)
    for serial in (2, 3, 2):
        report_change(ident, "mobile", {"number": f"+447700900{serial:03}"})
    report_change(ident, "mobile", {"missing_reason": "lost_stolen_broken"})
    assert len(numbers()) == 3
    night_at(DUE)
    assert numbers() == []
    assert enrolment_of(ident).former_numbers == ()


def test_a_number_reported_again_is_not_an_earlier_number() -> None:
    ident = followed(1)
    report_change(ident, "mobile", {"number": "+447700900001"})
    assert enrolment_of(ident).former_numbers == ()


def test_days_with_a_text_and_stray_receipts_are_erased(night_at: NightAt) -> None:
    ident = treated(first=1)
    person = enrolment_of(ident).person_hash
    days = {day_key(person, LAST_DAY): ident, day_key(person, LAST_DAY - DAY): UUID(int=7)}
    for key, whose in days.items():
        put_item(key, {"kind": "day", "enrolment_id": str(whose)})
    stray = leave_stray(ident, MORNING)
    night_at(DUE)
    left = everything()
    assert [key in left for key in days] == [False, True]
    assert stray_key(stray) not in left
    assert message_key(stray.receipt.message_id) not in left


# What stays


def test_the_data_that_the_trial_compares_stay(night_at: NightAt) -> None:
    ident = a_life(respondent={"date_of_birth": "2001-12-01", "ethnicity": "A1"})
    before, drawn, reminders = enrolment_of(ident), allocation_of(ident), reminders_of(ident)
    night_at(DUE)
    after = enrolment_of(ident)
    assert after.respondent == Respondent(
        age_band=AgeBand.FROM_25, sex=before.respondent.sex, ethnicity=before.respondent.ethnicity
    )
    assert before.respondent.sealed
    kept = {"order", "respondent", "mobile", "request_digest", "erased_at", "version"}
    assert after.model_dump(exclude=kept) == before.model_dump(exclude=kept)
    assert after.order == before.order.model_copy(update={"reference": None})
    assert (allocation_of(ident), reminders_of(ident)) == (drawn, reminders)
    assert stands(ident) == ("allocated", [])


def told_to_researchers(ident: UUID) -> list[Any]:
    key = MacKey(clients.kms(), settings(ExtractSettings).research_key_id)
    names = Pseudonyms.of(AGREED.trial, key)
    items = [item for key, item in everything().items() if key.pk == enrolment_partition(ident)]
    outcomes = tuple(Outcome.of(item) for item in items if item["kind"] == "outcome")
    reminders = tuple(reminders_of(ident))
    file = File(enrolment_of(ident), allocation_of(ident), reminders, outcomes)
    return list(rows(file, protocol=AGREED, names=names, extracted_at=DUE))


def test_the_research_extract_stays_the_same(night_at: NightAt) -> None:
    ident = a_life(protected_numbers=["+447700900456"])
    report_change(ident, "outcomes", BREACH)
    before = told_to_researchers(ident)
    night_at(DUE)
    assert told_to_researchers(ident) == before


def counts() -> list[Any]:
    return [call("GET", f"/reports/{name}").body for name in ("flow", "missing-numbers")]


def test_the_reports_stay_the_same(night_at: NightAt) -> None:
    a_life()
    followed(2, mobile={"missing_reason": "seized_evidence"})
    before = counts()
    assert night_at(DUE)["erased"] == {"identifiers": 2}
    assert counts() == before


def test_a_person_keeps_the_arm_for_a_later_order_after_erasure(night_at: NightAt) -> None:
    person = {"person_id": "A1", "date_of_birth": "1990-05-01", "sex": "male"}
    first = followed(1, respondent=person)
    night_at(DUE)
    dates = {"made_on": "2027-03-14", "expires_on": "2027-03-27", "served_on": "2027-03-14"}
    again = followed(2, respondent=person, order=dates)
    assert allocation_of(again).arm is allocation_of(first).arm
    assert allocation_of(again).repeat


def test_a_person_who_was_never_drawn_is_erased_whole(night_at: NightAt) -> None:
    ident = followed(1, mobile={"missing_reason": "refused"})
    person = person_key(enrolment_of(ident).person_hash)
    assert person in everything()
    night_at(DUE)
    assert person not in everything()


def test_data_that_another_live_order_needs_stay(night_at: NightAt) -> None:
    """One number with two people, protected by a third's order: it goes with the last of them."""
    number = "+447700900001"
    first = followed(1)
    second = followed(2, mobile={"number": number}, order=LONGER)
    followed(3, protected_numbers=[number], order={"expires_on": "2026-12-20"})
    key = number_key(number_hash_of(first))
    stray = leave_stray(first, MORNING + 80 * DAY)
    assert night_at(DUE)["erased"] == {"identifiers": 1}
    assert set(found(key)["respondents"]) == {str(second)}
    assert stray_key(stray) in everything()
    assert message_key(stray.receipt.message_id) in everything()
    assert night_at(DUE + 6 * DAY)["erased"] == {"identifiers": 1}
    assert found(key)["protected"] == {}
    assert night_at(DUE + 14 * DAY)["erased"] == {"identifiers": 1}
    assert key not in everything()
    assert stray_key(stray) not in everything()


def test_a_stray_receipt_is_erased_after_the_period_of_identifiers(night_at: NightAt) -> None:
    """The number may stay, because it is suppressed, and so may have no enrolment to go with."""
    ident = followed(1)
    suppress()
    stray = leave_stray(ident, MORNING)
    assert "stray_receipts" not in night_at(MORNING + 89 * DAY)["erased"]
    assert night_at(MORNING + 90 * DAY)["erased"] == {"stray_receipts": 1}
    assert {stray_key(stray), message_key(stray.receipt.message_id)}.isdisjoint(everything())


def test_an_opt_out_is_erased_with_trial_data_and_not_with_identifiers(night_at: NightAt) -> None:
    """As long as its number may be named again, it must not be texted."""
    keep(opt_out_key("ff"), OptOut(at=MORNING, by="receipts"))
    assert "opt_outs" not in night_at(MORNING + 3652 * DAY)["erased"]
    assert opt_out_key("ff") in everything()
    assert night_at(MORNING + 3653 * DAY)["erased"] == {"opt_outs": 1}
    assert opt_out_key("ff") not in everything()


def test_a_number_that_no_order_names_is_erased_though_its_order_is_kept(night_at: NightAt) -> None:
    ident = followed(1, order=LONGER)
    former = number_key(number_hash_of(ident))
    report_change(ident, "mobile", {"number": "+447700900888"})
    night_at(MORNING + 89 * DAY)
    assert former in everything()
    assert night_at(MORNING + 90 * DAY)["erased"] == {"idle_numbers": 1}
    assert former not in everything()
    assert number_key(number_hash_of(ident)) in everything()


@pytest.mark.parametrize("again", ["used", "protected"])
def test_a_number_that_an_order_names_again_stays(night_at: NightAt, again: str) -> None:
    ident = followed(1, order=LONGER)
    former = number_key(number_hash_of(ident))
    report_change(ident, "mobile", {"number": "+447700900888"})
    number = "+447700900001"
    if again == "used":
        report_change(ident, "mobile", {"number": number})
    else:
        followed(2, protected_numbers=[number], order=LONGER)
    night_at(MORNING + 90 * DAY)
    assert former in everything()


def test_a_suppressed_number_stays_suppressed_after_erasure(night_at: NightAt) -> None:
    number_hash = number_hash_of(followed(1))
    suppress()
    night_at(DUE)
    assert found(suppressed_key(number_hash))["reason"] == "wrong_number"
    assert number_key(number_hash) not in everything()


def test_an_erasure_is_in_the_audit_trail_without_the_erased_data(night_at: NightAt) -> None:
    ident = a_life()
    before = audit_trail()
    night_at(DUE)
    after = audit_trail()
    assert before.items() <= after.items()  # nothing of the trail is ever erased
    ((key, entry),) = ((key, after[key]) for key in after.keys() - before.keys())
    act = {"what": "identifiers erased", "why": "erasure", "by": "retention"}
    assert entry == act | {"kind": "audit", "at": entry["at"]}
    assert str(ident) in key.pk


def test_reconciliation_finds_no_gap_after_an_erasure(night_at: NightAt) -> None:
    a_life()
    night_at(DUE)
    for name in ("reconciliation-hourly", "reconciliation-proof"):
        report = reconciliation(sample(name), UNHURRIED)
        assert "not_reconciled" not in report["gaps"]


# The API afterwards


@pytest.fixture
def erased(night_at: NightAt) -> UUID:
    ident = a_life()
    night_at(DUE)
    return ident


@pytest.mark.parametrize("changes", [{}, {"mobile": {"number": "+447700900999"}}])
def test_an_erased_order_that_is_posted_again_is_refused(
    erased: UUID, changes: dict[str, Any]
) -> None:
    with unchanged(held):
        answer = post(order(1, **changes))
    assert answer.status == 409
    assert "erased" in answer.text
    assert enrolment_key(erased) in everything()


def test_an_erased_order_is_shown_as_erased(erased: UUID) -> None:
    view = shown(erased)
    assert view["order"]["reference"] is None
    assert view["mobile"]["known"] is False
    assert view["mobile"]["last_digits"] is None
    assert view["erased_at"] is not None
    assert view["status"] == "allocated"
    assert call("GET", f"/allocations/{erased}").status == 200


@pytest.mark.parametrize(
    ("what", "body"),
    [
        ("mobile", {"number": "+447700900002"}),
        ("service", {"served_on": "2026-12-02"}),
        ("order", corrected(1, court="Consett Magistrates' Court")),
        ("resume", {"at": "2026-12-05T10:00:00Z", "by": "PC-1182"}),
        ("hold", HOLD),
    ],
)
def test_no_change_restores_erased_data(erased: UUID, what: str, body: dict[str, Any]) -> None:
    with unchanged(held):
        answer = send_change(erased, what, body)
    assert answer.status == 409
    assert "erased" in answer.text


def test_an_erased_order_may_still_be_marked_as_recorded_in_error(erased: UUID) -> None:
    body = {"reason": "recorded_in_error", "at": "2027-03-13T10:00:00Z", "by": "PC-1182"}
    report_change(erased, "end", body)
    assert stands(erased) == ("ended", [])
    assert found(person_key(enrolment_of(erased).person_hash))["enrolments"] == {}


def test_an_outcome_after_the_erasure_counts_without_its_reference(erased: UUID) -> None:
    later = BREACH | {"occurred_at": "2027-02-01T10:00:00Z"}
    other = later | {"type": "offence"}
    for body, status in ((later, 201), (later, 200), (ARREST, 200), (other, 409)):
        assert send_change(erased, "outcomes", body).status == status
    assert left_of("CRIME-77") == []


def test_a_reference_that_arrives_during_the_erasure_is_not_kept(clock: Traveller) -> None:
    ident = a_life()
    clock.move_to(DUE)
    later = ARREST | {"outcome_id": "late", "reference": "CRIME-99"}
    with before_write(night):
        assert send_change(ident, "outcomes", later).status == 201
    assert left_of("CRIME-99") == []


def test_a_waiting_person_is_not_drawn_after_erasure(night_at: NightAt) -> None:
    ident = enrol(1)  # and the stream never came
    night_at(DUE)
    assert stands(ident) == ("eligible", [])
    assert failures(allocate(ident)) == []
    assert stands(ident) == ("eligible", [])
    # Nor does anybody work out anew where somebody stands whose age is gone.
    left = enrolment_of(ident)
    around = Surroundings(left, Person(), numbers={}, suppressed=frozenset())
    assert with_derived_status(left, around, protocol=AGREED, today=DUE.date()).enrolment == left


def test_an_erased_order_that_was_never_drawn_may_still_end(night_at: NightAt) -> None:
    ident = followed(1, mobile={"missing_reason": "refused"})
    night_at(DUE)
    report_change(ident, "end", QUASHED)
    assert stands(ident) == ("ended", ["order_ended"])


# A hold


def test_a_hold_keeps_an_order_until_it_is_released(night_at: NightAt) -> None:
    ident = a_life()
    report_change(ident, "hold", HOLD)
    assert shown(ident)["hold"] == "proceedings"
    before = enrolment_of(ident)
    assert night_at(DUE + 4000 * DAY)["erased"] == {}
    assert enrolment_of(ident) == before
    report_change(ident, "release", {"by": "PC-1182"})
    assert shown(ident)["hold"] is None
    assert night()["erased"] == {"identifiers": 1, "trial_data": 1}


@pytest.mark.parametrize("before", ["file", "traces"])
def test_a_hold_that_arrives_during_the_erasure_wins(
    clock: Traveller, monkeypatch: pytest.MonkeyPatch, before: str
) -> None:
    ident = a_life()
    clock.move_to(DUE)
    read = getattr(store.RetentionStore, before)

    def held_meanwhile(self: store.RetentionStore, about: object) -> Any:
        monkeypatch.setattr(store.RetentionStore, before, read)
        report_change(ident, "hold", {"reason": "complaint", "by": "PC-1182"})
        return read(self, about)

    monkeypatch.setattr(store.RetentionStore, before, held_meanwhile)
    assert night() == {"erased": {}, "failed": 0, "finished": True}
    assert enrolment_of(ident).erased_at is None


@pytest.mark.parametrize("what", ["hold", "release"])
def test_a_repeated_hold_or_release_changes_nothing(what: str) -> None:
    ident = followed(1)
    report_change(ident, "hold", HOLD)
    body = HOLD if what == "hold" else {"by": "PC-1182"}
    report_change(ident, what, body)
    with unchanged(held):
        report_change(ident, what, body)


def test_a_hold_is_in_the_history_with_its_author() -> None:
    ident = followed(1)
    report_change(ident, "hold", HOLD)
    report_change(ident, "release", {"by": "PC-1182"})
    history = [each["what"] for each in shown(ident)["history"]]
    assert history[-2:] == ["held_proceedings", "released"]


@pytest.mark.parametrize(
    ("what", "body", "field"),
    [
        ("hold", {"reason": "curiosity", "by": "PC-1182"}, "reason"),
        ("hold", {"reason": "proceedings"}, "by"),
        ("release", {}, "by"),
    ],
)
def test_a_hold_needs_a_reason_and_an_author(what: str, body: dict[str, Any], field: str) -> None:
    answer = send_change(followed(1), what, body)
    assert (answer.status, answer.fields) == (422, [field])


@pytest.mark.parametrize("what", ["hold", "release"])
def test_an_unknown_order_cannot_be_held(what: str) -> None:
    body = HOLD if what == "hold" else {"by": "x"}
    assert send_change(UUID(int=1), what, body).status == 404


# Trial data


def test_trial_data_are_erased_years_later_and_the_audit_trail_stays(
    clock: Traveller, night_at: NightAt
) -> None:
    ident = someone_in(Arm.INTERVENTION, first=1)
    report_change(ident, "outcomes", ARREST)
    night_at(DUE)
    trail = audit_trail()
    assert night_at(MORNING + 13 * DAY + 3652 * DAY)["erased"] == {}
    clock.shift(DAY)
    assert night()["erased"] == {"trial_data": 1}
    left = {key: item for key, item in everything().items() if str(ident) in key.pk}
    assert {key.pk.partition("#")[0] for key in left} == {"history", "audit"}
    assert {item["kind"] for item in left.values()} == {"audit"}
    assert {item["what"] for item in left.values()} >= {"trial data erased", "identifiers erased"}
    assert trail.items() < audit_trail().items()
    gone = ("person#", "message#", "texted#")
    assert not [key for key in everything() if key.pk.startswith(gone)]


# Runs


def test_a_run_that_is_out_of_time_continues_the_next_night(clock: Traveller) -> None:
    for serial in range(3):
        followed(serial)
    clock.move_to(DUE)
    assert night(seconds=30) == {"erased": {"identifiers": 2}, "failed": 0, "finished": False}
    assert night() == {"erased": {"identifiers": 1}, "failed": 0, "finished": True}
    assert night() == {"erased": {}, "failed": 0, "finished": True}


def test_an_order_that_cannot_be_erased_does_not_stop_the_others(night_at: NightAt) -> None:
    first, second = followed(1), followed(2)
    broken = found(enrolment_key(first)) | {"respondent": {"sex": "male"}}
    put_item(enrolment_key(first), broken)
    assert night_at(DUE) == {"erased": {"identifiers": 1}, "failed": 1, "finished": True}
    assert enrolment_of(second).erased_at


def test_an_item_under_a_strange_key_does_not_stop_the_erasure_of_others(
    night_at: NightAt,
) -> None:
    ident = followed(1)
    old = {"kind": "enrolment", "retained": "identifiers", "last_day": "2026-01-01"}
    put_item(Key("nobody's", "enrolment"), old)
    assert night_at(DUE) == {"erased": {"identifiers": 1}, "failed": 1, "finished": True}
    assert enrolment_of(ident).erased_at


def test_a_contended_erasure_is_retried(clock: Traveller, monkeypatch: pytest.MonkeyPatch) -> None:
    ident = followed(1)
    clock.move_to(DUE)
    read = store.RetentionStore.traces
    times = iter(range(3))

    def changed_meanwhile(self: store.RetentionStore, enrolment: Enrolment) -> Traces:
        if next(times) < 2:
            change_enrolment(ident, breach_reported_at=MORNING)
        return read(self, enrolment)

    monkeypatch.setattr(store.RetentionStore, "traces", changed_meanwhile)
    assert night() == {"erased": {"identifiers": 1}, "failed": 0, "finished": True}
    assert enrolment_of(ident).breach_reported_at == MORNING


def test_more_traces_than_fit_into_a_transaction_are_erased_too(night_at: NightAt) -> None:
    ident = followed(1)
    keep_outcomes(ident, 120)
    assert night_at(DUE)["erased"] == {"identifiers": 1}
    assert left_of("CRIME-77") == []
    assert night_at(DUE + 4000 * DAY)["erased"] == {"trial_data": 1}
    assert not [key for key, item in everything().items() if item["kind"] == "outcome"]


def test_retention_reads_only_due_orders(clock: Traveller) -> None:
    due = followed(1)
    followed(2, order=LONGER)
    clock.move_to(DUE)
    with counting(clients.dynamodb(), "dynamodb.Query") as queries:
        night()
    values = [value for each in queries for value in each["ExpressionAttributeValues"].values()]
    partitions = {value["S"] for value in values if "enrolment#" in value.get("S", "")}
    assert partitions == {enrolment_partition(due)}


def test_the_index_lists_an_enrolment_by_the_data_that_it_still_has(night_at: NightAt) -> None:
    ident = followed(1)
    key = enrolment_key(ident)
    assert (found(key)["retained"], found(key)["last_day"]) == (Retained.IDENTIFIERS, "2026-12-14")
    report_change(ident, "hold", HOLD)
    assert found(key)["retained"] == Retained.HELD
    report_change(ident, "release", {"by": "PC-1182"})
    night_at(DUE)
    assert found(key)["retained"] == Retained.TRIAL_DATA


def test_a_run_counts_as_completed_only_if_nothing_is_left(
    clock: Traveller, emitted: Callable[[], dict[str, float]]
) -> None:
    first, _ = followed(1), followed(2)
    followed(3, order={"expires_on": "2026-12-15"})
    key = enrolment_key(first)
    whole = found(key)
    put_item(key, whole | {"respondent": {"sex": "male"}})
    clock.move_to(DUE)
    emitted()

    def counted(seconds: int = 300) -> set[str]:
        night(seconds)
        return set(emitted())

    assert counted() == {"ErasureFailed", "IdentifiersErased"}
    assert counted() == {"ErasureFailed"}
    put_item(key, whole)
    assert counted() == {"IdentifiersErased", "RetentionCompleted"}
    assert counted() == {"RetentionCompleted"}
    clock.move_to(DUE + DAY)
    assert counted(seconds=29) == {"IdentifiersErased", "RetentionCutShort"}
