"""Reads the waiting orders for the digest, and records what the digest disclosed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trial.aws.table import put
from trial.records.audit import AuditEntry, audit_key
from trial.records.waiting import Waiting

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import datetime
    from uuid import UUID

    from trial.aws.table import Table


class DigestStore:
    """The digest's operations on the table."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def waiting(self) -> Iterator[Waiting]:
        """Orders that wait for somebody to act, the oldest follow-up first."""
        return Waiting.all_in(self._table)

    def log_disclosed(self, enrolment_ids: Iterable[UUID], now: datetime) -> None:
        """Record that a digest names these enrolments: a hundred at most."""
        entry = AuditEntry(at=now, what="digest disclosed", by="digest")
        self._table.write(*(put(audit_key(each, entry), entry.item()) for each in enrolment_ids))
