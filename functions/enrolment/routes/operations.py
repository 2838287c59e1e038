"""The routes of operations: the whole trial's switch, the suppression list and pooled counts."""

from http import HTTPStatus
from typing import Annotated

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.api_gateway import Router
from aws_lambda_powertools.event_handler.openapi.params import Body

from enrolment import operations
from enrolment.answers import FlowOut, MissingNumbersOut, SuppressionOut, SwitchOut
from enrolment.enrol import SHOWN_DIGITS
from enrolment.routes.common import NOT_VALID, REFUSALS, answer, context
from enrolment.wire import SuppressionIn, SwitchIn
from trial.metrics import Metric, emit

router = Router()  # type: ignore[no-untyped-call]  # Powertools leaves it bare
_TAGS = ["Operations"]


@router.get(
    "/reports/flow",
    summary="Where every enrolment stands, pooled over the arms",
    tags=_TAGS,
    responses={200: {"description": "Counts"}, **REFUSALS},
)
def flow() -> FlowOut:
    """The counts of the flow diagram; a moment late."""
    return operations.flow(context(router))


@router.get(
    "/reports/missing-numbers",
    summary="Who had no number, by reason, month and superintendent",
    tags=_TAGS,
    responses={200: {"description": "Counts"}, **REFUSALS},
)
def missing_numbers() -> MissingNumbersOut:
    """The counts of missing numbers; a moment late."""
    return operations.missing_numbers(context(router))


@router.get(
    "/sending",
    summary="Whether sending is paused",
    tags=_TAGS,
    responses={200: {"description": "The switch"}, **REFUSALS},
)
def show_switch() -> SwitchOut:
    """The whole trial's switch. It is on until somebody pauses it."""
    switch = context(router).store.switch()
    if switch is None:
        return SwitchOut(paused=False)
    return SwitchOut(**switch.model_dump(exclude={"kind", "version"}))


@router.put(
    "/sending",
    summary="Pause or resume sending",
    tags=_TAGS,
    responses={200: {"description": "The switch as it is now"}, **NOT_VALID, **REFUSALS},
)
def set_switch(request: Annotated[SwitchIn, Body()]) -> SwitchOut:
    """While paused nothing goes; what gets stale meanwhile is never sent."""
    switch = operations.set_switch(request, context(router))
    emit(Metric.SENDING_PAUSED, int(switch.paused))
    return SwitchOut(**switch.model_dump(exclude={"kind", "version"}))


@router.post(
    "/suppressions",
    summary="Never text a number again",
    tags=_TAGS,
    responses={
        200: {"description": "Suppressed already"},
        201: {
            "description": "Suppressed",
            "content": {"application/json": {"model": SuppressionOut}},
        },
        **NOT_VALID,
        **REFUSALS,
    },
)
def suppress(request: Annotated[SuppressionIn, Body()]) -> Response[SuppressionOut]:
    """Whoever the number belongs to."""
    entry, new = operations.suppress(request, context(router))
    shown = SuppressionOut(last_digits=request.number[-SHOWN_DIGITS:], **entry.model_dump())
    return answer(HTTPStatus.CREATED if new else HTTPStatus.OK, shown)
