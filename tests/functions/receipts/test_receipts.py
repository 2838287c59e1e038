"""Receipts in any order, stored with their reminder or as stray ones."""

from trial.log import logger

import io
import json
from collections.abc import Callable
from datetime import timedelta
from itertools import count, permutations
from typing import Any
from uuid import UUID

import pytest
from time_machine import Traveller

from sending.store import Claim, SendingStore
from tests.support.delivery_lines import STRANGER, bring, line
from tests.support.faults import before_write, meddling, raising, refusal
from tests.support.fixture_protocol import AGREED
from tests.support.samples import MORNING, TABLE
from tests.support.steps import call, someone_in
from tests.support.table import (
    change_reminder,
    delete,
    everything,
    found,
    held,
    keep,
    number_hash_of,
    number_of,
    put_item,
    reminder_of,
    unchanged,
)
from trial.aws import clients
from trial.aws.kms import MacKey
from trial.aws.table import ConditionFailedError, Key, Table
from trial.codes import Arm, Language, ReminderState
from trial.errors import UnavailableError
from trial.identity import number_hash
from trial.records.person import Number, number_key
from trial.records.receipt import Stray, message_key, opt_out_key, stray_key
from trial.records.record import Record
from trial.records.reminder import TextSent, reminder_key

serial = count(1)


@pytest.fixture(autouse=True)
def known_number(cloud: dict[str, str]) -> None:
    """The number to which texts go in these tests is known to the trial."""
    hashed = number_hash(MacKey(clients.kms(), cloud["IDENTITY_KEY_ID"]), STRANGER)
    keep(number_key(hashed), Number())


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    """What the function logs, as CloudWatch would have it."""
    stream = io.StringIO()
    monkeypatch.setattr(logger.registered_handler, "stream", stream)
    return stream


@pytest.fixture
def ident(cloud: dict[str, str]) -> UUID:  # noqa: ARG001
    """Somebody whose first reminder is claimed, and not closed."""
    someone = someone_in(Arm.INTERVENTION)
    claim(someone, 1)
    return someone


TEXT = TextSent(wording="S1", language=Language.EN, force="A", contact="101", sha256="aa")


def sending() -> SendingStore:
    return SendingStore(Table(clients.dynamodb(), TABLE), texts_per_day=500)


def claim(ident: UUID, number: int) -> None:
    store, at = sending(), MORNING + timedelta(days=number - 1)  # no two on one day
    store.claim_reminder(Claim(store.facts(ident, number), TEXT, at, AGREED.place))


def new_message() -> str:
    return f"00000000-0000-4000-8000-{next(serial):012}"


def close(ident: UUID, message_id: str, number: int = 1) -> None:
    """What sending does when SNS has taken the text."""
    store = sending()
    facts = store.facts(ident, number)
    at = facts.reminder.claimed_at or MORNING
    store.keep_sent(Claim(facts, TEXT, at, AGREED.place), message_id=message_id, sent_at=at)


def sent(ident: UUID) -> str:
    """Close the reminder; its message id."""
    message_id = new_message()
    close(ident, message_id)
    return message_id


def kept(kind: str) -> dict[Key, dict[str, Any]]:
    return {key: item for key, item in everything().items() if item["kind"] == kind}


def test_a_delivery_settles_the_reminder_and_is_audited(ident: UUID) -> None:
    bring(line(sent(ident)))
    ended = reminder_of(ident, 1)
    assert ended.state is ReminderState.DELIVERED
    assert ended.sent_at == MORNING
    assert ended.delivered_at == MORNING + timedelta(seconds=2.25)
    assert ended.reason is None
    shown = call("GET", f"/allocations/{ident}").body["reminders"][0]
    assert (shown["state"], shown["parts"], shown["price_pence"]) == ("delivered", 1, 3.16)
    assert sum(item.get("by") == "receipts" for item in everything().values()) == 1
    # Only intervention has receipts: blinded callers must not see one.
    history = call("GET", f"/enrolments/{ident}").body["history"]
    assert [entry["what"] for entry in history if entry["by"] == "receipts"] == []


def test_a_failure_settles_the_reminder_with_its_reason_and_price(ident: UUID) -> None:
    bring(line(sent(ident), words="Phone has blocked SMS"))
    ended = reminder_of(ident, 1)
    assert (ended.state, ended.reason) == (ReminderState.UNDELIVERED, "phone_blocks_texts")
    assert (ended.delivered_at, ended.price_pence) == (None, "3.75")


HOUR = timedelta(hours=1)
SAID: dict[str, Callable[[str], str]] = {
    "success": line,
    "later success": lambda message: line(message, after=HOUR),
    "failure": lambda message: line(message, words="Phone has blocked SMS"),
    "late failure": lambda message: line(message, words="Invalid phone number", after=72 * HOUR),
}
WORDS = {"success": ("delivered", None), "failure": ("undelivered", "phone_blocks_texts")}


@pytest.mark.parametrize(
    ("said", "standing"),
    [
        (("success", "failure", "success"), "success"),
        (("failure", "late failure", "failure"), "failure"),
        (("later success", "success", "late failure"), "success"),
    ],
)
def test_every_order_of_close_and_receipts_gives_the_same_result(
    ident: UUID, said: tuple[str, ...], standing: str
) -> None:
    key = reminder_key(ident, 1)
    claimed, ends = found(key), []
    for order in permutations(("close", *said)):
        put_item(key, claimed)
        message_id = new_message()
        for what in order:
            if what == "close":
                close(ident, message_id)
            else:
                bring(SAID[what](message_id))
        ended = reminder_of(ident, 1)
        assert ended.message_id == message_id
        assert found(message_key(message_id))["kind"] == "message"
        assert kept("stray") == {}
        ends.append(ended.model_copy(update={"message_id": None}))
    assert all(end == ends[0] for end in ends)
    assert (ends[0].state, ends[0].reason) == WORDS[standing]


def test_a_repeat_changes_nothing(ident: UUID) -> None:
    message_id = sent(ident)
    bring(line(message_id))
    with unchanged():
        bring(line(message_id), line(message_id))


@pytest.mark.parametrize("state", [ReminderState.UNCONFIRMED, ReminderState.UNKNOWN])
def test_a_receipt_is_stored_even_after_it_counts_as_missing(
    ident: UUID, clock: Traveller, state: ReminderState
) -> None:
    message_id = sent(ident)
    change_reminder(ident, 1, state=state)
    clock.shift(timedelta(days=5))
    bring(line(message_id, after=72 * HOUR))
    assert reminder_of(ident, 1).state is ReminderState.DELIVERED


OPTED_OUT = f"{STRANGER} is opted out"


@pytest.mark.parametrize("first", ["", "delivered", "stray"])
def test_an_opt_out_is_stored_once_whatever_the_state_of_its_reminder(
    ident: UUID, cloud: dict[str, str], first: str
) -> None:
    message_id = new_message() if first == "stray" else sent(ident)
    if first == "delivered":  # a delivery outweighs it, but the opt-out stands
        bring(line(message_id))
    bring(line(message_id, words=OPTED_OUT))
    hashed = number_hash(MacKey(clients.kms(), cloud["IDENTITY_KEY_ID"]), STRANGER)
    key, by = opt_out_key(hashed), {"at": "2026-12-01T09:30:00Z", "by": "receipts"}
    stored = {"kind": "opt_out", **by, "retained": "opt_outs", "last_day": "2026-12-01"}
    assert kept("opt_out") == {key: stored}
    trail = [item["what"] for at, item in everything().items() if at.pk == f"audit#{key.pk}"]
    assert trail == ["number_opted_out"]
    with unchanged():
        bring(line(message_id, words=OPTED_OUT))


def test_neither_another_failure_nor_a_stranger_s_opt_out_is_stored(ident: UUID) -> None:
    bring(line(sent(ident), words="Phone has blocked SMS"))
    bring(line(new_message(), words="+447700900998 is opted out", number="+447700900998"))
    assert kept("opt_out") == {}


def test_an_opt_out_changes_nothing_that_a_blinded_caller_sees(ident: UUID) -> None:
    def seen() -> list[str]:
        paths = f"/enrolments/{ident}", "/enrolments", "/reports/flow"
        return [call("GET", path).text for path in paths]

    message_id, before, stored = sent(ident), seen(), held()
    bring(line(message_id, words=OPTED_OUT, number=number_of(ident)))
    assert len(kept("opt_out")) == 1
    assert seen() == before
    changed = {key.pk.partition("#")[0] for key, item in held().items() if stored.get(key) != item}
    assert changed == {"allocation", "opted_out", "audit"}


def test_a_reminder_that_was_not_sent_takes_no_receipt(ident: UUID) -> None:
    message_id = sent(ident)
    change_reminder(ident, 1, state=ReminderState.SUPPRESSED)
    with pytest.raises(UnavailableError, match="1 of 1"):
        bring(line(message_id))
    assert reminder_of(ident, 1).state is ReminderState.SUPPRESSED


def test_a_stray_receipt_is_found_by_its_message_and_its_number_s_hash(
    ident: UUID, cloud: dict[str, str]
) -> None:
    number = number_of(ident)
    message_id = new_message()
    bring(line(message_id, number=number))
    stray = Stray.of(found(message_key(message_id)))
    key = MacKey(clients.kms(), cloud["IDENTITY_KEY_ID"])
    assert stray.number_hash == number_hash_of(ident) == number_hash(key, number)
    assert stray_key(stray) == Key(
        f"stray#{stray.number_hash}", f"2026-12-01T09:30:00.250000+00:00#{message_id}"
    )
    assert set(kept("stray")) == {message_key(message_id), stray_key(stray)}
    listed = {"retained": "stray_receipts", "last_day": "2026-12-01"}
    assert found(stray_key(stray)) == found(message_key(message_id)) | listed
    assert number not in str(list(kept("stray").values()))


def test_a_receipt_for_an_unknown_number_is_not_stored(
    log: io.StringIO, capsys: pytest.CaptureFixture[str]
) -> None:
    with unchanged():
        bring(line(new_message(), number="+447700900998"))
    assert '"kept":"not_ours"' in log.getvalue()
    assert "CloudWatchMetrics" not in capsys.readouterr().out


def test_a_stray_receipt_holds_the_one_that_stands_of_several() -> None:
    message_id = new_message()
    bring(line(message_id, words="Phone has blocked SMS"))
    bring(line(message_id, after=HOUR), line(message_id, words="Phone has blocked SMS"))
    before = kept("stray")
    assert len(before) == 2
    assert {item["receipt"]["state"] for item in before.values()} == {"delivered"}
    bring(line(message_id, after=HOUR))
    assert kept("stray") == before


@pytest.mark.parametrize("first", ["receipt", "close"])
def test_a_close_and_a_receipt_that_overlap_both_count(ident: UUID, first: str) -> None:
    message_id = new_message()
    acts: list[Callable[[], None]] = [
        lambda: close(ident, message_id),
        lambda: bring(line(message_id)),
    ]
    overtaken, overtaking = acts if first == "receipt" else reversed(acts)
    with before_write(overtaking):
        overtaken()
    assert reminder_of(ident, 1).state is ReminderState.DELIVERED
    assert kept("stray") == {}


def test_a_close_uses_the_carrier_s_latest_receipt(ident: UUID) -> None:
    message_id = new_message()
    bring(line(message_id, words="Phone has blocked SMS"))
    read = "after-call.dynamodb.BatchGetItem"
    with meddling(clients.dynamodb(), read, lambda: bring(line(message_id))):
        close(ident, message_id)
    assert reminder_of(ident, 1).state is ReminderState.DELIVERED
    assert kept("stray") == {}


def test_a_close_without_its_claim_leaves_the_receipt_a_stray(ident: UUID) -> None:
    message_id = new_message()
    bring(line(message_id))
    change_reminder(ident, 1, state=ReminderState.UNKNOWN)
    with pytest.raises(ConditionFailedError, match="claim is ours"):
        close(ident, message_id)
    assert reminder_of(ident, 1).state is ReminderState.UNKNOWN
    assert len(kept("stray")) == 2


@pytest.mark.parametrize("first", ["sent", "undelivered"])
def test_a_failure_does_not_overwrite_a_delivery_that_was_stored_first(
    ident: UUID, first: str
) -> None:
    message_id = sent(ident)
    if first == "undelivered":
        bring(SAID["late failure"](message_id))
    with before_write(lambda: bring(line(message_id))):
        bring(SAID["failure"](message_id))
    assert reminder_of(ident, 1).state is ReminderState.DELIVERED


def test_of_simultaneous_deliveries_the_first_stands(ident: UUID) -> None:
    message_id = sent(ident)
    bring(line(message_id, after=3 * HOUR))
    with before_write(lambda: bring(line(message_id))):
        bring(line(message_id, after=2 * HOUR))
    assert reminder_of(ident, 1).delivered_at == MORNING + timedelta(seconds=2.25)


class Nonsense(Record):
    kind: str = "reminder"
    number: str = STRANGER


def test_a_bad_line_does_not_block_the_others_and_is_retried(ident: UUID, log: io.StringIO) -> None:
    good, broken = sent(ident), new_message()
    claim(ident, 2)
    close(ident, broken, number=2)
    keep(reminder_key(ident, 2), Nonsense())
    with pytest.raises(UnavailableError, match="3 of 5"):
        bring(f"to {STRANGER}", line(broken), '{"status": "SUCCESS"}', line(good), line("stray"))
    assert reminder_of(ident, 1).state is ReminderState.DELIVERED
    assert len(kept("stray")) == 2
    entries = [json.loads(entry) for entry in log.getvalue().splitlines()]
    errors = [entry["log_event"] for entry in entries if entry["level"] == "ERROR"]
    assert errors == ["event 0", "event 1", "event 2"]
    assert STRANGER[-9:] not in log.getvalue()


def test_a_receipt_of_a_missing_reminder_is_retried(ident: UUID) -> None:
    message_id = sent(ident)
    delete(reminder_key(ident, 1))
    with pytest.raises(UnavailableError, match="1 of 1"):
        bring(line(message_id))


def test_receipts_that_an_outage_interrupts_are_stored_on_the_retry(ident: UUID) -> None:
    first, second = sent(ident), new_message()
    outage = raising(refusal("InternalServerError", status=500))
    batch = line(first), line(second)
    with before_write(outage), pytest.raises(UnavailableError, match="1 of 2"):
        bring(*batch)
    assert reminder_of(ident, 1).state is ReminderState.SENT
    assert len(kept("stray")) == 2
    bring(*batch)
    assert reminder_of(ident, 1).state is ReminderState.DELIVERED
    assert len(kept("stray")) == 2


def test_a_reminder_that_keeps_changing_is_left_for_a_retry(ident: UUID) -> None:
    message_id = sent(ident)
    conflict = raising(refusal("TransactionInProgressException"))
    with before_write(conflict), pytest.raises(UnavailableError, match="1 of 1"):
        bring(line(message_id))


def test_a_subscription_s_test_message_is_answered() -> None:
    bring("CWL CONTROL MESSAGE: Checking health of destination.", message_type="CONTROL_MESSAGE")
    assert kept("stray") == {}
