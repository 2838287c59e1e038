"""
Admits an order beyond the day's limit when somebody clicks on the dashboard.

The panels' function invokes enrolment with an event of its own form. That is not a request to the
API and has no caller, so the trail names the panels' invocation and the name that somebody typed.
"""

from __future__ import annotations

from typing import Any

from enrolment.change import admit
from enrolment.context import context_for
from enrolment.metrics import emit_changed
from enrolment.wire import AdmitAsked, AdmitIn
from trial.errors import ConflictError, NotFoundError


def admitted(given: dict[str, Any]) -> dict[str, str]:
    """Admit an order: returns its new status, or why it cannot be admitted. Safe to repeat."""
    asked = AdmitAsked.model_validate(given)
    at = context_for(f"dashboard, invocation {asked.invocation}, as {asked.by}")
    try:
        own, *others = admit(asked.enrolment_id, AdmitIn(by=asked.by), at)
    except (ConflictError, NotFoundError) as error:
        return {"refused": str(error)}
    for done in (own, *others):
        emit_changed(done.before, done.after)
    return {"status": own.after.status}
