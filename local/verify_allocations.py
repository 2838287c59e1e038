"""
Re-derives every arm of a trial from its key, and compares it with what the table holds.

For an auditor with the right to use the allocation key (kms:GenerateMac) and to read the table
(dynamodb:Scan), or an export of it. The key never leaves KMS, so without it nobody can check an
arm; nothing that is personal is read, and only the ids of enrolments are printed.

Exit status: 0 if all is well, 1 if anything is not, 2 if it could not be found out.
"""

import argparse
import sys
import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import boto3
from botocore.exceptions import BotoCoreError, ClientError
from rich import box
from rich.console import Console
from rich.progress import MofNCompleteColumn, Progress, TextColumn
from rich.table import Table

from allocation.randomisation import block, message
from local import moved_clock
from local.allocation_evidence import Evidence, blocks_of, exported, scanned
from local.allocation_findings import Finding, findings
from local.stack import Stack, access
from trial import protocol as protocols
from trial.errors import UnavailableError
from trial.mac import MacKey
from trial.model import Arm
from trial.protocol import Protocol, ProtocolError

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_kms import KMSClient

    from local.allocation_findings import Derive

COULD_NOT = 2


def derivation(key: MacKey) -> "Derive":
    """What gives a block's arms, as allocation has them."""

    def derive(protocol: Protocol, stratum: str, number: int) -> tuple[Arm, ...]:
        mac = key.mac(message(trial=protocol.trial, stratum=stratum, block=number))
        return block(mac, sizes=protocol.block_sizes, ratio=protocol.arms)

    return derive


@dataclass(frozen=True)
class Place:
    """Where a trial is kept: its table, its key, and who may be asked for them."""

    dynamodb: "DynamoDBClient"
    kms: "KMSClient"
    table: str
    key_id: str


def place(wanted: argparse.Namespace) -> Place:
    """The local stack, a stack or a table and a key, as the command line says."""
    told: dict[str, Any] = {"region_name": wanted.region, "endpoint_url": wanted.endpoint_url}
    table, key_id, name = wanted.table, wanted.key, wanted.stack_name
    if not (name or key_id):
        stack = Stack.load()
        moved_clock.follow(stack.clock_file)
        told, name = access(stack.port), stack.stack_name
    if name:
        described = boto3.client("cloudformation", **told).describe_stack_resources(StackName=name)
        ids = {
            resource["LogicalResourceId"]: resource.get("PhysicalResourceId", "")
            for resource in described["StackResources"]
        }
        if not {"Table", "AllocationKey"} <= ids.keys():
            could_not(f"The stack {name} is no trial: it has no Table and no AllocationKey.")
        table, key_id = table or ids["Table"], key_id or ids["AllocationKey"]
    return Place(boto3.client("dynamodb", **told), boto3.client("kms", **told), table, key_id)


def evidence_in(items: Iterable[Mapping[str, Any]], noted: Callable[[], object]) -> Evidence:
    """What these items hold about allocation."""
    evidence = Evidence()
    for item in items:
        evidence.add(item)
        noted()
    return evidence


def verify(
    place: Place, files: Sequence[Path], agreed: Mapping[str, Protocol], progress: Progress
) -> tuple[Evidence, list[Finding]]:
    """
    What there is, and what is wrong with it.

    A table may change while it is read: an allocation and its cursor are on different pages. So
    what is wrong is looked at again, and only what is wrong both times is wrong.
    """
    derive = derivation(MacKey(place.kms, place.key_id))

    def look(what: str) -> tuple[Evidence, list[Finding]]:
        reading = progress.add_task(f"{what} items", total=None)
        items = (
            (item for file in files for item in exported(file))
            if files
            else scanned(place.dynamodb, place.table)
        )
        evidence = evidence_in(items, lambda: progress.advance(reading))
        found = blocks_of(evidence.allocations, agreed).values()
        deriving = progress.add_task("Deriving blocks", total=sum(map(len, found)))

        def derive_next(protocol: Protocol, stratum: str, number: int) -> tuple[Arm, ...]:
            progress.advance(deriving)
            return derive(protocol, stratum, number)

        return evidence, findings(evidence, protocols=agreed, derive=derive_next)

    evidence, first = look("Reading")
    if not first or files:
        return evidence, first
    evidence, second = look("Looking again at")
    return evidence, [finding for finding in second if finding in first]


def summary(evidence: Evidence, agreed: Mapping[str, Protocol], *, unblinded: bool) -> Table:
    """How much was verified, by stratum; how many in each arm only if asked for."""
    arms = [*Arm] if unblinded else []
    headings = ("Trial", "Protocol", "Stratum", "Blocks", "Slots", "Repeats", "Allocations")
    table = Table(*headings, *(arm.capitalize() for arm in arms), box=box.SIMPLE_HEAD)
    for column in table.columns[3:]:
        column.justify = "right"
    groups: dict[tuple[str, str, str], list[Any]] = {}
    for each in evidence.allocations:
        protocol = agreed.get(each.protocol_sha256)
        trial = protocol.trial if protocol else "not known"
        groups.setdefault((trial, each.protocol, each.stratum), []).append(each)
    for group, theirs in sorted(groups.items()):
        blocks = {each.block for each in theirs} - {None}
        repeats = sum(each.repeat for each in theirs)
        by_arm = Counter(each.arm for each in theirs)
        counts = (len(blocks), len(theirs) - repeats, repeats, len(theirs))
        table.add_row(*group, *map(str, counts), *(str(by_arm[arm]) for arm in arms))
    return table


def files_of(given: Iterable[Path]) -> list[Path]:
    """The files of an export; of a folder, such as DynamoDB makes, all its data."""
    files: list[Path] = []
    for path in given:
        inside = sorted(path.rglob("*.json.gz")) if path.is_dir() else [path]
        if not inside:
            could_not(f"{path} holds no *.json.gz")
        files += inside
    return files


def could_not(why: str) -> NoReturn:
    """End, and say why it was not found out whether all is well."""
    print(why, file=sys.stderr)
    sys.exit(COULD_NOT)


def refusal(error: ClientError) -> str:
    """What AWS did not let happen."""
    code, said = error.response["Error"]["Code"], error.response["Error"]["Message"]
    doing = {
        "GenerateMac": "using the allocation key (needs kms:GenerateMac on it)",
        "Scan": "reading the table (needs dynamodb:Scan on it, and kms:Decrypt on its key)",
        "DescribeStackResources": "looking up the stack (else give --table and --key)",
    }
    return f"AWS refused {doing.get(error.operation_name, error.operation_name)}: {code}: {said}"


def parsed(arguments: Sequence[str] | None) -> argparse.Namespace:
    """The command line, or its help."""
    first, *more = (__doc__ or "").strip().split("\n\n")
    parser = argparse.ArgumentParser(
        prog="python -m local.verify_allocations",
        description=first,
        epilog="\n\n".join(more),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    versions = sorted(path.stem for path in protocols.FOLDER.glob("*.toml"))
    add = parser.add_argument
    # fmt: off
    add("--stack-name", metavar="NAME",
        help="a deployed stack, whose table and key it is; without this and --key, the local one")
    add("--table", metavar="NAME", help="the table, with --key")
    add("--key", metavar="ID", help="id or ARN of the allocation key")
    add("--export", metavar="PATH", type=Path, nargs="+", default=[],
        help="instead of the table: files or folders, as DynamoDB exports it to S3 (DynamoDB JSON, "
        "full) or of plain JSON lines, gzipped or not")
    add("--protocol", metavar="VERSION", action="append", choices=versions,
        help="only this protocol was agreed; may be given again (default: all that are known: "
        "%(choices)s)")
    add("--unblinded", action="store_true", help="show how many are in each arm")
    add("--region", metavar="R", help="the AWS region")
    add("--endpoint-url", metavar="URL", help="something else than AWS, an emulator say")
    # fmt: on
    wanted = parser.parse_args(arguments)
    if wanted.key and not (wanted.stack_name or wanted.table or wanted.export):
        parser.error("--key needs --table, --export or --stack-name")
    if wanted.table and not (wanted.stack_name or wanted.key):
        parser.error("--table needs --key")
    wanted.protocol = wanted.protocol or versions
    return wanted


def main(arguments: Sequence[str] | None = None) -> None:
    """Verify, show what was verified, and list what is wrong."""
    wanted = parsed(arguments)
    bar = Console(stderr=True)
    columns = TextColumn("{task.description}"), MofNCompleteColumn()
    try:
        agreed = {each.sha256: each for each in map(protocols.load, wanted.protocol)}
        files = files_of(wanted.export)
        with Progress(*columns, console=bar, disable=not bar.is_terminal) as progress:
            evidence, wrong = verify(place(wanted), files, agreed, progress)
    except ClientError as error:
        could_not(refusal(error))
    except (BotoCoreError, UnavailableError, ProtocolError) as error:
        could_not(str(error))
    except (EOFError, OSError, ValueError, zlib.error) as error:
        could_not(f"The export cannot be read: {error}")
    if not evidence.enrolments:
        could_not("There is no enrolment in it, so nothing was verified.")
    Console().print(summary(evidence, agreed, unblinded=wanted.unblinded))
    for finding in sorted(wrong):
        print(f"{finding.fault}: {finding.where}: {finding.detail}".removesuffix(": "))
    if wrong:
        sys.exit(f"{len(wrong)} findings.")
    print(f"All is well: {len(evidence.allocations)} allocations are as the key has them.")


if __name__ == "__main__":
    main()
