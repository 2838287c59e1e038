"""The causes of metrics, produced through the handlers as AWS would call them."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from botocore.exceptions import ReadTimeoutError
from time_machine import Traveller

from allocation.handler import lambda_handler as allocation
from audit.handler import lambda_handler as audit
from enrolment.handler import lambda_handler as api
from extract.handler import lambda_handler as extract
from reconciliation.handler import lambda_handler as reconciliation
from retention.handler import lambda_handler as retention
from sending.gateway import NotSentError
from tests.support.buckets import make_bucket
from tests.support.delivery_lines import STRANGER, bring, line
from tests.support.faults import before_publish, before_write, hooked, raising, refusal
from tests.support.gaps import leave_stray, make_schedule, schedules, turn
from tests.support.life import ARREST, CUSTODY, followed, report_change, treated
from tests.support.samples import MORNING, sample
from tests.support.steps import (
    CONTEXT,
    UNHURRIED,
    announcement,
    call,
    enrol,
    fire,
    someone_in,
    stream,
)
from tests.support.table import (
    change_reminder,
    delete,
    everything,
    found,
    put_item,
    reminder_of,
)
from trial.aws import clients
from trial.codes import Arm, ReminderState
from trial.records.enrolment import enrolment_key
from trial.records.reminder import reminder_key

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
ERASED_FROM = MORNING + 103 * DAY  # 90 days after the last day of an order of 14
YEARS_LATER = MORNING + 20 * 365 * DAY


def look() -> None:
    """Reconciliation's hour."""
    reconciliation(sample("reconciliation-hourly"), UNHURRIED)


def prove() -> None:
    """Reconciliation's night."""
    reconciliation(sample("reconciliation-proof"), UNHURRIED)


def brought(message_id: str, words: str | None = None, number: str = STRANGER) -> None:
    """The carrier's word on a text: delivered or, with its words, not."""
    bring(line(message_id, words=words, number=number))


def waiting(ident: UUID, clock: Traveller) -> None:
    """Their second reminder has no schedule, and is due in an hour; the first is over."""
    change_reminder(ident, 1, state=ReminderState.DELIVERED)
    assert schedules().remove(ident, 2)
    clock.move_to(reminder_of(ident, 2).due_at - HOUR)


# Days without fault


def two_days(clock: Traveller) -> None:
    """Somebody is texted when it is due, and all that recurs runs as often as it should."""
    ident = treated()
    night()
    due_at = reminder_of(ident, 1).due_at
    for hour in range(48):
        clock.move_to(MORNING + hour * HOUR)
        look()
        if datetime.now(UTC).hour == 3:
            night()
        if timedelta() <= due_at - datetime.now(UTC) < HOUR:
            clock.move_to(due_at)
            assert fire(ident, 1) == "sent"
            assert schedules().remove(ident, 1)
            brought(reminder_of(ident, 1).message_id or "")


def night() -> None:
    """The proof, the extract and retention."""
    prove()
    extracted()
    retained()


def extracted() -> None:
    if not clients.s3().list_buckets()["Buckets"]:
        make_bucket("extract")
    extract(sample("extract-nightly"), UNHURRIED)


def retained() -> None:
    retention(sample("retention-nightly"), UNHURRIED)


def pieces_of_life(clock: Traveller) -> None:
    """Waiting, found, left out, arrested, in custody; a text that did not arrive; a stray word."""
    ident = enrol(500, mobile={"missing_reason": "seized_evidence"})
    call("PUT", f"/enrolments/{ident}/mobile", {"number": "+447700900500"})
    enrol(501, respondent={"date_of_birth": "2010-01-01"})
    ident = treated()
    clock.move_to(reminder_of(ident, 1).due_at)
    assert fire(ident, 1) == "sent"
    brought(reminder_of(ident, 1).message_id or "", "Phone has blocked SMS")
    brought("somebody-elses", number="+447700900500")  # which is ours
    report_change(ident, "outcomes", ARREST)
    report_change(ident, "end", CUSTODY)


def audited(clock: Traveller) -> None:  # noqa: ARG001
    make_bucket("audit")
    enrol()
    key = next(key for key, item in everything().items() if item["kind"] == "audit")
    record = announcement(key)
    record["eventName"] = "INSERT"
    audit(stream(record), CONTEXT)


def record_failed(clock: Traveller) -> None:  # noqa: ARG001
    enrol()
    key = next(key for key, item in everything().items() if item["kind"] == "person")
    allocation(stream(announcement(key)), CONTEXT)  # no enrolment


def erased(clock: Traveller) -> None:
    followed(1)
    leave_stray(someone_in(Arm.CONTROL, first=700), MORNING)
    for moment in (ERASED_FROM - 10 * DAY, ERASED_FROM, YEARS_LATER):  # the receipt goes first
        clock.move_to(moment)
        retained()


def not_erased(clock: Traveller) -> None:
    ident = followed(1)
    key = enrolment_key(ident)
    put_item(key, found(key) | {"respondent": {"sex": "male"}})
    clock.move_to(ERASED_FROM)
    retained()


def cut_short(clock: Traveller) -> None:
    followed(1)
    followed(2)
    clock.move_to(MORNING + 20 * DAY)
    reconciliation(sample("reconciliation-hourly"), CONTEXT)
    reconciliation(sample("reconciliation-proof"), CONTEXT)
    clock.move_to(ERASED_FROM)
    retention(sample("retention-nightly"), CONTEXT)


# What reconciliation finds


def not_scheduled(clock: Traveller) -> None:
    waiting(treated(), clock)
    look()


def not_fired(clock: Traveller) -> None:
    waiting(treated(), clock)
    clock.shift(HOUR + 10 * MINUTE)
    look()


def not_sent(clock: Traveller) -> None:
    waiting(treated(), clock)
    clock.shift(8 * HOUR)
    look()


def unknown(clock: Traveller) -> None:
    ident = treated()
    waiting(ident, clock)
    clock.shift(HOUR)
    lost = ReadTimeoutError(endpoint_url="https://sns")
    with before_publish(raising(lost)):
        assert fire(ident, 2) == "unsure"
    clock.shift(HOUR)
    look()


def found_sent(clock: Traveller) -> None:
    ident = treated()
    waiting(ident, clock)
    clock.shift(HOUR)
    with before_publish(raising(ReadTimeoutError(endpoint_url="https://sns"))):
        fire(ident, 2)
    leave_stray(ident, datetime.now(UTC) + timedelta(seconds=2))
    clock.shift(HOUR)
    look()


def unconfirmed(clock: Traveller) -> None:
    ident = treated()
    waiting(ident, clock)
    clock.shift(HOUR)
    assert fire(ident, 2) == "sent"
    clock.shift(3 * DAY + HOUR)
    look()


def stray_schedule(clock: Traveller) -> None:  # noqa: ARG001
    ident = treated()
    delete(reminder_key(ident, 7))
    prove()


def not_entitled(clock: Traveller) -> None:  # noqa: ARG001
    ident = someone_in(Arm.CONTROL)
    schedules().ensure(ident, 2, due_at=MORNING + DAY, now=MORNING)
    prove()


def strange_schedule(clock: Traveller) -> None:  # noqa: ARG001
    make_schedule("somebody-elses")
    prove()


def stray_text(clock: Traveller) -> None:
    leave_stray(someone_in(Arm.CONTROL), MORNING)
    clock.shift(DAY)
    prove()


def not_followed_up(clock: Traveller) -> None:  # noqa: ARG001
    """Somebody else's enrolment cannot be changed, neither at once nor later."""
    taken = enrol(1, mobile={"number": "+447700900888"})
    refused = raising(refusal("ThrottlingException"))

    def not_another_s(params: dict[str, Any], **_: Any) -> None:
        if enrolment_key(taken).pk in str(params):
            refused()

    moment = "provide-client-params.dynamodb.TransactWriteItems"
    with hooked(clients.dynamodb(), moment, not_another_s):
        enrol(2, protected_numbers=["+447700900888"])
        api({"follow_up": True}, UNHURRIED)


def not_drawn(clock: Traveller) -> None:  # noqa: ARG001
    enrol()
    prove()


def not_reconciled(clock: Traveller) -> None:
    waiting(treated(), clock)
    clock.shift(8 * HOUR)
    refused = raising(refusal("ThrottlingException"))
    with before_write(refused):
        look()


# What does not happen


def silence(clock: Traveller) -> None:
    """Everything runs once, and then nothing does."""
    night()
    look()
    clock.shift(4 * DAY)


def paused_for_a_day(clock: Traveller) -> None:
    clock.move_to(MORNING.replace(hour=0, minute=5))
    turn(paused=True)
    for _ in range(27):
        look()
        clock.shift(HOUR)


def follow_up_overdue(clock: Traveller) -> None:
    enrol(1, mobile={"missing_reason": "seized_evidence", "follow_up_on": "2026-12-02"})
    clock.move_to((MORNING + 2 * DAY).replace(hour=0, minute=5))
    for _ in range(4):
        look()
        clock.shift(HOUR)


def paused_for_a_drill(clock: Traveller) -> None:
    """Three texts have to wait, and go once it is over."""
    due = several(clock, 3)
    turn(paused=True)
    assert [fire(ident, 1) for ident in due] == ["paused"] * 3
    clock.shift(HOUR)
    turn(paused=False)
    look()
    clock.shift(HOUR)


def paused_now_and_then(clock: Traveller) -> None:
    """Of every hour of a day and more, a few minutes."""
    for _ in range(27):
        for paused in (True, False):
            turn(paused=paused)
            clock.shift(HOUR / 2)


def nothing_sent(clock: Traveller) -> None:
    """SNS refuses every text, for a sender that it does not know, say."""
    due = several(clock, 3)
    no = raising(refusal("InvalidParameter"))
    with before_publish(no, times=3):
        assert [fire(ident, 1) for ident in due] == ["failed"] * 3
    clock.shift(HOUR)


def nothing_sent_for_want_of_a_right(clock: Traveller) -> None:
    """SNS refuses our own call, every time: no verdict on any number, and no text."""
    due = several(clock, 3)
    no = raising(refusal("AuthorizationError", status=403))
    with before_publish(no, times=3):
        for ident in due:
            with pytest.raises(NotSentError):
                fire(ident, 1)
    clock.shift(HOUR)


def too_many_orders(clock: Traveller) -> None:
    """More in an hour than come in a day."""
    for serial in range(41):
        enrol(serial)
    clock.shift(HOUR)


def few_delivered(clock: Traveller) -> None:
    """Of ten texts sent in a day none is heard of."""
    due = several(clock, 10)
    assert [fire(ident, 1) for ident in due] == ["sent"] * 10
    clock.shift(HOUR)


def several(clock: Traveller, how_many: int) -> list[UUID]:
    """So many people whose first reminders are due now, at noon."""
    everybody = [treated(first=20 * number) for number in range(1, how_many + 1)]
    noon = (MORNING + DAY).replace(hour=12)
    for ident in everybody:
        change_reminder(ident, 1, due_at=noon)
    clock.move_to(noon)
    return everybody
