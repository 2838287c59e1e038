"""The event that announces a change of status. It is blinded, like enrolment's routes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from trial.records.audit import AuditEntry


def status_change(enrolment_id: str, entry: AuditEntry) -> dict[str, Any] | None:
    """The event for an entry of an enrolment's history; None if the entry has no new status."""
    if entry.status is None:
        return None
    return {
        "enrolment_id": enrolment_id,
        "status": entry.status,
        "changed_at": entry.at.isoformat(),
    }
