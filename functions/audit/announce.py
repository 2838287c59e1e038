"""The events that announce a change of status. They are blinded, like enrolment's routes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from trial.records.audit import enrolment_of_history

if TYPE_CHECKING:
    from collections.abc import Iterable

    from audit.chain import ExportedEntry


def changes(entries: Iterable[ExportedEntry]) -> list[dict[str, Any]]:
    """One event for each history entry that has a status, in the order of the entries."""
    return [
        {
            "enrolment_id": enrolment_id,
            "status": entry.status,
            "changed_at": entry.at.isoformat(),
        }
        for entry in entries
        if entry.status and (enrolment_id := enrolment_of_history(entry.pk))
    ]
