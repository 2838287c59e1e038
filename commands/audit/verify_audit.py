"""
Verifies the exported audit trail link by link, and compares it with the entries in the table.

For an auditor with the policy TrailAuditor. Names every entry that was changed, removed, added or
not exported, the link at which the chain breaks, and every allocation, text, suppression, sealed
number, status, outcome and pause in the table that differs from the trail. No later link protects
the newest one: note its number and hash elsewhere, and give them next time with --noted. On the
local stack, or anywhere with --stack-name.

Exit status: 0 if all is well, 3 if something is wrong, another status if the check failed.
"""

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeAlias

from boto3.dynamodb.types import TypeDeserializer
from botocore.exceptions import BotoCoreError, ClientError
from rich.console import Console
from rich.progress import MofNCompleteColumn, Progress, TextColumn

from commands.arguments import described
from commands.audit.agreement import WHAT_IS_NOT_SEEN, TableFacts, disagreements
from commands.audit.audit_findings import (
    PATIENCE,
    Chain,
    TrailFault,
    TrailFinding,
    compared,
    entries_of,
    on_its_way,
)
from commands.audit.links import Links
from commands.audit.trail import Trail
from commands.deployed_stack import DeployedStack, add_arguments
from trial.aws.table import Key
from trial.records.allocation import Allocation

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_lambda import LambdaClient
    from mypy_boto3_s3 import S3Client

    from commands.audit import agreement

SOMETHING_WRONG = 3
IN_A_BATCH = 100
ENTRY = (
    *("at", "by", "kind", "outcome_sha256", "pk", "seal_sha256", "sk", "slot", "status"),
    *("version", "what", "why"),
)
READ = {*ENTRY, *Allocation.model_fields, "number", "state", "claimed_at", "paused"}
KINDS = ("audit", "allocation", "reminder", "enrolment", "suppressed", "outcome", "switch")
_from_wire = TypeDeserializer().deserialize

AnyFinding: TypeAlias = "TrailFinding | agreement.AgreementFinding"


@dataclass(frozen=True)
class AuditTrail:
    """A deployed stack's audit bucket, its table, and the function that exports."""

    s3: "S3Client"
    dynamodb: "DynamoDBClient"
    functions: "LambdaClient"
    bucket: str
    table: str
    function: str

    def locked(self) -> bool:
        """Whether the bucket has Object Lock."""
        try:
            answer = self.s3.get_object_lock_configuration(Bucket=self.bucket)
        except ClientError as error:
            if error.response["Error"]["Code"] == "ObjectLockConfigurationNotFoundError":
                return False
            raise
        return "DefaultRetention" in answer["ObjectLockConfiguration"].get("Rule", {})

    def items(self) -> Iterator[dict[str, Any]]:
        """
        Every audit entry in the table as stored, and the facts about allocations, texts and seals.

        It reads nothing else, and cannot open a seal.
        """
        kinds = {f":{kind}": {"S": kind} for kind in KINDS}
        projected = [*(f"#{name}" for name in sorted(READ)), "#mobile.#sealed"]
        pages = self.dynamodb.get_paginator("scan").paginate(
            TableName=self.table,
            ConsistentRead=True,
            ProjectionExpression=", ".join(projected),
            FilterExpression=f"#kind IN ({', '.join(kinds)})",
            ExpressionAttributeNames={f"#{name}": name for name in (*READ, "mobile", "sealed")},
            ExpressionAttributeValues=kinds,
        )
        for page in pages:
            yield from page["Items"]

    def export(self, items: Sequence[dict[str, Any]]) -> bool:
        """Pass entries to the function again, as the stream does; returns whether it took all."""
        records = [
            {
                "eventName": "INSERT",
                "eventSource": "aws:dynamodb",
                "dynamodb": {
                    "Keys": {"pk": item["pk"], "sk": item["sk"]},
                    "NewImage": item,
                    "SequenceNumber": f"{number:021}",
                },
            }
            for number, item in enumerate(items, start=1)
        ]
        answer = self.functions.invoke(
            FunctionName=self.function, Payload=json.dumps({"Records": records})
        )
        said = json.load(answer["Payload"])
        return "FunctionError" not in answer and not said["batchItemFailures"]


def verify(
    place: AuditTrail, progress: Progress, *, noted: tuple[int, str] | None, now: datetime
) -> tuple[Chain, list[AnyFinding], list[dict[str, Any]]]:
    """The chain, the faults of chain and table, and the entries that were not exported."""
    chain, of_links = Links(place.s3, place.bucket).walk(progress, noted=noted)
    wrong: list[AnyFinding] = list(of_links)
    reading = progress.add_task("Reading entries", total=None)
    raw: dict[Key, dict[str, Any]] = {}
    stored: dict[Key, dict[str, Any]] = {}
    table = TableFacts()
    for item in place.items():
        plain = {name: _from_wire(value) for name, value in item.items()}
        if plain["kind"] == "audit":
            key = Key(plain["pk"], plain["sk"])
            raw[key], stored[key] = item, plain
        else:
            table.add(plain)
        progress.advance(reading)
    wrong += compared(chain, stored, since=now)
    until = now - PATIENCE
    recent = [entry for entry in entries_of(stored) if on_its_way(entry.at, until)]
    trail = Trail.of({entry.key: entry for entry in (*recent, *chain.entries.values())}.values())
    wrong += disagreements(trail, table, until=until)
    return chain, wrong, [raw[key] for key in stored.keys() - chain.entries.keys()]


def verify_live(
    place: AuditTrail, progress: Progress, *, noted: tuple[int, str] | None, now: datetime
) -> tuple[Chain, list[AnyFinding], list[dict[str, Any]]]:
    """
    Like `verify`, for a table that changes during the check.

    Its items are read at different moments. The check therefore runs again if it finds faults, and
    reports only those found twice.
    """
    chain, wrong, left = verify(place, progress, noted=noted, now=now)
    if wrong:
        chain, again, left = verify(place, progress, noted=noted, now=now)
        wrong = [finding for finding in again if finding in set(wrong)]
    return chain, wrong, left


def noted(text: str) -> tuple[int, str]:
    """A link's number and hash, as noted earlier."""
    number, _, sha256 = text.partition(":")
    return int(number), sha256


def placed(given: argparse.Namespace) -> AuditTrail:
    """The stack's bucket, table and function."""
    stack = DeployedStack.named_by(given)
    ids = stack.ids
    if "AuditBucket" not in ids:
        sys.exit("That stack has no AuditBucket.")
    return AuditTrail(
        stack.client("s3"),
        stack.client("dynamodb"),
        stack.client("lambda"),
        ids["AuditBucket"],
        ids["Table"],
        ids["AuditFunction"],
    )


def parsed(arguments: Sequence[str] | None) -> argparse.Namespace:
    """The command line, or its help."""
    parser = described("python -m commands.audit.verify_audit", __doc__)
    parser.add_argument(
        "--noted", type=noted, metavar="NUMBER:SHA256", help="a link as it was noted down before"
    )
    parser.add_argument(
        "--export", action="store_true", help="have the function export entries that are in no link"
    )
    add_arguments(parser)
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> None:
    """Verify, print how much was verified, and list the faults."""
    given = parsed(arguments)
    bar = Console(stderr=True)
    columns = TextColumn("{task.description}"), MofNCompleteColumn()
    try:
        place = placed(given)
        with Progress(*columns, console=bar, disable=not bar.is_terminal) as progress:
            chain, wrong, left = verify_live(
                place, progress, noted=given.noted, now=datetime.now(UTC)
            )
        if not place.locked():
            if given.stack_name:
                wrong.append(TrailFinding(TrailFault.NO_LOCK, place.bucket))
            else:
                print("The emulator makes buckets without a lock; on AWS that would be a finding.")
        if given.export:
            batches = [left[at : at + IN_A_BATCH] for at in range(0, len(left), IN_A_BATCH)]
            refused = sum(not place.export(batch) for batch in batches)
            print(f"{len(left)} entries sent to be exported; batches refused: {refused}")
    except (BotoCoreError, ClientError) as error:
        sys.exit(f"The check failed: {error}")
    for finding in sorted(wrong):
        print(f"{finding.fault}: {finding.where}")
    print(WHAT_IS_NOT_SEEN)
    print(f"{chain.newest} links, {len(chain.entries)} entries. Note the newest link:")
    print(f"{chain.newest}:{chain.newest_sha256}")
    if wrong:
        print(f"Findings: {len(wrong)}", file=sys.stderr)
        sys.exit(SOMETHING_WRONG)
    print("All is well: every entry is in the table, and in one link, as it was written; and the")
    print("table's allocations, texts, numbers and statuses are those of the trail.")


if __name__ == "__main__":
    main()
