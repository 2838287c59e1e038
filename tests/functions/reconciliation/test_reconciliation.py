"""Every gap between plan and reality, produced and then found."""

import json
from collections import Counter
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from functools import partial
from io import StringIO
from itertools import count
from typing import Any
from uuid import UUID

import pytest
from botocore.exceptions import ReadTimeoutError
from time_machine import Traveller

from reconciliation import handler
from reconciliation.store import ReconciliationStore
from tests.support.faults import (
    before_publish,
    before_write,
    counting,
    hooked,
    meddling,
    raising,
    refusal,
    without_the_group,
)
from tests.support.gaps import leave_stray, make_schedule, schedules, turn
from tests.support.life import report_change, schedules_of
from tests.support.life import treated as treated_person
from tests.support.samples import MORNING, TABLE, sample
from tests.support.steps import Context, allocate, call, enrol, fire, schedule, someone_in
from tests.support.table import (
    allocation_of,
    change_enrolment,
    change_reminder,
    delete,
    enrolment_of,
    everything,
    found,
    keep,
    number_hash_of,
    put_item,
    reminder_of,
    reminders_of,
    unchanged,
)
from trial.aws import clients
from trial.aws.table import Key, Table
from trial.codes import Arm, EndReason, ReminderState, Status, Suppression
from trial.config import SchedulingSettings, settings
from trial.records.audit import AuditEntry, audit_key
from trial.records.enrolment import LifeEvent
from trial.records.person import Number, Use, number_key
from trial.records.receipt import message_key, stray_key
from trial.records.reminder import OPEN_STATES, SHARDS, TROUBLED, Reminder, reminder_key

SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
FRESH = 6 * HOUR

Emitted = Callable[[], dict[str, float]]

pytestmark = pytest.mark.usefixtures("cloud")


def invocation(seconds: int = 300) -> Context:
    """An invocation with this much time left, less a second for every look at the clock."""
    return Context(count(seconds * 1000, -1000))


def look(seconds: int = 300) -> dict[str, Any]:
    return handler.lambda_handler(sample("reconciliation-hourly"), invocation(seconds))


def gaps(event: str = "reconciliation-hourly") -> dict[str, int]:
    """What a whole run finds."""
    report = handler.lambda_handler(sample(event), invocation())
    assert report["finished"]
    counted: dict[str, int] = report["gaps"]
    return counted


proof = partial(gaps, "reconciliation-proof")


def at(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("at(%Y-%m-%dT%H:%M:%S)")


def texts() -> int:
    """How many texts were ever disclosed to the provider, by the audit trail."""
    return sum("disclosed" in item.get("what", "") for item in everything().values())


@pytest.fixture(name="treated")
def _treated() -> UUID:
    """Somebody in intervention, a day before their second reminder is due."""
    return treated_person()


@pytest.fixture
def second(treated: UUID, clock: Traveller) -> Reminder:
    """Their second reminder, an hour before it is due; the first is over."""
    change_reminder(treated, 1, state=ReminderState.DELIVERED)
    reminder = reminder_of(treated, 2)
    clock.move_to(reminder.due_at - HOUR)
    return reminder


@pytest.fixture
def unsure(second: Reminder, clock: Traveller) -> Reminder:
    """Reminder 2, claimed and given to the provider when it was due; the answer was lost."""
    clock.move_to(second.due_at)
    forget_schedule(second)
    with before_publish(raising(ReadTimeoutError(endpoint_url="https://sns"))):
        assert fired(second) == "unsure"
    return second


@pytest.fixture
def lapsed(clock: Traveller) -> UUID:
    """A person who was sent nothing, a day after the last of seven reminders was due."""
    enrolment_id = someone_in(Arm.INTERVENTION)
    clock.move_to(reminder_of(enrolment_id, 7).due_at + DAY)
    return enrolment_id


def again(reminder: Reminder) -> Reminder:
    """A reminder as it stands now."""
    return reminder_of(reminder.enrolment_id, reminder.number)


def fired(reminder: Reminder) -> str:
    return fire(reminder.enrolment_id, reminder.number)


def forget_schedule(reminder: Reminder) -> None:
    """Remove a reminder's schedule, as if it had fired in vain or had never been made."""
    assert schedules().remove(reminder.enrolment_id, reminder.number)


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


def test_the_index_always_holds_exactly_the_open_reminders(treated: UUID, clock: Traveller) -> None:
    assert_index_is_true()
    first, later = reminders_of(treated)[:2]
    clock.move_to(first.due_at)
    assert fire(treated, 1) == "sent"
    assert reminder_of(treated, 1).state is ReminderState.SENT
    assert_index_is_true()
    clock.move_to(later.due_at)
    with before_publish(raising(refusal("OptedOut"))):
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


@pytest.mark.usefixtures("cloud", "second")
def test_reconciliation_reads_only_due_reminders() -> None:
    with counting(clients.dynamodb(), "dynamodb.BatchGetItem") as reads:
        assert look()["looked_at"] == 1
    assert len(reads) == 3  # the switch, where a proof stopped, and one reminder of those open
    assert len(indexed()) == 6


# --- schedules --------------------------------------------------------------------------------


def test_a_healthy_table_is_left_unchanged(second: Reminder) -> None:
    timed = schedules_of(second.enrolment_id)
    assert timed[2] == at(second.due_at)
    with unchanged():
        assert gaps() == {}
    assert schedules_of(second.enrolment_id) == timed


def test_a_missing_schedule_is_created(second: Reminder) -> None:
    before = schedules_of(second.enrolment_id)
    forget_schedule(second)
    assert gaps() == {"not_scheduled": 1}
    assert schedules_of(second.enrolment_id) == before
    assert gaps() == {}


def test_a_schedule_at_the_wrong_time_is_replaced(second: Reminder) -> None:
    forget_schedule(second)
    schedules().ensure(second.enrolment_id, 2, due_at=second.due_at + 3 * DAY, now=MORNING)
    assert gaps() == {"not_scheduled": 1}
    assert schedules_of(second.enrolment_id)[2] == at(second.due_at)


def test_an_allocation_that_never_reached_scheduling_is_scheduled(clock: Traveller) -> None:
    enrolment_id = someone_in(Arm.INTERVENTION)
    reminder = reminder_of(enrolment_id, 2)
    assert reminder.state is ReminderState.PLANNED
    clock.move_to(reminder.due_at - HOUR)
    assert gaps()["not_scheduled"] == 1
    assert schedules_of(enrolment_id) == {2: at(reminder.due_at)}
    assert reminder_of(enrolment_id, 2).state is ReminderState.SCHEDULED


def test_scheduling_has_its_time_before_reconciliation(clock: Traveller) -> None:
    enrolment_id = someone_in(Arm.INTERVENTION)
    clock.shift(9 * MINUTE)
    assert gaps() == {}
    assert schedules_of(enrolment_id) == {}


def test_an_end_that_never_reached_scheduling_is_carried_out(second: Reminder) -> None:
    life = (LifeEvent(reason=EndReason.QUASHED, at=second.due_at - DAY, by="PC-1182"),)
    change_enrolment(second.enrolment_id, status=Status.ENDED, life=life)
    assert gaps() == {"not_sent": 1}
    assert again(second).reason == Suppression.ENDED
    assert 2 not in schedules_of(second.enrolment_id)


def test_a_release_in_the_meantime_keeps_a_reminder(second: Reminder) -> None:
    change_enrolment(second.enrolment_id, status=Status.ENDED)
    with before_write(lambda: change_enrolment(second.enrolment_id, status=Status.ALLOCATED)):
        assert gaps() == {"not_reconciled": 1}
    assert again(second) == second
    assert gaps() == {"not_scheduled": 1}


# --- due and unclaimed ------------------------------------------------------------------------


def test_a_due_reminder_without_a_firing_is_scheduled_within_a_minute(
    treated: UUID, second: Reminder, clock: Traveller
) -> None:
    forget_schedule(second)
    clock.move_to(second.due_at + 10 * MINUTE)
    assert gaps() == {"not_fired": 1}
    assert schedules_of(treated)[2] == at(second.due_at + 11 * MINUTE)
    assert gaps() == {}
    clock.shift(MINUTE)
    assert fire(treated, 2) == "sent"


def test_a_disabled_schedule_is_made_again_once_its_reminder_is_overdue(
    second: Reminder, clock: Traveller
) -> None:
    """Whoever disables a schedule holds up a text for an hour, and does not stop it unseen."""
    scheduler, group = clients.scheduler(), schedules().settings.schedule_group
    name = schedules().name(second.enrolment_id, second.number)
    there: dict[str, Any] = dict(scheduler.get_schedule(Name=name, GroupName=group))
    wanted = ("Name", "GroupName", "ScheduleExpression", "FlexibleTimeWindow", "Target")
    scheduler.update_schedule(**{each: there[each] for each in wanted}, State="DISABLED")
    assert gaps() == {}
    clock.move_to(second.due_at + HOUR)
    assert gaps()["not_fired"] == 1
    again = scheduler.get_schedule(Name=name, GroupName=group)
    assert again["State"] == "ENABLED"
    assert again["ScheduleExpression"] == at(second.due_at + HOUR + timedelta(minutes=1))


def test_sending_has_its_time_before_reconciliation(second: Reminder, clock: Traveller) -> None:
    forget_schedule(second)
    clock.move_to(second.due_at + 9 * MINUTE)
    assert gaps() == {}


def test_no_late_reminder_is_fired_during_a_pause(second: Reminder, clock: Traveller) -> None:
    turn(paused=True)
    forget_schedule(second)
    clock.move_to(second.due_at + FRESH)
    assert gaps() == {}
    assert 2 not in schedules_of(second.enrolment_id)
    turn(paused=False)
    assert gaps() == {"not_fired": 1}


def test_later_reminders_are_scheduled_even_while_sending_is_paused(second: Reminder) -> None:
    turn(paused=True)
    forget_schedule(second)
    assert gaps() == {"not_scheduled": 1}
    assert schedules_of(second.enrolment_id)[2] == at(second.due_at)


@pytest.mark.parametrize("paused", [False, True])
def test_a_stale_reminder_is_suppressed_for_good(
    treated: UUID, second: Reminder, clock: Traveller, *, paused: bool
) -> None:
    turn(paused=paused)
    clock.move_to(second.due_at + FRESH + MINUTE)
    assert gaps() == {"not_sent": 1}
    after, why = reminder_of(treated, 2), Suppression.PAUSED if paused else Suppression.STALE
    assert (after.state, after.reason) == (ReminderState.SUPPRESSED, why)
    assert 2 not in schedules_of(treated)
    assert_index_is_true()
    turn(paused=False)
    assert fire(treated, 2) == "nothing_to_do"
    assert gaps() == {}


@pytest.mark.parametrize(
    "meanwhile",
    [{"state": ReminderState.CLAIMED, "claimed_at": MORNING}, {"due_at": MORNING + 9 * DAY}],
    ids=["claimed", "moved to another day"],
)
def test_a_claim_or_a_move_in_the_meantime_stands(
    treated: UUID, second: Reminder, clock: Traveller, meanwhile: dict[str, Any]
) -> None:
    clock.move_to(second.due_at + FRESH + MINUTE)
    with before_write(lambda: change_reminder(treated, 2, **meanwhile)):
        assert gaps() == {"not_reconciled": 1}
    assert reminder_of(treated, 2) == second.model_copy(update=meanwhile)


# --- claimed ----------------------------------------------------------------------------------


def test_a_claim_that_was_never_closed_becomes_unknown_and_is_reported(
    unsure: Reminder, clock: Traveller, caplog: pytest.LogCaptureFixture
) -> None:
    clock.shift(15 * MINUTE)
    assert gaps() == {}
    clock.shift(timedelta(seconds=1))
    assert gaps() == {"unknown": 1}
    (told,) = (vars(record) for record in caplog.records if record.message == "gap found")
    assert (told["levelname"], told["gap"]) == ("ERROR", "unknown")
    assert (told["enrolment_id"], told["reminder"]) == (str(unsure.enrolment_id), 2)
    assert again(unsure).state is ReminderState.UNKNOWN
    assert_index_is_true()
    assert gaps() == {}
    assert fired(unsure) == "nothing_to_do"
    assert texts() == 1


@pytest.mark.parametrize("state", [ReminderState.DELIVERED, ReminderState.UNDELIVERED])
def test_a_stray_receipt_settles_a_claim(
    unsure: Reminder, clock: Traveller, state: ReminderState
) -> None:
    stray = leave_stray(unsure.enrolment_id, unsure.due_at + SECOND, state)
    clock.shift(HOUR)
    assert gaps() == {"found_sent": 1}
    after = again(unsure)
    assert after.state is state
    assert after.message_id == stray.receipt.message_id
    assert after.sent_at == stray.receipt.published_at
    assert stray_key(stray) not in everything()
    assert found(message_key(stray.receipt.message_id))["kind"] == "message"
    assert_index_is_true()


def test_a_receipt_that_comes_days_later_settles_an_unknown_reminder(
    unsure: Reminder, clock: Traveller
) -> None:
    clock.shift(HOUR)
    assert gaps() == {"unknown": 1}
    clock.shift(60 * HOUR)
    leave_stray(unsure.enrolment_id, unsure.due_at + SECOND, ReminderState.UNDELIVERED)
    assert gaps()["found_sent"] == 1
    assert again(unsure).state is ReminderState.UNDELIVERED
    assert_index_is_true()


def test_an_unknown_reminder_is_no_longer_checked_once_no_receipt_can_come(
    unsure: Reminder, clock: Traveller
) -> None:
    clock.shift(HOUR)
    assert gaps() == {"unknown": 1}
    assert found(reminder_key(unsure.enrolment_id, 2))["open_shard"] in SHARDS
    clock.shift(72 * HOUR)
    gaps()
    assert again(unsure).state is ReminderState.UNKNOWN
    assert found(reminder_key(unsure.enrolment_id, 2))["open_shard"] == TROUBLED


@pytest.mark.parametrize("apart", [-MINUTE, MINUTE])
def test_a_stray_receipt_of_another_time_settles_nothing(
    unsure: Reminder, clock: Traveller, apart: timedelta
) -> None:
    leave_stray(unsure.enrolment_id, unsure.due_at + apart)
    clock.shift(HOUR)
    assert gaps() == {"unknown": 1}


def sharers(clock: Traveller) -> tuple[list[UUID], datetime]:
    """Two people with one phone, each with an unsure text of one moment."""
    both = [someone_in(Arm.INTERVENTION, first=serial) for serial in (1, 100)]
    change_enrolment(both[1], mobile=enrolment_of(both[0]).mobile)
    key = number_key(number_hash_of(both[0]))
    known = Number.of(found(key))
    use = Use(last_day=enrolment_of(both[1]).order.last_day, arrival=known.version)
    respondents = known.respondents | {both[1]: use}
    keep(key, known.model_copy(update={"respondents": respondents}))
    due_at = reminder_of(both[0], 2).due_at
    clock.move_to(due_at)
    for enrolment_id in both:
        for reminder in reminders_of(enrolment_id):
            change_reminder(enrolment_id, reminder.number, state=ReminderState.DELIVERED)
        claimed = {"state": ReminderState.CLAIMED, "claimed_at": due_at, "due_at": due_at}
        change_reminder(enrolment_id, 2, **claimed)
    return both, due_at


def test_a_receipt_that_fits_two_uncertain_texts_settles_neither(clock: Traveller) -> None:
    both, due_at = sharers(clock)
    stray = leave_stray(both[0], due_at)
    clock.shift(HOUR)
    assert gaps() == {"unknown": 2}
    assert stray_key(stray) in everything()


@pytest.mark.parametrize("other", [{"state": ReminderState.SENT}, {"claimed_at": MORNING}])
def test_a_receipt_for_a_shared_number_settles_the_one_text_that_it_fits(
    clock: Traveller, other: dict[str, Any]
) -> None:
    both, due_at = sharers(clock)
    change_reminder(both[1], 2, **other)
    leave_stray(both[0], due_at)
    clock.shift(HOUR)
    assert gaps()["found_sent"] == 1
    assert reminder_of(both[0], 2).state is ReminderState.DELIVERED


@pytest.mark.parametrize("state", [ReminderState.PLANNED, ReminderState.SCHEDULED])
def test_a_receipt_of_another_sender_settles_no_unclaimed_reminder(
    treated: UUID, second: Reminder, clock: Traveller, state: ReminderState
) -> None:
    """Otherwise any sender in this account could mark texts as delivered that never went."""
    change_reminder(treated, 2, state=state)
    clock.move_to(second.due_at + HOUR)
    leave_stray(treated, second.due_at + SECOND)
    assert "found_sent" not in gaps()
    assert reminder_of(treated, 2).state in (ReminderState.PLANNED, ReminderState.SCHEDULED)


# --- sent -------------------------------------------------------------------------------------


def test_a_text_without_a_receipt_after_72_hours_is_unconfirmed(
    second: Reminder, clock: Traveller
) -> None:
    clock.move_to(second.due_at)
    assert fired(second) == "sent"
    clock.shift(72 * HOUR)
    assert "unconfirmed" not in gaps()
    clock.shift(MINUTE)
    assert gaps()["unconfirmed"] == 1
    assert again(second).state is ReminderState.UNCONFIRMED
    assert_index_is_true()


# --- the run itself ---------------------------------------------------------------------------


def test_an_item_under_a_strange_key_in_the_index_does_not_stop_the_others(lapsed: UUID) -> None:
    open_item = {"kind": "reminder", "due_at": "2026-12-01T09:00:00Z"}
    for shard in SHARDS:
        put_item(Key(f"nobody's {shard}", "reminder"), open_item | {"open_shard": shard})
    counted = gaps()
    assert counted["not_reconciled"] == len(SHARDS)
    assert counted["not_sent"] == 7
    assert {each.state for each in reminders_of(lapsed)} == {ReminderState.SUPPRESSED}


def test_an_order_under_a_strange_key_does_not_stop_the_proof(control: UUID) -> None:
    live = {"kind": "enrolment", "retained": "identifiers", "last_day": "2026-12-14"}
    put_item(Key("nobody's", "enrolment"), live)
    disclose_a_text_to(control)
    assert proof() == {"not_entitled": 1, "not_reconciled": 1}


def test_an_unreadable_reminder_does_not_stop_the_others(clock: Traveller) -> None:
    broken, sound = (someone_in(Arm.INTERVENTION, first=serial) for serial in (1, 100))
    key = reminder_key(broken, 2)
    put_item(key, {name: value for name, value in found(key).items() if name != "theme"})
    clock.move_to(max(reminder_of(sound, 7).due_at, MORNING) + DAY)
    counted = gaps()
    assert counted["not_reconciled"] == 1
    assert counted["not_sent"] == 13
    assert {each.state for each in reminders_of(sound)} == {ReminderState.SUPPRESSED}


@pytest.mark.usefixtures("cloud", "lapsed")
@pytest.mark.parametrize("code", ["ThrottlingException", "AccessDeniedException"])
def test_a_failed_write_does_not_stop_the_others(code: str) -> None:
    with before_write(raising(refusal(code))):
        assert gaps() == {"not_reconciled": 1, "not_sent": 6}
    assert gaps() == {"not_sent": 1}


@pytest.mark.usefixtures("cloud", "lapsed")
def test_reconciliation_reads_every_page_of_the_index() -> None:
    def one_a_page(params: dict[str, Any], **_: Any) -> None:
        params["Limit"] = 1

    with hooked(clients.dynamodb(), "provide-client-params.dynamodb.Query", one_a_page):
        assert gaps() == {"not_sent": 7}


@pytest.mark.usefixtures("cloud", "lapsed")
def test_a_run_stops_before_its_time_is_up_and_the_next_one_continues(emitted: Emitted) -> None:
    emitted()
    assert look(seconds=32) == {"looked_at": 4, "finished": False, "gaps": {"not_sent": 4}}
    assert emitted() == {
        "SendingPaused": 0,
        "FollowUpsOverdue": 0,
        "GapFound not_sent": 4,
        "ReminderSuppressed expired": 4,
        "ReconciliationCutShort gaps": 1,
    }
    assert gaps() == {"not_sent": 3}


@pytest.mark.parametrize(("day", "overdue"), [(2, 0), (4, 0), (5, 1), (7, 2), (12, 2), (13, 0)])
def test_a_follow_up_is_overdue_from_the_next_day_until_a_number_no_longer_helps(
    clock: Traveller, emitted: Emitted, day: int, overdue: int
) -> None:
    for serial, follow_up in enumerate([{"follow_up_on": f"2026-12-0{n}"} for n in (4, 6)] + [{}]):
        enrol(serial, mobile={"missing_reason": "seized_evidence"} | follow_up)
    clock.move_to(MORNING.replace(day=day))
    look()
    assert emitted()["FollowUpsOverdue"] == overdue


@pytest.mark.usefixtures("cloud", "lapsed")
def test_gaps_are_counted_by_kind_and_reported_without_ids(emitted: Emitted) -> None:
    emitted()
    assert gaps() == {"not_sent": 7}
    assert emitted() == {
        "SendingPaused": 0,
        "FollowUpsOverdue": 0,
        "GapFound not_sent": 7,
        "ReminderSuppressed expired": 7,
        "ReconciliationCompleted gaps": 1,
    }


def test_each_hour_begins_with_another_shard(clock: Traveller) -> None:
    begun = Counter[str]()
    for _ in range(24):
        with counting(clients.dynamodb(), "dynamodb.Query") as queries:
            gaps()
        looked = [each for each in queries if each["IndexName"] == "open_reminders"]
        assert len(looked) == len(SHARDS)
        begun[looked[0]["ExpressionAttributeValues"][":equal"]["S"]] += 1
        clock.shift(HOUR)
    assert begun == dict.fromkeys(SHARDS, 3)


def test_the_template_s_inputs_are_those_that_the_handler_accepts(template: dict[str, Any]) -> None:
    asked = {
        name: json.loads(template["Resources"][name]["Properties"]["Target"]["Input"])
        for name in ("ReconciliationHourly", "ReconciliationNightly")
    }
    assert asked == {
        "ReconciliationHourly": sample("reconciliation-hourly"),
        "ReconciliationNightly": sample("reconciliation-proof"),
    }


# --- after a restore --------------------------------------------------------------------------


def restored(treated: UUID, clock: Traveller) -> Reminder:
    """Back to before the second reminder was sent, with sending paused, as after a restore."""
    second = reminder_of(treated, 2)
    clock.move_to(second.due_at - MINUTE)
    backup = everything()
    clock.move_to(second.due_at)
    assert fire(treated, 2) == "sent"
    forget_schedule(second)
    for key in everything().keys() - backup.keys():
        delete(key)
    for key, item in backup.items():
        put_item(key, item)
    turn(paused=True)
    assert reminder_of(treated, 2).state is ReminderState.SCHEDULED
    return second


def test_after_a_restore_nothing_is_sent_twice(treated: UUID, clock: Traveller) -> None:
    change_reminder(treated, 1, state=ReminderState.DELIVERED)
    with counting(clients.sns(), "sns.Publish") as requests:
        second = restored(treated, clock)
        for _ in range(7):
            clock.shift(HOUR)
            gaps()
            assert 2 not in schedules_of(treated)
        turn(paused=False)
        gaps()
        assert fire(treated, 2) == "nothing_to_do"
    assert len(requests) == 1
    after = reminder_of(treated, 2)
    assert (after.state, after.reason) == (ReminderState.SUPPRESSED, Suppression.PAUSED)
    assert after.due_at == second.due_at


# --- unexpected schedules ---------------------------------------------------------------------


@pytest.mark.parametrize(
    "name", ["dvpo", "dvpo-x-y", "other-1", f"dvpo-{'0' * 32}-1", f"dvpo-{'g' * 32}-01", "a.b_c"]
)
def test_an_unexpected_schedule_name_is_a_finding_and_does_not_stop_the_proof(
    control: UUID, name: str
) -> None:
    make_schedule(name)
    schedules().ensure(control, 2, due_at=MORNING + DAY, now=MORNING)
    assert proof() == {"strange_schedule": 1, "not_entitled": 1}
    group = settings(SchedulingSettings).schedule_group
    assert clients.scheduler().get_schedule(Name=name, GroupName=group)["Name"] == name


def test_an_unexpected_schedule_of_an_enrolment_in_control_is_removed(control: UUID) -> None:
    make_schedule(f"dvpo-{control.hex}-extra")
    assert proof() == {"not_entitled": 1}


def test_a_deleted_schedule_group_is_remade_with_the_schedules_due_soon(second: Reminder) -> None:
    with without_the_group():
        assert proof() == {}
        assert gaps() == {"not_scheduled": 1}
    assert schedules_of(second.enrolment_id) == {2: at(second.due_at)}


def test_scheduling_remakes_a_deleted_group_too() -> None:
    someone = someone_in(Arm.INTERVENTION, first=600)
    with without_the_group():
        schedule(someone)
    assert len(schedules_of(someone)) == 7


def test_a_group_that_is_still_being_deleted_is_retried_later(second: Reminder) -> None:
    forget_schedule(second)
    gone = refusal("ResourceNotFoundException", status=404)
    moment = "before-call.scheduler.CreateSchedule"
    with meddling(clients.scheduler(), moment, raising(gone), times=2):
        assert gaps() == {"not_reconciled": 1}
    assert gaps() == {"not_scheduled": 1}


# --- the proof --------------------------------------------------------------------------------


@pytest.fixture
def control() -> UUID:
    return someone_in(Arm.CONTROL, first=300)


def test_the_proof_passes_if_control_got_nothing(
    treated: UUID, control: UUID, clock: Traveller
) -> None:
    enrol(200, mobile={"missing_reason": "refused"})
    with unchanged():
        assert proof() == {}
        clock.shift(40 * DAY)  # two months on: nobody left to look at but what has a schedule
        assert proof() == {}
    assert len(schedules_of(treated)) == 7
    assert schedules_of(control) == {}


def test_a_reminder_of_control_is_reported_every_time_and_never_scheduled(
    treated: UUID, control: UUID, clock: Traveller
) -> None:
    smuggled = reminder_of(treated, 2).model_copy(update={"enrolment_id": control})
    keep(reminder_key(control, 2), smuggled)
    schedules().ensure(control, 2, due_at=smuggled.due_at, now=MORNING)
    clock.move_to(smuggled.due_at - HOUR)
    for _ in range(2):
        assert gaps()["not_entitled"] == 1
        assert schedules_of(control) == {}
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
    assert schedules_of(control) == {}


def disclose_a_text_to(control: UUID) -> None:
    """An entry of a disclosed text in the trail of somebody in control."""
    entry = AuditEntry(at=datetime.now(UTC), what="text 2 disclosed", by="sending")
    keep(audit_key(control, entry), entry)


def test_the_proof_finds_that_a_text_to_control_was_disclosed(control: UUID) -> None:
    disclose_a_text_to(control)
    assert proof() == {"not_entitled": 1}


def test_a_text_without_a_reminder_is_one_finding_whoever_has_the_number(
    treated: UUID, control: UUID, clock: Traveller, log: StringIO
) -> None:
    change_enrolment(control, mobile=enrolment_of(treated).mobile)
    leave_stray(treated, MORNING)
    assert proof() == {}  # it may be found to be an unsure one's
    clock.shift(DAY)
    assert proof() == {"stray_text": 1}
    lines = map(json.loads, log.getvalue().splitlines())
    (told,) = (line for line in lines if line.get("message") == "gap found")
    assert told["reason"] == f"message-{MORNING:%d-%H-%M-%S}"
    assert "enrolment_id" not in told
    assert proof() == {}


def test_the_proof_covers_a_live_order_however_long_ago_it_was_enrolled(
    control: UUID, clock: Traveller
) -> None:
    order = enrolment_of(control).order.model_copy(update={"expires_on": date(2027, 11, 30)})
    change_enrolment(control, order=order)
    clock.move_to(datetime(2027, 11, 30, 2, 30, tzinfo=UTC))
    disclose_a_text_to(control)
    assert proof() == {"not_entitled": 1}
    clock.shift(DAY)
    assert proof() == {}  # it has run out


def test_the_proof_covers_an_order_of_another_trial(control: UUID) -> None:
    """A re-run has begun, and the earlier trial's orders are still in force."""
    change_enrolment(control, trial="the-one-before")
    disclose_a_text_to(control)
    assert proof() == {"not_entitled": 1}


def test_the_proof_covers_an_order_that_is_kept_for_proceedings(control: UUID) -> None:
    report_change(control, "hold", {"reason": "proceedings", "by": "PC-1182"})
    disclose_a_text_to(control)
    assert proof() == {"not_entitled": 1}


def test_a_proof_cut_short_continues_where_it_stopped(clock: Traveller) -> None:
    people = {someone_in(Arm.CONTROL, first=serial) for serial in (300, 400, 500)}
    looked: list[UUID] = []
    original = ReconciliationStore.file

    def file(self: ReconciliationStore, enrolment_id: UUID) -> Any:
        looked.append(enrolment_id)
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
    everybody = sorted({*stopped, *went_on}, key=str)
    assert len(stopped) < len(everybody)
    assert stopped + went_on == everybody
    assert people <= set(everybody)
    assert looked[len(stopped + went_on) :] == everybody  # and then starts again


def test_a_proof_cut_short_among_schedules_continues_there_and_reaches_the_stray_receipts(
    treated: UUID, clock: Traveller
) -> None:
    leave_stray(treated, MORNING)
    clock.shift(DAY)
    event, runs = sample("reconciliation-proof"), list[dict[str, Any]]()
    while not runs or (not runs[-1]["finished"] and len(runs) < 10):
        runs.append(handler.lambda_handler(event, invocation(seconds=30)))
    whole = handler.lambda_handler(event, invocation())
    assert sum(run["looked_at"] for run in runs) == whole["looked_at"]
    assert [run["gaps"] for run in runs if run["gaps"]] == [{"stray_text": 1}]


def test_only_a_schedule_without_a_reminder_is_removed(second: Reminder, clock: Traveller) -> None:
    clock.move_to(second.due_at)
    assert fired(second) == "sent"  # its schedule lives on here
    delete(reminder_key(second.enrolment_id, 7))
    assert proof() == {"stray_schedule": 3}  # those of 1, 2 and 7
    assert sorted(schedules_of(second.enrolment_id)) == [3, 4, 5, 6]


def test_an_eligible_enrolment_that_was_never_drawn_is_announced_again() -> None:
    enrolment_id = enrol()
    before = enrolment_of(enrolment_id)
    assert proof() == {"not_drawn": 1}
    assert enrolment_of(enrolment_id) == before.model_copy(update={"version": before.version + 1})


def test_an_enrolment_drawn_and_scheduled_in_the_meantime_is_left_alone() -> None:
    enrolment_id = enrol(1)

    def draw() -> None:
        allocate(enrolment_id)
        schedule(enrolment_id)

    with meddling(clients.scheduler(), "before-call.scheduler.ListSchedules", draw):
        assert proof() == {}
    assert allocation_of(enrolment_id).arm is Arm.INTERVENTION
    assert len(schedules_of(enrolment_id)) == 7


def test_an_enrolment_drawn_in_the_meantime_is_not_announced_again() -> None:
    enrolment_id = enrol()
    with before_write(lambda: change_enrolment(enrolment_id, status=Status.ALLOCATED)):
        assert proof() == {"not_reconciled": 1}
    assert enrolment_of(enrolment_id).version == 2
