"""The steps of the main path, each by the function's own handler, as AWS would call it."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count, repeat
from typing import Any
from urllib.parse import parse_qs
from uuid import UUID

from aws_lambda_powertools.utilities.typing import LambdaContext
from moto.sns.models import sns_backends

from allocation.handler import lambda_handler as allocation
from disclosure.handler import lambda_handler as disclosure
from enrolment.handler import lambda_handler as enrolment
from operations.handler import lambda_handler as operations
from scheduling.handler import lambda_handler as scheduling
from sending.handler import lambda_handler as sending
from tests.support.routing import answering
from tests.support.samples import ACCOUNT, REGION, order, sample
from tests.support.table import allocation_of, found, to_wire, wired
from trial.aws.table import Key
from trial.codes import Arm
from trial.records.enrolment import enrolment_key


class Context(LambdaContext):
    """An invocation's context; `left` gives the milliseconds left at each look."""

    def __init__(self, left: Iterator[int] | None = None) -> None:
        self._left = left or repeat(0)
        self._function_name = "tested"
        self._memory_limit_in_mb = 512
        self._invoked_function_arn = "arn:aws:lambda:eu-west-2:123456789012:function:tested"
        self._aws_request_id = "52fdfc07-2182-454f-963f-5f0f9a621d72"

    def get_remaining_time_in_millis(self) -> int:  # type: ignore[override]  # theirs is static
        return next(self._left)


CONTEXT, UNHURRIED = Context(), Context(repeat(900_000))

API = {"disclosure": disclosure, "enrolment": enrolment, "operations": operations}


def announcement(key: Key, sequence: int = 1) -> dict[str, Any]:
    """The stream record by which DynamoDB would announce the item under a key."""
    record: dict[str, Any] = sample("stream-eligible")["Records"][0]
    image = {"pk": key.pk, "sk": key.sk} | found(key)
    record["dynamodb"]["NewImage"] = {name: to_wire(value) for name, value in image.items()}
    record["dynamodb"]["Keys"] = wired(key)
    record["dynamodb"]["SequenceNumber"] = f"{sequence:021}"
    return record


def stream(*records: dict[str, Any]) -> dict[str, Any]:
    """The event that brings these stream records."""
    return {"Records": list(records)}


def failures(answer: Any) -> list[str]:
    """The sequence numbers of the records that a function wants brought again."""
    return [failure["itemIdentifier"] for failure in answer["batchItemFailures"]]


@dataclass(frozen=True)
class HttpAnswer:
    """What the API said: `text` as it went out, `body` as it reads."""

    status: int
    text: str
    headers: dict[str, list[str]]

    @property
    def body(self) -> Any:
        return json.loads(self.text)

    @property
    def fields(self) -> list[str]:
        """The fields that it complains of."""
        return [error["field"] for error in self.body["errors"]]


def call(
    method: str,
    path: str,
    body: object = None,
    *,
    by: str = "upstream",
    kind: str = "application/json",
) -> HttpAnswer:
    """Call a route; a body that is text or absent goes as it is."""
    event = sample("api-enrol")
    event["headers"]["Content-Type"] = kind
    event["multiValueHeaders"]["Content-Type"] = [kind]
    path, _, query = path.partition("?")
    event |= {"httpMethod": method, "path": path, "resource": path}
    given = parse_qs(query, keep_blank_values=True)
    event["queryStringParameters"] = {name: values[-1] for name, values in given.items()} or None
    event["multiValueQueryStringParameters"] = given or None
    event["requestContext"]["identity"]["userArn"] = f"arn:aws:iam::{ACCOUNT}:user/{by}"
    event["body"] = body if body is None or isinstance(body, str) else json.dumps(body)
    answer = API[answering(method, path)](event, CONTEXT)
    return HttpAnswer(
        answer["statusCode"],
        answer["body"],
        answer.get("multiValueHeaders") or {k: [v] for k, v in answer["headers"].items()},
    )


def post(body: object) -> HttpAnswer:
    """Ask for an order to be enrolled."""
    return call("POST", "/enrolments", body)


def enrol(serial: int = 123, **changes: Any) -> UUID:
    """Enrol an order, which must be accepted."""
    answer = post(order(serial, **changes))
    assert answer.status == 202, answer.text
    return UUID(answer.body["enrolment_id"])


def allocate(*enrolments: UUID) -> Any:
    """Let allocation hear of these enrolments, as they stand."""
    keys = map(enrolment_key, enrolments)
    records = [announcement(key, sequence) for sequence, key in enumerate(keys, start=1)]
    return allocation(stream(*records), CONTEXT)


def schedule(enrolment_id: UUID) -> None:
    """Hand this enrolment over to scheduling."""
    scheduling({"enrolment_id": str(enrolment_id)}, CONTEXT)


def fire(enrolment_id: UUID, number: int) -> str:
    """Let a reminder's schedule fire; the outcome."""
    answer = sending({"enrolment_id": str(enrolment_id), "number": number}, CONTEXT)
    return str(answer["outcome"])


def texts() -> list[tuple[str, str]]:
    """Number and words of every text that the provider took."""
    return [*sns_backends[ACCOUNT][REGION].sms_messages.values()]


def someone_in(arm: Arm, *, first: int = 1, **changes: Any) -> UUID:
    """Enrol and allocate one person after another, until one is in this arm."""
    for serial in count(first):
        enrolment_id = enrol(serial, **changes)
        assert failures(allocate(enrolment_id)) == []
        if allocation_of(enrolment_id).arm is arm:
            return enrolment_id
    raise AssertionError("there is no end to them")
