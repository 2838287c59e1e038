"""Taking an order into the system: who it is about, and whether they may be randomised."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from enrolment.derive import any_live, numbers_with, person_with, with_derived_status
from enrolment.follow_up import users_of
from enrolment.limits import check_enrolment
from trial.aws.kms import Binding, Purpose
from trial.codes import PriorIncidents, Status
from trial.eligibility import age_band, birthday
from trial.errors import ConflictError
from trial.identity import enrolment_id, number_hash, person_hash, request_hash
from trial.phone import last_digits
from trial.protocol.local_time import local_date
from trial.records.audit import Audit
from trial.records.enrolment import Enrolment, Identifiers, Missing, Mobile, Order, Respondent
from trial.retry import on_contention

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import date, datetime
    from uuid import UUID

    from enrolment.store import EnrolmentStore, Surroundings
    from enrolment.wire import EnrolmentIn, MobileIn
    from trial.aws.kms import MacKey, SealKey
    from trial.protocol.settings import Protocol

MOST_SHARING = 2
"""Other live orders that a number may belong to: more look like somebody being flooded."""

_A_YEAR = timedelta(days=365)


@dataclass(frozen=True, slots=True)
class Hashes:
    """The keyed hashes by which a request, its person and its numbers are known again."""

    request: str
    person: str
    number: str | None
    protected: tuple[str, ...]

    @property
    def numbers(self) -> tuple[str, ...]:
        """Of every number in the request."""
        return (*self.protected, *filter(None, [self.number]))


def enrol(
    request: EnrolmentIn,
    *,
    by: str,
    store: EnrolmentStore,
    identity: MacKey,
    sealing: SealKey,
    protocol: Protocol,
    orders_per_day: int,
    now: datetime,
    outlast_claims: Callable[[], None],
    follow_up: Callable[[UUID], None],
) -> tuple[Enrolment, bool]:
    """
    The enrolment of an order, and whether it is new.

    Safe to repeat: the same request finds what it made. A respondent already enrolled whose number
    this order protects gets no text from here on; `follow_up` shows it in their own enrolment, and
    `outlast_claims` waits until no text claimed before can still go. Beyond `orders_per_day` an
    order is held until a person admits it: made-up orders use up no texts of others. Raises
    ConflictError if the order is known with other content, or nobody can tell any more because it
    is erased; FieldError if a date of a new order cannot be right today.
    """
    ident = enrolment_id(identity, request.order.force, request.order.reference)
    hashes = _hashes(request, identity)
    today = local_date(now)

    def attempt() -> tuple[Enrolment, bool, bool, bool]:
        around = store.surroundings(ident, hashes.person, hashes.numbers, today)
        protects = protects_others(around, ident, hashes.protected, today)
        if around.enrolment:
            if around.enrolment.erased_at:
                raise ConflictError("this order was enrolled, and its identifiers are erased")
            if around.enrolment.request_digest != hashes.request:
                raise ConflictError("this order is enrolled already, with other content")
            return around.enrolment, False, protects, False
        check_enrolment(request, today, protocol)
        over = around.orders_taken >= orders_per_day
        enrolment = _new(request, ident, hashes, around, sealing, protocol, now, over=over)
        last_day = enrolment.order.last_day
        noted = bool(users_of(around, enrolment, today))
        store.keep(
            enrolment,
            person=(
                hashes.person,
                person_with(around.person, enrolment, last_day),
            ),
            numbers=numbers_with(
                around.numbers,
                ident,
                last_day,
                number=hashes.number,
                protected=hashes.protected,
                today=today,
            ),
            audit={
                ident: Audit(
                    at=now, what="enrolled", by=by, seal_sha256=enrolment.mobile.seal_sha256
                )
            },
            note=by if noted else None,
            one_of=None if over else (today, orders_per_day),
        )
        return enrolment, True, protects, noted

    enrolment, new, protects, noted = on_contention(attempt)
    if noted:
        follow_up(ident)
    if protects:
        outlast_claims()
    return enrolment, new


def _new(
    request: EnrolmentIn,
    ident: UUID,
    hashes: Hashes,
    around: Surroundings,
    sealing: SealKey,
    protocol: Protocol,
    now: datetime,
    *,
    over: bool,
) -> Enrolment:
    given = request.mobile
    mobile = sealed_mobile(given, hashes.number, ident, sealing)
    enrolment = Enrolment(
        enrolment_id=ident,
        status=Status.WAITING,
        order=Order(**request.order.model_dump()),
        respondent=_respondent(request, ident, hashes.person, sealing, protocol, now),
        person_hash=hashes.person,
        mobile=with_number_standing(mobile, around, hashes.protected, ident, now),
        missing=(
            Missing(
                reason=given.missing_reason,
                recorded_by=given.recorded_by,
                recorded_at=now,
                follow_up_on=given.follow_up_on,
                follow_up_by=given.follow_up_by,
            ),
        )
        if given.missing_reason
        else (),
        protected_hashes=hashes.protected,
        enrolled_at=now,
        changed_on=local_date(now),
        over_daily_limit=over or None,
        request_digest=hashes.request,
        first_status=Status.WAITING,
        trial=protocol.trial,
        month=f"{local_date(now):%Y-%m}",
        version=0,
    )
    enrolment = with_derived_status(enrolment, around.person, protocol=protocol, now=now)
    return enrolment.model_copy(
        update={"first_status": enrolment.status, "first_reasons": enrolment.reasons}
    )


def _respondent(
    request: EnrolmentIn,
    ident: UUID,
    person_hash: str,
    sealing: SealKey,
    protocol: Protocol,
    now: datetime,
) -> Respondent:
    given = request.respondent
    who = Identifiers(person_id=given.person_id, date_of_birth=given.date_of_birth)
    of_age_on = birthday(given.date_of_birth, protocol.eligibility.minimum_age)
    return Respondent(
        sealed=sealing.sealed(
            who.model_dump_json(), Binding(ident, Purpose.IDENTIFIERS, person_hash)
        ),
        age_band=age_band(local_date(now), given.date_of_birth),
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


def with_number_standing(
    mobile: Mobile,
    around: Surroundings,
    own_protected: Iterable[str],
    ident: UUID,
    now: datetime,
) -> Mobile:
    """A number with what the orders and people around it make of it."""
    if (number_hash := mobile.number_hash) is None:
        return mobile
    today = local_date(now)
    seen = around.numbers[number_hash]
    others = [each for each, day in seen.respondents.items() if each != ident and day >= today]
    crowded = len(others) > MOST_SHARING
    unsafe = number_hash in own_protected or any_live(seen.protected, today) or crowded
    return mobile.model_copy(update={"unsafe": unsafe, "shared": bool(others)})


def protects_others(
    around: Surroundings, ident: UUID, protected: Iterable[str], today: date
) -> bool:
    """Whether the number of anybody else, whose order is live, is among those protected."""
    return any(
        each != ident and last_day >= today
        for number_hash in protected
        for each, last_day in around.numbers[number_hash].respondents.items()
    )


def _hashes(request: EnrolmentIn, identity: MacKey) -> Hashes:
    order, number = request.order, request.mobile.number
    # Without what is not given: a field that the contract may have one day changes nothing.
    content = request.model_dump(mode="json", exclude={"event_id"}, exclude_defaults=True)
    content["order"]["conditions"].sort()
    return Hashes(
        request=request_hash(identity, json.dumps(content, sort_keys=True)),
        person=person_hash(identity, order.force, request.respondent.person_id),
        number=number_hash(identity, number) if number else None,
        protected=tuple(number_hash(identity, each) for each in request.protected_numbers),
    )
