"""What enrolment reads and stores."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from trial.aws.table import ABSENT, Check, Table, check, put
from trial.errors import NotFoundError
from trial.records.audit import AuditEntry, audit_key, history_key, history_partition
from trial.records.enrolment import Enrolment, Outcome, enrolment_key, outcome_key
from trial.records.record import next_version

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from uuid import UUID

HISTORY_SHOWN = 100
"""Limits the entries, so that the time to show an enrolment does not grow with its history."""


@dataclass(frozen=True, slots=True)
class EnrolmentFile:
    """An enrolment with the latest entries of its history."""

    enrolment: Enrolment
    history: tuple[AuditEntry, ...]


class EnrolmentStore:
    """Enrolment's operations on the table."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def enrolments(self, ids: Iterable[UUID]) -> list[Enrolment]:
        """The enrolments under these ids, without those that do not exist."""
        items = self._table.read(*map(enrolment_key, ids))
        return [Enrolment.of(item) for item in items if item]

    def keep(
        self,
        *enrolments: Enrolment,
        audit: Mapping[UUID, AuditEntry],
        outcome: Outcome | None = None,
        seen: Enrolment | None = None,
    ) -> None:
        """
        Store enrolments with their audit entries, or nothing.

        Raises ContendedError if an enrolment has changed since it was read. `seen` is an enrolment
        that must be unchanged and is not written.
        """
        acts = [next_version(enrolment_key(each.enrolment_id), each) for each in enrolments]
        if seen:
            unchanged = Check("unchanged", "#version = :seen", {"seen": seen.version})
            acts.append(check(enrolment_key(seen.enrolment_id), unchanged))
        if outcome:
            (ident,) = audit
            key = outcome_key(ident, outcome.outcome_id)
            acts.append(put(key, outcome.item(), Check("outcome is new", ABSENT)))
        acts += [put(history_key(ident, entry), entry.item()) for ident, entry in audit.items()]
        self._table.write(*acts)

    def file(self, enrolment_id: UUID) -> EnrolmentFile:
        """An enrolment with its history. Raises NotFoundError."""
        (item,) = self._table.read(enrolment_key(enrolment_id))
        if item is None:
            raise NotFoundError("no enrolment has this id")
        history = self._table.newest(history_partition(enrolment_id), HISTORY_SHOWN)
        return EnrolmentFile(Enrolment.of(item), tuple(map(AuditEntry.of, history)))

    def outcome(self, enrolment_id: UUID, outcome_id: str) -> Outcome | None:
        """An outcome that was reported before."""
        (item,) = self._table.read(outcome_key(enrolment_id, outcome_id))
        return Outcome.of(item) if item else None

    def log(self, enrolment_id: UUID, audit: AuditEntry) -> None:
        """Record that somebody consulted an enrolment."""
        self._table.write(put(audit_key(enrolment_id, audit), audit.item()))
