"""The blinded routes: none of them shows an arm, or anything that depends on it."""

from trial.log import logger

from http import HTTPStatus
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.api_gateway import Router
from aws_lambda_powertools.event_handler.openapi.params import Body, Query

from enrolment import change, hold, mobile
from enrolment import vary as variation
from enrolment.answers import EnrolmentAccepted, EnrolmentOut, OrderFound, OutcomeOut
from enrolment.context import context
from enrolment.enrol import enrol
from enrolment.metrics import emit_accepted, emit_changed
from enrolment.outcomes import report_outcome
from enrolment.views import enrolment_view
from enrolment.wire import (
    AdmitIn,
    EndIn,
    EnrolmentIn,
    HoldIn,
    MobileChange,
    OrderIn,
    OutcomeIn,
    ReleaseIn,
    ResumeIn,
    Service,
    VariationIn,
)
from trial.api.fields import Force, Reference
from trial.api.routes import (
    REFUSALS,
    TOO_LARGE,
    UNKNOWN,
    Answers,
    answer,
    parse_enrolment_id,
    refusal,
)
from trial.errors import NotFoundError
from trial.identity import enrolment_id
from trial.metrics import Metric, emit
from trial.records.audit import AuditEntry

if TYPE_CHECKING:
    from collections.abc import Callable
    from uuid import UUID

    from enrolment.change import Changes
    from enrolment.context import RequestContext

R = TypeVar("R", bound="Callable[..., Any]")
T = TypeVar("T")

router = Router()  # type: ignore[no-untyped-call]  # Powertools leaves it bare
_TAGS = ["Enrolment"]
_CHANGE: Answers = {
    200: {"description": "The enrolment as it is now"},
    409: refusal("It contradicts what is stored, or the enrolment has ended"),
    **UNKNOWN,
    **TOO_LARGE,
    **REFUSALS,
}


def _change(
    route: "Callable[..., Any]", path: str, summary: str, tag: str = "Enrolment"
) -> "Callable[[R], R]":
    """Declare a route that changes an enrolment."""
    path = f"/enrolments/<enrolment_id>/{path}"
    declared: Callable[[R], R] = route(path, summary=summary, tags=[tag], responses=_CHANGE)
    return declared


@router.post(
    "/enrolments",
    summary="Take an order into the system",
    tags=_TAGS,
    responses={
        200: {"description": "Enrolled before with the same content: nothing happens twice"},
        202: {
            "description": "Accepted; allocation follows by itself",
            "content": {"application/json": {"model": EnrolmentAccepted}},
        },
        409: refusal("The same order with other content"),
        **TOO_LARGE,
        **REFUSALS,
    },
)
def take_in(request: Annotated[EnrolmentIn, Body()]) -> Response[EnrolmentAccepted]:
    """Accept an order, or find that it was accepted before."""
    at = context(router)
    enrolment, new, others = enrol(request, at)
    logger.info(
        "enrolment accepted" if new else "enrolment repeated",
        enrolment_id=str(enrolment.enrolment_id),
        status=enrolment.first_status,
        reasons=list(enrolment.first_reasons),
    )
    if new:
        emit_accepted(enrolment)
    else:
        _consulted(at, enrolment.enrolment_id, "enrolment")
    for each in others:
        emit_changed(each.before, each.after)
    accepted = EnrolmentAccepted(
        enrolment_id=enrolment.enrolment_id,
        status=enrolment.first_status,
        reasons=enrolment.first_reasons,
    )
    return answer(HTTPStatus.ACCEPTED if new else HTTPStatus.OK, accepted)


@router.get(
    "/enrolments/<enrolment_id>",
    summary="Show an enrolment",
    tags=_TAGS,
    responses={200: {"description": "The enrolment"}, **UNKNOWN, **REFUSALS},
)
def show(enrolment_id: str) -> EnrolmentOut:
    """Show one enrolment, without anything that depends on its arm."""
    at, ident = context(router), parse_enrolment_id(enrolment_id)
    file = at.store.file(ident)
    _consulted(at, ident, "enrolment")
    return enrolment_view(file)


@router.get(
    "/orders",
    summary="Find an order by its reference",
    tags=_TAGS,
    responses={
        200: {"description": "The id under which it was enrolled"},
        **UNKNOWN,
        **TOO_LARGE,
        **REFUSALS,
    },
)
def find(force: Annotated[Force, Query()], reference: Annotated[Reference, Query()]) -> OrderFound:
    """Find an order's id from the court's papers. An erased order is no longer found."""
    at = context(router)
    ident = enrolment_id(at.identity, force, reference)
    known = at.store.enrolments([ident])
    if not known or known[0].erased_at:
        raise NotFoundError("no such order is enrolled")
    _consulted(at, ident, "order")
    return OrderFound(enrolment_id=ident)


@_change(router.put, "mobile", "Report a number found, changed or lost")
def change_mobile(enrolment_id: str, request: Annotated[MobileChange, Body()]) -> EnrolmentOut:
    """Remaining reminders use the new number; without one they are held."""
    return _changed(mobile.change_mobile, enrolment_id, request)


@_change(router.put, "service", "Report that the order was served")
def record_service(enrolment_id: str, request: Annotated[Service, Body()]) -> EnrolmentOut:
    """May make a waiting enrolment eligible."""
    return _changed(change.record_service, enrolment_id, request)


@_change(router.put, "order", "Correct the order")
def correct_order(enrolment_id: str, request: Annotated[OrderIn, Body()]) -> EnrolmentOut:
    """Send the whole order again. Dates can change only until reminders may have begun."""
    return _changed(change.correct_order, enrolment_id, request)


@_change(router.post, "variation", "Report that a court has varied the order")
def vary(enrolment_id: str, request: Annotated[VariationIn, Body()]) -> EnrolmentOut:
    """Send the whole order as varied, if its type may be varied. Remaining texts follow it."""
    return _changed(variation.vary, enrolment_id, request)


@_change(router.post, "end", "End an enrolment: no further text goes")
def end(enrolment_id: str, request: Annotated[EndIn, Body()]) -> EnrolmentOut:
    """From the moment of the answer no text goes to this enrolment."""
    return _changed(change.end, enrolment_id, request)


@_change(router.post, "resume", "Record a return from custody")
def resume(enrolment_id: str, request: Annotated[ResumeIn, Body()]) -> EnrolmentOut:
    """Remaining reminders go again; those missed meanwhile stay missed."""
    return _changed(change.resume, enrolment_id, request)


# Tagged for staff, not for the systems that send orders.
@_change(router.post, "admit", "Admit an order beyond the day's limit", "Operations")
def admit(enrolment_id: str, request: Annotated[AdmitIn, Body()]) -> EnrolmentOut:
    """From now on it is treated like any other order."""
    return _changed(change.admit, enrolment_id, request)


@_change(router.post, "hold", "Hold an enrolment back from erasure")
def hold_back(enrolment_id: str, request: Annotated[HoldIn, Body()]) -> EnrolmentOut:
    """From the moment of the answer nothing of it is erased until every hold is released."""
    return _changed(hold.hold, enrolment_id, request)


@_change(router.post, "release", "Release one hold of an enrolment")
def release(enrolment_id: str, request: Annotated[ReleaseIn, Body()]) -> EnrolmentOut:
    """Data that is due is erased the next night, unless somebody else still holds it."""
    return _changed(hold.release, enrolment_id, request)


@router.post(
    "/enrolments/<enrolment_id>/outcomes",
    summary="Report an outcome, such as an arrest or a breach, or a harm",
    tags=_TAGS,
    responses={
        200: {"description": "Known already: nothing happens twice"},
        201: {
            "description": "Kept",
            "content": {"application/json": {"model": OutcomeOut}},
        },
        409: refusal("The same id with other content"),
        **UNKNOWN,
        **TOO_LARGE,
        **REFUSALS,
    },
)
def report(enrolment_id: str, request: Annotated[OutcomeIn, Body()]) -> Response[OutcomeOut]:
    """Store an outcome once."""
    ident = parse_enrolment_id(enrolment_id)
    at = context(router)
    outcome, new = report_outcome(ident, request, at)
    if new:
        emit(Metric.OUTCOME_REPORTED, type=outcome.type)
    else:
        _consulted(at, ident, "outcome")
    kept = outcome.model_dump(exclude={"kind", "harm"})
    shown = OutcomeOut(enrolment_id=ident, kind=outcome.harm, **kept)
    return answer(HTTPStatus.CREATED if new else HTTPStatus.OK, shown)


def _changed(
    act: "Callable[[UUID, T, RequestContext], Changes]", enrolment_id: str, given: T
) -> EnrolmentOut:
    """Change an enrolment, and show it as changed."""
    at, ident = context(router), parse_enrolment_id(enrolment_id)
    own, *others = act(ident, given, at)
    for done in (own, *others):
        emit_changed(done.before, done.after)
    if own.after == own.before:
        _consulted(at, ident, "enrolment")  # a change is in the trail by itself
    return enrolment_view(at.store.file(ident))


def _consulted(at: "RequestContext", enrolment_id: "UUID", what: str) -> None:
    """Record that a caller sees stored data, before showing it."""
    at.store.log(enrolment_id, AuditEntry(at=at.now, what=f"{what} consulted", by=at.by))
