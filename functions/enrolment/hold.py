"""Keeps an enrolment from erasure while somebody needs it, above all for proceedings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trial.errors import ConflictError, NotFoundError
from trial.records.audit import AuditEntry
from trial.records.enrolment import MOST_HOLDS, Hold
from trial.retry import on_contention
from trial.settlement.settle import Change

if TYPE_CHECKING:
    from collections.abc import Callable
    from uuid import UUID

    from enrolment.change import Changes
    from enrolment.context import RequestContext
    from enrolment.wire import HoldIn, ReleaseIn
    from trial.records.enrolment import Enrolment

    Holds = tuple[Hold, ...]


def hold(enrolment_id: UUID, given: HoldIn, context: RequestContext) -> Changes:
    """
    Hold it: nothing of it is erased once this returns, until this hold and all others are released.

    Safe to repeat: the same reason of the same person is one hold.
    """

    def held(enrolment: Enrolment) -> Holds:
        if enrolment.erased_at:
            raise ConflictError("its identifiers are erased: there is nothing left to hold")
        holds = enrolment.holds
        if any((each.reason, each.by) == (given.reason, given.by) for each in holds):
            return holds
        if len(holds) == MOST_HOLDS:
            raise ConflictError(f"it is held {MOST_HOLDS} times already: release one first")
        return (*holds, Hold(reason=given.reason, by=given.by, at=context.now))

    return _changed(enrolment_id, held, f"held_{given.reason}", context)


def release(enrolment_id: UUID, given: ReleaseIn, context: RequestContext) -> Changes:
    """
    Release one hold: data that is due is erased the next night, unless another hold is left.

    Safe to repeat. Raises ConflictError if it does not say which of several holds is over.
    """

    def left(enrolment: Enrolment) -> Holds:
        over = [
            each
            for each in enrolment.holds
            if given.reason in (None, each.reason) and given.held_by in (None, each.by)
        ]
        if len(over) > 1:
            raise ConflictError("it has several holds: say which is over by reason and held_by")
        return tuple(each for each in enrolment.holds if each not in over)

    return _changed(enrolment_id, left, "released", context)


def _changed(
    enrolment_id: UUID,
    changed: Callable[[Enrolment], Holds],
    what: str,
    context: RequestContext,
) -> Changes:
    def attempt() -> Change:
        known = context.store.enrolments([enrolment_id])
        if not known:
            raise NotFoundError("no enrolment has this id")
        before = known[0]
        with context.refusal_logged(enrolment_id):
            after = before.with_holds(changed(before))
        if after == before:
            return Change(before, before, before.version)
        audit = {enrolment_id: AuditEntry(at=context.now, what=what, by=context.by)}
        context.store.keep(after, audit=audit)
        return Change(before, after, before.version + 1)

    return (on_contention(attempt),)
