"""Sending by its handler: at most one request to the provider for a reminder, ever."""

import json
import tomllib
import traceback
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from functools import partial
from io import StringIO
from typing import Any
from uuid import UUID, uuid4

import pytest
from botocore.exceptions import ConnectionClosedError, EndpointConnectionError, ReadTimeoutError
from moto.sns.models import sns_backends
from pydantic import ValidationError
from time_machine import Traveller

from sending.gateway import NotSentError
from sending.handler import Firing
from sending.handler import lambda_handler as handler
from tests.support.faults import (
    after_write,
    before_publish,
    before_write,
    counting,
    meddling,
    raising,
    refusal,
)
from tests.support.fixture_protocol import VERSION
from tests.support.life import audit_of
from tests.support.samples import ACCOUNT, REGION, sample
from tests.support.steps import CONTEXT, enrol, fire, someone_in, texts
from tests.support.table import (
    allocation_of,
    change_enrolment,
    change_reminder,
    enrolment_of,
    everything,
    found,
    keep,
    number_hash_of,
    number_of,
    reminder_of,
    reminders_of,
    sealing,
    unchanged,
)
from trial.aws import clients
from trial.aws.kms import Binding, Purpose
from trial.aws.table import Key
from trial.codes import Arm, ReminderState, Status
from trial.errors import ContendedError, NotFoundError, RejectedError, UnavailableError
from trial.open_claims import OUTLASTED
from trial.phone import NumberError
from trial.protocol.alphabet import septets
from trial.protocol.load import path_of
from trial.records.allocation import allocation_key
from trial.records.enrolment import Mobile
from trial.records.person import Number, SuppressedNumber, number_key, suppressed_key
from trial.records.receipt import OptOut, opt_out_key
from trial.records.reminder import day_key, reminder_key, texts_key
from trial.records.switch import SWITCH_KEY, Switch

Configure = Callable[..., None]

pytestmark = pytest.mark.usefixtures("cloud")

NOW = datetime(2026, 12, 3, 10, tzinfo=UTC)
OTHER_NUMBER = "+447700900888"
SOMEBODY = "a5e1485f-199d-8556-a497-98980cd19691"


def another_due(first: int, **changes: Any) -> UUID:
    """Somebody in intervention whose reminder 2 is due now."""
    ident = someone_in(Arm.INTERVENTION, first=first, **changes)
    change_reminder(ident, 2, due_at=NOW, state=ReminderState.SCHEDULED)
    return ident


@pytest.fixture
def treated() -> UUID:
    """Somebody in intervention."""
    return another_due(1)


@pytest.fixture
def due(treated: UUID, clock: Traveller) -> UUID:
    """The same, when reminder 2 is due."""
    clock.move_to(NOW)
    return treated


def state(enrolment_id: UUID, number: int = 2) -> tuple[ReminderState, str | None]:
    reminder = reminder_of(enrolment_id, number)
    return reminder.state, reminder.reason


def assert_still_due(enrolment_id: UUID) -> None:
    """Reminder 2 is as open as it was, and no text went."""
    assert (state(enrolment_id), texts()) == ((ReminderState.SCHEDULED, None), [])


def assert_suppressed(enrolment_id: UUID, reason: str) -> None:
    """Reminder 2 is suppressed, and no text went."""
    assert (state(enrolment_id), texts()) == ((ReminderState.SUPPRESSED, reason), [])


def pause(*, paused: bool = True) -> None:
    keep(SWITCH_KEY, Switch(paused=paused, reason="drill", by="PC-1182", at=NOW))


def suppress_number(enrolment_id: UUID) -> None:
    never = SuppressedNumber(reason="wrong_number", at=NOW, by="PC-1182")
    keep(suppressed_key(number_hash_of(enrolment_id)), never)


def opt_out(enrolment_id: UUID) -> None:
    keep(opt_out_key(number_hash_of(enrolment_id)), OptOut(at=NOW, by="receipts"))


def protect_number(enrolment_id: UUID, *last_days: int) -> None:
    key = number_key(number_hash_of(enrolment_id))
    protected = {uuid4(): NOW.date().replace(day=day) for day in last_days or [NOW.day]}
    keep(key, Number.of(found(key)).model_copy(update={"protected": protected}))


def text_on_that_day(enrolment_id: UUID) -> None:
    """As another order of the same person would have had one."""
    keep(day_key(enrolment_of(enrolment_id).person_hash, NOW.date()), reminder_of(enrolment_id, 1))


def change_mobile(enrolment_id: UUID, **changes: Any) -> None:
    mobile = enrolment_of(enrolment_id).mobile.model_copy(update=changes)
    change_enrolment(enrolment_id, mobile=mobile)


def change_number(enrolment_id: UUID, number: str) -> None:
    seal = sealing().sealed(number, Binding(enrolment_id, Purpose.NUMBER, "ff"))
    change_mobile(enrolment_id, sealed=seal, number_hash="ff")


# Sent, once


def test_a_reminder_that_is_due_is_sent_to_the_respondent(due: UUID) -> None:
    assert fire(due, 2) == "sent"
    ((number, _),) = texts()
    assert number == number_of(due)
    reminder = reminder_of(due, 2)
    assert (reminder.state, reminder.sent_at) == (ReminderState.SENT, NOW)
    assert reminder.message_id in sns_backends[ACCOUNT][REGION].sms_messages


def test_the_disclosure_is_in_the_audit_trail(due: UUID) -> None:
    fire(due, 2)
    assert {"text 2 disclosed"} == {
        each["what"] for each in audit_of(due) if each["by"] == "sending"
    }


def test_a_second_firing_does_nothing(due: UUID) -> None:
    fire(due, 2)
    with unchanged():
        assert [fire(due, 2) for _ in range(3)] == ["nothing_to_do"] * 3
    assert len(texts()) == 1


def test_of_two_firings_at_once_one_sends(due: UUID) -> None:
    rival: list[str] = []
    with before_write(lambda: rival.append(fire(due, 2))):
        slower = fire(due, 2)
    assert (rival, slower) == (["sent"], "nothing_to_do")
    assert len(texts()) == 1


def test_a_schedule_that_fires_before_it_is_noted_is_good_enough(due: UUID) -> None:
    change_reminder(due, 2, state=ReminderState.PLANNED)
    assert fire(due, 2) == "sent"


OPEN = ReminderState.PLANNED, ReminderState.SCHEDULED


@pytest.mark.parametrize("closed", [each for each in ReminderState if each not in OPEN])
def test_a_reminder_in_any_later_state_is_left_alone(due: UUID, closed: ReminderState) -> None:
    change_reminder(due, 2, state=closed)
    with unchanged():
        assert fire(due, 2) == "nothing_to_do"
    assert texts() == []


def test_what_has_moved_waits_for_its_own_schedule(due: UUID) -> None:
    change_reminder(due, 2, due_at=NOW + timedelta(seconds=1))
    assert fire(due, 2) == "not_due"
    assert_still_due(due)


# Suppressed

CHECKED: dict[str, Callable[[UUID], None]] = {
    "ended": lambda ident: change_enrolment(ident, status=Status.ENDED),
    "no_number": lambda ident: change_enrolment(ident, mobile=Mobile()),
    "unsafe_number": lambda ident: change_mobile(ident, unsafe=True),
    "daily_limit": text_on_that_day,
}
"""What the claim itself checks."""

READ: dict[str, Callable[[UUID], None]] = {
    "suppressed_number": suppress_number,
    "opted_out": opt_out,
    "unsafe_number": protect_number,
}
"""What is read right before the claim."""

AGAINST = READ | CHECKED


@pytest.mark.parametrize("reason", AGAINST)
def test_each_reason_against_it_suppresses_it_for_good(due: UUID, reason: str) -> None:
    AGAINST[reason](due)
    assert fire(due, 2) == "suppressed"
    assert fire(due, 2) == "nothing_to_do"
    assert_suppressed(due, reason)


def test_a_person_gets_one_text_a_day(due: UUID, clock: Traveller) -> None:
    change_reminder(due, 3, due_at=NOW + timedelta(hours=5))
    assert fire(due, 2) == "sent"
    clock.move_to(NOW + timedelta(hours=5))
    assert fire(due, 3) == "suppressed"
    assert state(due, 3) == (ReminderState.SUPPRESSED, "daily_limit")
    assert len(texts()) == 1


def test_while_sending_is_paused_a_reminder_stays_open(due: UUID) -> None:
    pause()
    assert fire(due, 2) == "paused"
    assert_still_due(due)
    pause(paused=False)
    assert fire(due, 2) == "sent"


# In the moment between the look and the claim


@pytest.mark.parametrize("reason", CHECKED)
def test_a_reason_that_comes_up_at_the_last_moment_still_counts(due: UUID, reason: str) -> None:
    with before_write(lambda: CHECKED[reason](due)):
        assert fire(due, 2) == "suppressed"
    assert_suppressed(due, reason)


def at_second_read(moment: str, act: Callable[[], object]) -> AbstractContextManager[None]:
    """Run `act` before or after the read of what stops a number or all texts."""
    reads = iter(["the reminder", "what stops it"])

    def at_the_second() -> None:
        if next(reads) == "what stops it":
            act()

    at = f"{moment}-call.dynamodb.BatchGetItem"
    return meddling(clients.dynamodb(), at, at_the_second, times=2)


def test_a_pause_that_came_after_the_first_read_still_counts(due: UUID) -> None:
    with at_second_read("before", pause):
        assert fire(due, 2) == "paused"
    assert_still_due(due)


@pytest.mark.parametrize("reason", READ)
def test_what_stopped_a_number_after_the_first_read_still_counts(due: UUID, reason: str) -> None:
    with at_second_read("before", lambda: READ[reason](due)):
        assert fire(due, 2) == "suppressed"
    assert_suppressed(due, reason)


def test_a_pause_that_was_answered_while_sending_slept_still_counts(
    due: UUID, clock: Traveller
) -> None:
    def sleep_through_it() -> None:
        pause()
        clock.shift(OUTLASTED)

    with at_second_read("after", sleep_through_it):
        assert fire(due, 2) == "paused"
    assert_still_due(due)


@pytest.mark.parametrize(("last_day", "outcome"), [(3, "suppressed"), (2, "sent")])
def test_a_number_that_a_live_order_protects_is_not_texted_whatever_the_enrolment_says(
    due: UUID, last_day: int, outcome: str
) -> None:
    """Who protects a number changes one item; the enrolments that use it follow later."""
    protect_number(due, 1, last_day)
    assert fire(due, 2) == outcome
    if outcome == "suppressed":
        assert_suppressed(due, "unsafe_number")


def test_a_number_that_another_order_protects_at_the_last_moment_is_not_texted(due: UUID) -> None:
    number = number_of(due)
    dates = {"made_on": "2026-12-03", "expires_on": "2026-12-16", "served_on": "2026-12-03"}
    with before_write(lambda: enrol(900, order=dates, protected_numbers=[number])):
        assert fire(due, 2) == "suppressed"
    assert_suppressed(due, "unsafe_number")


def test_a_number_changed_at_the_last_moment_is_the_one_texted(due: UUID) -> None:
    with before_write(lambda: change_number(due, OTHER_NUMBER)):
        assert fire(due, 2) == "sent"
    ((number, _),) = texts()
    assert number == OTHER_NUMBER


def test_a_reminder_moved_at_the_last_moment_waits(due: UUID) -> None:
    later = NOW + timedelta(days=1)
    with before_write(lambda: change_reminder(due, 2, due_at=later)):
        assert fire(due, 2) == "nothing_to_do"
    assert_still_due(due)


def test_what_keeps_changing_is_left_to_a_retry(due: UUID) -> None:
    with (
        before_write(partial(change_enrolment, due), times=3),
        pytest.raises(UnavailableError, match="kept changing"),
    ):
        fire(due, 2)
    assert state(due) == (ReminderState.SCHEDULED, None)
    assert fire(due, 2) == "sent"


# What the provider answers


@pytest.mark.parametrize("code", ["InvalidParameter", "InvalidParameterValue", "OptedOut"])
def test_a_definite_no_is_the_end_of_it(due: UUID, code: str, log: StringIO) -> None:
    with before_publish(raising(refusal(code))):
        assert fire(due, 2) == "failed"
    assert state(due) == (ReminderState.FAILED, code)
    assert fire(due, 2) == "nothing_to_do"
    assert texts() == []
    assert '"level":"ERROR"' in log.getvalue()


@pytest.mark.parametrize("code", ["OptedOut", "OptedOutException"])
def test_a_number_that_the_provider_calls_opted_out_is_not_texted_again(
    due: UUID, clock: Traveller, code: str
) -> None:
    with before_publish(raising(refusal(code))):
        assert fire(due, 2) == "failed"
    blocked = {"number": number_of(due)}
    other = someone_in(Arm.INTERVENTION, first=500, mobile=blocked)  # somebody else's order
    for ident, day in ((due, 1), (other, 2)):
        change_reminder(ident, 3, due_at=NOW + timedelta(days=day))
        clock.move_to(NOW + timedelta(days=day))
        assert fire(ident, 3) == "suppressed"
        assert state(ident, 3) == (ReminderState.SUPPRESSED, "opted_out")
    assert texts() == []


def without_the_trail(items: dict[Key, dict[str, Any]]) -> dict[Key, dict[str, Any]]:
    return {key: item for key, item in items.items() if item["kind"] != "audit"}


@pytest.mark.parametrize(
    "error",
    [
        refusal("Throttling", status=429),
        refusal("AuthorizationError", status=403),
        EndpointConnectionError(endpoint_url="https://sns"),
    ],
    ids=["too many", "no right", "no way there"],
)
def test_what_was_certainly_not_sent_is_given_back_for_a_retry(due: UUID, error: Exception) -> None:
    before = everything()
    with before_publish(raising(error)), pytest.raises(NotSentError):
        fire(due, 2)
    after = everything()
    assert after.pop(texts_key(NOW.date(), for_drama=True))["counted"] == 0
    assert without_the_trail(after) == without_the_trail(before)
    with counting(clients.sns(), "sns.Publish") as requests:
        assert fire(due, 2) == "sent"
    assert len(requests) == len(texts()) == 1


def test_whoever_wakes_after_another_has_claimed_gives_back_nothing(due: UUID) -> None:
    other = {"state": ReminderState.CLAIMED, "claimed_at": datetime(2027, 1, 1, tzinfo=UTC)}

    def sleep_through_it() -> None:
        change_reminder(due, 2, **other)
        raise refusal("ThrottlingException")

    with before_publish(sleep_through_it):
        assert fire(due, 2) == "nothing_to_do"
    after = reminder_of(due, 2)
    assert {"state": after.state, "claimed_at": after.claimed_at} == other


@pytest.mark.parametrize(
    "error",
    [
        ReadTimeoutError(endpoint_url="https://sns"),
        ConnectionClosedError(endpoint_url="https://sns"),
        refusal("ServiceUnavailable", status=503),
    ],
    ids=["slow", "hung up", "503"],
)
def test_what_may_have_been_sent_is_never_sent_again(
    due: UUID, error: Exception, log: StringIO
) -> None:
    with before_publish(raising(error)):
        assert fire(due, 2) == "unsure"
    assert state(due) == (ReminderState.CLAIMED, None)
    with counting(clients.sns(), "sns.Publish") as requests:
        assert [fire(due, 2) for _ in range(3)] == ["nothing_to_do"] * 3
    assert requests == []
    assert state(due) == (ReminderState.CLAIMED, None)
    assert '"level":"ERROR"' in log.getvalue()


@pytest.mark.parametrize("when", ["before-call", "after-call"])
def test_a_crash_at_the_provider_s_door_is_not_repeated(due: UUID, when: str) -> None:
    with (
        counting(clients.sns(), "sns.Publish") as requests,
        meddling(clients.sns(), f"{when}.sns.Publish", raising(MemoryError())),
        pytest.raises(MemoryError),
    ):
        fire(due, 2)
    assert fire(due, 2) == "nothing_to_do"
    assert state(due) == (ReminderState.CLAIMED, None)
    assert len(requests) == 1


def test_a_claim_whose_answer_is_lost_sends_nothing(due: UUID) -> None:
    lost = raising(ReadTimeoutError(endpoint_url="https://dynamodb"))
    with after_write(lost), pytest.raises(UnavailableError):
        fire(due, 2)
    assert fire(due, 2) == "nothing_to_do"
    assert (state(due), texts()) == ((ReminderState.CLAIMED, None), [])


def test_a_text_that_cannot_be_noted_as_sent_is_not_sent_again(due: UUID) -> None:
    calls = iter(["claim", "close"])

    def lose_the_table() -> None:
        if next(calls) == "close":
            raise refusal("ThrottlingException")

    with before_write(lose_the_table, times=2), pytest.raises(UnavailableError):
        fire(due, 2)
    assert fire(due, 2) == "nothing_to_do"
    assert state(due) == (ReminderState.CLAIMED, None)
    assert len(texts()) == 1


# A claim that takes too long


def slow_claim(clock: Traveller, seconds: float) -> Callable[[], None]:
    return lambda: clock.shift(timedelta(seconds=seconds))


def test_a_text_that_has_not_begun_soon_after_its_claim_is_given_up(
    due: UUID, clock: Traveller
) -> None:
    with (
        before_write(slow_claim(clock, 1.01), times=6),
        counting(clients.sns(), "sns.Publish") as requests,
        pytest.raises(ContendedError),
    ):
        fire(due, 2)  # three claims, and the release of each
    assert requests == []
    assert state(due) == (ReminderState.SCHEDULED, None)


def test_after_a_slow_claim_it_is_claimed_again_and_sent_when_it_says(
    due: UUID, clock: Traveller
) -> None:
    with before_write(slow_claim(clock, 1.01)):
        assert fire(due, 2) == "sent"
    assert len(texts()) == 1
    assert reminder_of(due, 2).sent_at == NOW + timedelta(seconds=1.01)
    trail = [each["what"] for each in audit_of(due) if each["what"].startswith("text ")]
    assert sorted(trail) == ["text 2 disclosed", "text 2 disclosed", "text 2 released"]


def test_a_text_is_sent_at_the_time_of_its_request(due: UUID, clock: Traveller) -> None:
    with before_write(slow_claim(clock, 0.75)):
        assert fire(due, 2) == "sent"
    reminder = reminder_of(due, 2)
    assert (reminder.claimed_at, reminder.sent_at) == (NOW, NOW + timedelta(seconds=0.75))


def test_the_window_is_looked_at_again_right_before_the_request(
    treated: UUID, clock: Traveller
) -> None:
    closes = datetime(2026, 12, 3, 20, tzinfo=UTC)
    change_reminder(treated, 2, due_at=closes - timedelta(minutes=1))
    clock.move_to(closes - timedelta(seconds=0.5))
    with before_write(slow_claim(clock, 0.5)):
        assert fire(treated, 2) == "suppressed"
    assert_suppressed(treated, "outside_window")


# What is not sent at all


@pytest.mark.parametrize(
    "event",
    [
        {},
        {"enrolment_id": SOMEBODY},
        {"enrolment_id": "3701f7e2", "number": 1},
        {"enrolment_id": SOMEBODY, "number": 0},
        {"enrolment_id": SOMEBODY, "number": "first"},
        sample("schedule-fired") | {"phone": OTHER_NUMBER},
    ],
    ids=str,
)
def test_an_event_that_makes_no_sense_is_refused_without_repeating_it(
    event: dict[str, Any],
) -> None:
    with pytest.raises(ValidationError) as refused:
        handler(event, CONTEXT)
    assert OTHER_NUMBER not in "".join(traceback.format_exception(refused.value))
    assert texts() == []


def test_the_sample_of_a_firing_is_one() -> None:
    assert Firing.model_validate(sample("schedule-fired")).number == 1


def test_a_reminder_that_is_not_there_is_refused(due: UUID) -> None:
    for nothing in ((due, 99), (uuid4(), 1)):
        with pytest.raises(NotFoundError):
            fire(*nothing)
    assert texts() == []


def test_control_is_never_texted_not_even_if_a_reminder_gets_in(clock: Traveller) -> None:
    treated, control = someone_in(Arm.INTERVENTION), someone_in(Arm.CONTROL, first=100)
    with pytest.raises(NotFoundError):
        fire(control, 1)
    stray = reminders_of(treated)[0].model_copy(update={"enrolment_id": control})
    keep(reminder_key(control, 1), stray)
    clock.move_to(stray.due_at)
    with pytest.raises(RejectedError, match="intervention"):
        fire(control, 1)
    assert allocation_of(control).arm is Arm.CONTROL
    assert state(control, 1) == (stray.state, None)
    assert texts() == []


def test_a_reminder_of_another_protocol_than_it_was_drawn_under_is_refused(due: UUID) -> None:
    """Both protocols are valid: somebody chose other wordings than the person was drawn for."""
    keep(allocation_key(due), allocation_of(due).model_copy(update={"protocol_sha256": "0" * 64}))
    with pytest.raises(RejectedError, match="protocol"):
        fire(due, 2)


def test_a_reminder_of_another_protocol_than_the_file_is_refused(due: UUID) -> None:
    change_reminder(due, 2, protocol_sha256="0" * 64)
    with pytest.raises(RejectedError, match="protocol"):
        fire(due, 2)
    assert_still_due(due)


def test_a_number_that_may_not_be_texted_is_refused_before_the_claim(due: UUID) -> None:
    change_number(due, "+442079460123")
    with pytest.raises(NumberError) as refused:
        fire(due, 2)
    assert "9460123" not in "".join(traceback.format_exception(refused.value))
    assert_still_due(due)


def test_a_number_that_was_sealed_for_somebody_else_is_not_texted(due: UUID) -> None:
    """Whoever writes to the table cannot choose whom a text goes to."""
    other = enrol(901)
    change_enrolment(due, mobile=enrolment_of(other).mobile)
    refuse_to_open(due)


def refuse_to_open(due: UUID) -> None:
    with pytest.raises(RejectedError, match="InvalidCiphertext"):
        fire(due, 2)
    assert_still_due(due)


def test_an_older_seal_is_not_opened_beside_the_hash_of_the_number_of_now(due: UUID) -> None:
    older = enrolment_of(due).mobile
    change_number(due, OTHER_NUMBER)
    newer = enrolment_of(due).mobile
    for mixed in (
        newer.model_copy(update={"sealed": older.sealed}),
        older.model_copy(update={"sealed": newer.sealed}),
    ):
        change_enrolment(due, mobile=mixed)
        refuse_to_open(due)


def test_an_older_seal_with_its_own_hash_does_not_pass_by_a_suppression(due: UUID) -> None:
    older = enrolment_of(due).mobile
    suppress_number(due)
    change_number(due, OTHER_NUMBER)
    change_enrolment(due, mobile=older)
    assert fire(due, 2) == "suppressed"
    assert texts() == []


def test_sealed_identifiers_are_not_opened_as_a_number(due: UUID) -> None:
    change_mobile(due, sealed=enrolment_of(due).respondent.sealed)
    refuse_to_open(due)


def test_while_no_seal_can_be_opened_nothing_is_claimed(due: UUID) -> None:
    fault = raising(refusal("InternalFailure", status=500))
    with meddling(clients.kms(), "before-call.kms.Decrypt", fault), pytest.raises(UnavailableError):
        fire(due, 2)
    assert state(due) == (ReminderState.SCHEDULED, None)
    assert fire(due, 2) == "sent"


# As many as may go in a day


def test_no_more_texts_go_in_a_day_than_may(
    due: UUID, clock: Traveller, configure: Configure
) -> None:
    """A stolen credential could enrol thousands."""
    configure(TEXTS_PER_DAY="1")
    other = another_due(300)
    assert fire(due, 2) == "sent"
    assert fire(other, 2) == "capped"
    assert state(other) == (ReminderState.SCHEDULED, None)
    assert len(texts()) == 1
    clock.shift(timedelta(days=1))
    change_reminder(other, 2, due_at=datetime.now(UTC))
    assert fire(other, 2) == "sent"


def test_where_texts_run_short_those_enrolled_earlier_go_first(
    due: UUID, configure: Configure
) -> None:
    configure(TEXTS_PER_DAY="2")
    later, earlier = another_due(300), another_due(400)
    change_enrolment(earlier, enrolled_at=NOW - timedelta(days=14))
    assert [fire(each, 2) for each in (due, later, earlier)] == ["sent", "capped", "sent"]


def test_numbers_that_nobody_can_have_use_up_nobody_s_texts(
    due: UUID, configure: Configure
) -> None:
    """Anybody can make up orders with them."""
    configure(TEXTS_PER_DAY="1")
    real = another_due(300, mobile={"number": "+447400123456"})
    assert [fire(each, 2) for each in (due, real)] == ["sent", "sent"]


def test_what_was_certainly_not_sent_does_not_count(due: UUID, configure: Configure) -> None:
    configure(TEXTS_PER_DAY="1")
    for _ in range(2):
        with (
            before_publish(raising(EndpointConnectionError(endpoint_url="sns"))),
            pytest.raises(NotSentError),
        ):
            fire(due, 2)
    assert fire(due, 2) == "sent"


# What it says

PROTOCOL = tomllib.loads(path_of(VERSION).read_text(encoding="utf-8"))


def approved(key: str, expiry_date: str) -> str:
    text: str = PROTOCOL["wordings"]["en"][key]["text"]
    return text.format(force="Durham Police", contact="101", expiry_date=expiry_date)


def test_every_text_is_the_approved_wording_of_its_theme_in_one_part(clock: Traveller) -> None:
    ident = someone_in(Arm.INTERVENTION, order={"expires_on": "2026-12-28"})
    keys = ["C1-NC", "C2-NC", "S2", "P1", "M1", "S1", "R", "S3", "M2", "P2", "B-NC", "E1", "E2"]
    for reminder in reminders_of(ident):
        clock.move_to(reminder.due_at)
        assert fire(ident, reminder.number) == "sent"
    told = [text for _, text in texts()]
    assert told == [approved(key, "Mon 28 Dec 2026") for key in keys]
    assert all(septets(text) <= 160 for text in told)
    assert {number for number, _ in texts()} == {number_of(ident)}


def test_it_goes_under_the_force_s_sender_as_a_text_of_consequence(due: UUID) -> None:
    with counting(clients.sns(), "sns.Publish") as requests:
        fire(due, 2)
    (request,) = requests
    attributes = request["MessageAttributes"]
    assert {name: attribute["StringValue"] for name, attribute in attributes.items()} == {
        "AWS.SNS.SMS.SenderID": "Police",
        "AWS.SNS.SMS.SMSType": "Transactional",
    }
    assert set(request) == {"PhoneNumber", "Message", "MessageAttributes"}


# Told to nobody else


def test_neither_the_number_nor_the_text_is_logged(due: UUID, log: StringIO) -> None:
    full = raising(refusal("Throttling", status=429, message=number_of(due)))
    with before_publish(full), pytest.raises(NotSentError) as failed:
        fire(due, 2)
    fire(due, 2)
    ((number, text),) = texts()
    told = log.getvalue() + "".join(traceback.format_exception(failed.value))
    assert str(due) in told
    assert number[-9:] not in told
    assert text not in told


def test_what_lambda_gets_back_is_the_outcome_alone(due: UUID) -> None:
    answer = handler({"enrolment_id": str(due), "number": 2}, CONTEXT)
    assert json.loads(json.dumps(answer)) == {"outcome": "sent"}
