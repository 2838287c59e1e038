"""Builds the enrolment of a new order, before other enrolments are considered."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from trial.aws.kms import Binding, Purpose
from trial.codes import PriorIncidents, Status
from trial.eligibility import age_band, birthday
from trial.phone import last_digits
from trial.records.enrolment import Enrolment, Identifiers, Missing, Mobile, Order, Respondent
from trial.rehearsal import rehearsal_of

if TYPE_CHECKING:
    from uuid import UUID

    from enrolment.context import RequestContext
    from enrolment.wire import EnrolmentIn, MobileIn
    from trial.aws.kms import SealKey

_A_YEAR = timedelta(days=365)


@dataclass(frozen=True, slots=True)
class Hashes:
    """The keyed hashes that identify a request, its person and its numbers."""

    request: str
    person: str
    number: str | None
    protected: tuple[str, ...]


def new_enrolment(
    request: EnrolmentIn, ident: UUID, hashes: Hashes, context: RequestContext, *, over: bool
) -> Enrolment:
    """
    The enrolment of a new order. It is not stored yet, so its version is 0.

    `over` says whether the order exceeds the number expected in a day.
    """
    given, now, today = request.mobile, context.now, context.today
    trial = context.protocol.trial
    missing = given.missing_reason and Missing(
        reason=given.missing_reason,
        recorded_by=given.recorded_by,
        recorded_at=now,
        follow_up_on=given.follow_up_on,
        follow_up_by=given.follow_up_by,
    )
    return Enrolment(
        enrolment_id=ident,
        status=Status.WAITING,
        order=Order(**request.order.model_dump()),
        respondent=_respondent(request, ident, hashes.person, context),
        person_hash=hashes.person,
        mobile=sealed_mobile(given, hashes.number, ident, context.sealing),
        missing=(missing,) if missing else (),
        protected_hashes=hashes.protected,
        enrolled_at=now,
        changed_on=today,
        over_daily_limit=over or None,
        request_digest=hashes.request,
        first_status=Status.WAITING,
        trial=rehearsal_of(trial) if request.rehearsal else trial,
        month=f"{today:%Y-%m}",
        version=0,
    )


def _respondent(
    request: EnrolmentIn, ident: UUID, person_hash: str, context: RequestContext
) -> Respondent:
    given = request.respondent
    who = Identifiers(person_id=given.person_id, date_of_birth=given.date_of_birth)
    of_age_on = birthday(given.date_of_birth, context.protocol.eligibility.minimum_age)
    return Respondent(
        sealed=context.sealing.sealed(
            who.model_dump_json(), Binding(ident, Purpose.IDENTIFIERS, person_hash)
        ),
        age_band=age_band(context.today, given.date_of_birth),
        of_age_on=of_age_on if of_age_on > request.order.made_on - _A_YEAR else None,
        sex=given.sex,
        ethnicity=given.ethnicity,
        language=given.language,
        prior_incidents=None
        if given.prior_incidents is None
        else PriorIncidents.of(given.prior_incidents),
        risk_grade=given.risk_grade,
        first_order=given.first_order,
    )


def sealed_mobile(
    given: MobileIn, number_hash: str | None, ident: UUID, sealing: SealKey
) -> Mobile:
    """A number as it is stored."""
    if given.number is None or number_hash is None:
        return Mobile()
    return Mobile(
        source=given.source,
        sealed=sealing.sealed(given.number, Binding(ident, Purpose.NUMBER, number_hash)),
        number_hash=number_hash,
        last_digits=last_digits(given.number),
    )
