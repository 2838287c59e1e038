"""
Prints everything held about one person, as JSON, to answer their subject access request.

Name the person by force and upstream's id (durham/2003/0011985X), or by one of their orders
(durham/DVPO-2026-000123), which also works once the identifiers are erased. The output shows the
arm, so its reader is no longer blind. Data about others is left out: of the numbers that an order
protects, only their count is shown. Each sent text is reproduced byte for byte. The audit trail
records the access before anything is shown. On the local stack, or anywhere with --stack-name; on
AWS the role needs the policy AccessOfficer and must be named in the stack's AccessOfficers.
"""

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID

from botocore.exceptions import BotoCoreError, ClientError
from rich.console import Console

from commands.arguments import described
from commands.audit.letter import letter
from commands.audit.texts import with_its_text
from commands.deployed_stack import DeployedStack, add_arguments
from trial.aws.kms import Binding, MacKey, Purpose, SealKey
from trial.aws.table import Table, put
from trial.errors import TrialError
from trial.identity import SpellingError, enrolment_id, person_hash
from trial.records.allocation import allocation_partition
from trial.records.audit import AuditEntry, audit_key, audit_partition, history_partition
from trial.records.enrolment import enrolment_partition
from trial.records.person import number_key, person_key, suppressed_key
from trial.records.receipt import message_key, opt_out_key, stray_partition
from trial.records.reminder import texted_partition

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

HIDDEN = {"protected_hashes", "request_digest", "counted"}
"""Attributes of an enrolment that concern others or are derived from the rest."""


@dataclass(frozen=True)
class Holdings:
    """A stack's table, the key that finds people, and the key that opens seals."""

    dynamodb: "DynamoDBClient"
    table_name: str
    identity: MacKey
    sealing: SealKey

    @property
    def table(self) -> Table:
        """The table."""
        return Table(self.dynamodb, self.table_name)

    def enrolments_of(self, person_hash: str) -> Iterator[UUID]:
        """Every order of a person. Scans: such requests are rare and must miss nothing."""
        pages = self.dynamodb.get_paginator("scan").paginate(
            TableName=self.table_name,
            ConsistentRead=True,
            FilterExpression="#kind = :enrolment AND #person_hash = :hash",
            ProjectionExpression="#enrolment_id",
            ExpressionAttributeNames={
                f"#{name}": name for name in ("kind", "person_hash", "enrolment_id")
            },
            ExpressionAttributeValues={
                ":enrolment": {"S": "enrolment"},
                ":hash": {"S": person_hash},
            },
        )
        for page in pages:
            for item in page["Items"]:
                yield UUID(item["enrolment_id"]["S"])


def held(place: Holdings, ident: UUID) -> dict[str, Any]:
    """Everything stored about one order, in its own partitions and elsewhere."""
    partitions = (
        enrolment_partition(ident),
        allocation_partition(ident),
        history_partition(ident),
        audit_partition(ident),
    )
    items = [item for each in partitions for item in place.table.partition(each).values()]
    enrolment = next((item for item in items if item["kind"] == "enrolment"), {})
    texts = [item["message_id"] for item in items if "message_id" in item]
    return {
        "enrolment_id": str(ident),
        "enrolment": _opened(place, ident, enrolment),
        "protected_numbers": len(enrolment.get("protected_hashes", ())),
        **{
            name: [with_its_text(item) for item in items if item["kind"] == kind]
            for name, kind in {
                "allocation": "allocation",
                "reminders": "reminder",
                "outcomes": "outcome",
            }.items()
        },
        "audit_trail": sorted(
            (item for item in items if item["kind"] == "audit"), key=lambda each: each["at"]
        ),
        "texts": [item for item in place.table.read(*map(message_key, texts)) if item]
        if texts
        else [],
        "numbers": [
            _number(place, number_hash, ident)
            for number_hash in (
                *filter(None, [enrolment.get("mobile", {}).get("number_hash")]),
                *enrolment.get("former_numbers", ()),
            )
        ],
    }


def _opened(place: Holdings, ident: UUID, enrolment: dict[str, Any]) -> dict[str, Any]:
    """An enrolment with its seals opened, unless they are erased."""
    shown = {name: value for name, value in enrolment.items() if name not in HIDDEN}
    bound = {
        "respondent": (Purpose.IDENTIFIERS, enrolment.get("person_hash")),
        "mobile": (Purpose.NUMBER, enrolment.get("mobile", {}).get("number_hash")),
    }
    for name, (purpose, hashed) in bound.items():
        held = dict(shown.get(name, {}))
        if seal := held.pop("sealed", None):
            text = place.sealing.opened(seal, Binding(ident, purpose, hashed or ""))
            held |= {"number": text} if name == "mobile" else json.loads(text)
        if held:
            shown[name] = held
    return shown


def _number(place: Holdings, number_hash: str, ident: UUID) -> dict[str, Any]:
    """The data stored under a number, without other people who have it or whom it protects."""
    number, suppressed, opted_out = place.table.read(
        number_key(number_hash), suppressed_key(number_hash), opt_out_key(number_hash)
    )
    strays = place.table.partition(stray_partition(number_hash))
    return {
        "number_hash": number_hash,
        "until": (number or {}).get("respondents", {}).get(str(ident), {}).get("last_day"),
        "suppressed": suppressed,
        "opted_out": opted_out,
        "receipts": [item["receipt"] for item in strays.values()],
    }


def access(place: Holdings, idents: Sequence[UUID], *, by: str, now: datetime) -> dict[str, Any]:
    """
    Log the access, then return what is held about these orders and their person.

    The table's audit trail stands for the exported one. The research extract is left out: it is
    pseudonymised and cannot be searched for a person.
    """
    found = [each for each in (held(place, ident) for ident in idents) if each["enrolment"]]
    audit = AuditEntry(at=now, what="subject access consulted", by=by)
    place.table.write(
        *(put(audit_key(UUID(each["enrolment_id"]), audit), audit.item()) for each in found)
    )
    people = {each["enrolment"]["person_hash"] for each in found}
    return {
        "printed_at": now.isoformat(),
        "orders": found,
        "person": [
            item
            for person_hash in sorted(people)
            for partition in (person_key(person_hash).pk, texted_partition(person_hash))
            for item in place.table.partition(partition).values()
        ],
    }


def wanted(place: Holdings, given: argparse.Namespace) -> list[UUID]:
    """The orders that the command line names."""
    force, _, name = (given.person or given.order).partition("/")
    if given.order:
        return [enrolment_id(place.identity, force, name)]
    return sorted(place.enrolments_of(person_hash(place.identity, force, name)))


def _plain(value: object) -> object:
    if isinstance(value, Decimal):
        return int(value)
    raise TypeError(f"not JSON: {type(value).__name__}")


def placed(given: argparse.Namespace) -> tuple[Holdings, str]:
    """The stack, and the caller's identity."""
    stack = DeployedStack.named_by(given)
    ids, kms = stack.ids, stack.client("kms")
    place = Holdings(
        stack.client("dynamodb"),
        ids["Table"],
        MacKey(kms, ids["IdentityKey"]),
        SealKey(kms, ids["SealingKey"]),
    )
    return place, stack.client("sts").get_caller_identity()["Arn"]


def main(arguments: Sequence[str] | None = None) -> None:
    """Log it, and print it."""
    parser = described("python -m commands.audit.subject_access", __doc__)
    who = parser.add_mutually_exclusive_group(required=True)
    who.add_argument("--person", metavar="FORCE/ID", help="the force and the person's id")
    who.add_argument("--order", metavar="FORCE/REFERENCE", help="one of their orders")
    parser.add_argument(
        "--letter", type=Path, metavar="FILE", help="also write a letter about what was sent"
    )
    add_arguments(parser)
    given = parser.parse_args(arguments)
    if "/" not in (given.person or given.order):
        parser.error("the force stands before it: durham/DVPO-2026-000123")
    try:
        place, by = placed(given)
        with Console(stderr=True).status("Looking for orders ..."):
            idents = wanted(place, given)
            everything = access(place, idents, by=by, now=datetime.now(UTC))
    except (BotoCoreError, ClientError, SpellingError, TrialError) as error:
        sys.exit(f"It could not be looked up, and nothing is shown: {error}")
    if not everything["orders"]:
        sys.exit("Nothing is held about that person or order.")
    if given.letter:
        given.letter.write_text(letter(everything), encoding="utf-8")
    print(json.dumps(everything, indent=2, default=_plain, ensure_ascii=False))


if __name__ == "__main__":
    main()
