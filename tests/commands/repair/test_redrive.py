"""The messages in the failure queues, listed and retried."""

import io
import json
import sys
from datetime import UTC, datetime
from typing import Any, cast

import boto3
import pytest
import time_machine
from mypy_boto3_lambda import LambdaClient
from rich.console import Console

from allocation.handler import lambda_handler as allocation
from commands.repair import redrive
from commands.repair.redrive import FailureQueues
from reconciliation.handler import lambda_handler as reconciliation
from scheduling.handler import lambda_handler as scheduling
from sending.handler import lambda_handler as sending
from tests.commands.repair.waiting_lambda import WaitingLambda
from tests.support.faults import counting, meddling, raising, refusal
from tests.support.life import followed, treated
from tests.support.steps import enrol, someone_in
from tests.support.table import (
    change_enrolment,
    enrolment_of,
    reminder_of,
    reminders_of,
)
from trial.aws import clients
from trial.codes import Arm, ReminderState, Status

QUEUES = ("allocation", "scheduling", "sending")
HANDLERS: dict[str, Any] = {
    "allocation": allocation,
    "reconciliation": reconciliation,
    "scheduling": scheduling,
    "sending": sending,
}


@pytest.fixture
def functions() -> WaitingLambda:
    return WaitingLambda(HANDLERS)


@pytest.fixture
def place(cloud: dict[str, str], functions: WaitingLambda) -> FailureQueues:
    ids = {"Table": cloud["TABLE_NAME"]}
    for name in QUEUES:
        queue = boto3.client("sqs").create_queue(QueueName=f"{name}-failures")
        ids[f"{name.capitalize()}Failures"] = queue["QueueUrl"]
        ids[f"{name.capitalize()}Function"] = name
    client = cast("LambdaClient", functions)
    return FailureQueues(ids, boto3.client("sqs"), client, clients.dynamodb(), wait_seconds=0)


def leave(place: FailureQueues, queue: str, body: dict[str, Any]) -> None:
    place.sqs.send_message(QueueUrl=place.queues[queue], MessageBody=json.dumps(body))


def left(place: FailureQueues, queue: str) -> int:
    attributes = place.sqs.get_queue_attributes(
        QueueUrl=place.queues[queue], AttributeNames=["ApproximateNumberOfMessages"]
    )
    return int(attributes["Attributes"]["ApproximateNumberOfMessages"])


def run(place: FailureQueues, *queues: str, go: bool) -> tuple[bool, str]:
    printed = io.StringIO()
    console = Console(file=printed, width=200)
    return redrive.run(place, list(queues or QUEUES), console, go=go), printed.getvalue()


def destination(event: dict[str, Any]) -> dict[str, Any]:
    """What Lambda puts into a queue when all its tries have failed."""
    return {
        "version": "1.0",
        "timestamp": "2026-12-01T09:31:00.000Z",
        "requestContext": {"condition": "RetriesExhausted", "approximateInvokeCount": 3},
        "requestPayload": event,
        "responseContext": {"statusCode": 200, "functionError": "Unhandled"},
        "responsePayload": {"errorType": "NotSentError"},
    }


STREAM = {
    "version": "1.0",
    "timestamp": "2026-12-01T09:31:00.000Z",
    "requestContext": {"condition": "RetryAttemptsExhausted", "approximateInvokeCount": 11},
    "responseContext": {"statusCode": 200, "functionError": "Unhandled"},
    "DDBStreamBatchInfo": {
        "shardId": "shardId-00000001573689847184-864758bb",
        "startSequenceNumber": "800000000003126276362",
        "endSequenceNumber": "800000000003126276362",
        "batchSize": 1,
    },
}


@pytest.fixture
def due(place: FailureQueues, clock: time_machine.Traveller) -> dict[str, Any]:
    """The event of a reminder that is due and open."""
    assert place
    enrolment_id = treated()
    clock.move_to(reminder_of(enrolment_id, 1).due_at)
    return {"enrolment_id": str(enrolment_id), "number": 1}


def test_listing_changes_nothing_and_hides_nothing(
    place: FailureQueues,
    functions: WaitingLambda,
    due: dict[str, Any],
    clock: time_machine.Traveller,
) -> None:
    leave(place, "sending", due)
    for _ in range(2):
        done, printed = run(place, go=False)
        assert not done
        assert f"{due['enrolment_id']} 1" in printed
        assert "scheduled, due" in printed
        assert "1 found in " in printed
        clock.shift(1)
    assert functions.invoked == []
    assert left(place, "sending") == 1


@pytest.mark.parametrize("wrapped", [False, True], ids=["dead letter", "destination"])
def test_a_reminder_that_may_still_go_is_sent_and_its_message_is_deleted(
    place: FailureQueues, due: dict[str, Any], *, wrapped: bool
) -> None:
    leave(place, "sending", destination(due) if wrapped else due)
    with counting(clients.sns(), "sns.Publish") as requests:
        done, printed = run(place, "sending", go=True)
    assert done
    assert "sent" in printed
    assert len(requests) == 1
    assert left(place, "sending") == 0


def test_two_messages_about_one_reminder_make_one_text(
    place: FailureQueues, due: dict[str, Any]
) -> None:
    leave(place, "sending", due)
    leave(place, "sending", destination(due))
    with counting(clients.sns(), "sns.Publish") as requests:
        done, printed = run(place, go=True)
    assert done
    assert "2 found, 2 taken" in printed
    assert len(requests) == 1


def test_a_message_that_fails_again_stays_and_does_not_stop_the_rest(
    place: FailureQueues, due: dict[str, Any], clock: time_machine.Traveller
) -> None:
    leave(place, "sending", {"enrolment_id": due["enrolment_id"], "number": 99})
    assert "no such reminder" in run(place, go=False)[1]
    clock.shift(1)
    leave(place, "sending", due)
    done, printed = run(place, go=True)
    assert not done
    assert "NotFoundError" in printed
    assert "2 found, 1 taken" in printed
    clock.shift(1)
    assert left(place, "sending") == 1


def test_other_queues_are_left_alone(place: FailureQueues, due: dict[str, Any]) -> None:
    leave(place, "sending", due)
    done, _ = run(place, "allocation", go=True)
    assert done
    assert left(place, "sending") == 1


def test_every_message_is_found_however_many_there_are(place: FailureQueues) -> None:
    for number in range(25):
        leave(place, "sending", {"enrolment_id": "0d6f2f1e", "number": number})
    assert "25 found" in run(place, go=False)[1]


def test_enrolments_lost_before_allocation_are_drawn(
    place: FailureQueues, functions: WaitingLambda
) -> None:
    eligible = [enrol(serial) for serial in range(1, 13)]
    waiting = enrol(20, mobile={"missing_reason": "refused"})
    for _ in range(2):
        leave(place, "allocation", STREAM)
    done, printed = run(place, go=True)
    assert done
    assert "26 brought again" in printed  # thirteen enrolments, each with its first status
    assert functions.invoked == ["allocation"] * 3  # ten of them at a time
    assert {enrolment_of(each).status for each in eligible} == {Status.ALLOCATED}
    assert enrolment_of(waiting).status is Status.WAITING
    assert left(place, "allocation") == 0


def test_records_lost_a_month_ago_are_found(
    place: FailureQueues, clock: time_machine.Traveller
) -> None:
    enrolment_id = enrol()
    clock.move_to(datetime(2027, 1, 31, 12, 0, tzinfo=UTC))
    leave(place, "allocation", STREAM)
    assert run(place, go=True)[0]
    assert enrolment_of(enrolment_id).status is Status.INELIGIBLE  # too late by now


def test_a_change_of_status_that_was_never_announced_is_announced(place: FailureQueues) -> None:
    enrolment_id = followed(1)
    leave(place, "allocation", STREAM)
    with counting(clients.events(), "events.PutEvents") as calls:
        assert run(place, go=True)[0]
    details = [json.loads(entry["Detail"]) for call in calls for entry in call["Entries"]]
    assert {each["enrolment_id"] for each in details} == {str(enrolment_id)}
    assert {each["status"] for each in details} == {"eligible", "allocated"}


def test_an_allocation_lost_before_scheduling_is_handed_over(place: FailureQueues) -> None:
    enrolment_id = followed(1)
    leave(place, "allocation", STREAM)
    with counting(clients.background(), "lambda.Invoke") as calls:
        assert run(place, go=True)[0]
    assert [json.loads(each["Payload"]) for each in calls] == [{"enrolment_id": str(enrolment_id)}]


def test_old_records_are_not_replayed(place: FailureQueues, clock: time_machine.Traveller) -> None:
    enrol()
    clock.move_to(datetime(2027, 2, 1, 12, 0, tzinfo=UTC))
    leave(place, "allocation", STREAM)
    assert "0 brought again" in run(place, go=True)[1]


@pytest.mark.parametrize("wrapped", [False, True], ids=["dead letter", "destination"])
def test_a_timetable_that_scheduling_failed_at_is_scheduled(
    place: FailureQueues, *, wrapped: bool
) -> None:
    enrolment_id = someone_in(Arm.INTERVENTION)
    event = {"enrolment_id": str(enrolment_id)}
    leave(place, "scheduling", destination(event) if wrapped else event)
    done, printed = run(place, go=True)
    assert done
    assert str(enrolment_id) in printed
    assert left(place, "scheduling") == 0
    assert {each.state for each in reminders_of(enrolment_id)} == {ReminderState.SCHEDULED}


def test_an_end_that_scheduling_failed_at_is_carried_out(place: FailureQueues) -> None:
    enrolment_id = treated()
    change_enrolment(enrolment_id, status=Status.ENDED)
    leave(place, "scheduling", {"enrolment_id": str(enrolment_id)})
    assert run(place, go=True)[0]
    assert {each.state for each in reminders_of(enrolment_id)} == {ReminderState.SUPPRESSED}


def test_a_partly_handled_message_stays(
    place: FailureQueues, clock: time_machine.Traveller
) -> None:
    someone_in(Arm.INTERVENTION)
    leave(place, "allocation", STREAM)
    denied = raising(refusal("AccessDeniedException"))
    with meddling(clients.background(), "before-call.lambda.Invoke", denied):
        done, printed = run(place, go=True)
    assert not done
    assert "not all taken" in printed
    clock.shift(1)
    assert left(place, "allocation") == 1


def test_every_failure_queue_has_its_function(template: dict[str, Any]) -> None:
    ids = dict.fromkeys(template["Resources"], "there")
    aws_alone = cast("Any", None)
    place = FailureQueues(ids, aws_alone, aws_alone, aws_alone)
    assert set(QUEUES) < set(place.queues)
    assert {place.function(queue) for queue in place.queues} == {"there"}


def test_nothing_is_retried_until_a_queue_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["redrive", "--go"])
    with pytest.raises(SystemExit) as ended:
        redrive.main()
    assert ended.value.code == 2
    assert "name the queue to redrive" in capsys.readouterr().err
