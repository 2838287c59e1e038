"""
Writes the deposit to register before a trial starts, and later checks the trial against it.

Without --check it writes to build/registration/VERSION the protocol, its SHA-256, the answers to a
registry's questions, and a commitment to the allocation key: a keyed hash that reveals no arm.
Deposit all three files where they get a date that nobody can change. The command refuses once
somebody has been allocated.

With --check DEPOSIT it compares that deposit with the key, the protocol and the allocations in use.

For an auditor who may use the allocation key (kms:GenerateMac) and read the table (dynamodb:Scan).
Exit status: 0 if all is well, 3 if something differs, another status if the check failed.
"""

from __future__ import annotations

import hashlib
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from commands.arguments import described
from commands.audit import registration
from commands.audit.allocation_evidence import Evidence
from commands.audit.allocation_sources import place, scanned
from commands.audit.verify_allocations import SOMETHING_WRONG, refused
from commands.deployed_stack import add_arguments
from trial.aws.kms import MacKey
from trial.errors import TrialError
from trial.protocol import load as protocols

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from commands.audit.allocation_sources import TrialSource

OUTPUT = Path("build/registration")


def parsed(arguments: Sequence[str] | None) -> argparse.Namespace:
    """The command line, or its help."""
    parser = described("python -m commands.audit.register", __doc__, as_written=True)
    add_arguments(parser)
    add = parser.add_argument
    versions = protocols.versions()
    add("--protocol", choices=versions, help="the version to register")
    add("--check", type=Path, metavar="DEPOSIT", help="the registration.json to compare with")
    add("--output", type=Path, metavar="DIR", help=f"where the deposit goes (default: {OUTPUT})")
    add("--table", metavar="NAME", help="the table, with --key and without --stack-name")
    add("--key", metavar="ID", help="id or ARN of the allocation key")
    add("--endpoint-url", metavar="URL", help="an endpoint other than AWS, such as an emulator")
    wanted = parser.parse_args(arguments)
    if bool(wanted.protocol) == bool(wanted.check):
        parser.error("give --protocol VERSION to register it, or --check DEPOSIT")
    if bool(wanted.key) != bool(wanted.table):
        parser.error("--table and --key go together")
    wanted.trail = None
    return wanted


def _write(wanted: argparse.Namespace, trial: TrialSource, evidence: Evidence) -> None:
    protocol = protocols.load(wanted.protocol)
    known = {each.sha256 for each in map(protocols.load, protocols.versions())
             if each.trial == protocol.trial}  # fmt: skip
    if drawn := registration.drawn_in(evidence, protocol.trial, known):
        sys.exit(
            f"{protocol.trial} has {len(drawn)} allocations already: a registration "
            "comes before the first of them. Register a new trial before it is opened."
        )
    deposit = registration.registration(
        protocol, MacKey(trial.kms, trial.key_id), datetime.now(UTC)
    )
    folder = (wanted.output or OUTPUT) / protocol.version
    content = protocols.path_of(protocol.version).read_bytes()
    try:
        folder.mkdir(parents=True)
    except FileExistsError:
        sys.exit(f"{folder} already exists: a deposit is never overwritten.")
    for name, each in registration.deposited(deposit, content).items():
        (folder / name).write_bytes(each)
        print(f"{hashlib.sha256(each).hexdigest()}  {folder / name}")
    print(f"Commitment to the allocation key: {deposit.commitment}")
    print("Deposit these files, with their SHA-256, before the first order is taken in.")


def _check(wanted: argparse.Namespace, trial: TrialSource, evidence: Evidence) -> None:
    deposit = registration.read(wanted.check.read_text(encoding="utf-8"))
    known = deposit.protocol in protocols.versions()
    protocol = protocols.load(deposit.protocol) if known else None
    key = MacKey(trial.kms, trial.key_id)
    if wrong := list(registration.faults(deposit, protocol, key, evidence)):
        for fault in wrong:
            print(": ".join(fault))
        sys.exit(SOMETHING_WRONG)
    drawn = registration.drawn_in(evidence, deposit.trial, {deposit.protocol_sha256})
    print(
        f"All is well: key and plan are those registered on {deposit.registered_at:%-d %B %Y}; "
        f"{len(drawn)} allocations, all of them later and under that plan."
    )


def main(arguments: Sequence[str] | None = None) -> None:
    """Register a trial, or check it against its registration."""
    wanted = parsed(arguments)
    try:
        trial, evidence = place(wanted), Evidence()
        for item in scanned(trial.dynamodb, trial.table):
            evidence.add(item)
        (_check if wanted.check else _write)(wanted, trial, evidence)
    except ClientError as error:
        sys.exit(refused(error))
    except (TrialError, BotoCoreError) as error:
        sys.exit(str(error))
    except OSError as error:
        sys.exit(f"{error.filename}: {error.strerror}")


if __name__ == "__main__":
    main()
