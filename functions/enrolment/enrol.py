"""Takes an order into the system: who it is about, and whether they may be randomised."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from enrolment.limits import check_enrolment
from enrolment.new_enrolment import Hashes, new_enrolment
from trial.errors import ConflictError
from trial.identity import enrolment_id, number_hash, person_hash, request_hash
from trial.records.enrolment import orders_key
from trial.retry import on_contention
from trial.settlement.settle import Change, entry, protects_others
from trial.settlement.standing import DerivedStatus, with_derived_status

if TYPE_CHECKING:
    from enrolment.context import RequestContext
    from enrolment.wire import EnrolmentIn
    from trial.aws.kms import MacKey
    from trial.records.enrolment import Enrolment

_CLOSED = (
    "the trial is closed and no other is open, so no new order is accepted; orders enrolled before "
    "continue, and changes to them are accepted"
)


class Enrolled(NamedTuple):
    """An enrolment, whether it is new, and what it changed for others."""

    enrolment: Enrolment
    new: bool
    others: tuple[Change, ...] = ()


def enrol(request: EnrolmentIn, context: RequestContext) -> Enrolled:
    """
    Enrol an order, or find its enrolment.

    Safe to repeat: the same request finds the same enrolment. Other enrolments that it affects are
    updated before this returns. If it protects somebody's number, no text claimed before can still
    go to that number. An order beyond `orders_per_day` is held until a person admits it, so that a
    flood of made-up orders uses up nobody else's texts.

    Raises ConflictError if the order is known with other content, if its content can no longer be
    compared because it is erased, or if it is new and no trial is open. Raises FieldError if a date
    of a new order cannot be right today.
    """
    ident = enrolment_id(context.identity, request.order.force, request.order.reference)
    hashes = _hashes(request, context.identity)
    today = context.today
    counter = orders_key(today, rehearsals=request.rehearsal)

    def attempt() -> tuple[Change, bool]:
        at = context.settlement
        around = at.store.surroundings(
            ident,
            hashes.person,
            own=filter(None, [hashes.number]),
            protected=hashes.protected,
            counter=counter,
        )
        if known := around.enrolment:
            with context.refusal_logged(ident):
                _refuse_another(known, hashes)
            protects = protects_others(DerivedStatus(known, around.person, around.numbers, ()))
            return Change(known, known, known.version, protects=protects), False
        if not context.takes_orders:
            raise ConflictError(_CLOSED)
        check_enrolment(request, today, context.protocol)
        over = around.orders_taken >= context.orders_per_day
        made = new_enrolment(request, ident, hashes, context, over=over)
        found = _as_first(with_derived_status(made, around, protocol=at.protocol, today=today))
        at.store.keep(
            found,
            around,
            entry(found.enrolment, None, "enrolled", at),
            note=at.by,
            one_of=None if over else (counter, context.orders_per_day),
        )
        # A number protected from now on may have been texted a moment ago.
        protects = any(around.numbers[each].version for each in made.protected_hashes)
        return Change(made, found.enrolment, 1, others=found.others, protects=protects), True

    act, new = on_contention(attempt)
    others = context.follow_up(act)
    if act.protects:
        context.outlast_claims()
    return Enrolled(act.after, new, others)


def _refuse_another(known: Enrolment, hashes: Hashes) -> None:
    if known.erased_at:
        raise ConflictError("this order was enrolled, and its identifiers are erased")
    if known.request_digest != hashes.request:
        raise ConflictError("this order is enrolled already, with other content")


def _as_first(found: DerivedStatus) -> DerivedStatus:
    """With the status that the answer gives, now and whenever the request is repeated."""
    first = {"first_status": found.enrolment.status, "first_reasons": found.enrolment.reasons}
    return replace(found, enrolment=found.enrolment.model_copy(update=first))


def _hashes(request: EnrolmentIn, identity: MacKey) -> Hashes:
    order, number = request.order, request.mobile.number
    # Without defaults, so that a field added to the contract later does not change the hash.
    content = request.model_dump(mode="json", exclude={"event_id"}, exclude_defaults=True)
    content["order"]["conditions"].sort()
    return Hashes(
        request=request_hash(identity, json.dumps(content, sort_keys=True)),
        person=person_hash(identity, order.force, request.respondent.person_id),
        number=number_hash(identity, number) if number else None,
        protected=tuple(number_hash(identity, each) for each in request.protected_numbers),
    )
