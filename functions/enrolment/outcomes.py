"""Stores the outcomes that upstream reports, such as arrests and breaches."""

from __future__ import annotations

from typing import TYPE_CHECKING

from enrolment.limits import check_moment
from trial.api.problems import FieldError
from trial.codes import Instrument, OutcomeType
from trial.errors import ConflictError, NotFoundError
from trial.protocol.load import latest_of
from trial.records.audit import AuditEntry, key_sha256
from trial.records.enrolment import Outcome, outcome_key
from trial.retry import on_contention

if TYPE_CHECKING:
    from uuid import UUID

    from enrolment.context import RequestContext
    from enrolment.wire import OutcomeIn


def report_outcome(
    enrolment_id: UUID, given: OutcomeIn, context: RequestContext
) -> tuple[Outcome, bool]:
    """
    Store an outcome; returns it, and whether it is new. An ended enrolment can have outcomes too.

    In a trial of the first format, a breach of the order stops the text about plans. Raises
    ConflictError if the id is known with other content.
    """

    def attempt() -> tuple[Outcome, bool]:
        known = context.store.enrolments([enrolment_id])
        if not known:
            raise NotFoundError("no enrolment has this id")
        enrolment = known[0]
        # A crime's reference is an identifier, so it is not stored again once it is erased.
        gone = {"reference": None} if enrolment.erased_at else {}
        content = given.model_dump(exclude={"kind"}) | {"harm": given.kind} | gone
        with context.refusal_logged(enrolment_id, "outcome"):
            if earlier := context.store.outcome(enrolment_id, given.outcome_id):
                known_content = earlier.model_dump(exclude={"kind", "reported_at"})
                if known_content | {"outcome_id": given.outcome_id} != content:
                    raise ConflictError("this outcome is known, with other content")
                return earlier, False
            check_moment("occurred_at", given.occurred_at, context.now)
            place = context.protocol_of(enrolment).place
            before_order = place.date_at(given.occurred_at) < enrolment.order.made_on
            # A notice (DVPN) comes before the order, so what breaches it may too.
            if before_order and given.instrument is not Instrument.DVPN:
                raise FieldError("occurred_at", "is before the order was made")
        outcome = Outcome(**content, reported_at=context.now)
        entry = AuditEntry(
            at=context.now,
            what="outcome_reported",
            by=context.by,
            outcome_sha256=key_sha256(outcome_key(enrolment_id, given.outcome_id)),
        )
        audit = {enrolment_id: entry}
        withheld = latest_of(enrolment.trial).order_type(enrolment.order.type).withheld_after_breach
        broken = given.type is OutcomeType.BREACH and given.instrument is Instrument.DVPO
        if broken and withheld:
            first = min(enrolment.breach_reported_at or context.now, context.now)
            breached = enrolment.model_copy(update={"breach_reported_at": first})
            context.store.keep(breached, audit=audit, outcome=outcome)
        else:
            context.store.keep(audit=audit, outcome=outcome, seen=enrolment)
        return outcome, True

    return on_contention(attempt)
