"""Upstream's reports about an existing enrolment: service, corrections, ends."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from enrolment.limits import check_moment, check_order, check_served, refuse_invariable
from trial.api.problems import FieldError
from trial.codes import EndReason
from trial.errors import ConflictError
from trial.planning import planned_from
from trial.protocol.timetable import timetable
from trial.records.enrolment import Enrolment, LifeEvent, Order
from trial.settlement import settle
from trial.settlement.bounds import what_counts
from trial.settlement.settle import Change

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime
    from uuid import UUID

    from enrolment.context import RequestContext
    from enrolment.wire import AdmitIn, EndIn, OrderIn, ResumeIn, Service
    from trial.protocol.settings import Protocol


Changes: TypeAlias = tuple[Change, ...]
"""The change of the enrolment itself, then the changes of others that followed from it."""

MOST_STRATA = 10
"""The most strata that an enrolment's item holds: those through which corrections moved it."""


def record_service(enrolment_id: UUID, given: Service, context: RequestContext) -> Changes:
    """Store when the order was served: no text is sent before that."""

    def changed(enrolment: Enrolment) -> Enrolment:
        check_served(given.served_on, enrolment.order.made_on, context.today_of(enrolment))
        order = enrolment.order.model_copy(update={"served_on": given.served_on})
        return enrolment.model_copy(update={"order": order})

    return apply_change(enrolment_id, context, "served", changed)


def correct_order(enrolment_id: UUID, given: OrderIn, context: RequestContext) -> Changes:
    """
    Correct an order. After allocation, dates may change only until the first reminder is due.

    If a restore lost a correction, they may change until the next reminder is. That moment is
    computed in the same way for both arms, so that a refusal does not reveal the arm.
    """

    def changed(enrolment: Enrolment) -> Enrolment:
        was = enrolment.order
        if (given.force, given.reference) != (was.force, was.reference):
            raise FieldError("reference", "is another order's: force and reference never change")
        check_order(
            given,
            context.today_of(enrolment),
            protocol=context.protocol_of(enrolment),
            known_since=was.made_on,
        )
        if enrolment.allocated_at and was.served_on and not given.served_on:
            raise ConflictError("it was drawn as a served order: service stays, or the order ends")
        order = Order(**given.model_dump())
        if order.says_the_same_as(was):
            return enrolment
        if any(order.says_the_same_as(each.until_then) for each in enrolment.variations):
            raise ConflictError("a court has varied it since: report this as another variation")
        update: dict[str, object] = {"order": order}
        if across := _across(enrolment, order, context.protocol_of(enrolment)):
            update["strata"] = (*(enrolment.strata or across[:1]), across[1])[-MOST_STRATA:]
        moved = (order.made_on, order.expires_on) != (was.made_on, was.expires_on)
        if moved and enrolment.variations:
            raise ConflictError("a court has varied it: report other dates as another variation")
        if moved and enrolment.allocated_at:
            # One posted again after a restore was drawn before: a correction may have been lost.
            since = max(enrolment.allocated_at, enrolment.enrolled_at)
            first_due = _first_due(enrolment, since, context.protocol_of(enrolment))
            if first_due and context.now >= first_due:
                raise ConflictError("reminders may have begun: the dates can no longer change")
            update["dates_changed_at"] = context.now
        return enrolment.model_copy(update=update)

    return apply_change(enrolment_id, context, "order_corrected", changed)


def _across(enrolment: Enrolment, order: Order, protocol: Protocol) -> tuple[str, str] | None:
    """The strata before and after a correction, if it changes the stratum."""
    before = enrolment.stratum_in(protocol)
    after = enrolment.model_copy(update={"order": order}).stratum_in(protocol)
    return (before, after) if before != after else None


def _first_due(enrolment: Enrolment, since: datetime, protocol: Protocol) -> datetime | None:
    """When the first reminder is due, whichever the arm; None if all dates are in the past."""
    slots = timetable(
        enrolment_id=enrolment.enrolment_id,
        term=enrolment.order.term,
        protocol=protocol,
        start=planned_from(enrolment, since),
    )
    return min((slot.due_at for slot in slots if not slot.missed), default=None)


def end(enrolment_id: UUID, given: EndIn, context: RequestContext) -> Changes:
    """
    End an enrolment: no further text goes once this returns. Safe to repeat.

    A second end is stored too: which of them counts does not depend on their order of arrival.
    An end is accepted even after the identifiers are erased, because a force may learn late that an
    order was recorded in error. Raises FieldError for a time in the future, which no later return
    from custody could undo.
    """
    check_moment("at", given.at, context.now)
    event = LifeEvent(reason=given.reason, at=given.at, by=given.by)

    def changed(enrolment: Enrolment) -> Enrolment:
        if given.reason is EndReason.DISCHARGED:
            with context.refusal_logged(enrolment_id):
                _check_discharge(enrolment, given.at, context.protocol_of(enrolment))
        if _knows(enrolment, event):
            return enrolment
        return enrolment.model_copy(update={"life": what_counts((*enrolment.life, event))})

    act = settle.end(enrolment_id, changed, context.settlement, what=f"ended_{given.reason}")
    return _followed_up(act, context)


def _check_discharge(enrolment: Enrolment, at: datetime, protocol: Protocol) -> None:
    order = enrolment.order
    refuse_invariable("reason", enrolment, protocol)
    if protocol.place.date_at(at) < order.made_on:
        raise FieldError("at", f"is before made_on: a {order.type} is discharged after it")


def resume(enrolment_id: UUID, given: ResumeIn, context: RequestContext) -> Changes:
    """Resume after custody. Reminders missed meanwhile stay missed. Safe to repeat."""
    event = LifeEvent(at=given.at, by=given.by)
    check_moment("at", given.at, context.now)

    def changed(enrolment: Enrolment) -> Enrolment:
        if _knows(enrolment, event):
            return enrolment
        custodies = [each.at for each in enrolment.life if each.reason is EndReason.IN_CUSTODY]
        if not custodies or min(custodies) > given.at:
            raise ConflictError("it cannot be resumed: no custody is known at that time")
        return enrolment.model_copy(update={"life": what_counts((*enrolment.life, event))})

    return apply_change(enrolment_id, context, "resumed", changed)


def admit(enrolment_id: UUID, given: AdmitIn, context: RequestContext) -> Changes:
    """Admit an order beyond the day's limit: it is then treated like any other. Repeatable."""

    def changed(enrolment: Enrolment) -> Enrolment:
        if not enrolment.held_over_daily_limit:
            return enrolment
        return enrolment.model_copy(update={"admitted_by": given.by})

    return apply_change(enrolment_id, context, "admitted", changed)


def _knows(enrolment: Enrolment, event: LifeEvent) -> bool:
    return any((each.reason, each.at) == (event.reason, event.at) for each in enrolment.life)


def _refuse_ended(enrolment: Enrolment) -> None:
    """Raise ConflictError if it has ended for good. Custody does not count: it can be resumed."""
    if enrolment.end and enrolment.end.reason is not EndReason.IN_CUSTODY:
        # Not why: that is disclosed by showing the enrolment, which the audit trail records.
        raise ConflictError("this enrolment has ended for good: show it to see why")


def apply_change(
    enrolment_id: UUID,
    context: RequestContext,
    what: str,
    changed: Callable[[Enrolment], Enrolment],
    *,
    numbers: tuple[str, ...] = (),
) -> Changes:
    """
    Store a change and its effects, including those on other enrolments.

    Raises ConflictError once it is erased and, unless nothing would change, once it has ended.
    """

    def unless_over(enrolment: Enrolment) -> Enrolment:
        with context.refusal_logged(enrolment_id):
            if enrolment.erased_at:
                raise ConflictError("its identifiers are erased: only ends and outcomes are taken")
            after = changed(enrolment)
            if after != enrolment:
                _refuse_ended(enrolment)
            return after

    act = settle.change(enrolment_id, unless_over, context.settlement, what=what, numbers=numbers)
    return _followed_up(act, context)


def _followed_up(act: Change, context: RequestContext) -> Changes:
    """Follow up for others, and wait until no text claimed before can still go."""
    others = context.follow_up(act)
    if act.after.allocated_at or act.protects:
        context.outlast_claims()
    return act, *others
