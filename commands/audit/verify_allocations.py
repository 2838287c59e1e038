"""
Re-derives every arm of a trial from its key, and compares key, table and audit trail.

For an auditor who may use the allocation key (kms:GenerateMac), read the table (dynamodb:Scan) or
an export of it, and read the audit trail's bucket (s3:GetObjectVersion). The key never leaves KMS,
and without it nobody can check an arm. No personal data is read, and only enrolment ids are
printed.

Exit status: 0 if all is well, 3 if something is wrong, another status if the check failed.
"""

import argparse
import sys
import zlib
from collections import Counter, abc, defaultdict
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from botocore.exceptions import BotoCoreError, ClientError
from rich import box
from rich.console import Console
from rich.progress import MofNCompleteColumn, Progress, TextColumn
from rich.table import Table

from allocation.randomisation import block, message
from commands.arguments import described
from commands.audit.agreement import WHAT_IS_NOT_SEEN, drawn_otherwise, drawn_twice
from commands.audit.allocation_evidence import Evidence, Sequence, blocks_of
from commands.audit.allocation_findings import (
    AllocationFinding,
    corrected_across_strata,
    drawn_for_others,
    findings,
    trail_findings,
)
from commands.audit.allocation_sources import exported, files_of, place, scanned
from commands.audit.audit_findings import PATIENCE
from commands.audit.links import Links
from commands.audit.trail import Trail
from trial.aws.kms import MacKey
from trial.codes import Arm
from trial.errors import TrialError
from trial.protocol import load as protocols
from trial.protocol.load import ProtocolError
from trial.protocol.settings import Protocol

if TYPE_CHECKING:
    from commands.audit import agreement
    from commands.audit.allocation_findings import Derive
    from trial.records.allocation import Allocation

AnyFinding: TypeAlias = "AllocationFinding | agreement.AgreementFinding"

SOMETHING_WRONG = 3
DENIED = {"AccessDenied", "AccessDeniedException"}


def derivation(key: MacKey) -> "Derive":
    """A function that derives a block's arms, as allocation does."""

    def derive(protocol: Protocol, sequence: Sequence, number: int) -> tuple[Arm, ...]:
        mac = key.mac(message(trial=sequence.trial, stratum=sequence.stratum, block=number))
        return block(mac, sizes=protocol.block_sizes, ratio=protocol.arms)

    return derive


def verify(
    source: Callable[[], Iterable[Mapping[str, Any]]],
    derive: "Derive",
    agreed: Mapping[str, Protocol],
    progress: Progress,
    trail: Trail | None = None,
) -> tuple[Evidence, list[AnyFinding]]:
    """The evidence in the source, and its faults against the key and the audit trail."""
    evidence = Evidence()
    reading = progress.add_task("Reading items", total=None)
    for item in source():
        evidence.add(item)
        progress.advance(reading)
    sequences = blocks_of(evidence, agreed).values()
    deriving = progress.add_task("Deriving blocks", total=sum(map(len, sequences)))

    def derive_next(protocol: Protocol, sequence: Sequence, number: int) -> tuple[Arm, ...]:
        progress.advance(deriving)
        return derive(protocol, sequence, number)

    wrong: list[AnyFinding] = [*findings(evidence, protocols=agreed, derive=derive_next)]
    if trail:
        until = datetime.now(UTC) - PATIENCE
        wrong += drawn_twice(trail)
        wrong += drawn_otherwise(trail, evidence.allocations, until=until)
        wrong += drawn_for_others(trail.drawn, evidence.enrolments)
        wrong += trail_findings(trail.drawn, protocols=agreed, derive=derive)
    return evidence, wrong


def verify_live(
    source: Callable[[], Iterable[Mapping[str, Any]]],
    derive: "Derive",
    agreed: Mapping[str, Protocol],
    progress: Progress,
    trail: Trail | None = None,
) -> tuple[Evidence, list[AnyFinding]]:
    """
    Like `verify`, for a table in which people may be drawn during the check.

    A draw is one transaction, but its items are read at different moments. The check therefore runs
    again if it finds faults, and reports only those found twice: an allocation never changes.
    """
    evidence, wrong = verify(source, derive, agreed, progress, trail)
    if wrong:
        evidence, again = verify(source, derive, agreed, progress, trail)
        wrong = [finding for finding in again if finding in set(wrong)]
    return evidence, wrong


def trail_of(links: Links, progress: Progress) -> Trail:
    """The draws in the audit trail; `make verify-audit` checks whether the trail is complete."""
    walked, _ = links.walk(progress)
    return Trail.of(walked.entries.values())


def summary(evidence: Evidence, *, unblinded: bool) -> Table:
    """How much was verified, by stratum; the numbers in each arm only if `unblinded`."""
    arms = [*Arm] if unblinded else []
    headings = ("Protocol", "Stratum", "Blocks", "Slots", "Repeats", "Allocations")
    table = Table(*headings, *(arm.capitalize() for arm in arms), box=box.SIMPLE_HEAD)
    for column in table.columns[2:]:
        column.justify = "right"
    strata: dict[tuple[str, str], list[Allocation]] = defaultdict(list)
    for each in evidence.allocations:
        strata[each.protocol, each.stratum].append(each)
    for stratum, theirs in sorted(strata.items()):
        slots = [each for each in theirs if not each.repeat]
        blocks = {each.block for each in slots}
        by_arm = Counter(each.arm for each in theirs)
        counts = (len(blocks), len(slots), len(theirs) - len(slots), len(theirs))
        table.add_row(*stratum, *map(str, counts), *(str(by_arm[arm]) for arm in arms))
    return table


def refused(error: ClientError) -> str:
    """What AWS refused, and the permission that it needs."""
    cannot, takes = {
        "Scan": ("The table cannot be read", "dynamodb:Scan on it, kms:Decrypt on its key"),
    }.get(error.operation_name, (f"{error.operation_name} failed", "the right to do it"))
    code, said = error.response["Error"]["Code"], error.response["Error"]["Message"]
    takes = f" It takes {takes}." if code in DENIED else ""
    return f"{cannot}: {code}: {said}{takes}"


def parsed(arguments: abc.Sequence[str] | None) -> argparse.Namespace:
    """The command line, or its help."""
    parser = described("python -m commands.audit.verify_allocations", __doc__, as_written=True)
    versions = protocols.versions()
    add = parser.add_argument
    # fmt: off
    add("--stack-name", metavar="NAME",
        help="a deployed stack, whose table and key to use; without it and --key, the local one")
    add("--table", metavar="NAME", help="the table, with --key")
    add("--key", metavar="ID", help="id or ARN of the allocation key")
    add("--trail", metavar="BUCKET",
        help="the audit trail's bucket; default: the stack's or, with --key, none")
    add("--export", metavar="PATH", type=Path, nargs="+", default=[],
        help="instead of the table: files or folders, as DynamoDB exports it to S3 (DynamoDB JSON, "
        "full) or of plain JSON lines, gzipped or not")
    add("--protocol", metavar="VERSION", action="append", choices=versions,
        help="only this protocol was agreed; may be given again (default: all that are known: "
        "%(choices)s)")
    add("--unblinded", action="store_true", help="show how many are in each arm")
    add("--region", metavar="R", help="the AWS region")
    add("--endpoint-url", metavar="URL", help="an endpoint other than AWS, such as an emulator")
    # fmt: on
    wanted = parser.parse_args(arguments)
    if wanted.key and not (wanted.stack_name or wanted.table or wanted.export):
        parser.error("--key needs --table, --export or --stack-name")
    if wanted.table and not (wanted.stack_name or wanted.key):
        parser.error("--table needs --key")
    wanted.protocol = wanted.protocol or versions
    return wanted


def main(arguments: abc.Sequence[str] | None = None) -> None:
    """Verify, show what was verified, and list the faults."""
    wanted = parsed(arguments)
    bar = Console(stderr=True)
    columns = TextColumn("{task.description}"), MofNCompleteColumn()
    try:
        agreed = {each.sha256: each for each in map(protocols.load, wanted.protocol)}
        trial = place(wanted)
        derive = derivation(MacKey(trial.kms, trial.key_id))
        with Progress(*columns, console=bar, disable=not bar.is_terminal) as progress:
            trail = trail_of(trial.links, progress) if trial.links else None
            if files := files_of(wanted.export):
                trail = trail if wanted.trail else None  # an export is older than the stack's trail
                evidence, wrong = verify(
                    lambda: chain.from_iterable(map(exported, files)),
                    derive,
                    agreed,
                    progress,
                    trail,
                )
            else:
                evidence, wrong = verify_live(
                    lambda: scanned(trial.dynamodb, trial.table), derive, agreed, progress, trail
                )
    except ClientError as error:
        sys.exit(refused(error))
    except TrialError as error:
        sys.exit(f"The allocation key cannot be used: {error}. It takes kms:GenerateMac on it.")
    except (BotoCoreError, ProtocolError) as error:
        sys.exit(str(error))
    except (EOFError, OSError, ValueError, zlib.error) as error:
        sys.exit(f"The export cannot be read: {error}")
    if not evidence.enrolments:
        sys.exit("There is no enrolment in it, so nothing was verified.")
    # Without a terminal, no heading is truncated.
    console = Console(width=None if sys.stdout.isatty() else 100)
    console.print(summary(evidence, unblinded=wanted.unblinded))
    for finding in sorted(wrong):
        print(": ".join(filter(None, finding)))
    if corrected := corrected_across_strata(evidence):
        print("Corrected into another stratum, which is allowed; check that each has a reason:")
        print("\n".join(corrected))
    print(WHAT_IS_NOT_SEEN if trail else "The audit trail was not checked: give --trail BUCKET.")
    print("Whether the right numbers were texted: run make verify-audit.")
    if wrong:
        print(f"Findings: {len(wrong)}", file=sys.stderr)
        sys.exit(SOMETHING_WRONG)
    by = "the key and the audit trail have" if trail else "the key has"
    print(f"All is well: {len(evidence.allocations)} allocations are as {by} them.")


if __name__ == "__main__":
    main()
