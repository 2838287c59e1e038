"""Every gap between what should have happened and what did, made and then looked for."""

import json
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from io import StringIO
from itertools import count
from typing import Any
from uuid import UUID

import pytest
import time_machine
from botocore.exceptions import ReadTimeoutError

from reconciliation import handler
from reconciliation.store import ReconciliationStore
from tests.support.faults import counting, hooked, meddling, raising, refusal, without_the_group
from tests.support.samples import MORNING, TABLE, sample
from tests.support.steps import Context, allocate, call, enrol, failures, fire, schedule, someone_in
from tests.support.table import (
    allocation_of,
    change_enrolment,
    change_reminder,
    enrolment_of,
    everything,
    found,
    keep,
    keep_stray,
    reminder_of,
    reminders_of,
    to_wire,
    wired,
)
from trial.aws import clients
from trial.aws.schedules import Schedules
from trial.aws.table import Key, Table
from trial.codes import Arm, EndReason, ReminderState, Status, Suppression
from trial.config import SchedulingSettings, settings
from trial.records.audit import AuditEntry, audit_key
from trial.records.enrolment import LifeEvent
from trial.records.person import Number, Use, number_key
from trial.records.receipt import Receipt, Stray, message_key, stray_key
from trial.records.reminder import OPEN_STATES, SHARDS, TROUBLED, Reminder, reminder_key
from trial.records.switch import SWITCH_KEY, Switch

SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
FRESH = 6 * HOUR

pytestmark = pytest.mark.usefixtures("cloud")


def invocation(seconds: int = 300) -> Context:
    """One that has so much time left, less a second for every look at the clock."""
    return Context(count(seconds * 1000, -1000))


def look(seconds: int = 300) -> dict[str, Any]:
    return handler.lambda_handler(sample("reconciliation-hourly"), invocation(seconds))


def gaps() -> dict[str, int]:
    report = look()
    assert report["finished"]
    counted: dict[str, int] = report["gaps"]
    return counted


def proof() -> dict[str, int]:
    report = handler.lambda_handler(sample("reconciliation-proof"), invocation())
    assert report["finished"]
    counted: dict[str, int] = report["gaps"]
    return counted


def schedules() -> Schedules:
    return Schedules(clients.scheduler(), settings(SchedulingSettings))


def scheduled(enrolment_id: UUID) -> dict[int, str]:
    """When each reminder's schedule fires."""
    group = settings(SchedulingSettings).schedule_group
    names = {one.number: one.name for one in schedules().found(enrolment_id) if one.number}
    return {
        number: clients.scheduler().get_schedule(Name=name, GroupName=group)["ScheduleExpression"]
        for number, name in names.items()
    }


def at(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("at(%Y-%m-%dT%H:%M:%S)")


def texts() -> int:
    """How many texts were ever disclosed to the provider, by the audit trail."""
    return sum("disclosed" in item.get("what", "") for item in everything().values())


@pytest.fixture
def treated() -> UUID:
    """Somebody whose reminders all have their schedules, a day before the second is due."""
    enrolment_id = someone_in(Arm.INTERVENTION)
    schedule(enrolment_id)
    return enrolment_id


@pytest.fixture
def second(treated: UUID, clock: time_machine.Traveller) -> Reminder:
    """Their second reminder, an hour before it is due; the first is over."""
    change_reminder(treated, 1, state=ReminderState.DELIVERED)
    reminder = reminder_of(treated, 2)
    clock.move_to(reminder.due_at - HOUR)
    return reminder


def forget_schedule(reminder: Reminder) -> None:
    """As if it had fired in vain, or had never been made."""
    assert schedules().remove(reminder.enrolment_id, reminder.number)


def leave_claimed(reminder: Reminder, clock: time_machine.Traveller) -> None:
    """Fire it, and let the provider's answer be lost."""
    clock.move_to(reminder.due_at)
    forget_schedule(reminder)
    lost = ReadTimeoutError(endpoint_url="https://sns")
    with meddling(clients.sns(), "before-call.sns.Publish", raising(lost)):
        assert fire(reminder.enrolment_id, reminder.number) == "unsure"


def turn(*, paused: bool) -> None:
    body = {"paused": paused, "reason": "a test", "by": "S-0417"}
    assert call("PUT", "/sending", body).status == 200


def leave_stray(
    enrolment_id: UUID, published_at: datetime, state: Any = ReminderState.DELIVERED
) -> Stray:
    """A receipt for a text to somebody's number, whose reminder receipts did not know."""
    receipt = Receipt(
        message_id=f"message-{published_at:%d-%H-%M-%S}",
        published_at=published_at,
        at=published_at + MINUTE,
        state=state,
    )
    number_hash = enrolment_of(enrolment_id).mobile.number_hash
    assert number_hash
    stray = Stray(receipt=receipt, number_hash=number_hash)
    keep_stray(stray)
    return stray


def indexed() -> set[Key]:
    """All that the index of open reminders holds, whenever due."""
    table = Table(clients.dynamodb(), TABLE)
    return {key for shard in SHARDS for key in table.by_due(shard, until="9999")}


def assert_index_is_true() -> None:
    open_now = {
        key
        for key, item in everything().items()
        if item["kind"] == "reminder" and item["state"] in OPEN_STATES
    }
    assert indexed() == open_now


# --- the index --------------------------------------------------------------------------------


def test_the_index_holds_just_the_open_reminders_all_along(
    treated: UUID, clock: time_machine.Traveller
) -> None:
    assert_index_is_true()
    first, later = reminders_of(treated)[:2]
    clock.move_to(first.due_at)
    assert fire(treated, 1) == "sent"
    assert reminder_of(treated, 1).state is ReminderState.SENT
    assert_index_is_true()
    clock.move_to(later.due_at)
    with meddling(clients.sns(), "before-call.sns.Publish", raising(refusal("OptedOut"))):
        assert fire(treated, 2) == "failed"
    assert_index_is_true()
    end = {"reason": "in_custody", "at": later.due_at.isoformat(), "by": "PC-1182"}
    assert call("POST", f"/enrolments/{treated}/end", end).status == 200
    schedule(treated)
    assert_index_is_true()
    assert len(indexed()) == 1  # the one sent, whose receipt is awaited
    clock.shift(HOUR)
    back = {"at": (later.due_at + HOUR).isoformat(), "by": "PC-1182"}
    assert call("POST", f"/enrolments/{treated}/resume", back).status == 200
    schedule(treated)
    assert_index_is_true()
    assert len(indexed()) == 6


def test_a_reminder_is_read_back_as_it_was_stored(treated: UUID) -> None:
    assert found(reminder_key(treated, 2))["open_shard"] in SHARDS
    assert reminder_of(treated, 2).item() == found(reminder_key(treated, 2))


def test_only_what_is_due_is_read(treated: UUID, second: Reminder) -> None:
    with counting(clients.dynamodb(), "dynamodb.BatchGetItem") as reads:
        assert look()["looked_at"] == 1
    assert len(reads) == 3  # the switch, where a proof stopped, and one reminder of those open
    assert len(indexed()) == 6
    assert second.enrolment_id == treated


# --- schedules --------------------------------------------------------------------------------


def test_where_nothing_is_amiss_nothing_is_done(treated: UUID, second: Reminder) -> None:
    before, timed = everything(), scheduled(treated)
    assert timed[2] == at(second.due_at)
    assert gaps() == {}
    assert everything() == before
    assert scheduled(treated) == timed


def test_a_schedule_that_is_missing_is_made(treated: UUID, second: Reminder) -> None:
    before = scheduled(treated)
    forget_schedule(second)
    assert gaps() == {"not_scheduled": 1}
    assert scheduled(treated) == before
    assert gaps() == {}


def test_a_schedule_at_another_time_is_made_anew(treated: UUID, second: Reminder) -> None:
    forget_schedule(second)
    schedules().ensure(treated, 2, due_at=second.due_at + 3 * DAY, now=MORNING)
    assert gaps() == {"not_scheduled": 1}
    assert scheduled(treated)[2] == at(second.due_at)


def test_what_scheduling_never_heard_of_is_scheduled(clock: time_machine.Traveller) -> None:
    enrolment_id = someone_in(Arm.INTERVENTION)
    reminder = reminder_of(enrolment_id, 2)
    assert reminder.state is ReminderState.PLANNED
    clock.move_to(reminder.due_at - HOUR)
    assert gaps()["not_scheduled"] == 1
    assert scheduled(enrolment_id) == {2: at(reminder.due_at)}
    assert reminder_of(enrolment_id, 2).state is ReminderState.SCHEDULED


def test_scheduling_gets_its_time(clock: time_machine.Traveller) -> None:
    enrolment_id = someone_in(Arm.INTERVENTION)
    clock.shift(9 * MINUTE)
    assert gaps() == {}
    assert scheduled(enrolment_id) == {}


def test_an_end_that_scheduling_never_heard_of_is_carried_out(
    treated: UUID, second: Reminder
) -> None:
    life = (LifeEvent(reason=EndReason.QUASHED, at=second.due_at - DAY, by="PC-1182"),)
    change_enrolment(treated, status=Status.ENDED, life=life)
    assert gaps() == {"not_sent": 1}
    assert reminder_of(treated, 2).reason == Suppression.ENDED
    assert 2 not in scheduled(treated)


def test_a_return_meanwhile_keeps_a_reminder_from_being_called_off(
    treated: UUID, second: Reminder
) -> None:
    change_enrolment(treated, status=Status.ENDED)

    def come_back() -> None:
        change_enrolment(treated, status=Status.ALLOCATED)

    with meddling(clients.dynamodb(), "before-call.dynamodb.TransactWriteItems", come_back):
        assert gaps() == {"not_reconciled": 1}
    assert reminder_of(treated, 2) == second
    assert gaps() == {"not_scheduled": 1}


# --- due and unclaimed ------------------------------------------------------------------------


def test_what_is_due_and_was_not_fired_is_fired_in_a_minute(
    treated: UUID, second: Reminder, clock: time_machine.Traveller
) -> None:
    forget_schedule(second)
    clock.move_to(second.due_at + 10 * MINUTE)
    assert gaps() == {"not_fired": 1}
    assert scheduled(treated)[2] == at(second.due_at + 11 * MINUTE)
    assert gaps() == {}
    clock.shift(MINUTE)
    assert fire(treated, 2) == "sent"


def test_sending_gets_its_time(second: Reminder, clock: time_machine.Traveller) -> None:
    forget_schedule(second)
    clock.move_to(second.due_at + 9 * MINUTE)
    assert gaps() == {}


def test_nothing_is_fired_while_sending_is_paused(
    treated: UUID, second: Reminder, clock: time_machine.Traveller
) -> None:
    turn(paused=True)
    forget_schedule(second)
    clock.move_to(second.due_at + FRESH)
    assert gaps() == {}
    assert 2 not in scheduled(treated)
    turn(paused=False)
    assert gaps() == {"not_fired": 1}


def test_what_will_be_due_is_scheduled_even_while_sending_is_paused(
    treated: UUID, second: Reminder
) -> None:
    turn(paused=True)
    forget_schedule(second)
    assert gaps() == {"not_scheduled": 1}
    assert scheduled(treated)[2] == at(second.due_at)


@pytest.mark.parametrize(
    ("paused", "reason"), [(False, Suppression.STALE), (True, Suppression.PAUSED)]
)
def test_what_is_no_longer_fresh_is_suppressed_for_good(
    treated: UUID,
    second: Reminder,
    clock: time_machine.Traveller,
    *,
    paused: bool,
    reason: Suppression,
) -> None:
    turn(paused=paused)
    clock.move_to(second.due_at + FRESH + MINUTE)
    assert gaps() == {"not_sent": 1}
    after = reminder_of(treated, 2)
    assert (after.state, after.reason) == (ReminderState.SUPPRESSED, reason)
    assert 2 not in scheduled(treated)
    assert_index_is_true()
    turn(paused=False)
    assert fire(treated, 2) == "nothing_to_do"
    assert gaps() == {}


def test_a_claim_meanwhile_stands(
    treated: UUID, second: Reminder, clock: time_machine.Traveller
) -> None:
    clock.move_to(second.due_at + FRESH + MINUTE)

    def claim() -> None:
        change_reminder(treated, 2, state=ReminderState.CLAIMED, claimed_at=datetime.now(UTC))

    with meddling(clients.dynamodb(), "before-call.dynamodb.TransactWriteItems", claim):
        assert gaps() == {"not_reconciled": 1}
    assert reminder_of(treated, 2).state is ReminderState.CLAIMED


def test_a_move_to_another_day_meanwhile_stands(
    treated: UUID, second: Reminder, clock: time_machine.Traveller
) -> None:
    clock.move_to(second.due_at + FRESH + MINUTE)

    def move() -> None:
        change_reminder(treated, 2, due_at=second.due_at + DAY)

    with meddling(clients.dynamodb(), "before-call.dynamodb.TransactWriteItems", move):
        assert gaps() == {"not_reconciled": 1}
    assert reminder_of(treated, 2).state is ReminderState.SCHEDULED


# --- claimed ----------------------------------------------------------------------------------


def test_a_claim_that_nobody_closed_becomes_unknown_and_is_told(
    treated: UUID,
    second: Reminder,
    clock: time_machine.Traveller,
    caplog: pytest.LogCaptureFixture,
) -> None:
    leave_claimed(second, clock)
    clock.shift(15 * MINUTE)
    assert gaps() == {}
    clock.shift(timedelta(seconds=1))
    assert gaps() == {"unknown": 1}
    (told,) = [vars(record) for record in caplog.records if record.message == "gap found"]
    assert (told["levelname"], told["gap"]) == ("ERROR", "unknown")
    assert (told["enrolment_id"], told["reminder"]) == (str(treated), 2)
    assert reminder_of(treated, 2).state is ReminderState.UNKNOWN
    assert_index_is_true()
    assert gaps() == {}
    assert fire(treated, 2) == "nothing_to_do"
    assert texts() == 1


@pytest.mark.parametrize("state", [ReminderState.DELIVERED, ReminderState.UNDELIVERED])
def test_a_stray_receipt_settles_a_claim(
    treated: UUID, second: Reminder, clock: time_machine.Traveller, state: ReminderState
) -> None:
    leave_claimed(second, clock)
    stray = leave_stray(treated, second.due_at + SECOND, state)
    clock.shift(HOUR)
    assert gaps() == {"found_sent": 1}
    after = reminder_of(treated, 2)
    assert after.state is state
    assert after.message_id == stray.receipt.message_id
    assert after.sent_at == stray.receipt.published_at
    assert stray_key(stray) not in everything()
    assert found(message_key(stray.receipt.message_id))["kind"] == "message"
    assert_index_is_true()


def test_a_receipt_that_comes_days_later_settles_what_was_unknown(
    treated: UUID, second: Reminder, clock: time_machine.Traveller
) -> None:
    leave_claimed(second, clock)
    clock.shift(HOUR)
    assert gaps() == {"unknown": 1}
    clock.shift(60 * HOUR)
    leave_stray(treated, second.due_at + SECOND, ReminderState.UNDELIVERED)
    assert gaps()["found_sent"] == 1
    assert reminder_of(treated, 2).state is ReminderState.UNDELIVERED
    assert_index_is_true()


def test_an_unknown_one_is_looked_at_no_more_when_no_receipt_can_come(
    treated: UUID, second: Reminder, clock: time_machine.Traveller
) -> None:
    leave_claimed(second, clock)
    clock.shift(HOUR)
    assert gaps() == {"unknown": 1}
    assert everything()[reminder_key(treated, 2)]["open_shard"] in SHARDS
    clock.shift(72 * HOUR)
    gaps()
    assert reminder_of(treated, 2).state is ReminderState.UNKNOWN
    assert everything()[reminder_key(treated, 2)]["open_shard"] == TROUBLED


@pytest.mark.parametrize("apart", [-MINUTE, MINUTE])
def test_a_stray_receipt_of_another_time_settles_nothing(
    treated: UUID, second: Reminder, clock: time_machine.Traveller, apart: timedelta
) -> None:
    leave_claimed(second, clock)
    leave_stray(treated, second.due_at + apart)
    clock.shift(HOUR)
    assert gaps() == {"unknown": 1}


def sharers(clock: time_machine.Traveller) -> tuple[list[UUID], datetime]:
    """Two people with one phone, each with an unsure text of one moment."""
    both = [someone_in(Arm.INTERVENTION, first=serial) for serial in (1, 100)]
    number_hash = enrolment_of(both[0]).mobile.number_hash or ""
    change_enrolment(both[1], mobile=enrolment_of(both[0]).mobile)
    known = Number.of(found(number_key(number_hash)))
    use = Use(last_day=enrolment_of(both[1]).order.last_day, arrival=known.version)
    respondents = known.respondents | {both[1]: use}
    keep(number_key(number_hash), known.model_copy(update={"respondents": respondents}))
    due_at = reminder_of(both[0], 2).due_at
    clock.move_to(due_at)
    for enrolment_id in both:
        for reminder in reminders_of(enrolment_id):
            change_reminder(enrolment_id, reminder.number, state=ReminderState.DELIVERED)
        claimed = {"state": ReminderState.CLAIMED, "claimed_at": due_at, "due_at": due_at}
        change_reminder(enrolment_id, 2, **claimed)
    return both, due_at


def test_a_receipt_that_may_be_of_either_of_two_unsure_texts_settles_neither(
    clock: time_machine.Traveller,
) -> None:
    both, due_at = sharers(clock)
    stray = leave_stray(both[0], due_at)
    clock.shift(HOUR)
    assert gaps() == {"unknown": 2}
    assert stray_key(stray) in everything()


@pytest.mark.parametrize("other", [{"state": ReminderState.SENT}, {"claimed_at": MORNING}])
def test_a_receipt_for_a_shared_number_settles_the_one_text_that_it_can_be_of(
    clock: time_machine.Traveller, other: dict[str, Any]
) -> None:
    both, due_at = sharers(clock)
    change_reminder(both[1], 2, **other)
    leave_stray(both[0], due_at)
    clock.shift(HOUR)
    assert gaps()["found_sent"] == 1
    assert reminder_of(both[0], 2).state is ReminderState.DELIVERED


@pytest.mark.parametrize("state", [ReminderState.PLANNED, ReminderState.SCHEDULED])
def test_a_text_of_others_settles_no_reminder_that_was_not_claimed(
    treated: UUID, second: Reminder, clock: time_machine.Traveller, state: ReminderState
) -> None:
    """Whoever may publish from this account could make texts delivered that never went."""
    change_reminder(treated, 2, state=state)
    clock.move_to(second.due_at + HOUR)
    leave_stray(treated, second.due_at + SECOND)
    assert "found_sent" not in gaps()
    assert reminder_of(treated, 2).state in (ReminderState.PLANNED, ReminderState.SCHEDULED)


# --- sent -------------------------------------------------------------------------------------


def test_what_no_receipt_came_for_in_72_hours_is_unconfirmed(
    treated: UUID, second: Reminder, clock: time_machine.Traveller
) -> None:
    clock.move_to(second.due_at)
    assert fire(treated, 2) == "sent"
    clock.shift(72 * HOUR)
    assert "unconfirmed" not in gaps()
    clock.shift(MINUTE)
    assert gaps()["unconfirmed"] == 1
    assert reminder_of(treated, 2).state is ReminderState.UNCONFIRMED
    assert_index_is_true()


# --- the run itself ---------------------------------------------------------------------------


def test_one_that_cannot_be_read_keeps_no_other_from_being_looked_at(
    clock: time_machine.Traveller,
) -> None:
    broken, sound = (someone_in(Arm.INTERVENTION, first=serial) for serial in (1, 100))
    raw = wired(reminder_key(broken, 2)) | {
        name: to_wire(value)
        for name, value in found(reminder_key(broken, 2)).items()
        if name != "theme"
    }
    clients.dynamodb().put_item(TableName=TABLE, Item=raw)
    clock.move_to(max(reminder_of(sound, 7).due_at, MORNING) + DAY)
    counted = gaps()
    assert counted["not_reconciled"] == 1
    assert counted["not_sent"] == 13
    assert {each.state for each in reminders_of(sound)} == {ReminderState.SUPPRESSED}


@pytest.mark.parametrize("code", ["ThrottlingException", "AccessDeniedException"])
def test_one_that_cannot_be_written_keeps_no_other_from_it(
    clock: time_machine.Traveller, code: str
) -> None:
    enrolment_id = someone_in(Arm.INTERVENTION)
    clock.move_to(reminder_of(enrolment_id, 7).due_at + DAY)
    refused = raising(refusal(code))
    with meddling(clients.dynamodb(), "before-call.dynamodb.TransactWriteItems", refused):
        assert gaps() == {"not_reconciled": 1, "not_sent": 6}
    assert gaps() == {"not_sent": 1}


def test_it_turns_every_page(clock: time_machine.Traveller) -> None:
    enrolment_id = someone_in(Arm.INTERVENTION)
    clock.move_to(reminder_of(enrolment_id, 7).due_at + DAY)

    def one_a_page(params: dict[str, Any], **_: Any) -> None:
        params["Limit"] = 1

    with hooked(clients.dynamodb(), "provide-client-params.dynamodb.Query", one_a_page):
        assert gaps() == {"not_sent": 7}


def test_it_stops_before_its_time_is_up_and_goes_on_the_next_time(
    clock: time_machine.Traveller, capsys: pytest.CaptureFixture[str]
) -> None:
    enrolment_id = someone_in(Arm.INTERVENTION)
    clock.move_to(reminder_of(enrolment_id, 7).due_at + DAY)
    capsys.readouterr()
    report = look(seconds=32)
    assert report == {"looked_at": 4, "finished": False, "gaps": {"not_sent": 4}}
    assert metrics(capsys) == {
        ("SendingPaused", ""): 0,
        ("FollowUpsOverdue", ""): 0,
        ("GapFound", "not_sent"): 4,
        ("ReminderSuppressed", "expired"): 4,
        ("ReconciliationCutShort", "gaps"): 1,
    }
    assert gaps() == {"not_sent": 3}


@pytest.mark.parametrize(
    ("day", "overdue"),
    [(2, 0), (4, 0), (5, 1), (7, 2), (12, 2), (13, 0)],
    ids=str,
)
def test_follow_ups_are_overdue_from_the_day_after_to_the_last_on_which_a_number_helps(
    clock: time_machine.Traveller, capsys: pytest.CaptureFixture[str], day: int, overdue: int
) -> None:
    for serial, follow_up in enumerate([{"follow_up_on": f"2026-12-0{n}"} for n in (4, 6)] + [{}]):
        enrol(serial, mobile={"missing_reason": "seized_evidence"} | follow_up)
    clock.move_to(MORNING.replace(day=day))
    capsys.readouterr()
    look()
    assert metrics(capsys)["FollowUpsOverdue", ""] == overdue


def test_gaps_are_counted_by_kind_and_told_without_ids(
    clock: time_machine.Traveller, capsys: pytest.CaptureFixture[str]
) -> None:
    enrolment_id = someone_in(Arm.INTERVENTION)
    clock.move_to(reminder_of(enrolment_id, 7).due_at + DAY)
    capsys.readouterr()
    assert gaps() == {"not_sent": 7}
    assert metrics(capsys) == {
        ("SendingPaused", ""): 0,
        ("FollowUpsOverdue", ""): 0,
        ("GapFound", "not_sent"): 7,
        ("ReminderSuppressed", "expired"): 7,
        ("ReconciliationCompleted", "gaps"): 1,
    }


def metrics(capsys: pytest.CaptureFixture[str]) -> dict[tuple[str, str], float]:
    """What was counted, by name and code."""
    counted = {}
    for line in capsys.readouterr().out.splitlines():
        told = json.loads(line)
        for directive in told.get("_aws", {}).get("CloudWatchMetrics", []):
            assert directive["Namespace"] == "DvpoReminders"
            (name,) = (metric["Name"] for metric in directive["Metrics"])
            codes = told.keys() - {"_aws", "service", name}
            assert codes <= {"kind", "reason"}
            counted[name, "".join(told[code] for code in codes)] = told[name][0]
    return counted


def test_each_hour_begins_with_another_shard(
    clock: time_machine.Traveller,
) -> None:
    begun = Counter[str]()
    for _ in range(24):
        with counting(clients.dynamodb(), "dynamodb.Query") as queries:
            gaps()
        looked = [each for each in queries if each["IndexName"] == "open_reminders"]
        assert len(looked) == len(SHARDS)
        begun[looked[0]["ExpressionAttributeValues"][":equal"]["S"]] += 1
        clock.shift(HOUR)
    assert begun == dict.fromkeys(SHARDS, 3)


def test_the_template_asks_for_just_what_the_handler_understands(
    template: dict[str, Any],
) -> None:
    asked = {
        name: json.loads(template["Resources"][name]["Properties"]["Target"]["Input"])
        for name in ("ReconciliationHourly", "ReconciliationNightly")
    }
    assert asked == {
        "ReconciliationHourly": sample("reconciliation-hourly"),
        "ReconciliationNightly": sample("reconciliation-proof"),
    }


# --- after a restore --------------------------------------------------------------------------


def restored(treated: UUID, clock: time_machine.Traveller) -> Reminder:
    """Back to before the second reminder was sent, with sending paused, as after a restore."""
    second = reminder_of(treated, 2)
    clock.move_to(second.due_at - MINUTE)
    backup = everything()
    clock.move_to(second.due_at)
    assert fire(treated, 2) == "sent"
    forget_schedule(second)
    for key in everything().keys() - backup.keys():
        clients.dynamodb().delete_item(TableName=TABLE, Key=wired(key))
    for key, item in backup.items():
        raw = {name: to_wire(value) for name, value in item.items()}
        clients.dynamodb().put_item(TableName=TABLE, Item=wired(key) | raw)
    switch = Switch(paused=True, reason="restored", by="S-0417", at=datetime.now(UTC))
    keep(SWITCH_KEY, switch)
    assert reminder_of(treated, 2).state is ReminderState.SCHEDULED
    return second


def test_after_a_restore_nothing_is_sent_twice(
    treated: UUID, clock: time_machine.Traveller
) -> None:
    change_reminder(treated, 1, state=ReminderState.DELIVERED)
    with counting(clients.sns(), "sns.Publish") as requests:
        second = restored(treated, clock)
        for _ in range(7):
            clock.shift(HOUR)
            gaps()
            assert 2 not in scheduled(treated)
        turn(paused=False)
        gaps()
        assert fire(treated, 2) == "nothing_to_do"
    assert len(requests) == 1
    after = reminder_of(treated, 2)
    assert (after.state, after.reason) == (ReminderState.SUPPRESSED, Suppression.PAUSED)
    assert after.due_at == second.due_at


# --- schedules that are not as we make them ---------------------------------------------------


def make_schedule(name: str) -> None:
    """A schedule of somebody else's in the group of reminders."""
    chosen = settings(SchedulingSettings)
    clients.scheduler().create_schedule(
        Name=name,
        GroupName=chosen.schedule_group,
        ScheduleExpression="at(2027-01-01T09:00:00)",
        FlexibleTimeWindow={"Mode": "OFF"},
        Target={"Arn": chosen.schedule_target_arn, "RoleArn": chosen.schedule_role_arn},
    )


@pytest.mark.parametrize(
    "name", ["dvpo", "dvpo-x-y", "other-1", f"dvpo-{'0' * 32}-1", f"dvpo-{'g' * 32}-01", "a.b_c"]
)
def test_a_schedule_of_a_strange_name_is_a_finding_and_keeps_nothing_from_being_proven(
    control: UUID, name: str
) -> None:
    make_schedule(name)
    schedules().ensure(control, 2, due_at=MORNING + DAY, now=MORNING)
    assert proof() == {"strange_schedule": 1, "not_entitled": 1}
    group = settings(SchedulingSettings).schedule_group
    assert clients.scheduler().get_schedule(Name=name, GroupName=group)["Name"] == name


def test_a_strange_schedule_that_names_control_is_removed(control: UUID) -> None:
    make_schedule(f"dvpo-{control.hex}-extra")
    assert proof() == {"not_entitled": 1}


def test_a_deleted_group_is_made_again_with_what_is_due_soon(
    treated: UUID, second: Reminder, clock: time_machine.Traveller
) -> None:
    clock.move_to(second.due_at - HOUR)
    with without_the_group():
        assert proof() == {}
        assert gaps() == {"not_scheduled": 1}
    assert scheduled(treated) == {2: at(second.due_at)}


def test_a_deleted_group_is_made_again_by_scheduling_too() -> None:
    someone = someone_in(Arm.INTERVENTION, first=600)
    with without_the_group():
        assert failures(schedule(someone)) == []
    assert len(scheduled(someone)) == 7


def test_a_group_that_is_still_being_deleted_is_waited_for(treated: UUID, second: Reminder) -> None:
    forget_schedule(second)
    gone = refusal("ResourceNotFoundException", status=404)
    with meddling(
        clients.scheduler(), "before-call.scheduler.CreateSchedule", raising(gone), times=2
    ):
        assert gaps() == {"not_reconciled": 1}
    assert gaps() == {"not_scheduled": 1}
    assert treated


# --- the proof --------------------------------------------------------------------------------


@pytest.fixture
def control() -> UUID:
    return someone_in(Arm.CONTROL, first=300)


def test_the_proof_holds_where_control_got_nothing(
    treated: UUID, control: UUID, clock: time_machine.Traveller
) -> None:
    enrol(200, mobile={"missing_reason": "refused"})
    before = everything()
    assert proof() == {}
    clock.shift(40 * DAY)  # the month after next: nobody left to look at but what has a schedule
    assert proof() == {}
    assert everything() == before
    assert len(scheduled(treated)) == 7
    assert scheduled(control) == {}


def test_a_reminder_of_control_is_found_at_once_and_again_and_never_scheduled(
    treated: UUID, control: UUID, clock: time_machine.Traveller
) -> None:
    smuggled = reminder_of(treated, 2).model_copy(update={"enrolment_id": control})
    keep(reminder_key(control, 2), smuggled)
    schedules().ensure(control, 2, due_at=smuggled.due_at, now=MORNING)
    clock.move_to(smuggled.due_at - HOUR)
    for _ in range(2):
        assert gaps()["not_entitled"] == 1
        assert scheduled(control) == {}
    assert proof() == {"not_entitled": 1}


@pytest.mark.parametrize("state", ReminderState)
def test_the_proof_finds_a_reminder_of_control_in_any_state(
    treated: UUID, control: UUID, state: ReminderState
) -> None:
    update = {"enrolment_id": control, "state": state}
    keep(reminder_key(control, 2), reminder_of(treated, 2).model_copy(update=update))
    assert proof() == {"not_entitled": 1}


def test_the_proof_finds_and_removes_a_schedule_of_control(control: UUID) -> None:
    schedules().ensure(control, 2, due_at=MORNING + DAY, now=MORNING)
    assert proof() == {"not_entitled": 1}
    assert scheduled(control) == {}


def test_the_proof_finds_that_a_text_to_control_was_disclosed(control: UUID) -> None:
    entry = AuditEntry(at=MORNING, what="text 2 disclosed", by="sending")
    keep(audit_key(control, entry), entry)
    assert proof() == {"not_entitled": 1}


def test_a_text_that_no_reminder_was_is_one_finding_about_the_text_whoever_has_the_number(
    treated: UUID, control: UUID, clock: time_machine.Traveller, log: StringIO
) -> None:
    change_enrolment(control, mobile=enrolment_of(treated).mobile)
    leave_stray(treated, MORNING)
    assert proof() == {}  # it may be found to be an unsure one's
    clock.shift(DAY)
    assert proof() == {"stray_text": 1}
    (told,) = [
        line
        for line in map(json.loads, log.getvalue().splitlines())
        if line.get("message") == "gap found"
    ]
    assert told["reason"] == f"message-{MORNING:%d-%H-%M-%S}"
    assert "enrolment_id" not in told
    assert proof() == {}


def smuggled(control: UUID) -> None:
    """A disclosed text in the trail of somebody in control."""
    entry = AuditEntry(at=datetime.now(UTC), what="text 2 disclosed", by="sending")
    keep(audit_key(control, entry), entry)


def test_the_proof_covers_a_live_order_however_long_ago_it_was_enrolled(
    control: UUID, clock: time_machine.Traveller
) -> None:
    order = enrolment_of(control).order.model_copy(update={"expires_on": date(2027, 11, 30)})
    change_enrolment(control, order=order)
    clock.move_to(datetime(2027, 11, 30, 2, 30, tzinfo=UTC))
    smuggled(control)
    assert proof() == {"not_entitled": 1}
    clock.shift(DAY)
    assert proof() == {}  # it has run out


def test_the_proof_covers_an_order_of_another_trial(control: UUID) -> None:
    """A re-run has begun, and the earlier trial's orders are still in force."""
    change_enrolment(control, trial="the-one-before")
    smuggled(control)
    assert proof() == {"not_entitled": 1}


def test_the_proof_covers_an_order_that_is_kept_for_proceedings(control: UUID) -> None:
    body = {"reason": "proceedings", "by": "PC-1182"}
    assert call("POST", f"/enrolments/{control}/hold", body).status == 200
    smuggled(control)
    assert proof() == {"not_entitled": 1}


def test_a_proof_that_is_cut_short_goes_on_where_it_stopped(
    clock: time_machine.Traveller,
) -> None:
    people = sorted(someone_in(Arm.CONTROL, first=serial) for serial in (300, 400, 500))
    idents = sorted(str(each) for each in people)
    looked: list[str] = []
    original = ReconciliationStore.file

    def file(self: ReconciliationStore, enrolment_id: UUID) -> Any:
        looked.append(str(enrolment_id))
        return original(self, enrolment_id)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ReconciliationStore, "file", file)
        event = sample("reconciliation-proof")
        assert handler.lambda_handler(event, invocation(seconds=30))["finished"] is False
        stopped = list(looked)
        clock.shift(HOUR)
        handler.lambda_handler(sample("reconciliation-hourly"), invocation())
        went_on = looked[len(stopped) :]
        handler.lambda_handler(event, invocation())
    everybody = sorted({*stopped, *went_on})
    assert len(stopped) < len(everybody)
    assert stopped + went_on == everybody
    assert set(idents) <= set(everybody)
    assert looked[len(stopped + went_on) :] == everybody  # and then begins anew


def test_a_proof_that_is_cut_short_among_schedules_goes_on_there_and_reaches_the_strays(
    treated: UUID, clock: time_machine.Traveller
) -> None:
    leave_stray(treated, MORNING)
    clock.shift(DAY)
    event, runs = sample("reconciliation-proof"), list[dict[str, Any]]()
    while not runs or (not runs[-1]["finished"] and len(runs) < 10):
        runs.append(handler.lambda_handler(event, invocation(seconds=30)))
    whole = handler.lambda_handler(event, invocation())
    assert sum(run["looked_at"] for run in runs) == whole["looked_at"]
    assert [run["gaps"] for run in runs if run["gaps"]] == [{"stray_text": 1}]


def test_a_schedule_of_nothing_is_removed_and_no_other(
    treated: UUID, second: Reminder, clock: time_machine.Traveller
) -> None:
    clock.move_to(second.due_at)
    assert fire(treated, 2) == "sent"  # its schedule lives on here
    clients.dynamodb().delete_item(TableName=TABLE, Key=wired(reminder_key(treated, 7)))
    assert proof() == {"stray_schedule": 3}  # those of 1, 2 and 7
    assert sorted(scheduled(treated)) == [3, 4, 5, 6]


def test_who_is_eligible_and_was_never_drawn_is_announced_again() -> None:
    enrolment_id = enrol()
    before = enrolment_of(enrolment_id)
    assert before.status is Status.ELIGIBLE
    assert proof() == {"not_drawn": 1}
    assert enrolment_of(enrolment_id) == before.model_copy(update={"version": before.version + 1})


def test_whoever_is_drawn_and_scheduled_meanwhile_is_let_be() -> None:
    enrolment_id = enrol(1)

    def draw() -> None:
        allocate(enrolment_id)
        schedule(enrolment_id)

    with meddling(clients.scheduler(), "before-call.scheduler.ListSchedules", draw):
        assert proof() == {}
    assert allocation_of(enrolment_id).arm is Arm.INTERVENTION
    assert len(scheduled(enrolment_id)) == 7


def test_whoever_is_drawn_meanwhile_is_not_announced_again() -> None:
    enrolment_id = enrol()

    def draw() -> None:
        change_enrolment(enrolment_id, status=Status.ALLOCATED)

    with meddling(clients.dynamodb(), "before-call.dynamodb.TransactWriteItems", draw):
        assert proof() == {"not_reconciled": 1}
    assert enrolment_of(enrolment_id).version == 2
