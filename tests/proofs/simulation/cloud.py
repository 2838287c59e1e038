"""
AWS in memory: the few operations that the functions use, each as a client's method.

Every call passes through a gate, where the world may fail it, lose its answer, crash the caller
or let others act first. What is stored, refused and announced is as the services do it:
`test_cloud.py` puts the same random transactions to this table and to moto's.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache, partial
from io import BytesIO
from typing import TYPE_CHECKING, Any
from uuid import UUID

from botocore.exceptions import ClientError

from tests.proofs.simulation.conditions import Item, holds, updated

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Gate = Callable[..., dict[str, Any]]

FAMILIES = ("enrolment", "allocation", "history", "audit")
"""The families with one partition for each enrolment."""

_MOST = 100  # keys in a batch, acts in a transaction


def refusal(code: str, status: int = 400, **more: Any) -> ClientError:
    """What botocore raises when AWS answers with an error."""
    answer: Any = {
        "Error": {"Code": code, "Message": "simulated"},
        "ResponseMetadata": {"HTTPStatusCode": status},
    }
    return ClientError(answer | more, "Simulated")


@dataclass
class Dynamo:
    """One table; `committed` gets each commit as pairs of old and new items."""

    gate: Gate
    committed: Callable[[list[tuple[Item | None, Item | None]]], None]
    short: Callable[[], bool] = lambda: False  # whether to answer with less than asked
    partitions: dict[str, dict[Any, Item]] = field(default_factory=dict)
    indexes: dict[str, dict[str, dict[Any, Item]]] = field(
        default_factory=lambda: {
            name: defaultdict(dict) for name in ("trial", "open_shard", "worklist", "retained")
        }
    )

    def items(self) -> Iterator[Item]:
        for partition in self.partitions.values():
            yield from partition.values()

    def at(self, pk: str, sk: str) -> Item | None:
        return self.partitions.get(pk, {}).get(sk)

    def batch_get_item(self, **request: Any) -> dict[str, Any]:
        ((table, wanted),) = request["RequestItems"].items()
        keys = [_key(key) for key in wanted["Keys"]]
        read = partial(self._batch_get, table, wanted, keys)
        return self.gate("dynamodb.BatchGetItem", read, _about(keys))

    def query(self, **request: Any) -> dict[str, Any]:
        attribute, _, placeholder = request["KeyConditionExpression"].split()[:3]
        value = request["ExpressionAttributeValues"][placeholder]["S"]
        read = partial(self._query, attribute[1:], value, request)
        return self.gate("dynamodb.Query", read, _about([(value, "")]))

    def transact_write_items(self, **request: Any) -> dict[str, Any]:
        acts = [(kind, each) for act in request["TransactItems"] for kind, each in act.items()]
        keys = [_key(each.get("Item") or each["Key"]) for _, each in acts]
        write = partial(self._transact, acts, keys)
        return self.gate("dynamodb.TransactWriteItems", write, _about(keys), len(acts))

    def _batch_get(
        self, table: str, wanted: dict[str, Any], keys: list[tuple[str, str]]
    ) -> dict[str, Any]:
        if len(set(keys)) < len(keys) or len(keys) > _MOST:
            raise refusal("ValidationException")
        served = len(keys) // 2 if len(keys) > 1 and self.short() else len(keys)
        left = {table: {**wanted, "Keys": wanted["Keys"][served:]}} if served < len(keys) else {}
        found = [item for key in keys[:served] if (item := self.at(*key))]
        return {"Responses": {table: found}, "UnprocessedKeys": left}

    def _query(self, attribute: str, value: str, request: dict[str, Any]) -> dict[str, Any]:
        """A page of one partition, or of what an index holds under one value, in order."""
        index = self.indexes.get(attribute, self.partitions)
        among = list(index.get(value, {}).values())
        after = request.get("ExclusiveStartKey")
        found = [
            item
            for item in sorted(among, key=_key)
            if holds(request["KeyConditionExpression"], item, request)
            and (after is None or _key(item) > _key(after))
        ]
        if not request.get("ScanIndexForward", True):
            found.reverse()
        found = found[: request.get("Limit", len(found))]
        # A partition is far below the megabyte of a page; an index is not.
        if attribute != "pk" and len(found) > 1 and self.short():
            found = found[: len(found) // 2]
            return {"Items": found, "LastEvaluatedKey": _only_key(found[-1])}
        return {"Items": found}

    def _transact(
        self, acts: list[tuple[str, dict[str, Any]]], keys: list[tuple[str, str]]
    ) -> dict[str, Any]:
        if len(set(keys)) < len(keys) or len(keys) > _MOST:
            raise refusal("ValidationException")
        before = [self.at(*key) for key in keys]
        fit = [
            "ConditionExpression" not in each or holds(each["ConditionExpression"], item, each)
            for (_, each), item in zip(acts, before, strict=True)
        ]
        if not all(fit):
            reasons = [{"Code": "None" if each else "ConditionalCheckFailed"} for each in fit]
            raise refusal("TransactionCanceledException", CancellationReasons=reasons)
        changes = []
        for (kind, each), key, old in zip(acts, keys, before, strict=True):
            if kind != "ConditionCheck" and (new := _after(kind, each, old)) != old:
                self.keep(key, new)
                changes.append((old, new))
        self.committed(changes)
        return {}

    def keep(self, key: tuple[str, str], item: Item | None) -> None:
        """Store this item under a key, or remove what is there, without a record in the stream."""
        partition = self.partitions.setdefault(key[0], {})
        old = partition.pop(key[1], {})
        if item is not None:
            partition[key[1]] = item
        for attribute, index in self.indexes.items():
            if attribute in old:
                del index[old[attribute]["S"]][key]
            if item and attribute in item:
                index[item[attribute]["S"]][key] = item


def _after(kind: str, request: dict[str, Any], item: Item | None) -> Item | None:
    if kind == "Put":
        return dict(request["Item"])
    if kind == "Delete":
        return None
    return updated(request["UpdateExpression"], item or request["Key"], request)


def _key(item: Item) -> tuple[str, str]:
    return item["pk"]["S"], item["sk"]["S"]


def _about(keys: list[tuple[str, str]]) -> UUID | None:
    """The first enrolment that a call concerns."""
    return next((ident for ident in (owner(pk) for pk, _ in keys) if ident.int), None)


@cache
def owner(partition: str) -> UUID:
    """A partition's enrolment; for any other partition, the id of no enrolment."""
    family, _, ident = partition.partition("#")
    own = family in FAMILIES and len(ident) == len(str(UUID(int=0)))
    return UUID(ident) if own else UUID(int=0)


def _only_key(item: Item) -> Item:
    return {"pk": item["pk"], "sk": item["sk"]}


@dataclass
class Kms:
    """
    Keys that hold their own ids' bytes: no two seeds share a sequence, unless it is given.

    A ciphertext is as long as its text, and unreadable without this object.
    """

    gate: Gate
    salt: str
    sequence: str = ""

    def generate_mac(self, **request: Any) -> dict[str, Any]:
        return self.gate("kms.GenerateMac", lambda: self._mac(request))

    def encrypt(self, **request: Any) -> dict[str, Any]:
        return self.gate(
            "kms.Encrypt", lambda: {"CiphertextBlob": self._crossed(request, request["Plaintext"])}
        )

    def decrypt(self, **request: Any) -> dict[str, Any]:
        return self.gate(
            "kms.Decrypt", lambda: {"Plaintext": self._crossed(request, request["CiphertextBlob"])}
        )

    def _crossed(self, request: dict[str, Any], data: bytes) -> bytes:
        context = json.dumps(request["EncryptionContext"], sort_keys=True)
        stream = hashlib.shake_256(f"{self.salt}/{request['KeyId']}/{context}".encode())
        return bytes(a ^ b for a, b in zip(data, stream.digest(len(data)), strict=True))

    def _mac(self, request: dict[str, Any]) -> dict[str, Any]:
        sequence = self.sequence if request["KeyId"] == "allocation" else ""
        key = f"{self.salt}{sequence}/{request['KeyId']}".encode()
        return {"Mac": hmac.digest(key, request["Message"], hashlib.sha256)}


@dataclass(eq=False)  # hashed by what it is, as a client of AWS is
class Bucket:
    """Objects by their paths, in the one bucket that there is: each is written once."""

    gate: Gate
    objects: dict[str, bytes] = field(default_factory=dict)

    def list_objects_v2(self, **request: Any) -> dict[str, Any]:
        return self.gate("s3.ListObjectsV2", lambda: self._listed(request))

    def get_object(self, **request: Any) -> dict[str, Any]:
        return self.gate("s3.GetObject", lambda: self._get(request["Key"]))

    def put_object(self, **request: Any) -> dict[str, Any]:
        return self.gate("s3.PutObject", lambda: self._put(request))

    def _listed(self, request: dict[str, Any]) -> dict[str, Any]:
        after = request.get("StartAfter", "")
        found = sorted(
            path for path in self.objects if path.startswith(request["Prefix"]) and path > after
        )
        shown = found[: request["MaxKeys"]]
        return {"Contents": [{"Key": path, "ETag": self._etag(path)} for path in shown]}

    def _get(self, path: str) -> dict[str, Any]:
        if path not in self.objects:
            raise refusal("NoSuchKey", 404)
        return {"Body": BytesIO(self.objects[path]), "ETag": self._etag(path)}

    def _etag(self, path: str) -> str:
        return hashlib.sha256(self.objects[path]).hexdigest()

    def _put(self, request: dict[str, Any]) -> dict[str, Any]:
        if request["IfNoneMatch"] != "*" or request["Key"] in self.objects:
            raise refusal("PreconditionFailed", 412)
        self.objects[request["Key"]] = request["Body"]
        return {"ETag": self._etag(request["Key"])}


@dataclass
class Events:
    """A bus, and the details of the events that it has taken, in turn."""

    gate: Gate
    taken: list[dict[str, Any]] = field(default_factory=list)

    def put_events(self, **request: Any) -> dict[str, Any]:
        about = UUID(json.loads(request["Entries"][0]["Detail"])["enrolment_id"])
        return self.gate("events.PutEvents", lambda: self._put(request["Entries"]), about)

    def _put(self, entries: list[dict[str, Any]]) -> dict[str, Any]:
        self.taken += [json.loads(each["Detail"]) for each in entries]
        return {"FailedEntryCount": 0}


@dataclass
class Scheduler:
    """One-off schedules by name. `created` gets each one, to fire it when it is due."""

    gate: Gate
    created: Callable[[str, datetime], None]
    schedules: dict[str, dict[str, Any]] = field(default_factory=dict)

    def create_schedule(self, **request: Any) -> dict[str, Any]:
        return self.gate("scheduler.CreateSchedule", lambda: self._create(request))

    def get_schedule(self, **request: Any) -> dict[str, Any]:
        return self.gate("scheduler.GetSchedule", lambda: dict(self._known(request["Name"])))

    def delete_schedule(self, **request: Any) -> dict[str, Any]:
        return self.gate("scheduler.DeleteSchedule", lambda: self._delete(request["Name"]))

    def get_paginator(self, _: str) -> Scheduler:
        return self

    def paginate(self, **request: Any) -> list[dict[str, Any]]:
        return [
            self.gate("scheduler.ListSchedules", lambda: self._list(request.get("NamePrefix", "")))
        ]

    def _list(self, prefix: str) -> dict[str, Any]:
        return {"Schedules": [{"Name": each} for each in self.schedules if each.startswith(prefix)]}

    def _create(self, request: dict[str, Any]) -> dict[str, Any]:
        name, at = request["Name"], when(request)
        well_formed = (
            re.fullmatch(r"[0-9a-zA-Z-_.]{1,64}", name)
            and request["ScheduleExpressionTimezone"] == "UTC"
            and request["ActionAfterCompletion"] == "DELETE"
        )
        if not well_formed or at <= datetime.now(UTC):
            raise refusal("ValidationException")
        if name in self.schedules:
            raise refusal("ConflictException", 409)
        self.schedules[name] = request
        self.created(name, at)
        return {}

    def _known(self, name: str) -> dict[str, Any]:
        if name not in self.schedules:
            raise refusal("ResourceNotFoundException", 404)
        return self.schedules[name]

    def _delete(self, name: str) -> dict[str, Any]:
        self._known(name)
        del self.schedules[name]
        return {}


def when(schedule: dict[str, Any]) -> datetime:
    """When a schedule fires."""
    return datetime.strptime(schedule["ScheduleExpression"], "at(%Y-%m-%dT%H:%M:%S)").replace(
        tzinfo=UTC
    )
