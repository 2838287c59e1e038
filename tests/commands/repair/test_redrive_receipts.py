"""Receipts that failed, read again from the delivery logs."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import boto3
import pytest
from mypy_boto3_lambda import LambdaClient
from time_machine import Traveller

from commands.repair.redrive_receipts import BATCH, DeliveryLogs
from local.emulator.carrier import Carrier, Habits
from receipts.handler import lambda_handler
from tests.commands.repair.waiting_lambda import WaitingLambda
from tests.support.faults import meddling, raising, refusal
from tests.support.life import treated
from tests.support.steps import fire
from tests.support.table import (
    number_of,
    reminder_of,
)
from trial.aws import clients
from trial.codes import ReminderState

LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)
GROUPS = {"DeliveryLogs": "delivered", "DeliveryFailureLogs": "failed"}
FAULTLESS = Habits(failures=0, late=0, repeated=0)


@pytest.fixture
def place(cloud: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> DeliveryLogs:  # noqa: ARG001
    monkeypatch.setenv("USD_TO_GBP", "0.75")
    logs = boto3.client("logs")
    for group in GROUPS.values():
        logs.create_log_group(logGroupName=group)
    ids = GROUPS | {"ReceiptsFunction": "receipts"}
    return DeliveryLogs(
        ids, logs, cast("LambdaClient", WaitingLambda({"receipts": lambda_handler}))
    )


def log(place: DeliveryLogs, texts: list[dict[str, Any]], tmp_path: Path) -> None:
    """Let the carrier answer, two seconds ago."""
    carrier = Carrier(place.logs, GROUPS, FAULTLESS, tmp_path / "carrier.json")
    assert carrier.answer(texts, datetime.now(UTC) - timedelta(seconds=2)) == len(texts)


def text(message_id: str, number: str = "+447700900999") -> dict[str, Any]:
    return {"MessageId": message_id, "PhoneNumber": number, "Message": "A text."}


def test_receipts_that_failed_are_stored_when_read_again(
    place: DeliveryLogs, clock: Traveller, tmp_path: Path
) -> None:
    someone = treated()
    clock.move_to(reminder_of(someone, 1).due_at)
    assert fire(someone, 1) == "sent"
    sent = reminder_of(someone, 1)
    number = number_of(someone)
    log(place, [text(sent.message_id or "", number)], tmp_path)
    clock.shift(timedelta(minutes=1))

    (event,) = place.batches(LONG_AGO)
    broken = raising(refusal("InternalServerError", status=500))
    with meddling(clients.dynamodb(), "before-call.dynamodb.TransactWriteItems", broken):
        assert not place.deliver(event)
    assert reminder_of(someone, 1).state is ReminderState.SENT
    assert place.deliver(event)
    assert reminder_of(someone, 1).state is ReminderState.DELIVERED
    delivered = reminder_of(someone, 1)
    assert place.deliver(event)
    assert reminder_of(someone, 1) == delivered


def test_all_receipts_are_read_in_small_batches(place: DeliveryLogs, tmp_path: Path) -> None:
    log(place, [text(f"message-{number}") for number in range(BATCH + 10)], tmp_path)
    batches = list(place.batches(LONG_AGO))
    assert len(batches) == 2
    assert all(place.deliver(event) for event in batches)


def test_receipts_logged_before_the_start_are_left_alone(
    place: DeliveryLogs, tmp_path: Path
) -> None:
    log(place, [text("message-1")], tmp_path)
    assert list(place.batches(datetime.now(UTC) + timedelta(hours=1))) == []
