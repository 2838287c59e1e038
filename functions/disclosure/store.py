"""Disclosure's reads, and its audit entries."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trial.aws.table import put
from trial.errors import NotFoundError
from trial.records.allocation import Allocation, allocation_partition
from trial.records.audit import Audit, audit_key
from trial.records.reminder import Reminder

if TYPE_CHECKING:
    from uuid import UUID

    from trial.aws.table import Table


class DisclosureStore:
    """Disclosure's operations on the table."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def allocation(self, enrolment_id: UUID) -> tuple[Allocation, list[Reminder]]:
        """An enrolment's allocation and its reminders. Raises NotFoundError if there is none."""
        items = self._table.partition(allocation_partition(enrolment_id)).values()
        allocations = [Allocation.of(item) for item in items if item["kind"] == "allocation"]
        if not allocations:
            raise NotFoundError("no allocation is known under this id")
        reminders = [Reminder.of(item) for item in items if item["kind"] == "reminder"]
        return allocations[0], reminders

    def log(self, enrolment_id: UUID, audit: Audit) -> None:
        """Record that somebody consulted an allocation."""
        self._table.write(put(audit_key(enrolment_id, audit), audit.item()))
