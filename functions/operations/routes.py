"""The routes of operations: the worklist, the whole trial's switch, suppressions and counts."""

import json
from http import HTTPStatus
from pathlib import Path
from typing import Annotated, Any

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.api_gateway import Router
from aws_lambda_powertools.event_handler.openapi.params import Body, Query

from operations import reports, switch
from operations.answers import FlowOut, MissingNumbersOut, SuppressionOut, SwitchOut, WorklistOut
from operations.context import context
from operations.wire import LONGEST_PAGE, Cursor, Limit, SuppressionIn, SwitchIn, WorklistQuery
from operations.worklist import worklist
from trial.api.fields import Day, Name
from trial.api.routes import REFUSALS, TOO_LARGE, answer
from trial.codes import MissingReason, Reason, Status
from trial.config import OperationsSettings, settings
from trial.metrics import Metric, emit
from trial.phone import last_digits
from trial.protocol.load import load

router = Router()  # type: ignore[no-untyped-call]  # Powertools leaves it bare
_TAGS = ["Operations"]

CONTRACT = Path(__file__).with_name("openapi.json")
"""Written by `make openapi`, from the models of every route."""


@router.get(
    "/enrolments",
    summary="List enrolments that wait for somebody to act",
    tags=_TAGS,
    responses={200: {"description": "A page of them"}, **TOO_LARGE, **REFUSALS},
)
def show_worklist(
    status: Annotated[Status | None, Query()] = None,
    reason: Annotated[
        Reason | MissingReason | None,
        Query(description="What it waits for, or why there is no number"),
    ] = None,
    superintendent: Annotated[Name | None, Query()] = None,
    follow_up_before: Annotated[
        Day | None, Query(description="Only those with a follow-up before this day")
    ] = None,
    cursor: Annotated[Cursor | None, Query(description="From the previous page")] = None,
    limit: Annotated[Limit, Query()] = LONGEST_PAGE,
) -> WorklistOut:
    """List waiting enrolments, and allocated ones without a number; eventually consistent."""
    query = WorklistQuery(
        status=status,
        reason=reason,
        superintendent=superintendent,
        follow_up_before=follow_up_before,
        cursor=cursor,
        limit=limit,
    )
    return worklist(query, context(router), load(settings(OperationsSettings).protocol))


@router.get(
    "/reports/flow",
    summary="Count enrolments by status, pooled over the arms",
    tags=_TAGS,
    responses={200: {"description": "Counts"}, **REFUSALS},
)
def flow() -> FlowOut:
    """Count for the flow diagram; eventually consistent."""
    return reports.flow(context(router).store, _trial())


@router.get(
    "/reports/missing-numbers",
    summary="Count missing numbers by reason, month and superintendent",
    tags=_TAGS,
    responses={200: {"description": "Counts"}, **REFUSALS},
)
def missing_numbers() -> MissingNumbersOut:
    """Count missing numbers; eventually consistent."""
    return reports.missing_numbers(context(router).store, _trial())


@router.get(
    "/sending",
    summary="Show whether sending is paused",
    tags=_TAGS,
    responses={200: {"description": "The switch"}, **REFUSALS},
)
def show_switch() -> SwitchOut:
    """Show the whole trial's switch. Sending is on until somebody pauses it."""
    known = context(router).store.switch()
    if known is None:
        return SwitchOut(paused=False)
    return SwitchOut(**known.model_dump(exclude={"kind", "version"}))


@router.put(
    "/sending",
    summary="Pause or resume sending",
    tags=_TAGS,
    responses={200: {"description": "The switch as it is now"}, **TOO_LARGE, **REFUSALS},
)
def set_switch(request: Annotated[SwitchIn, Body()]) -> SwitchOut:
    """While sending is paused, no text goes; reminders that become stale are never sent."""
    known = switch.set_switch(request, context(router))
    emit(Metric.SENDING_PAUSED, int(known.paused))
    return SwitchOut(**known.model_dump(exclude={"kind", "version"}))


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
        **TOO_LARGE,
        **REFUSALS,
    },
)
def suppress(request: Annotated[SuppressionIn, Body()]) -> Response[SuppressionOut]:
    """Suppress a number, whoever has it."""
    entry, new = switch.suppress(request, context(router))
    shown = SuppressionOut(
        last_digits=last_digits(request.number), **entry.model_dump(exclude={"kind"})
    )
    return answer(HTTPStatus.CREATED if new else HTTPStatus.OK, shown)


@router.get(
    "/openapi.json",
    summary="This contract",
    tags=_TAGS,
    responses={200: {"description": "OpenAPI 3.1"}, **REFUSALS},
)
def show_contract() -> dict[str, Any]:
    """The contract of every route, whichever function answers it."""
    document: dict[str, Any] = json.loads(CONTRACT.read_text())
    return document


def _trial() -> str:
    return load(settings(OperationsSettings).protocol).trial
