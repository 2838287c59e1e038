"""What a trial's table, or an export of it, holds about allocation: nothing personal."""

from __future__ import annotations

import gzip
import json
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias
from uuid import UUID

from boto3.dynamodb.types import TypeDeserializer
from pydantic import AwareDatetime  # noqa: TC002 - pydantic reads it

from trial.model import Model
from trial.records import Allocation, Cursor, allocation_key, enrolment_key
from trial.table import Key

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from mypy_boto3_dynamodb import DynamoDBClient

    from trial.protocol import Protocol

_from_wire = TypeDeserializer().deserialize

_ENROLLED = ("enrolment_id", "trial", "person_hash", "allocated_at", "dates_changed_at")
_READ = {"pk", "sk", "kind", *_ENROLLED, *Allocation.model_fields, *Cursor.model_fields}
_KINDS = ("allocation", "cursor", "enrolment", "message", "reminder")
_GZIP = b"\x1f\x8b"


class Enrolled(Model):
    """What an enrolment says of its allocation, and nothing that tells who it is."""

    enrolment_id: UUID
    trial: str
    person_hash: str
    days: int
    allocated_at: AwareDatetime | None = None
    dates_changed_at: AwareDatetime | None = None


class Sequence(NamedTuple):
    """One stratum of one trial: people are drawn from it in turn."""

    trial: str
    stratum: str

    def __str__(self) -> str:
        return f"{self.trial}, stratum {self.stratum}"


@dataclass
class Evidence:
    """All that the table holds about allocation."""

    allocations: list[Allocation] = field(default_factory=list)
    enrolments: list[Enrolled] = field(default_factory=list)
    cursors: dict[Sequence, Cursor] = field(default_factory=dict)
    reminded: set[UUID] = field(default_factory=set)
    unreadable: list[str] = field(default_factory=list)

    def add(self, item: Mapping[str, Any]) -> None:
        """Take what an item says about allocation, or note that it cannot be what it says."""
        try:
            self._add(item)
        except (KeyError, TypeError, ValueError):
            self.unreadable.append(f"item {item.get('pk')}, {item.get('sk')}")

    def _add(self, item: Mapping[str, Any]) -> None:
        key = Key(item["pk"], item["sk"])
        match item["kind"]:
            case "allocation":
                allocation = Allocation.of(_only(Allocation.model_fields, item))
                if key != allocation_key(allocation.enrolment_id):
                    raise ValueError("under another enrolment's key")
                self.allocations.append(allocation)
            case "enrolment":
                made_on, expires_on = (item["order"][name] for name in ("made_on", "expires_on"))
                days = (date.fromisoformat(expires_on) - date.fromisoformat(made_on)).days + 1
                enrolled = Enrolled(days=days, **_only(_ENROLLED, item))
                if key != enrolment_key(enrolled.enrolment_id):
                    raise ValueError("under another enrolment's key")
                self.enrolments.append(enrolled)
            case "cursor":
                _, trial, stratum = key.pk.split("#")
                self.cursors[Sequence(trial, stratum)] = Cursor.of(_only(Cursor.model_fields, item))
            case "reminder" | "message":
                self.reminded.add(UUID(item["enrolment_id"]))


def _only(names: Iterable[str], item: Mapping[str, Any]) -> dict[str, Any]:
    return {name: item[name] for name in names if name in item}


Block: TypeAlias = dict[int, list[Allocation]]
"""The allocations at each position: exactly one at each, if all is well."""


def blocks_of(
    allocations: Iterable[Allocation], protocols: Mapping[str, Protocol]
) -> dict[Sequence, dict[int, Block]]:
    """The blocks of each sequence, as they were filled: of what has a slot of a known protocol."""
    found: dict[Sequence, dict[int, Block]] = {}
    for each in allocations:
        protocol = protocols.get(each.protocol_sha256)
        if protocol and each.block is not None and each.position is not None:
            blocks = found.setdefault(Sequence(protocol.trial, each.stratum), {})
            blocks.setdefault(each.block, {}).setdefault(each.position, []).append(each)
    return found


def scanned(client: DynamoDBClient, table: str) -> Iterator[dict[str, Any]]:
    """
    The items of a table that are about allocation, page by page, without what is personal.

    A scan: it reads the whole table, which is right for an audit and for nothing else.
    """
    names = {f"#{name}": name for name in (*_READ, "order", "made_on", "expires_on")}
    projected = [*(f"#{name}" for name in sorted(_READ)), "#order.#made_on", "#order.#expires_on"]
    kinds = {f":{kind}": {"S": kind} for kind in _KINDS}
    pages = client.get_paginator("scan").paginate(
        TableName=table,
        ConsistentRead=True,
        ProjectionExpression=", ".join(projected),
        FilterExpression=f"#kind IN ({', '.join(kinds)})",
        ExpressionAttributeNames=names,
        ExpressionAttributeValues=kinds,
    )
    for page in pages:
        for raw in page["Items"]:
            yield {name: _from_wire(value) for name, value in raw.items()}


def exported(file: Path) -> Iterator[dict[str, Any]]:
    """
    The items in a file of JSON lines, gzipped or not.

    Either as DynamoDB exports a table to S3, or one plain item a line. Raises ValueError with the
    number of the first line that is neither.
    """
    with file.open("rb") as raw:
        packed = raw.read(len(_GZIP)) == _GZIP
    with gzip.open(file, "rt") if packed else file.open() as lines:
        for number, line in enumerate(lines, start=1):
            try:
                item = json.loads(line)
                if item.keys() == {"Item"}:
                    item = {name: _from_wire(value) for name, value in item["Item"].items()}
                item["kind"]
            except (AttributeError, KeyError, TypeError, ValueError) as error:
                raise ValueError(f"line {number} is not an item of the table") from error
            yield item
