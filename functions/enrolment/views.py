"""Turns an enrolment's records into the answer of upstream's routes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from enrolment.answers import EnrolmentOut, HistoryOut, HoldOut, MobileOut, OrderOut

if TYPE_CHECKING:
    from enrolment.store import EnrolmentFile


def enrolment_view(file: EnrolmentFile) -> EnrolmentOut:
    """An enrolment without its arm, a full number or a date of birth."""
    enrolment = file.enrolment
    mobile, missing = enrolment.mobile, enrolment.missing_now
    return EnrolmentOut(
        enrolment_id=enrolment.enrolment_id,
        status=enrolment.status,
        reasons=enrolment.reasons,
        order=OrderOut(**enrolment.order.model_dump()),
        mobile=MobileOut(
            known=mobile.sealed is not None,
            last_digits=mobile.last_digits,
            source=mobile.source,
            unsafe=mobile.unsafe,
            shared=mobile.shared,
            missing_reason=missing.reason if missing else None,
            follow_up_on=missing.follow_up_on if missing else None,
            follow_up_by=missing.follow_up_by if missing else None,
        ),
        hold=enrolment.hold.reason if enrolment.hold else None,
        holds=tuple(HoldOut(**each.model_dump()) for each in enrolment.holds),
        erased_at=enrolment.erased_at,
        history=tuple(
            HistoryOut(at=entry.at, what=entry.what, by=entry.by) for entry in file.history
        ),
    )
