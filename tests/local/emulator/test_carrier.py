"""The made-up carrier: its lines are SNS's, and the seed decides what becomes of a text."""

import json
from argparse import ArgumentTypeError
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto import mock_aws
from mypy_boto3_logs import CloudWatchLogsClient
from time_machine import Traveller

from local.emulator.carrier import DELIVERED, FAILURES, UNDELIVERED, Carrier, Habits, lines, share
from receipts.carrier_words import meaning
from receipts.delivery_log import read
from tests.support.samples import MORNING
from trial.codes import Failure, ReminderState

PUNCTUAL = Habits(failures=0, late=0, repeated=0)
NAMES = {DELIVERED: "sns/deliveries", UNDELIVERED: "sns/deliveries/Failure"}


def text(serial: int = 1, body: str = "Durham Police: a text.") -> dict[str, Any]:
    """A text as the emulator keeps it."""
    return {
        "MessageId": f"00000000-0000-4000-8000-{serial:012}",
        "PhoneNumber": f"+447700900{serial % 1000:03}",
        "Message": body,
    }


@pytest.fixture
def logs(clock: Traveller) -> Iterator[CloudWatchLogsClient]:  # noqa: ARG001 - it wants lines of now
    with mock_aws():
        client = boto3.client("logs")
        for name in NAMES.values():
            client.create_log_group(logGroupName=name)
        yield client


def logged(logs: CloudWatchLogsClient) -> dict[str, list[str]]:
    """What each delivery log holds, oldest first."""
    return {
        log: [
            event["message"]
            for event in logs.filter_log_events(logGroupName=name, limit=1000)["events"]
        ]
        for log, name in NAMES.items()
    }


def test_a_text_arrives_within_seconds() -> None:
    (line,) = lines(text(), PUNCTUAL, MORNING)
    told, number = read(line.message, logged_at=MORNING, usd_to_gbp=Decimal("0.75"))
    assert (line.log, number) == (DELIVERED, "+447700900001")
    assert (told.message_id, told.state) == (text()["MessageId"], ReminderState.DELIVERED)
    assert told.published_at == MORNING
    assert timedelta() < told.at - MORNING <= timedelta(seconds=2)
    assert (told.parts, told.price_pence) == (1, "3.16")
    assert line.due_ms == MORNING.timestamp() * 1000


def test_more_than_160_characters_cost_twice() -> None:
    (line,) = lines(text(body="x" * 161), PUNCTUAL, MORNING)
    told, _ = read(line.message, logged_at=MORNING, usd_to_gbp=Decimal("0.75"))
    assert (told.parts, told.price_pence) == (2, "6.32")


@pytest.mark.parametrize(("length", "parts"), [(70, 1), (71, 2), (134, 2), (135, 3)])
def test_text_outside_gsm_has_70_characters_a_part(length: int, parts: int) -> None:
    (line,) = lines(text(body="\u0175" * length), PUNCTUAL, MORNING)
    assert json.loads(line.message)["delivery"]["numberOfMessageParts"] == parts


def test_a_failure_goes_into_its_own_log_with_the_carrier_s_reason() -> None:
    reasons = set()
    for serial in range(50):
        (line,) = lines(text(serial), Habits(failures=1, late=0, repeated=0), MORNING)
        told, _ = read(line.message, logged_at=MORNING, usd_to_gbp=Decimal("0.75"))
        assert (line.log, told.state) == (UNDELIVERED, ReminderState.UNDELIVERED)
        reasons.add(told.reason)
    assert reasons == {meaning(words) for words in FAILURES}
    assert Failure.OTHER in reasons


def test_a_late_receipt_comes_within_72_hours_and_gives_its_time() -> None:
    for serial in range(50):
        (line,) = lines(text(serial), Habits(failures=0, late=1, repeated=0), MORNING)
        told, _ = read(line.message, logged_at=MORNING, usd_to_gbp=Decimal("0.75"))
        assert timedelta(hours=1) <= told.at - MORNING <= timedelta(hours=72)
        assert datetime.fromtimestamp(line.due_ms / 1000, UTC) == told.at


def test_a_repeated_receipt_says_the_same_later() -> None:
    first, again = lines(text(), Habits(failures=0, late=0, repeated=1), MORNING)
    assert (first.log, first.message) == (again.log, again.message)
    assert again.due_ms > first.due_ms


def test_shares_are_saved_and_setting_one_does_not_change_another() -> None:
    usual = Habits(failures=0.2, late=0.3, repeated=0.1)
    made = [lines(text(serial), usual, MORNING) for serial in range(1000)]
    failed = [each[0].log == UNDELIVERED for each in made]
    assert 150 < sum(failed) < 250
    assert 250 < sum(each[0].due_ms > MORNING.timestamp() * 1000 for each in made) < 350
    assert 60 < sum(len(each) == 2 for each in made) < 140
    others = Habits(failures=0.2, late=0, repeated=1)
    made = [lines(text(serial), others, MORNING) for serial in range(1000)]
    assert [each[0].log == UNDELIVERED for each in made] == failed


def test_the_seed_and_the_message_decide_the_result() -> None:
    often = Habits(failures=0.5, late=0.5, repeated=0.5, seed=1)
    other = Habits(failures=0.5, late=0.5, repeated=0.5, seed=2)
    every = range(20)
    assert all(lines(text(n), often, MORNING) == lines(text(n), often, MORNING) for n in every)
    assert any(lines(text(n), often, MORNING) != lines(text(n), other, MORNING) for n in every)


def test_each_text_gets_one_receipt(logs: CloudWatchLogsClient, tmp_path: Path) -> None:
    carrier = Carrier(logs, NAMES, PUNCTUAL, tmp_path / "carrier.json")
    assert carrier.answer([text(1)], MORNING) == 1
    assert carrier.answer([text(1), text(2)], MORNING + timedelta(minutes=1)) == 1
    assert carrier.answer([text(1), text(2)], MORNING + timedelta(minutes=2)) == 0
    assert len(logged(logs)[DELIVERED]) == 2
    assert logged(logs)[UNDELIVERED] == []


def test_a_late_receipt_waits_even_across_processes(
    logs: CloudWatchLogsClient, tmp_path: Path, clock: Traveller
) -> None:
    memory = tmp_path / "carrier.json"
    habits = Habits(failures=1, late=1, repeated=1)
    first = Carrier(logs, NAMES, habits, memory)
    assert first.answer([text()], MORNING) == 0
    assert first.waiting == 2
    assert logged(logs)[UNDELIVERED] == []
    second = Carrier(logs, NAMES, habits, memory)
    assert second.waiting == 2
    clock.shift(timedelta(days=4))
    assert second.answer([text()], datetime.now(UTC)) == 2
    assert second.waiting == 0
    assert [line.message for line in lines(text(), habits, MORNING)] == logged(logs)[UNDELIVERED]


def test_the_template_has_both_logs(template: dict[str, Any]) -> None:
    assert {DELIVERED, UNDELIVERED} <= template["Resources"].keys()


def test_the_carrier_uses_reasons_that_receipts_understands() -> None:
    understood = {meaning(each) for each in FAILURES[:-1]}
    assert Failure.OTHER not in understood
    assert len(understood) == len(FAILURES[:-1])


def test_a_share_is_from_0_to_1() -> None:
    assert share("0.25") == 0.25
    for given in ("-0.1", "1.1", "nan"):
        with pytest.raises(ArgumentTypeError, match="from 0 to 1"):
            share(given)
