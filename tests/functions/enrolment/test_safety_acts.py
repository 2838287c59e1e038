"""END, pause, suppress and protect: no stored data of others makes them impossible."""

import json
from collections.abc import Callable
from datetime import date, timedelta
from itertools import chain, repeat
from typing import Any
from uuid import UUID, uuid4

import pytest
from time_machine import Traveller

from enrolment import context, mobile
from enrolment.handler import lambda_handler as enrolment_handler
from tests.support.faults import before_write, counting, meddling, raising, refusal
from tests.support.life import CUSTODY, QUASHED, corrected, followed, send_change, stands, treated
from tests.support.samples import MORNING, TABLE, order
from tests.support.steps import Context, call, enrol, fire, post, someone_in
from tests.support.table import (
    change_enrolment,
    change_reminder,
    enrolment_of,
    everything,
    found,
    keep,
    number_hash_of,
    number_of,
    put_item,
    reminder_of,
)
from trial.aws import clients
from trial.aws.table import Key, Table
from trial.codes import Arm, ReminderState
from trial.records.enrolment import (
    MOST_HOLDS,
    FollowUp,
    Hold,
    LifeEvent,
    Missing,
    enrolment_key,
    follow_up_key,
)
from trial.records.person import Number, OrderOfPerson, Person, Use, number_key, person_key
from trial.retry import on_contention
from trial.settlement import bounds, follow_up, standing
from trial.settlement.store import SettlementStore

pytestmark = pytest.mark.usefixtures("cloud")

SHARED = "+447700900888"
LAST_DAY = date(2026, 12, 14)
MUCH_LATER = LAST_DAY + timedelta(days=14)


class Hurried(Context):
    """An invocation with the time that a test gives it."""

    left = 30_000

    @classmethod
    def get_remaining_time_in_millis(cls) -> int:
        return cls.left


def resume() -> int:
    answer = enrolment_handler({"follow_up": True}, Hurried())
    return int(answer["left"])


def crowd(
    number_hash: str,
    many: int,
    *,
    protecting: bool = True,
    until: date = LAST_DAY,
    arrival: int = 100,
) -> None:
    """Make many live orders name a number and, with `protecting`, protect it."""
    key, more = number_key(number_hash), {uuid4(): until for _ in range(many)}
    known, use = Number.of(found(key)), Use(last_day=until, arrival=arrival)
    protected = known.protected | (more if protecting else {})
    named = {"respondents": known.respondents | dict.fromkeys(more, use), "protected": protected}
    keep(key, known.model_copy(update=named))


def crowd_person(person_hash: str, many: int, *, until: date) -> None:
    """Give a person many live orders."""
    key, one = person_key(person_hash), OrderOfPerson(last_day=until, arrival=100)
    known = Person.of(found(key))
    more = {uuid4(): one for _ in range(many)}
    keep(key, known.model_copy(update={"enrolments": known.enrolments | more}))


# END


def test_an_end_writes_its_own_order_first_and_alone() -> None:
    ident = enrol(1, protected_numbers=["+447700900777"])
    with counting(clients.dynamodb(), "dynamodb.TransactWriteItems") as writes:
        assert send_change(ident, "end", QUASHED).status == 200
    first = [each for act in writes[0]["TransactItems"] for each in act.values()]
    keys = [(each.get("Item") or each["Key"])["pk"]["S"] for each in first]
    assert len(first) == 3  # the order, its audit entry, and the note of what is still to be done
    assert all(str(ident) in key for key in keys)


def test_an_end_of_an_order_that_protects_a_crowded_number_is_answered_and_stops_its_texts(
    clock: Traveller,
) -> None:
    ident = treated(protected_numbers=[SHARED])
    (hashed,) = enrolment_of(ident).protected_hashes
    crowd(hashed, 150)
    change_reminder(ident, 2, due_at=MORNING + timedelta(hours=3))
    assert send_change(ident, "end", QUASHED).status == 200
    clock.move_to(MORNING + timedelta(hours=3))
    assert fire(ident, 2) == "suppressed"
    assert reminder_of(ident, 2).state is ReminderState.SUPPRESSED


@pytest.mark.parametrize("what", ["BatchGetItem", "TransactWriteItems"])
def test_an_end_is_stored_even_if_its_follow_up_fails(what: str) -> None:
    ident = enrol(1)
    other = enrol(2, mobile={"number": SHARED})
    crowd(number_hash_of(other), 3)
    broken = raising(refusal("InternalServerError", status=500))
    calls = {"BatchGetItem": 2, "TransactWriteItems": 1}[what]

    def after_its_own() -> None:
        nonlocal calls
        calls -= 1
        if calls < 0:
            broken()

    moment = f"before-call.dynamodb.{what}"
    with meddling(clients.dynamodb(), moment, after_its_own, times=calls + 1):
        answer = send_change(ident, "end", QUASHED)
    assert answer.status == 200
    assert stands(ident)[0] == "ended"
    assert found(follow_up_key(ident))["done"] is False
    assert resume() == 0
    assert found(follow_up_key(ident))["done"] is True
    person = found(person_key(enrolment_of(ident).person_hash))
    assert person["enrolments"][str(ident)]["last_day"] == "2026-11-30"


def test_an_end_is_stored_however_often_others_change_the_order_meanwhile(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Whoever floods an order with changes delays its end, and does not prevent it."""
    monkeypatch.setitem(on_contention.__kwdefaults__ or {}, "pause", lambda _: None)
    ident = enrol(1)

    def change_it_first() -> None:
        known = enrolment_of(ident)
        change_enrolment(ident, version=known.version + 1)

    with before_write(change_it_first, times=10):
        assert send_change(ident, "end", QUASHED).status == 200
    assert stands(ident)[0] == "ended"


# Protection


def test_a_protected_number_is_stopped_even_if_the_follow_up_was_cut_short(
    clock: Traveller, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also when there is no time to follow up, or the process dies: the number record is enough."""
    treated = someone_in(Arm.INTERVENTION)
    change_reminder(treated, 2, due_at=MORNING, state=ReminderState.SCHEDULED)
    monkeypatch.setattr(follow_up, "LONGEST", -1)
    answer = post(order(900, protected_numbers=[number_of(treated)]))
    assert answer.status == 202
    assert enrolment_of(treated).mobile.unsafe is False
    assert clock
    assert fire(treated, 2) == "suppressed"
    assert reminder_of(treated, 2).reason == "unsafe_number"
    assert resume() == 0
    assert enrolment_of(treated).mobile.unsafe is True
    entries = [item["what"] for item in everything().values() if item["kind"] == "audit"]
    assert entries.count("number_protected") == 1


def test_a_follow_up_cut_short_continues_where_it_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    users = [enrol(serial, mobile={"number": SHARED}) for serial in range(1, 4)]
    monkeypatch.setattr(follow_up, "LONGEST", -1)
    protecting = post(order(900, protected_numbers=[SHARED])).body["enrolment_id"]
    Hurried.left = 0
    assert resume() == 1
    Hurried.left = 30_000
    assert resume() == 0
    assert [stands(each) for each in users] == [("waiting", ["unsafe_number"])] * 3
    assert stands(protecting)[0] == "eligible"


def test_an_order_that_waits_for_a_freed_number_is_updated_after_a_follow_up_cut_short(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    first, *_, last = (enrol(serial, mobile={"number": SHARED}) for serial in range(1, 5))
    assert stands(last) == ("waiting", ["unsafe_number"])
    with monkeypatch.context() as patch:
        patch.setattr(follow_up, "LONGEST", -1)
        assert send_change(first, "mobile", {"number": "+447700900111"}).status == 200
    assert stands(last) == ("waiting", ["unsafe_number"])
    assert resume() == 0
    assert stands(last) == ("eligible", [])


def test_an_order_that_cannot_be_updated_stays_noted_and_does_not_stop_the_others() -> None:
    first, second = (enrol(serial, mobile={"number": SHARED}) for serial in (1, 2))
    change_enrolment(first, trial="of no protocol")
    ruled_out = {"number": SHARED, "reason": "wrong_number", "by": "ops-1"}
    assert call("POST", "/suppressions", ruled_out).status == 201
    assert stands(second) == ("waiting", ["suppressed_number"])
    assert resume() == 1


@pytest.mark.parametrize("broken", ["note", "order"])
def test_a_note_or_an_order_that_cannot_be_read_does_not_stop_the_other_follow_ups(
    monkeypatch: pytest.MonkeyPatch, broken: str
) -> None:
    user = enrol(1, mobile={"number": SHARED})
    monkeypatch.setattr(follow_up, "LONGEST", -1)
    post(order(900, protected_numbers=[SHARED]))
    for ident in (UUID(int=0), UUID(int=2**128 - 1)):  # before and after the other note
        note = FollowUp(enrolment_id=ident, version=1, by="somebody").item()
        spoilt = {"version": "one"} if broken == "note" else {}
        put_item(follow_up_key(ident), note | spoilt)
        put_item(enrolment_key(ident), {"kind": "enrolment"})
    assert resume() == 2
    assert stands(user) == ("waiting", ["unsafe_number"])


def test_no_follow_up_that_takes_all_the_time_keeps_the_others_waiting(
    clock: Traveller, monkeypatch: pytest.MonkeyPatch
) -> None:
    noted = {UUID(int=number) for number in range(3)}
    for ident in noted:
        keep(follow_up_key(ident), FollowUp(enrolment_id=ident, version=1, by="somebody"))
    begun = set()

    def endless(note: FollowUp, *_: object, **__: object) -> follow_up.FollowedUp:
        begun.add(note.enrolment_id)
        return follow_up.FollowedUp((), (UUID(int=0),))

    monkeypatch.setattr(context, "follow_up_again", endless)
    monkeypatch.setattr(Hurried, "left", 0)
    for _ in noted:
        assert resume() == 1
        clock.shift(timedelta(minutes=15))
    assert begun == noted


def test_a_follow_up_for_too_many_begins_with_others_each_time(
    clock: Traveller, monkeypatch: pytest.MonkeyPatch
) -> None:
    users = [enrol(serial, mobile={"number": SHARED}) for serial in range(1, 4)]
    monkeypatch.setattr(follow_up, "LONGEST", -1)
    post(order(900, protected_numbers=[SHARED]))
    for _ in range(5):
        time_for_one = Context(chain([30_000], repeat(0)))
        assert enrolment_handler({"follow_up": True}, time_for_one) == {"left": 1}
        clock.shift(timedelta(minutes=15))
    assert [stands(each) for each in users] == [("waiting", ["unsafe_number"])] * 3


@pytest.mark.parametrize("key", [person_key, number_key], ids=["person", "number"])
def test_an_end_is_answered_though_a_record_about_its_person_or_number_cannot_be_read(
    key: Callable[[str], Key],
) -> None:
    ident = enrol(1)
    about = enrolment_of(ident).person_hash if key is person_key else number_hash_of(ident)
    put_item(key(about), {"kind": "nothing"})
    assert send_change(ident, "end", QUASHED).status == 200
    assert stands(ident)[0] == "ended"


def test_a_note_of_a_later_change_is_not_forgotten() -> None:
    ident = enrol(1)
    done = enrolment_of(ident)
    later = FollowUp(enrolment_id=ident, version=done.version + 1, by="somebody")
    keep(follow_up_key(ident), later)
    SettlementStore(Table(clients.dynamodb(), TABLE)).forget(ident, done.version)
    assert found(follow_up_key(ident))["done"] is False


@pytest.mark.parametrize("then", ["end", "mobile"])
def test_a_follow_up_cut_short_is_not_forgotten_with_that_of_a_later_change(
    monkeypatch: pytest.MonkeyPatch, then: str
) -> None:
    user, other = enrol(1, mobile={"number": SHARED}), enrol(2)
    with monkeypatch.context() as patch:
        patch.setattr(follow_up, "LONGEST", -1)
        protecting = post(order(900, protected_numbers=[SHARED])).body["enrolment_id"]
    assert stands(user) == ("eligible", [])
    body = {"end": CUSTODY, "mobile": {"number": number_of(other)}}[then]
    assert send_change(protecting, then, body).status == 200
    assert resume() == 0
    assert stands(user) == ("waiting", ["unsafe_number"])
    assert found(follow_up_key(protecting))["done"] is True
    assert resume() == 0


def test_an_order_may_protect_a_number_that_hundreds_of_orders_use() -> None:
    user = enrol(1, mobile={"number": SHARED})
    crowd(number_hash_of(user), 150, protecting=False)
    assert post(order(900, protected_numbers=[SHARED])).status == 202
    resume()
    assert stands(user) == ("waiting", ["unsafe_number"])


# Nothing grows without bound

MOST_EVENTS = MOST_NUMBERS = MOST_REPORTS = 5
MOST_ORDERS = 20


@pytest.fixture
def _bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    """Smaller ones, so that they are soon met."""
    monkeypatch.setattr(bounds, "MOST_EVENTS", MOST_EVENTS)
    monkeypatch.setattr(bounds, "MOST_NUMBERS", MOST_NUMBERS)
    monkeypatch.setattr(mobile, "MOST_REPORTS", MOST_REPORTS)
    monkeypatch.setattr(standing, "MOST_ORDERS", MOST_ORDERS)


@pytest.fixture
def busy(_bounds: None) -> UUID:
    """An order with more reports than an item may hold."""
    ident = enrol(1)
    numbers = [f"+4477009001{each:02}" for each in range(MOST_NUMBERS + 4)]
    for number in (*numbers, *numbers[:3]):
        assert send_change(ident, "mobile", {"number": number}).status == 200
    return ident


def test_former_numbers_are_bounded_and_each_is_listed_for_erasure(busy: UUID) -> None:
    kept = enrolment_of(busy)
    assert len(kept.former_numbers) == MOST_NUMBERS
    numbers = {key: item for key, item in everything().items() if item["kind"] == "number"}
    assert "retained" not in numbers.pop(number_key(number_hash_of(busy)))
    listed = {(item["retained"], item["last_day"]) for item in numbers.values()}
    assert listed == {("idle_numbers", "2026-12-01")}


@pytest.mark.usefixtures("_bounds")
def test_a_former_number_that_others_use_remains_theirs() -> None:
    other = enrol(2, mobile={"number": "+447700900100"})
    ident = enrol(1, mobile={"number": "+447700900100"})
    for each in range(1, MOST_NUMBERS + 5):
        body = {"number": f"+4477009001{each:02}"}
        assert send_change(ident, "mobile", body).status == 200
    number = found(number_key(number_hash_of(other)))
    assert set(number["respondents"]) == {str(other)}


@pytest.mark.usefixtures("_bounds")
def test_reports_of_a_missing_number_are_bounded_and_the_first_is_kept(clock: Traveller) -> None:
    ident = enrol(1, mobile={"missing_reason": "no_phone"})
    assert send_change(ident, "mobile", {"number": SHARED}).status == 200
    for serial in range(MOST_REPORTS):
        clock.shift(60)
        missing = {"missing_reason": "refused", "recorded_by": f"PC-{serial}"}
        for body in (missing, {"number": SHARED, "resolved_how": "officer_visit"}):
            assert send_change(ident, "mobile", body).status == 200
    reports = enrolment_of(ident).missing
    assert len(reports) == MOST_REPORTS
    assert reports[0].reason == "no_phone"
    assert reports[-1].recorded_by == f"PC-{MOST_REPORTS - 1}"


@pytest.mark.usefixtures("_bounds")
def test_ends_and_returns_are_bounded_and_the_ones_that_count_are_kept(clock: Traveller) -> None:
    ident = enrol(1)
    first = QUASHED | {"at": "2026-12-01T09:00:00Z"}
    assert send_change(ident, "end", first).status == 200
    for minute in range(MOST_EVENTS + 3):
        clock.shift(60)
        again = QUASHED | {"at": f"{MORNING + timedelta(minutes=minute):%Y-%m-%dT%H:%M:%SZ}"}
        assert send_change(ident, "end", again).status == 200
    kept = enrolment_of(ident)
    assert len(kept.life) <= MOST_EVENTS
    assert kept.end
    assert kept.end.at == MORNING.replace(hour=9, minute=0)


@pytest.mark.usefixtures("_bounds")
@pytest.mark.parametrize("events", [1, MOST_EVENTS, MOST_EVENTS + 1])
def test_a_repeated_event_changes_nothing_whether_it_is_stored_or_not(events: int) -> None:
    ident = enrol(1)
    bodies = [
        QUASHED | {"at": f"{MORNING - timedelta(minutes=minute):%Y-%m-%dT%H:%M:%SZ}"}
        for minute in range(events)
    ]
    for body in bodies:
        send_change(ident, "end", body)
    before = enrolment_of(ident)
    for body in bodies:
        assert send_change(ident, "end", body).status == 200
    after = enrolment_of(ident)
    assert (after.end, len(after.life)) == (before.end, len(before.life))


@pytest.mark.usefixtures("_bounds")
def test_a_number_s_and_a_person_s_items_name_a_bounded_number_of_orders() -> None:
    ident = enrol(1)
    kept = enrolment_of(ident)
    crowd(kept.mobile.number_hash or "", MOST_ORDERS + 50)
    crowd_person(kept.person_hash, MOST_ORDERS + 50, until=LAST_DAY)
    assert send_change(ident, "service", {"served_on": "2026-12-01"}).status == 200
    send_change(ident, "mobile", {"missing_reason": "refused"})
    number = Number.of(found(number_key(kept.mobile.number_hash or "")))
    person = Person.of(found(person_key(kept.person_hash)))
    assert len(number.respondents) == MOST_ORDERS - 1  # it has given the number up
    assert len(person.enrolments) == MOST_ORDERS


@pytest.mark.usefixtures("_bounds")
@pytest.mark.parametrize("protecting", [True, False])
def test_an_order_that_does_not_fit_into_a_number_s_item_is_unsafe(*, protecting: bool) -> None:
    first = enrol(1, mobile={"number": SHARED})
    hashed = number_hash_of(first)
    crowd(hashed, MOST_ORDERS + 5, protecting=protecting, until=MUCH_LATER, arrival=0)
    assert stands(enrol(2, mobile={"number": SHARED})) == ("waiting", ["unsafe_number"])


@pytest.mark.usefixtures("_bounds")
def test_later_orders_never_displace_the_first_order_with_a_number() -> None:
    first = enrol(1)
    hashed = number_hash_of(first)
    crowd(hashed, MOST_ORDERS + 5, protecting=False, until=MUCH_LATER)
    changed = corrected(1, court="Durham Magistrates' Court")
    assert send_change(first, "order", changed).status == 200
    assert first in Number.of(found(number_key(hashed))).respondents
    assert stands(first) == ("eligible", [])


@pytest.mark.usefixtures("_bounds")
def test_later_orders_never_hide_that_a_person_is_in_the_trial() -> None:
    first = followed(1, respondent={"person_id": "A1234BC"})
    crowd_person(enrolment_of(first).person_hash, MOST_ORDERS + 5, until=MUCH_LATER)
    for serial in (2, 3):
        another = enrol(serial, respondent={"person_id": "A1234BC"})
        assert stands(another) == ("ineligible", ["already_in_trial"])


def test_no_item_comes_near_dynamodb_s_limit_of_400_kilobytes() -> None:
    ident = enrol(1)
    kept = enrolment_of(ident)
    assert kept.mobile.number_hash
    by = "x" * 120
    missing = Missing(reason="refused", recorded_by=by, recorded_at=MORNING, resolved_how=by)
    full = kept.model_copy(
        update={
            "missing": (missing,) * mobile.MOST_REPORTS,
            "life": (LifeEvent(reason="quashed", at=MORNING, by=by),) * bounds.MOST_EVENTS,
            "other_holds": (Hold(reason="complaint", at=MORNING, by=by),) * MOST_HOLDS,
            "former_numbers": (kept.mobile.number_hash,) * bounds.MOST_NUMBERS,
        }
    )
    orders = {uuid4(): LAST_DAY for _ in range(standing.MOST_ORDERS)}
    users = dict.fromkeys(orders, Use(last_day=LAST_DAY, arrival=10**9))
    one = OrderOfPerson(last_day=LAST_DAY, fit_until=LAST_DAY, arrival=10**9)
    theirs = dict.fromkeys(orders, one)
    for record in (full, Number(respondents=users, protected=orders), Person(enrolments=theirs)):
        assert len(json.dumps(record.item())) < 50_000


def test_the_event_that_resumes_follow_ups_is_the_template_s(template: dict[str, Any]) -> None:
    target = template["Resources"]["FollowingUp"]["Properties"]["Target"]
    assert json.loads(target["Input"]) == {"follow_up": True}
