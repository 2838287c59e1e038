"""Holds an enrolment back from erasure while somebody needs it, above all for proceedings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trial.errors import ConflictError, NotFoundError
from trial.records.audit import AuditEntry
from trial.records.enrolment import Hold
from trial.retry import on_contention
from trial.settlement.settle import Change

if TYPE_CHECKING:
    from uuid import UUID

    from enrolment.change import Changes
    from enrolment.context import RequestContext
    from enrolment.wire import HoldIn, ReleaseIn


def hold(enrolment_id: UUID, given: HoldIn, context: RequestContext) -> Changes:
    """Hold it: nothing of it is erased once this returns. Safe to repeat."""
    return _held(enrolment_id, Hold(reason=given.reason, by=given.by, at=context.now), context)


def release(enrolment_id: UUID, given: ReleaseIn, context: RequestContext) -> Changes:  # noqa: ARG001 - as hold
    """Release it: data that is due is erased the next night. Safe to repeat."""
    return _held(enrolment_id, None, context)


def _held(enrolment_id: UUID, wanted: Hold | None, context: RequestContext) -> Changes:
    def attempt() -> Change:
        known = context.store.enrolments([enrolment_id])
        if not known:
            raise NotFoundError("no enrolment has this id")
        before = known[0]
        if wanted and before.erased_at:
            raise ConflictError("its identifiers are erased: there is nothing left to hold")
        if (before.hold and before.hold.reason) == (wanted and wanted.reason):
            return Change(before, before, before.version)
        after = before.model_copy(update={"hold": wanted})
        what = f"held_{wanted.reason}" if wanted else "released"
        context.store.keep(
            after, audit={enrolment_id: AuditEntry(at=context.now, what=what, by=context.by)}
        )
        return Change(before, after, before.version + 1)

    return (on_contention(attempt),)
