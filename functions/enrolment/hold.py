"""Keeping an enrolment from erasure while somebody needs it, for proceedings above all."""

from __future__ import annotations

from typing import TYPE_CHECKING

from enrolment.change import Change
from enrolment.patience import patiently
from trial.errors import ConflictError, NotFoundError
from trial.records import Audit, Hold

if TYPE_CHECKING:
    from uuid import UUID

    from enrolment.change import Desk
    from enrolment.wire import HoldIn, ReleaseIn


def hold(enrolment_id: UUID, given: HoldIn, desk: Desk) -> Change:
    """Nothing of it is erased from the moment this returns. Safe to repeat."""
    return _held(enrolment_id, Hold(reason=given.reason, by=given.by, at=desk.now), desk)


def release(enrolment_id: UUID, given: ReleaseIn, desk: Desk) -> Change:  # noqa: ARG001 - as hold
    """What is due is erased the next night. Safe to repeat."""
    return _held(enrolment_id, None, desk)


def _held(enrolment_id: UUID, wanted: Hold | None, desk: Desk) -> Change:
    def attempt() -> Change:
        known = desk.store.enrolments([enrolment_id])
        if not known:
            raise NotFoundError("no enrolment has this id")
        before = known[0]
        if wanted and before.erased_at:
            raise ConflictError("its identifiers are erased: there is nothing left to hold")
        if (before.hold and before.hold.reason) == (wanted and wanted.reason):
            return Change(before, before)
        after = before.model_copy(update={"hold": wanted})
        what = f"held_{wanted.reason}" if wanted else "released"
        desk.store.keep(after, audit={enrolment_id: Audit(at=desk.now, what=what, by=desk.by)})
        return Change(before, after)

    return patiently(attempt)
