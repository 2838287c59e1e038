"""
Lists the messages in the failure queues and, with --go, redrives them to their functions.

Without --go nothing changes. With --go each function decides from the current table, so a late
or duplicate message does no harm; a message is deleted only once its function has handled it.
For records of the table's stream a queue holds only sequence numbers. The command therefore
brings allocation every enrolment of this month and the last again, with its changes of status.
Receipts have no queue: see commands.repair.redrive_receipts. On the local stack, or anywhere with
--stack-name.
"""

import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Self
from uuid import UUID

from botocore.exceptions import BotoCoreError, ClientError
from rich.box import SIMPLE
from rich.console import Console
from rich.table import Column
from rich.table import Table as Printed

from commands.arguments import described
from commands.deployed_stack import DeployedStack, add_arguments
from trial.aws.attributes import wire
from trial.aws.table import Key, Table
from trial.protocol.load import load
from trial.records.audit import history_partition
from trial.records.reminder import Reminder, reminder_key

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_lambda import LambdaClient
    from mypy_boto3_sqs import SQSClient

HIDDEN_SECONDS = 300
BATCH = 10
REMINDER = ("enrolment_id", "number")
ELSEWHERE = {"audit": "make verify-audit ARGS=--export"}
"""Commands that find the records that a function has missed, without its messages."""


@dataclass(frozen=True)
class FailureQueues:
    """The failure queues of a deployed stack, with the clients to reach them."""

    ids: dict[str, str]
    sqs: "SQSClient"
    functions: "LambdaClient"
    dynamodb: "DynamoDBClient"
    wait_seconds: int = 1

    @property
    def queues(self) -> dict[str, str]:
        """The failure queues, by their function's name, such as sending."""
        return {
            logical_id.removesuffix("Failures").lower(): url
            for logical_id, url in sorted(self.ids.items())
            if logical_id.endswith("Failures")
        }

    def function(self, queue: str) -> str:
        """The function whose failures a queue holds."""
        return self.ids[f"{queue.capitalize()}Function"]

    @classmethod
    def of(cls, stack: DeployedStack) -> Self:
        """The failure queues of a stack, with its functions and its table."""
        return cls(stack.ids, stack.client("sqs"), stack.client("lambda"), stack.client("dynamodb"))


@dataclass(frozen=True)
class Letter:
    """One message in a failure queue, and its event; None for records of the stream."""

    queue: str
    receipt: str
    since: datetime
    event: dict[str, Any] | None


@dataclass
class Redrive:
    """One run over the queues. However many messages ask for them, records are brought once."""

    place: FailureQueues
    brought: dict[str, tuple[bool, str]] = field(default_factory=dict)

    def deliver(self, letter: Letter) -> tuple[bool, str]:
        """Redrive a message, and delete it on success; returns success and a description."""
        if letter.event is not None:
            taken, how = self._invoke(letter.queue, letter.event)
        else:
            if letter.queue not in self.brought:
                self.brought[letter.queue] = self._bring(letter.queue)
            taken, how = self.brought[letter.queue]
        if taken:
            url = self.place.queues[letter.queue]
            self.place.sqs.delete_message(QueueUrl=url, ReceiptHandle=letter.receipt)
        return taken, how

    def _bring(self, queue: str) -> tuple[bool, str]:
        if queue in ELSEWHERE:
            return True, ELSEWHERE[queue]
        failed = 0
        records = [
            stream_record(number, item)
            for number, item in enumerate(recent_items(self.place), start=1)
        ]
        for start in range(0, len(records), BATCH):
            taken, _ = self._invoke(queue, {"Records": records[start : start + BATCH]})
            failed += not taken
        return not failed, f"{len(records)} brought again" + (", not all taken" * bool(failed))

    def _invoke(self, queue: str, event: dict[str, Any]) -> tuple[bool, str]:
        answer = self.place.functions.invoke(
            FunctionName=self.place.function(queue), Payload=json.dumps(event)
        )
        said = json.load(answer["Payload"]) or {}
        if "FunctionError" in answer:
            return False, str(said.get("errorType", "failed"))
        if failures := said.get("batchItemFailures"):
            return False, f"{len(failures)} records failed"
        return True, str(said.get("outcome", "done"))


def waiting(place: FailureQueues, queue: str) -> Iterator[Letter]:
    """Every message in a queue, hidden from other readers until released."""
    url, seen = place.queues[queue], set()
    while messages := place.sqs.receive_message(
        QueueUrl=url,
        MaxNumberOfMessages=BATCH,
        VisibilityTimeout=HIDDEN_SECONDS,
        WaitTimeSeconds=place.wait_seconds,
        MessageSystemAttributeNames=["SentTimestamp"],
    ).get("Messages"):
        for message in messages:
            if message["MessageId"] not in seen:
                seen.add(message["MessageId"])
                since = int(message["Attributes"]["SentTimestamp"]) / 1000
                yield Letter(
                    queue,
                    message["ReceiptHandle"],
                    datetime.fromtimestamp(since, UTC),
                    event_in(json.loads(message["Body"])),
                )


def event_in(body: dict[str, Any]) -> dict[str, Any] | None:
    """
    The event with which the function was invoked, if the message holds it.

    Lambda's destinations wrap the event; for a stream they only give the records' positions. Dead
    letters of Lambda and of the Scheduler are the event itself.
    """
    if "DDBStreamBatchInfo" in body:
        return None
    event: dict[str, Any] = body.get("requestPayload", body)
    return event


def recent_items(place: FailureQueues) -> Iterator[dict[str, Any]]:
    """Every enrolment since last month as it is now, each followed by its changes of status."""
    configuration = place.functions.get_function_configuration(
        FunctionName=place.function("allocation")
    )
    protocol = load(configuration["Environment"]["Variables"]["PROTOCOL"])
    today = protocol.place.date_at(datetime.now(UTC))
    last_month = today.replace(day=1) - timedelta(days=1)
    table = Table(place.dynamodb, place.ids["Table"])
    rows = table.by_index(
        "enrolments_by_month",
        "trial",
        protocol.trial,
        since=("month", f"{last_month:%Y-%m}"),
    )
    for row in rows:
        key = Key(row["pk"], row["sk"])
        (enrolment,) = table.read(key)
        if enrolment:
            yield key._asdict() | enrolment
            history = history_partition(UUID(enrolment["enrolment_id"]))
            for place_in_it, entry in table.partition(history).items():
                if "status" in entry:
                    yield Key(history, place_in_it)._asdict() | entry


def stream_record(number: int, item: dict[str, Any]) -> dict[str, Any]:
    """The stream's record of an item, as far as functions read it."""
    image = wire(item)
    return {
        "eventID": f"redrive-{number}",
        "eventSource": "aws:dynamodb",
        "dynamodb": {
            "Keys": {name: image[name] for name in Key._fields},
            "NewImage": image,
            "SequenceNumber": f"{number:021}",
        },
    }


def subject(letter: Letter) -> str:
    """The subject of a message, without personal data."""
    if letter.event is None:
        return "records of the stream"
    if "enrolment_id" not in letter.event:
        return ", ".join(sorted(letter.event))
    return " ".join(str(letter.event[name]) for name in REMINDER if name in letter.event)


def standing(place: FailureQueues, letter: Letter) -> str:
    """The current state of the message's reminder, if it concerns one."""
    if letter.event is None or set(REMINDER) - letter.event.keys():
        return ""
    table = Table(place.dynamodb, place.ids["Table"])
    (item,) = table.read(reminder_key(letter.event["enrolment_id"], letter.event["number"]))
    if item is None:
        return "no such reminder"
    reminder = Reminder.of(item)
    return f"{reminder.state}, due {reminder.due_at:%d %b %H:%M}"


def run(place: FailureQueues, queues: list[str], console: Console, *, go: bool) -> bool:
    """Print every message and, with `go`, redrive it; returns whether none is left."""
    about = Column("about", no_wrap=True)
    last = Column("result" if go else "in the table", overflow="fold")
    table = Printed("queue", "since", about, last, box=SIMPLE, pad_edge=False)
    redrive, left = Redrive(place), []
    for letter in [letter for queue in queues for letter in waiting(place, queue)]:
        taken, how = redrive.deliver(letter) if go else (False, standing(place, letter))
        since = f"{letter.since:%d %b %H:%M}"
        table.add_row(letter.queue, since, subject(letter), how)
        if not taken:
            left.append(letter)
    for letter in left:
        place.sqs.change_message_visibility(
            QueueUrl=place.queues[letter.queue], ReceiptHandle=letter.receipt, VisibilityTimeout=0
        )
    if table.row_count:
        console.print(table)
    went = f", {table.row_count - len(left)} taken" if go else f" in {', '.join(queues)}"
    console.print(f"{table.row_count} found{went}.")
    return not left


def main() -> None:
    """List the messages, or redrive them."""
    parser = described("python -m commands.repair.redrive", __doc__)
    which = parser.add_mutually_exclusive_group()
    which.add_argument("queue", nargs="?", help="as the template calls it, without Failures")
    which.add_argument("--all", action="store_true", help="every queue, as when none is named")
    parser.add_argument("--go", action="store_true", help="invoke, and delete what was taken")
    add_arguments(parser)
    given = parser.parse_args()
    if given.go and not (given.queue or given.all):
        parser.error("name the queue to redrive, or give --all")
    try:
        place = FailureQueues.of(DeployedStack.named_by(given))
        if given.queue and given.queue not in place.queues:
            sys.exit(f"No queue {given.queue!r}. There are: {', '.join(place.queues)}")
        queues = [given.queue] if given.queue else list(place.queues)
        done = run(place, queues, Console(highlight=False), go=given.go)
    except (BotoCoreError, ClientError) as error:
        sys.exit(f"Interrupted, which does no harm: {error}")
    sys.exit(given.go and not done)


if __name__ == "__main__":
    main()
