"""Locates a trial for an auditor: its key, and its table or an export of it."""

from __future__ import annotations

import gzip
import json
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import boto3
from boto3.dynamodb.types import TypeDeserializer

from commands.audit.allocation_evidence import KINDS, READ
from commands.audit.links import Links
from commands.deployed_stack import DeployedStack
from trial.records.enrolment import MOST_VARIATIONS

if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_kms import KMSClient

_from_wire = TypeDeserializer().deserialize

_GZIP = b"\x1f\x8b"


@dataclass(frozen=True)
class TrialSource:
    """A trial's table, its key and, if available, its audit trail."""

    dynamodb: DynamoDBClient
    kms: KMSClient
    table: str
    key_id: str
    links: Links | None


def place(wanted: Namespace) -> TrialSource:
    """The local stack, a stack on AWS, or a table and a key, as the command line says."""
    table, key_id = wanted.table, wanted.key
    if key_id and not wanted.stack_name:
        reach: dict[str, Any] = {"region_name": wanted.region, "endpoint_url": wanted.endpoint_url}
        links = Links(boto3.client("s3", **reach), wanted.trail) if wanted.trail else None
        return TrialSource(
            boto3.client("dynamodb", **reach), boto3.client("kms", **reach), table, key_id, links
        )
    stack = DeployedStack.named_by(wanted)
    if missing := {"Table", "AllocationKey", "AuditBucket"} - stack.ids.keys():
        sys.exit(f"The stack {stack.name} is no trial: it has no {' and no '.join(missing)}.")
    table, key_id = table or stack.ids["Table"], key_id or stack.ids["AllocationKey"]
    links = Links(stack.client("s3"), wanted.trail or stack.ids["AuditBucket"])
    return TrialSource(stack.client("dynamodb"), stack.client("kms"), table, key_id, links)


def scanned(client: DynamoDBClient, table: str) -> Iterator[dict[str, Any]]:
    """
    The items of a table that concern allocation, page by page, without personal data.

    This scans the whole table, which only an audit should do.
    """
    of_order = ("type", "made_on", "expires_on")
    names = {f"#{name}": name for name in (*READ, "order", *of_order)}
    names |= {f"#{name}": name for name in ("at", "until_then")}
    projected = [f"#{name}" for name in sorted(READ)] + [f"#order.#{name}" for name in of_order]
    for place in range(MOST_VARIATIONS):  # not who reported it
        projected += [f"variations[{place}].{path}" for path in ("#at", "#until_then.#expires_on")]
    kinds = {f":{kind}": {"S": kind} for kind in KINDS}
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

    Each line is an item as DynamoDB exports it to S3, or a plain one. Raises ValueError with the
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


def files_of(given: Iterable[Path]) -> list[Path]:
    """The files of an export; for a folder, such as DynamoDB makes, all its data files."""
    files: list[Path] = []
    for path in given:
        inside = sorted(path.rglob("*.json.gz")) if path.is_dir() else [path]
        if not inside:
            sys.exit(f"{path} holds no *.json.gz.")
        files += inside
    return files
