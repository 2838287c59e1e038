"""Disclosure's reads, and its audit entries."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trial.aws.table import Key, put
from trial.codes import ReminderState
from trial.errors import NotFoundError
from trial.records.allocation import Allocation, allocation_partition
from trial.records.audit import AuditEntry, audit_key
from trial.records.reminder import SHARDS, TROUBLED, Reminder

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime
    from uuid import UUID

    from trial.aws.table import Table

IN_TROUBLE = frozenset(
    {
        *(ReminderState.PLANNED, ReminderState.SCHEDULED),  # past their due time
        *(ReminderState.CLAIMED, ReminderState.UNKNOWN, ReminderState.FAILED),
    }
)


class DisclosureStore:
    """Disclosure's operations on the table."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def allocation(self, enrolment_id: UUID) -> tuple[Allocation, list[Reminder]]:
        """An enrolment's allocation and reminders. Raises NotFoundError if it is not allocated."""
        items = self._table.partition(allocation_partition(enrolment_id)).values()
        allocations = [Allocation.of(item) for item in items if item["kind"] == "allocation"]
        if not allocations:
            raise NotFoundError("no allocation is known under this id")
        reminders = [Reminder.of(item) for item in items if item["kind"] == "reminder"]
        return allocations[0], reminders

    def troubled(self, *, since: datetime, until: datetime) -> list[Reminder]:
        """
        Reminders due by `until` that are not known to have been sent, the oldest first.

        Of those in a final state, only those due since `since`. Eventually consistent.
        """
        first, last = (f"{moment:%Y-%m-%dT%H:%M:%SZ}" for moment in (since, until))
        at_the_end = self._table.by_index(
            "open_reminders", "open_shard", TROUBLED, since=("due_at", first)
        )
        keys = [
            *(key for shard in SHARDS for key in self._table.by_due(shard, until=last)),
            *(Key(each["pk"], each["sk"]) for each in at_the_end),
        ]
        found = [Reminder.of(item) for item in self._table.read(*keys) if item]
        return sorted(
            (each for each in found if each.state in IN_TROUBLE),
            key=lambda each: (each.due_at, each.enrolment_id),
        )

    def log(self, enrolment_ids: Iterable[UUID], audit: AuditEntry) -> None:
        """Record that somebody consulted these allocations: a hundred at most."""
        acts = [put(audit_key(each, audit), audit.item()) for each in enrolment_ids]
        if acts:
            self._table.write(*acts)
