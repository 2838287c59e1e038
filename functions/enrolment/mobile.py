"""Stores that a respondent's number was found, changed or lost."""

from __future__ import annotations

from typing import TYPE_CHECKING

from enrolment.change import apply_change
from enrolment.limits import check_mobile, check_moment, check_number
from enrolment.new_enrolment import sealed_mobile
from enrolment.wire import FOR_REHEARSALS
from trial.api.problems import FieldError
from trial.codes import MissingReason
from trial.errors import ConflictError
from trial.identity import number_hash
from trial.phone import is_for_drama
from trial.records.enrolment import Enrolment, Missing, Mobile
from trial.rehearsal import is_rehearsal
from trial.settlement.bounds import without_number

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from enrolment.change import Changes
    from enrolment.context import RequestContext
    from enrolment.wire import MobileChange
    from trial.codes import NumberSource

MOST_REPORTS = 50
"""The most reports of a missing number that an enrolment's item holds: the first and the latest."""


def change_mobile(enrolment_id: UUID, given: MobileChange, context: RequestContext) -> Changes:
    """
    Store that a number was found, changed or lost. All remaining reminders use it.

    Which number stands depends on when each report was recorded, by upstream's clock, and not on
    when it arrives. Of different reports that were recorded at the same moment none is known to be
    right, so no number stands. Raises ConflictError if the stored number was recorded later, or if
    no number stands at that moment.
    """
    hashed = number_hash(context.identity, given.number) if given.number else None
    if given.recorded_at:
        check_moment("recorded_at", given.recorded_at, context.now)
    found = sealed_mobile(given, hashed, enrolment_id, context.sealing)

    def changed(enrolment: Enrolment) -> Enrolment:
        check_number(given.number, context.protocol_of(enrolment))
        if is_rehearsal(enrolment.trial) and given.number and not is_for_drama(given.number):
            raise FieldError("number", FOR_REHEARSALS)
        known_at = enrolment.mobile_recorded_at or enrolment.enrolled_at
        if given.recorded_at and given.recorded_at < known_at:
            raise ConflictError("the stored number was recorded later")
        same = enrolment.mobile.number_hash == hashed
        report, mobile = given, found
        if same:
            mobile = _with_source(enrolment.mobile, given.source)
        elif hashed and given.recorded_at and given.recorded_at == enrolment.mobile_recorded_at:
            if enrolment.mobile.number_hash is None:
                raise ConflictError("no number stands of that moment: give a later recorded_at")
            # Which of the two is right is not recorded, so neither is texted.
            report = given.model_copy(update={"missing_reason": MissingReason.NOT_RECORDED})
            mobile = Mobile()
        missing = _first_and_latest(_missing_with(enrolment, report, context.now))
        if missing != enrolment.missing:  # a report that is repeated may be of any age
            check_mobile(given, context.today)
        update: dict[str, object] = {"mobile": mobile, "missing": missing}
        if given.recorded_at or not same or missing != enrolment.missing:
            update["mobile_recorded_at"] = given.recorded_at or max(context.now, known_at)
        before = enrolment if same else without_number(enrolment)
        return before.model_copy(update=update)

    extra = (hashed,) if hashed else ()
    return apply_change(enrolment_id, context, "mobile_changed", changed, numbers=extra)


def _with_source(mobile: Mobile, source: NumberSource | None) -> Mobile:
    """The same number reported again: its seal stays, because each seal of a number differs."""
    return mobile.model_copy(update={"source": source}) if source else mobile


def _missing_with(enrolment: Enrolment, given: MobileChange, now: datetime) -> tuple[Missing, ...]:
    """The reports of a missing number, with this one added or all of them resolved."""
    known, last = enrolment.missing, enrolment.missing_now
    at = min(given.recorded_at or now, now)  # upstream's clock may be ahead
    if given.missing_reason is None:
        found = {"resolved_at": at, "resolved_how": given.resolved_how}
        return tuple(each if each.resolved_at else each.model_copy(update=found) for each in known)
    report = Missing(
        reason=given.missing_reason,
        recorded_by=given.recorded_by,
        recorded_at=at,
        follow_up_on=given.follow_up_on,
        follow_up_by=given.follow_up_by,
    )
    if last and report == last.model_copy(update={"recorded_at": at}):
        return known
    return (*known, report)


def _first_and_latest(reports: tuple[Missing, ...]) -> tuple[Missing, ...]:
    """As many reports as an item may hold. The flow counts the first. All are in the trail."""
    return reports if len(reports) <= MOST_REPORTS else (reports[0], *reports[1 - MOST_REPORTS :])
