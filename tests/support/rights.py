"""
The calls of AWS that a function makes, and the rights that each takes.

By AWS's Service Authorization Reference. A transaction takes the rights of its parts; who makes a
schedule passes the role that it will have; an object under a key takes the key.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from tests.support.samples import ACCOUNT, REGION

_HERE = f"{REGION}:{ACCOUNT}"
_PARTS = {
    "ConditionCheck": "dynamodb:ConditionCheckItem",
    "Delete": "dynamodb:DeleteItem",
    "Put": "dynamodb:PutItem",
    "Update": "dynamodb:UpdateItem",
}


class Call(NamedTuple):
    """One call of a service, with its parameters."""

    service: str
    operation: str
    params: dict[str, Any]


class Right(NamedTuple):
    """An action on a resource, and what IAM knows of the request besides."""

    action: str
    resource: str
    context: tuple[tuple[str, str | tuple[str, ...]], ...] = ()


class Watched:
    """A client that records each call before it makes it."""

    def __init__(self, client: Any, note: Callable[[str, dict[str, Any]], None]) -> None:
        self._client, self._note = client, note

    def __getattr__(self, method: str) -> Callable[..., Any]:
        def call(**params: Any) -> Any:
            self._note(_operation(method), params)
            return getattr(self._client, method)(**params)

        return call

    def get_paginator(self, method: str) -> "Watched":
        return _Pages(self._client.get_paginator(method), self._note, method)


class _Pages(Watched):
    def __init__(self, client: Any, note: Callable[..., None], method: str) -> None:
        super().__init__(client, lambda _, params: note(_operation(method), params))


def _operation(method: str) -> str:
    return "".join(map(str.capitalize, method.split("_")))


def taken(call: Call, names: Mapping[str, str], bucket_keys: Mapping[str, str]) -> Iterator[Right]:
    """
    The rights that a call takes.

    `names` gives what is deployed for what the function was told; `bucket_keys` gives the ARN of
    the key under which a bucket keeps its objects.
    """
    params, operation = call.params, call.operation
    match call.service:
        case "dynamodb":
            yield from _of_the_table(operation, params, names)
        case "kms":
            key = f"arn:aws:kms:{_HERE}:key/{names[params['KeyId']]}"
            yield Right(f"kms:{operation}", key)
        case "scheduler" if operation == "ListSchedules":
            yield Right("scheduler:ListSchedules", "*")
        case "scheduler" if operation == "CreateScheduleGroup":
            group = f"arn:aws:scheduler:{_HERE}:schedule-group/{names[params['Name']]}"
            yield Right("scheduler:CreateScheduleGroup", group)
        case "scheduler":
            place = f"{names[params['GroupName']]}/{params['Name']}"
            yield Right(f"scheduler:{operation}", f"arn:aws:scheduler:{_HERE}:schedule/{place}")
            if operation == "CreateSchedule":
                passed = ("iam:PassedToService", "scheduler.amazonaws.com")
                yield Right("iam:PassRole", names[params["Target"]["RoleArn"]], (passed,))
        case "lambda" | "background":
            function = names[params["FunctionName"]]
            yield Right("lambda:InvokeFunction", f"arn:aws:lambda:{_HERE}:function:{function}")
        case "sns" | "events":
            yield from _of_a_message(operation, params, names)
        case "s3":
            yield from _of_a_bucket(operation, params, names, bucket_keys)
        case _:
            raise NotImplementedError(call)


def _of_the_table(
    operation: str, params: dict[str, Any], names: Mapping[str, str]
) -> Iterator[Right]:
    def table(name: str) -> str:
        return f"arn:aws:dynamodb:{_HERE}:table/{names[name]}"

    match operation:
        case "BatchGetItem":
            for name, wanted in params["RequestItems"].items():
                yield Right("dynamodb:BatchGetItem", table(name), _leading(wanted["Keys"]))
        case "TransactWriteItems":
            # Each part is judged as its own action, with its own key: "Using IAM with DynamoDB
            # transactions", docs.aws.amazon.com/amazondynamodb, transaction-apis-iam.
            for act in params["TransactItems"]:
                for kind, each in act.items():
                    own = _leading([each.get("Item") or each["Key"]])
                    yield Right(_PARTS[kind], table(each["TableName"]), own)
        case "Query" if "IndexName" not in params:
            asked = params["ExpressionAttributeValues"][":pk"]
            yield Right("dynamodb:Query", table(params["TableName"]), _leading([{"pk": asked}]))
        case "Query":
            index = f"/index/{params['IndexName']}"
            yield Right("dynamodb:Query", table(params["TableName"]) + index)
        case "Scan":
            yield Right("dynamodb:Scan", table(params["TableName"]))
        case _:
            raise NotImplementedError(operation)


def _leading(keys: Iterable[Mapping[str, Any]]) -> tuple[tuple[str, tuple[str, ...]]]:
    """The partitions that a request names, as IAM sees them: here one of each family."""
    families = {re.sub("#.*", "#1", key["pk"]["S"]) for key in keys}
    return (("dynamodb:LeadingKeys", tuple(sorted(families))),)


def _of_a_message(
    operation: str, params: dict[str, Any], names: Mapping[str, str]
) -> Iterator[Right]:
    """To a topic, to a bus or, as a text, to a phone."""
    if "Entries" in params:
        for entry in params["Entries"]:
            bus = f"arn:aws:events:{_HERE}:event-bus/{names[entry['EventBusName']]}"
            yield Right(f"events:{operation}", bus)
    elif "TopicArn" in params:
        yield Right(f"sns:{operation}", names[params["TopicArn"]])
    else:
        yield Right(f"sns:{operation}", params["PhoneNumber"])
        # https://docs.aws.amazon.com/sns/latest/dg/sns-sms-access-management.html
        called_by = ("aws:CalledViaLast", "sns.amazonaws.com")
        yield Right("sms-voice:SendTextMessage", "*", (called_by,))


def _of_a_bucket(
    operation: str,
    params: dict[str, Any],
    names: Mapping[str, str],
    bucket_keys: Mapping[str, str],
) -> Iterator[Right]:
    name = names[params["Bucket"]]
    bucket = f"arn:aws:s3:::{name}"
    if operation == "ListObjectsV2":
        yield Right("s3:ListBucket", bucket, (("s3:prefix", params.get("Prefix", "")),))
        return
    path = f"{bucket}/{params['Key']}"
    about = (("kms:EncryptionContext:aws:s3:arn", path),)
    yield Right(f"s3:{operation}", path)
    if operation == "GetObject":
        yield Right("s3:ListBucket", bucket)  # or what is not there would be refused, not missing
        yield Right("kms:Decrypt", bucket_keys[name], about)
    if operation == "PutObject":
        yield Right("kms:GenerateDataKey", bucket_keys[name], about)
    if "IfMatch" in params:
        yield Right("s3:GetObject", path)
