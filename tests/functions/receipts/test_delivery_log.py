"""What a line of SNS's delivery log says, and which of several receipts stands."""

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import pairwise, permutations
from typing import Any

import pytest
from aws_lambda_powertools.utilities.data_classes import CloudWatchLogsEvent

from receipts.carrier_words import meaning
from receipts.delivery_log import Addressed, read
from tests.support.people import REMINDER
from tests.support.samples import MORNING, sample
from trial.codes import Failure, ReminderState
from trial.errors import ConflictError, RejectedError
from trial.messages import is_news, outweighs
from trial.records.receipt import Receipt

ANCIENT = "0001-01-01T00:00:00+14:00"
LOGGED_AT = datetime(2026, 12, 1, 10, 12, 7, tzinfo=UTC)


def line_of(event: str) -> dict[str, Any]:
    (entry,) = CloudWatchLogsEvent(sample(event)).parse_logs_data().log_events
    found: dict[str, Any] = json.loads(entry.message)
    return found


def reading(line: object) -> Addressed:
    text = line if isinstance(line, str) else json.dumps(line)
    return read(text, logged_at=LOGGED_AT, usd_to_gbp=Decimal("0.75"))


def receipt(**changes: Any) -> Receipt:
    given: dict[str, Any] = {
        "message_id": "34d9b400-c6dd-5444-820d-fbeb0f1f54cf",
        "published_at": MORNING,
        "at": MORNING,
        "state": ReminderState.DELIVERED,
    }
    return Receipt(**given | changes)


def test_a_delivery_says_when_in_how_many_parts_and_for_how_much() -> None:
    assert reading(line_of("receipts-delivered")) == (
        receipt(
            published_at=datetime(2026, 12, 1, 10, 12, 5, 558000, UTC),
            at=datetime(2026, 12, 1, 10, 12, 6, 902000, UTC),
            parts=1,
            price_pence="3.16",
        ),
        "+447700900123",
    )


def test_a_failure_says_why_and_may_come_72_hours_late() -> None:
    told, _ = reading(line_of("receipts-undelivered"))
    assert told.state is ReminderState.UNDELIVERED
    assert told.reason == "phone_unreachable"
    assert told.at - told.published_at == timedelta(hours=72)


def test_fields_that_sns_omits_are_left_empty() -> None:
    # Past the spend limit its lines hold no more than this.
    told, _ = reading(
        {
            "notification": {"messageId": "9b47b5ee", "timestamp": "2026-12-01 10:12:05.51"},
            "delivery": {
                "destination": "+447700900123",
                "smsType": "Transactional",
                "providerResponse": "No quota left for account",
                "dwellTimeMs": 174,
            },
            "status": "FAILURE",
        }
    )
    assert told == Receipt(
        message_id="9b47b5ee",
        published_at=datetime(2026, 12, 1, 10, 12, 5, 510000, UTC),
        at=LOGGED_AT,
        state=ReminderState.UNDELIVERED,
        reason="spend_limit",
    )


@pytest.mark.parametrize("nothing", [{"providerResponse": None}, {}], ids=["null", "absent"])
def test_a_failure_without_a_reason_is_still_a_failure(nothing: dict[str, None]) -> None:
    line = line_of("receipts-undelivered")
    del line["delivery"]["providerResponse"]
    line["delivery"] |= nothing
    told = reading(line).receipt
    assert (told.state, told.reason) == (ReminderState.UNDELIVERED, "unknown_error")


def test_zero_parts_means_that_sns_does_not_know() -> None:
    line = line_of("receipts-delivered")
    line["delivery"]["numberOfMessageParts"] = 0
    assert reading(line).receipt.parts is None


@pytest.mark.parametrize(
    ("place", "field", "value"),
    [
        ("notification", "messageId", None),
        ("notification", "messageId", "message#1"),
        ("notification", "messageId", "to +447700900123"),
    ],
)
def test_a_line_that_is_not_a_receipt_is_refused_without_its_number(
    place: str, field: str, value: object
) -> None:
    line = line_of("receipts-delivered")
    line[place][field] = value
    with pytest.raises(RejectedError) as refusal:
        reading(line)
    assert "4477" not in str(refusal.value)
    assert refusal.value.__cause__ is None


@pytest.mark.parametrize(
    ("place", "field", "value", "read"),
    [
        *(
            ("notification", "timestamp", time, {"published_at": LOGGED_AT, "at": LOGGED_AT})
            for time in ("yesterday", 0, "9999-12-31 23:59:59.999", "2025-12-01 10:12:05", ANCIENT)
        ),
        *(
            ("delivery", "priceInUSD", price, {"price_pence": None})
            for price in (-1, 10**30, "1e400", "NaN")
        ),
        ("delivery", "numberOfMessageParts", "two", {"parts": None}),
        ("delivery", "numberOfMessageParts", 10**40, {"parts": None}),
        ("delivery", "dwellTimeMsUntilDeviceAck", -1, {"at": LOGGED_AT}),
        ("delivery", "dwellTimeMsUntilDeviceAck", 10**15, {"at": LOGGED_AT}),
        ("delivery", "providerResponse", 500, {}),
        ("delivery", "destination", None, {}),
    ],
)
def test_a_detail_in_an_unexpected_form_leaves_the_rest_of_the_receipt(
    place: str, field: str, value: object, read: dict[str, Any]
) -> None:
    line = line_of("receipts-delivered")
    whole = reading(line).receipt
    line[place][field] = value
    assert reading(line).receipt == whole.model_copy(update=read)


@pytest.mark.parametrize("nothing", [{"delivery": None}, {}], ids=["null", "absent"])
def test_a_line_without_details_still_says_that_the_text_was_delivered(
    nothing: dict[str, None],
) -> None:
    line = line_of("receipts-delivered")
    del line["delivery"]
    told = reading(line | nothing)
    assert (told.receipt.state, told.number) == (ReminderState.DELIVERED, None)


@pytest.mark.parametrize("written", ["447700900123", " +44 7700 900123\n", "tel:+447700900123"])
def test_a_number_is_known_however_a_carrier_writes_it(written: str) -> None:
    line = line_of("receipts-delivered")
    line["delivery"]["destination"] = written
    assert reading(line).number == "+447700900123"


@pytest.mark.parametrize("written", ["07700900123", "+4407700900123", "*************", "Police"])
def test_text_that_is_not_a_whole_number_gives_no_number(written: str) -> None:
    line = line_of("receipts-delivered")
    line["delivery"]["destination"] = written
    assert reading(line).number is None


def test_a_time_with_an_offset_is_converted() -> None:
    line = line_of("receipts-delivered")
    line["notification"]["timestamp"] = "2026-12-01T11:12:05+01:00"
    published_at = reading(line).receipt.published_at
    assert published_at.isoformat() == "2026-12-01T10:12:05+00:00"


@pytest.mark.parametrize("line", ["", "+447700900123", "{}", '{"status": "PENDING"}', "[]"])
def test_a_line_in_an_unexpected_form_is_refused(line: str) -> None:
    with pytest.raises(RejectedError, match="faults"):
        reading(line)


@pytest.mark.parametrize(
    ("words", "failure"),
    [
        ("Blocked as spam by phone carrier", Failure.BLOCKED_AS_SPAM),
        ("Phone number is opted out", Failure.OPTED_OUT),
        (" phone has blocked SMS. ", Failure.PHONE_BLOCKS_TEXTS),
        ("+447700900300 is opted out", Failure.OPTED_OUT),
        ("Phone number has opted-out.", Failure.OPTED_OUT),
        ("Phone is blacklisted", Failure.NUMBER_BLOCKED),
        ("Destination is blacklisted", Failure.NUMBER_BLOCKED),
        ("Destination is on a blocked list", Failure.NUMBER_BLOCKED),
        ("Phone is on a blocked list", Failure.NUMBER_BLOCKED),
        ("Invalid phone number", Failure.INVALID_NUMBER),
        ("Message body is invalid", Failure.INVALID_TEXT),
        ("Phone carrier has blocked this message", Failure.BLOCKED_BY_CARRIER),
        ("Phone carrier is currently unreachable/unavailable", Failure.CARRIER_UNREACHABLE),
        ("Phone is currently unreachable/unavailable", Failure.PHONE_UNREACHABLE),
        ("This delivery would exceed max price", Failure.PRICE_LIMIT),
        ("No quota left for account", Failure.SPEND_LIMIT),
        ("Unknown error attempting to reach phone", Failure.UNKNOWN_ERROR),
        (None, Failure.UNKNOWN_ERROR),
        ("Something that nobody has listed", Failure.OTHER),
        ("", Failure.UNKNOWN_ERROR),
        (" - ", Failure.UNKNOWN_ERROR),
        ("User has opted_out", Failure.OPTED_OUT),
        ("Number is opted\u2011out", Failure.OPTED_OUT),
        ("Recipient opted themselves out", Failure.OPTED_OUT),
        ("Number is unsubscribed", Failure.OPTED_OUT),
        ("User replied STOP.", Failure.OPTED_OUT),
        ("STOP request received", Failure.OPTED_OUT),
        ("STOP", Failure.OPTED_OUT),
        ("Received STOP from phone", Failure.OPTED_OUT),
        ("Stop reply", Failure.OPTED_OUT),
        ("Subscriber texted STOPALL", Failure.OPTED_OUT),
        ("Number is on the list of opt-outs", Failure.OPTED_OUT),
        ("Recipient is unsubscribing", Failure.OPTED_OUT),
        ("Phone number is blocked", Failure.NUMBER_BLOCKED),
        ("Phone number is not valid", Failure.INVALID_NUMBER),
        ("No option found outside this route", Failure.OTHER),
        ("The route will stop working", Failure.OTHER),
        ("DESTINATION IS BLACK-LISTED", Failure.NUMBER_BLOCKED),
    ],
)
def test_carriers_reasons_become_the_trial_s_codes(words: str | None, failure: Failure) -> None:
    assert meaning(words) is failure


def test_of_several_receipts_the_same_one_stands_in_any_order() -> None:
    later = MORNING + timedelta(hours=1)
    ranked = [
        receipt(),
        receipt(at=later),
        receipt(state=ReminderState.UNDELIVERED, reason="other"),
        receipt(state=ReminderState.UNDELIVERED, reason="phone_unreachable"),
        receipt(state=ReminderState.UNDELIVERED, reason="other", at=later),
    ]
    for order in permutations(ranked):
        standing = order[0]
        for each in order[1:]:
            standing = each if outweighs(each, standing) else standing
        assert standing == ranked[0]
    assert [outweighs(*pair) for pair in pairwise(ranked)] == [True] * 4
    assert not outweighs(ranked[0], ranked[0])


@pytest.mark.parametrize("state", ReminderState)
def test_only_a_reminder_that_was_sent_takes_a_receipt(state: ReminderState) -> None:
    reminder = REMINDER.model_copy(update={"state": state})
    if state in {ReminderState.SENT, ReminderState.UNKNOWN, ReminderState.UNCONFIRMED}:
        assert is_news(receipt(), reminder)
    elif state in {ReminderState.DELIVERED, ReminderState.UNDELIVERED}:
        settled = reminder.model_copy(update={"closed_at": MORNING})
        assert is_news(receipt(), settled) is (state is ReminderState.UNDELIVERED)
    else:
        with pytest.raises(ConflictError):
            is_news(receipt(), reminder)
