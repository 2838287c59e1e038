"""What operations reads and stores."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from trial.aws.table import put
from trial.records.audit import AuditEntry, audit_key
from trial.records.person import SuppressedNumber, suppressed_key
from trial.records.record import next_version
from trial.records.switch import SWITCH_KEY, Switch
from trial.records.waiting import Waiting
from trial.settlement.store import suppressing

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from uuid import UUID

    from trial.aws.table import Table


class OperationsStore:
    """Operations' reads and writes of the table."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def suppressed(self, number_hash: str) -> SuppressedNumber | None:
        """Why a number is suppressed, if it is."""
        (item,) = self._table.read(suppressed_key(number_hash))
        return SuppressedNumber.of(item) if item else None

    def switch(self) -> Switch | None:
        """The switch, if it was ever used."""
        (item,) = self._table.read(SWITCH_KEY)
        return Switch.of(item) if item else None

    def keep_switch(self, switch: Switch, audit: AuditEntry) -> None:
        """Set the switch. Raises ContendedError."""
        entry = put(audit_key(SWITCH_KEY.pk, audit), audit.item())
        self._table.write(next_version(SWITCH_KEY, switch), entry)

    def keep_suppressed(self, number_hash: str, entry: SuppressedNumber, audit: AuditEntry) -> None:
        """Suppress a number. Raises ContendedError if somebody else has just suppressed it."""
        self._table.write(*suppressing(number_hash, entry, audit))

    def log_suppressed(self, number_hash: str, audit: AuditEntry) -> None:
        """Record that somebody saw why a number is suppressed."""
        key = suppressed_key(number_hash)
        self._table.write(put(audit_key(key.pk, audit), audit.item()))

    def counted(self, trial: str) -> list[dict[str, Any]]:
        """What reports count: the `month` and the `counted` facts of each enrolment of a trial."""
        return self._table.by_index("enrolments_by_month", "trial", trial)

    def waiting(self, *, after: str) -> Iterator[Waiting]:
        """Waiting enrolments after a place in the worklist, the oldest follow-up first."""
        return Waiting.all_in(self._table, after=after)

    def log(self, enrolment_ids: Iterable[UUID], audit: AuditEntry) -> None:
        """Record that somebody consulted enrolments: a hundred at most, in one transaction."""
        self._table.write(*(put(audit_key(each, audit), audit.item()) for each in enrolment_ids))
