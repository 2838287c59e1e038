"""
Walks the exported audit trail link by link, and compares it with the entries in the table.

For an auditor with the policy TrailAuditor. Every entry that was changed, removed, added or not
exported is named, and the link in which the chain breaks. Nobody stands witness for the newest
link: note its number and its hash elsewhere, and give them next time with --noted. On the local
stack, or anywhere with --stack-name.

Exit status: 0 if all is well, 3 if something is wrong, another if it could not be found out.
"""

import argparse
import json
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from boto3.dynamodb.types import TypeDeserializer
from botocore.exceptions import BotoCoreError, ClientError
from rich.console import Console
from rich.progress import MofNCompleteColumn, Progress, TextColumn

from audit.chain import FOLDER, number_of, path_of
from commands.audit.audit_findings import Chain, Fault, Finding, compared, of_versions
from commands.deployed_stack import DeployedStack, add_arguments
from trial.aws.table import Key

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_lambda import LambdaClient
    from mypy_boto3_s3 import S3Client

SOMETHING_WRONG = 3
TOGETHER = 16
"""Links that are fetched at the same time."""

IN_A_BATCH = 100
READ = ("at", "by", "kind", "pk", "sk", "what", "why")
_from_wire = TypeDeserializer().deserialize


@dataclass(frozen=True)
class AuditTrail:
    """A deployed stack: its bucket, its table and the function between them."""

    s3: "S3Client"
    dynamodb: "DynamoDBClient"
    functions: "LambdaClient"
    bucket: str
    table: str
    function: str

    def links(self) -> tuple[dict[int, str], list[Finding]]:
        """The first version of every link, by its number; and what is wrong with versions."""
        first: dict[str, str] = {}
        versions: Counter[str] = Counter()
        deleted: list[str] = []
        pages = self.s3.get_paginator("list_object_versions")
        for page in pages.paginate(Bucket=self.bucket, Prefix=FOLDER):
            deleted += [each["Key"] for each in page.get("DeleteMarkers", [])]
            for version in page.get("Versions", []):  # of each path the newest first
                first[version["Key"]] = version["VersionId"]
                versions[version["Key"]] += 1
        numbers = {number_of(path): version for path, version in first.items()}
        return dict(sorted(numbers.items())), list(of_versions(versions, deleted))

    def link(self, number: int, version: str) -> bytes:
        """A link's bytes, as they were first written."""
        answer = self.s3.get_object(Bucket=self.bucket, Key=path_of(number), VersionId=version)
        return answer["Body"].read()

    def locked(self) -> bool:
        """Whether the bucket locks what is written to it."""
        try:
            answer = self.s3.get_object_lock_configuration(Bucket=self.bucket)
        except ClientError as error:
            if error.response["Error"]["Code"] == "ObjectLockConfigurationNotFoundError":
                return False
            raise
        return "DefaultRetention" in answer["ObjectLockConfiguration"].get("Rule", {})

    def entries(self) -> Iterator[dict[str, Any]]:
        """Every entry in the table, as stored; nothing else of it is read."""
        pages = self.dynamodb.get_paginator("scan").paginate(
            TableName=self.table,
            ConsistentRead=True,
            ProjectionExpression=", ".join(f"#{name}" for name in READ),
            FilterExpression="#kind = :audit",
            ExpressionAttributeNames={f"#{name}": name for name in READ},
            ExpressionAttributeValues={":audit": {"S": "audit"}},
        )
        for page in pages:
            yield from page["Items"]

    def export(self, items: Sequence[dict[str, Any]]) -> bool:
        """Announce entries to the function once more, as the stream did; whether it took all."""
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
) -> tuple[Chain, list[Finding], list[dict[str, Any]]]:
    """The chain, what is wrong with it or the table, and the entries that were not exported."""
    chain = Chain()
    versions, wrong = place.links()
    numbers = list(versions)
    walking = progress.add_task("Walking links", total=len(numbers))
    with ThreadPoolExecutor(TOGETHER) as pool:
        for start in range(0, len(numbers), IN_A_BATCH):
            some = numbers[start : start + IN_A_BATCH]
            contents = pool.map(place.link, some, [versions[number] for number in some])
            for number, content in zip(some, contents, strict=True):
                remembered = noted[1] if noted and noted[0] == number else None
                chain.add(number, content, noted=remembered)
                progress.advance(walking)
    if noted and noted[0] not in versions:
        wrong.append(Finding(Fault.NOT_AS_NOTED, path_of(noted[0])))
    reading = progress.add_task("Reading entries", total=None)
    raw: dict[Key, dict[str, Any]] = {}
    for item in place.entries():
        raw[Key(item["pk"]["S"], item["sk"]["S"])] = item
        progress.advance(reading)
    stored = {
        key: {name: _from_wire(value) for name, value in item.items()} for key, item in raw.items()
    }
    wrong += [*chain.findings, *compared(chain, stored, since=now)]
    return chain, wrong, [raw[key] for key in stored.keys() - chain.entries.keys()]


def noted(text: str) -> tuple[int, str]:
    """A link's number and its hash, as they were noted down."""
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
    summary, _, more = (__doc__ or "").strip().partition("\n\n")
    parser = argparse.ArgumentParser(
        prog="python -m commands.audit.verify_audit", description=summary, epilog=more
    )
    parser.add_argument(
        "--noted", type=noted, metavar="NUMBER:SHA256", help="a link as it was noted down before"
    )
    parser.add_argument(
        "--export", action="store_true", help="let the function export what is in no link"
    )
    add_arguments(parser)
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> None:
    """Verify, say how much was verified, and list what is wrong."""
    given = parsed(arguments)
    bar = Console(stderr=True)
    columns = TextColumn("{task.description}"), MofNCompleteColumn()
    try:
        place = placed(given)
        with Progress(*columns, console=bar, disable=not bar.is_terminal) as progress:
            chain, wrong, left = verify(place, progress, noted=given.noted, now=datetime.now(UTC))
        if not place.locked():
            if given.stack_name:
                wrong.append(Finding(Fault.NO_LOCK, place.bucket))
            else:
                print("The emulator makes buckets without a lock; on AWS that would be a finding.")
        if given.export:
            batches = [left[at : at + IN_A_BATCH] for at in range(0, len(left), IN_A_BATCH)]
            refused = sum(not place.export(batch) for batch in batches)
            print(f"{len(left)} entries given to be exported; batches refused: {refused}")
    except (BotoCoreError, ClientError) as error:
        sys.exit(f"It could not be found out: {error}")
    for finding in sorted(wrong):
        print(f"{finding.fault}: {finding.where}")
    print(f"{chain.newest} links, {len(chain.entries)} entries. The newest link, to be noted:")
    print(f"{chain.newest}:{chain.newest_sha256}")
    if wrong:
        print(f"Findings: {len(wrong)}", file=sys.stderr)
        sys.exit(SOMETHING_WRONG)
    print("All is well: every entry is in the table, and in one link, as it was written.")


if __name__ == "__main__":
    main()
