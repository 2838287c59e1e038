"""
Restores the trial's table to an earlier moment, without losing an allocation or repeating a text.

First it pauses sending: only an operator can resume it (PUT /sending). Then no function runs until
the table is complete: the command makes it equal to a copy of that moment, and recovers into it
what the audit trail's chain holds. The table itself stays, with its stream, point-in-time recovery,
protection, alarms and permissions. Finally receipts are processed again. Every difference is
listed. On AWS the copy comes from point-in-time recovery (--at); on the local stack, for a drill,
from a file that --save wrote some hours earlier (--copy). Safe to repeat after an interruption.
"""

import argparse
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import sleep

from botocore.exceptions import BotoCoreError, ClientError
from rich.console import Console
from rich.progress import Progress

from audit.chain import ExportedEntry, path_of
from commands.arguments import described, moment
from commands.audit.audit_findings import TrailFault
from commands.audit.links import Links
from commands.deployed_stack import DeployedStack, add_arguments
from commands.repair.recover import BY, Difference, Kind, Recovery
from commands.repair.redrive_receipts import FOUR_DAYS, DeliveryLogs
from commands.repair.rewind import Copies, Item, ItemKey, load, save
from trial.aws.kms import MacKey
from trial.aws.table import Key, Table, put
from trial.errors import TrialError
from trial.open_claims import OUTLASTED
from trial.protocol import load as protocols
from trial.protocol.settings import Protocol
from trial.records.audit import AuditEntry, audit_key
from trial.records.record import next_version
from trial.records.switch import SWITCH_KEY, Switch, switched_at

_CLOCKS_DIFFER = timedelta(minutes=1)


@dataclass(frozen=True)
class Restore:
    """A deployed stack whose table is to be restored."""

    stack: DeployedStack

    @property
    def copies(self) -> Copies:
        """The stack's table, as raw items."""
        return Copies(self.stack.client("dynamodb"), self.stack.ids["Table"])

    @property
    def table(self) -> Table:
        """The stack's table, as Python items."""
        return Table(self.stack.client("dynamodb"), self.stack.ids["Table"])

    @property
    def protocol(self) -> Protocol:
        """The open trial's protocol."""
        name = self.stack.ids["AllocationFunction"]
        asked = self.stack.client("lambda").get_function_configuration(FunctionName=name)
        return protocols.load(asked["Environment"]["Variables"]["PROTOCOL"])

    def pause(self, now: datetime) -> None:
        """Pause sending until an operator resumes it, and log the pause."""
        (item,) = self.table.read(SWITCH_KEY)
        known = Switch.of(item) if item else None
        # After any resume, for an operator may have resumed since this command began.
        resumed = known if known and not known.paused else None
        at = switched_at(resumed, now)
        switch = Switch(
            paused=True, reason="a restore", by=BY, at=at, version=known.version if known else 0
        )
        entry = AuditEntry(at=at, what="sending_paused", by=BY)
        key = audit_key(SWITCH_KEY.pk, entry)
        self.table.write(next_version(SWITCH_KEY, switch), put(key, entry.item()))

    @contextmanager
    def nothing_runs(self) -> Iterator[None]:
        """
        Stop every function of the stack: callers, streams and schedules retry later.

        What runs already goes on. So this waits until no sender that had not read the pause can
        still send: its claim is in the table by then. On an error the functions stay stopped: with
        half a table, people would be drawn again.
        """
        functions = self.stack.client("lambda")
        names = self.stack.of_type("AWS::Lambda::Function").values()
        for name in names:
            functions.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=0)
        sleep(OUTLASTED.total_seconds())
        yield
        for name in names:
            functions.delete_function_concurrency(FunctionName=name)

    def entries(self) -> tuple[ExportedEntry, ...]:
        """All entries of the chain. Exits if the chain itself is broken."""
        with Progress(disable=True) as progress:
            links = Links(self.stack.client("s3"), self.stack.ids["AuditBucket"])
            chain, wrong = links.walk(progress)
        # An object that is no link may be locked for years, and takes nothing from the chain. It
        # may lie beside the links, or in a link's place if the next link includes its hash.
        newest = path_of(chain.newest)
        broken = [
            finding
            for finding in wrong
            if finding.fault is not TrailFault.STRANGE
            and (finding.fault is not TrailFault.LINK_UNREADABLE or finding.where == newest)
        ]
        if broken:
            sys.exit(f"The chain is not whole: make verify-audit. {broken[0].fault}")
        return tuple(chain.entries.values())

    def _stored(self) -> Iterator[tuple[Key, ExportedEntry]]:
        for key, item in self.table.scan(["audit"]):
            yield key, ExportedEntry.of(key, AuditEntry.of(item))

    def _recovery(
        self, known: dict[Key, ExportedEntry], since: datetime, now: datetime
    ) -> Recovery:
        return Recovery(
            table=self.table,
            sequence=MacKey(self.stack.client("kms"), self.stack.ids["AllocationKey"]),
            entries=tuple((known | {each.key: each for each in self.entries()}).values()),
            since=since,
            protocol=self.protocol,
            now=now,
        )

    def finished(self, now: datetime) -> Iterator[Difference]:
        """Once upstream has posted orders again: give those their allocations that lack them."""
        yield from self._recovery(dict(self._stored()), now, now).taken_up()

    def recovered(
        self, copy: dict[ItemKey, Item], of: datetime, now: datetime
    ) -> Iterator[Difference]:
        """Rewind the table and recover what the chain holds, while no function runs."""
        self.pause(now)
        with self.nothing_runs():
            known = dict(self._stored())  # what was not exported yet
            self.copies.rewind(copy)
            self.pause(now)
            yield from self._recovery(known, of - _CLOCKS_DIFFER, now).differences()
        logs = DeliveryLogs(self.stack.ids, self.stack.client("logs"), self.stack.client("lambda"))
        failed = sum(not logs.deliver(batch) for batch in logs.batches(now - FOUR_DAYS))
        if failed:
            print(f"Batches of receipts not fully handled: {failed}.", file=sys.stderr)


def options(arguments: Sequence[str] | None) -> argparse.Namespace:
    """The parsed command line."""
    parser = described("python -m commands.repair.restore", __doc__)
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--save", type=Path, metavar="FILE", help="save a copy to a file, and stop")
    what.add_argument("--copy", type=Path, metavar="FILE", help="restore the table to a copy")
    what.add_argument("--at", type=moment, metavar="TIME", help="as in 2026-12-05T10:00:00Z")
    what.add_argument(
        "--finish", action="store_true", help="once upstream has reported again, before resuming"
    )
    parser.add_argument("--yes", action="store_true", help="do not ask")
    add_arguments(parser)
    return parser.parse_args(arguments)


def run(given: argparse.Namespace, console: Console) -> None:
    """Save a copy, or restore the table and list the differences."""
    restore = Restore(DeployedStack.named_by(given))
    now = datetime.now(UTC)
    if given.save:
        save(restore.copies.now(), given.save)
        console.print(f"Written: {given.save}. It holds everything in the table: keep it safe.")
        return
    if given.finish:
        _show(restore.finished(now), console)
        console.print("Each order posted again has its allocation. An operator may resume.")
        return
    question = f"Pause sending, and take {restore.stack.name} back? [y/N] "
    if not given.yes and input(question).casefold() != "y":
        sys.exit("Nothing was changed.")
    if given.copy:
        of, copy = load(given.copy)
    else:
        of = given.at
        beside = f"{restore.copies.table}-{of:%Y%m%dT%H%M%S}"
        console.print(f"Making {beside} by point-in-time recovery, which takes a while ...")
        copy = restore.copies.at(of, beside)
    _show(restore.recovered(copy, of, now), console)
    console.print("Sending is paused. Next: make verify-allocations, make verify-audit; then let")
    console.print("upstream report again what is listed; then run this with --finish; then an")
    console.print("operator resumes.")


def _show(found: Iterable[Difference], console: Console) -> None:
    different = list(found)
    for kind in Kind:
        some = sorted(each.where for each in different if each.kind is kind)
        if some:
            console.print(f"{kind.capitalize()}: {len(some)}")
            for where in some:
                console.print(f"  {where}", soft_wrap=True)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run what the command line asks for."""
    given = options(arguments)
    try:
        run(given, Console(highlight=False))
    except (BotoCoreError, ClientError, TrialError, ValueError) as error:
        sys.exit(
            f"Interrupted: {error}\nRun it again. Once the table has begun to change, no function "
            "runs until it is whole."
        )


if __name__ == "__main__":
    main()
