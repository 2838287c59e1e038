"""Makes a table equal to an earlier copy of itself."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from mypy_boto3_dynamodb import DynamoDBClient

BATCH = 25
"""How many items DynamoDB writes in one request."""

Item = dict[str, Any]


class ItemKey(NamedTuple):
    """The primary key of an item."""

    pk: str
    sk: str


class Rewound(NamedTuple):
    """How many items were written back, and how many removed because the copy lacks them."""

    put: int
    removed: int


@dataclass(frozen=True)
class Copies:
    """A table, and ways to get a copy of it."""

    client: DynamoDBClient
    table: str

    def now(self) -> dict[ItemKey, Item]:
        """Every item, as stored."""
        return self._scanned(self.table)

    def at(self, moment: datetime, beside: str) -> dict[ItemKey, Item]:
        """
        Every item at that moment, from a table `beside` that point-in-time recovery makes.

        That table has no stream, alarms or protection, and no function may use it: it serves only
        as a copy, and a person deletes it afterwards. One that an earlier run made is used again.
        """
        with suppress(self.client.exceptions.TableAlreadyExistsException):
            self.client.restore_table_to_point_in_time(
                SourceTableName=self.table,
                TargetTableName=beside,
                RestoreDateTime=moment,
                UseLatestRestorableTime=False,
            )
        self.client.get_waiter("table_exists").wait(
            TableName=beside, WaiterConfig={"Delay": 20, "MaxAttempts": 720}
        )
        return self._scanned(beside)

    def rewind(self, copy: Mapping[ItemKey, Item]) -> Rewound:
        """
        Make the table equal to the copy. Safe to repeat and to interrupt.

        Later entries of the audit trail stay: history is never removed.
        """
        here = self.now()
        put = [item for place, item in copy.items() if here.get(place) != item]
        gone = [place for place in here.keys() - copy.keys() if here[place].get("kind") != _AUDIT]
        self._write({"PutRequest": {"Item": item}} for item in put)
        self._write({"DeleteRequest": {"Key": _key(place)}} for place in gone)
        return Rewound(len(put), len(gone))

    def _scanned(self, table: str) -> dict[ItemKey, Item]:
        pages = self.client.get_paginator("scan").paginate(TableName=table, ConsistentRead=True)
        items: Iterator[Item] = (dict(item) for page in pages for item in page["Items"])
        return {ItemKey(item["pk"]["S"], item["sk"]["S"]): item for item in items}

    def _write(self, requests: Iterable[Mapping[str, Any]]) -> None:
        left: list[Any] = list(requests)
        while left:
            answer = self.client.batch_write_item(RequestItems={self.table: left[:BATCH]})
            left = [*answer["UnprocessedItems"].get(self.table, []), *left[BATCH:]]


_AUDIT = {"S": "audit"}


def _key(place: ItemKey) -> Item:
    return {"pk": {"S": place.pk}, "sk": {"S": place.sk}}


def save(copy: Mapping[ItemKey, Item], file: Path) -> None:
    """Write a copy to a file: its time, then one item per line in DynamoDB's form."""
    lines = [{"at": datetime.now(UTC).isoformat()}, *({"Item": item} for item in copy.values())]
    file.write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    file.chmod(0o600)


def load(file: Path) -> tuple[datetime, dict[ItemKey, Item]]:
    """A saved copy and its time. Raises ValueError if the file is not a copy."""
    first, *lines = map(json.loads, file.read_text().splitlines())
    items = [line["Item"] for line in lines]
    of = {ItemKey(item["pk"]["S"], item["sk"]["S"]): item for item in items}
    return datetime.fromisoformat(first["at"]), of
