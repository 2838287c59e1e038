"""
The one table: reads by key are strongly consistent, and every write is a transaction.

An item is what a record dumps to. `None` is never stored: the attribute is absent instead.
Expressions write attributes as `#attribute`, which avoids DynamoDB's reserved words.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from trial.aws.acts import ABSENT, Act, Check, Key, check, count, delete, put, update
from trial.aws.attributes import plain, typed, wire
from trial.errors import ContendedError, RejectedError, UnavailableError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from mypy_boto3_dynamodb import DynamoDBClient

__all__ = [
    "ABSENT",
    "Act",
    "Check",
    "ConditionFailedError",
    "Key",
    "Table",
    "check",
    "count",
    "delete",
    "put",
    "update",
]

_TRANSIENT = frozenset(
    {
        "InternalServerError",
        "ItemCollectionSizeLimitExceededException",
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "ServiceUnavailable",
        "ThrottlingException",
        "TransactionInProgressException",
    }
)
_BATCH_TRIES = 5
_LARGEST_BATCH = 100  # keys: DynamoDB's limit
_SERVER_ERROR = 500


class ConditionFailedError(ContendedError):
    """A transaction was refused because conditions did not hold: nothing was written."""

    def __init__(self, failed: Iterable[str]) -> None:
        self.failed = frozenset(failed)
        super().__init__(f"conditions that did not hold: {', '.join(sorted(self.failed))}")


class Table:
    """The table behind one DynamoDB client."""

    def __init__(self, client: DynamoDBClient, name: str) -> None:
        self._client = client
        self._name = name

    def read(self, *keys: Key) -> list[dict[str, Any] | None]:
        """The items under these keys, in their order, strongly consistent."""
        wanted = list(dict.fromkeys(keys))
        found: dict[Key, dict[str, Any]] = {}
        for first in range(0, len(wanted), _LARGEST_BATCH):
            found |= self._batch(wanted[first : first + _LARGEST_BATCH])
        return [found.get(key) for key in keys]

    def _batch(self, keys: Iterable[Key]) -> dict[Key, dict[str, Any]]:
        """The items that exist under at most 100 keys."""
        wanted = [wire({"pk": key.pk, "sk": key.sk}) for key in keys]
        found: dict[Key, dict[str, Any]] = {}
        for _ in range(_BATCH_TRIES):
            request = {self._name: {"Keys": wanted, "ConsistentRead": True}}
            answer = self._call("batch_get_item", RequestItems=request)
            for raw in answer["Responses"].get(self._name, []):
                item = plain(raw)
                found[Key(item.pop("pk"), item.pop("sk"))] = item
            unprocessed = answer.get("UnprocessedKeys") or {}
            if self._name not in unprocessed:
                return found
            wanted = unprocessed[self._name]["Keys"]
        raise UnavailableError("the table did not answer for every key")

    def partition(self, pk: str, prefix: str = "") -> dict[str, dict[str, Any]]:
        """Every item of one partition by its sort key, in order, strongly consistent."""
        found: dict[str, dict[str, Any]] = {}
        text, values = "#pk = :pk", {"pk": pk}
        if prefix:
            text, values = f"{text} AND begins_with(#sk, :prefix)", {"pk": pk, "prefix": prefix}
        request: dict[str, Any] = {
            "TableName": self._name,
            "ConsistentRead": True,
            "KeyConditionExpression": text,
            **_placeholders(text, values),
        }
        for item in self._pages("query", request):
            item.pop("pk")
            found[item.pop("sk")] = item
        return found

    def newest(self, pk: str, most: int) -> list[dict[str, Any]]:
        """The last items of one partition, at most `most`, in order, strongly consistent."""
        text = "#pk = :pk"
        answer = self._call(
            "query",
            TableName=self._name,
            ConsistentRead=True,
            KeyConditionExpression=text,
            ScanIndexForward=False,
            Limit=most,
            **_placeholders(text, {"pk": pk}),
        )
        items = [plain(raw) for raw in reversed(answer["Items"])]
        return [{k: v for k, v in item.items() if k not in ("pk", "sk")} for item in items]

    def by_index(
        self, index: str, name: str, value: str, *, since: tuple[str, str] | None = None
    ) -> list[dict[str, Any]]:
        """
        The index's entry for every item whose attribute has this value; eventually consistent.

        `since` names the index's sort attribute and its minimum.
        """
        text, values = f"#{name} = :value", {"value": value}
        if since:
            text, values = f"{text} AND #{since[0]} >= :since", values | {"since": since[1]}
        return list(self._shown(index, text, values))

    def in_order(
        self, index: str, equal: tuple[str, str], *, after: tuple[str, str]
    ) -> Iterator[dict[str, Any]]:
        """
        The index's entries with attribute `equal`, in the order of the sort attribute.

        Only those whose sort attribute exceeds `after`. Page by page; eventually consistent.
        """
        text = f"#{equal[0]} = :equal AND #{after[0]} > :after"
        yield from self._shown(index, text, {"equal": equal[1], "after": after[1]})

    def by_due(self, shard: str, *, until: str) -> Iterator[Key]:
        """The keys of one shard's open reminders that are due by then, the first due first."""
        return self._keys("open_reminders", ("open_shard", shard), ("due_at", until))

    def by_last_day(self, retained: str, *, until: str) -> Iterator[Key]:
        """The keys of enrolments that still hold this data, with a last day up to `until`."""
        return self._keys("retained", ("retained", retained), ("last_day", until))

    def by_last_day_since(self, retained: str, *, since: str) -> Iterator[Key]:
        """The keys of enrolments that still hold this data, with a last day from `since` on."""
        text = "#retained = :retained AND #last_day >= :since"
        for shown in self._shown("retained", text, {"retained": retained, "since": since}):
            yield Key(shown["pk"], shown["sk"])

    def _keys(self, index: str, equal: tuple[str, str], most: tuple[str, str]) -> Iterator[Key]:
        """
        The keys of items whose first attribute is `equal` and whose second is at most `most`.

        Page by page; eventually consistent, so read each item before acting on it.
        """
        text = f"#{equal[0]} = :equal AND #{most[0]} <= :most"
        for shown in self._shown(index, text, {"equal": equal[1], "most": most[1]}):
            yield Key(shown["pk"], shown["sk"])

    def _shown(self, index: str, text: str, values: dict[str, Any]) -> Iterator[dict[str, Any]]:
        """The index's entries that match, page by page."""
        request: dict[str, Any] = {
            "TableName": self._name,
            "IndexName": index,
            "KeyConditionExpression": text,
            **_placeholders(text, values),
        }
        return self._pages("query", request)

    def _pages(self, operation: str, request: dict[str, Any]) -> Iterator[dict[str, Any]]:
        """Every item of a query or a scan, page by page."""
        while True:
            answer = self._call(operation, **request)
            yield from map(plain, answer["Items"])
            if "LastEvaluatedKey" not in answer:
                return
            request["ExclusiveStartKey"] = answer["LastEvaluatedKey"]

    def scan(
        self, kinds: Iterable[str], *, after: Key | None = None
    ) -> Iterator[tuple[Key, dict[str, Any]]]:
        """
        Every item of these kinds, or every one after a key, strongly consistent; page by page.

        The items of a partition come together, in the order of their sort keys. Others may write
        during the scan, so the result is not a snapshot.
        """
        values = {f"kind_{place}": kind for place, kind in enumerate(kinds)}
        text = f"#kind IN ({', '.join(f':{name}' for name in values)})"
        request: dict[str, Any] = {
            "TableName": self._name,
            "ConsistentRead": True,
            "FilterExpression": text,
            **_placeholders(text, values),
        }
        if after:
            request["ExclusiveStartKey"] = wire({"pk": after.pk, "sk": after.sk})
        for item in self._pages("scan", request):
            yield Key(item.pop("pk"), item.pop("sk")), item

    def write(self, *acts: Act) -> None:
        """
        Do all acts, or none.

        Raises ConditionFailedError with the names of the conditions that did not hold,
        ContendedError if another transaction held an item, and UnavailableError if it is unknown
        whether the write happened: the conditions make a repeat harmless.
        """
        if not acts:
            return
        names = [act.condition.name if act.condition else "" for act in acts]
        self._call("transact_write_items", names, TransactItems=[self._wired(act) for act in acts])

    def _wired(self, act: Act) -> dict[str, Any]:
        condition = act.condition or Check("", "")
        values = {**act.values, **condition.values}
        request: dict[str, Any] = {"TableName": self._name}
        key = {"pk": act.key.pk, "sk": act.key.sk}
        if act.operation == "Put":
            request["Item"] = wire({**act.item, **key})
        else:
            request["Key"] = wire(key)
        if act.expression:
            request["UpdateExpression"] = act.expression
        if condition.text:
            request["ConditionExpression"] = condition.text
        request |= _placeholders(f"{act.expression} {condition.text}", values)
        return {act.operation: request}

    def _call(self, operation: str, conditions: Iterable[str] = (), **request: Any) -> Any:  # noqa: ANN401
        # Errors are not chained: their messages may repeat personal data from the request.
        try:
            return getattr(self._client, operation)(**request)
        except ClientError as error:
            code = error.response["Error"]["Code"]
            if code == "TransactionCanceledException":
                raise _refusal(list(conditions), error.response) from None
            status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
            if code in _TRANSIENT or status >= _SERVER_ERROR:
                raise UnavailableError(f"the table answered {code}") from None
            raise RejectedError(f"the table refused it: {code}") from None
        except BotoCoreError as error:
            raise UnavailableError(f"the table gave no answer: {type(error).__name__}") from None


def _refusal(names: list[str], response: Mapping[str, Any]) -> UnavailableError:
    """Why a transaction was cancelled: DynamoDB gives one reason per act, in order."""
    codes = [reason.get("Code", "None") for reason in response.get("CancellationReasons", [])]
    if failed := [n for n, c in zip(names, codes, strict=False) if c == "ConditionalCheckFailed"]:
        return ConditionFailedError(failed)
    if "TransactionConflict" in codes:
        return ContendedError("another transaction holds an item of this one")
    return UnavailableError(f"the transaction was cancelled: {', '.join(sorted(set(codes)))}")


def _placeholders(text: str, values: Mapping[str, Any]) -> dict[str, Any]:
    names = {f"#{name}": name for name in re.findall(r"#(\w+)", text)}
    given = {f":{name}": typed(value) for name, value in values.items()}
    return ({"ExpressionAttributeNames": names} if names else {}) | (
        {"ExpressionAttributeValues": given} if given else {}
    )
