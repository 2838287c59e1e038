"""Stores a court's variation of an order: remaining texts follow it, sent texts stay."""

from __future__ import annotations

from typing import TYPE_CHECKING

from enrolment.change import apply_change
from enrolment.limits import check_order, refuse_invariable
from trial.api.problems import FieldError
from trial.errors import ConflictError
from trial.records.enrolment import MOST_VARIATIONS, Enrolment, Order, Variation

if TYPE_CHECKING:
    from datetime import date
    from uuid import UUID

    from enrolment.change import Changes
    from enrolment.context import RequestContext
    from enrolment.wire import VariationIn

_STAYS = ("type", "force", "reference", "made_on")


def vary(enrolment_id: UUID, given: VariationIn, context: RequestContext) -> Changes:
    """
    Store the order as a court has varied it: conditions, court, last day. Safe to repeat.

    The variation counts once this returns. Arm and stratum stay. Raises FieldError if the protocol
    has no such orders or does not let them be varied.
    """

    def changed(enrolment: Enrolment) -> Enrolment:
        was, today = enrolment.order, context.today_of(enrolment)
        protocol = context.protocol_of(enrolment)
        refuse_invariable("order.type", enrolment, protocol)
        for name in _STAYS:
            if getattr(given.order, name) != getattr(was, name):
                raise FieldError(f"order.{name}", "is never varied: it is another order's")
        try:
            check_order(given.order, today, protocol=protocol, known_since=was.made_on)
        except FieldError as error:
            raise error.under("order") from None
        _check_varied_on(given, enrolment, today)
        order = Order(**given.order.model_dump())
        same = [
            each
            for each in enrolment.variations
            if (each.varied_on, each.by) == (given.varied_on, given.by)
            and order.says_the_same_as(each.reported or was)
        ]
        if same and same[-1] == enrolment.variations[-1]:
            return enrolment  # the same report again, though the order may be corrected since
        if same or any(each.varied_on > given.varied_on for each in enrolment.variations):
            raise ConflictError("it was varied later, as is stored: report what counts now")
        if enrolment.allocated_at and was.served_on and not given.order.served_on:
            raise ConflictError("it was drawn as a served order: service stays, or the order ends")
        if len(enrolment.variations) == MOST_VARIATIONS:
            raise ConflictError(f"it was varied {MOST_VARIATIONS} times: no more are taken")
        variation = Variation(
            at=context.now,
            varied_on=given.varied_on,
            by=given.by,
            until_then=was.model_copy(update={"reference": None}),
            reported=order.model_copy(update={"reference": None}),
        )
        return enrolment.model_copy(
            update={
                "order": order,
                "variations": (*enrolment.variations, variation),
            }
        )

    return apply_change(enrolment_id, context, "varied", changed)


def _check_varied_on(given: VariationIn, enrolment: Enrolment, today: date) -> None:
    if given.varied_on > today:
        raise FieldError("varied_on", "is in the future: report a variation once it is made")
    if given.varied_on < enrolment.order.made_on:
        raise FieldError("varied_on", "is before made_on: an order is varied once it is made")
    if given.order.expires_on and given.order.expires_on < given.varied_on:
        name = enrolment.order.type
        why = f"is before varied_on: a {name} is discharged, not varied into the past"
        raise FieldError("order.expires_on", why)
