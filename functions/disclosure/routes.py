"""The routes for callers who may know the arm. Calling them needs a separate permission."""

from datetime import UTC, datetime, timedelta
from typing import Annotated
from uuid import UUID

from aws_lambda_powertools.event_handler.api_gateway import Router
from aws_lambda_powertools.event_handler.openapi.params import Query
from pydantic import BeforeValidator

from disclosure.answers import AllocationOut, TimetableOut, TroubledOut
from disclosure.store import DisclosureStore
from disclosure.views import allocation_view, timetable_view, troubled_view
from trial.api.fields import Day, OrderType
from trial.api.orders import refuse_impossible, refuse_language
from trial.api.routes import REFUSALS, TOO_LARGE, UNKNOWN, caller, parse_enrolment_id
from trial.aws import clients
from trial.aws.table import Table
from trial.codes import Condition, Language
from trial.config import DisclosureSettings, settings
from trial.protocol.load import load
from trial.protocol.term import Term
from trial.protocol.wording import Sender
from trial.records.audit import AuditEntry

router = Router()  # type: ignore[no-untyped-call]  # Powertools leaves it bare
_TAGS = ["Unblinded"]
_NOBODY = UUID(int=0)
_LATE = timedelta(minutes=15)  # longer than the schedule, sending and its retries take
_RECENT = timedelta(days=31)
_MOST_SHOWN = 100


@router.get(
    "/allocations/<enrolment_id>",
    summary="Show an allocation and its reminders",
    tags=_TAGS,
    responses={200: {"description": "The allocation"}, **UNKNOWN, **REFUSALS},
)
def show_allocation(enrolment_id: str) -> AllocationOut:
    """Show one allocation with its reminders, but neither texts nor numbers."""
    ident = parse_enrolment_id(enrolment_id)
    store = DisclosureStore(Table(clients.dynamodb(), settings(DisclosureSettings).table_name))
    allocation, reminders = store.allocation(ident)
    store.log(
        [ident], AuditEntry(at=datetime.now(UTC), what="allocation consulted", by=caller(router))
    )
    return allocation_view(allocation, reminders)


@router.get(
    "/troubled",
    summary="List reminders that did not go as planned",
    tags=_TAGS,
    responses={200: {"description": "The reminders"}, **REFUSALS},
)
def list_troubled() -> TroubledOut:
    """List late, unsure or failed reminders by order: only a treated person's order has any."""
    now = datetime.now(UTC)
    store = DisclosureStore(Table(clients.dynamodb(), settings(DisclosureSettings).table_name))
    shown = troubled_view(store.troubled(since=now - _RECENT, until=now - _LATE), _MOST_SHOWN)
    about = dict.fromkeys(each.enrolment_id for each in shown.reminders)
    store.log(about, AuditEntry(at=now, what="allocation consulted", by=caller(router)))
    return shown


def _split(values: str | list[str]) -> list[str]:
    """Split values at commas: a comma-separated list is the same as a repeated parameter."""
    given = [values] if isinstance(values, str) else values
    return [value for each in given for value in each.split(",")]


@router.get(
    "/timetable",
    summary="Show what an order of this shape would get; nothing is stored",
    tags=_TAGS,
    responses={200: {"description": "The timetable"}, **TOO_LARGE, **REFUSALS},
)
def show_timetable(
    made_on: Annotated[Day, Query()],
    conditions: Annotated[list[Condition], BeforeValidator(_split), Query(min_length=1)],
    expires_on: Annotated[
        Day | None, Query(description="Absent where the type has no fixed end")
    ] = None,
    type: Annotated[OrderType, Query()] = "dvpo",  # noqa: A002 - the contract's name
    language: Annotated[Language, Query()] = Language.EN,
    enrolment_id: Annotated[UUID, Query(description="Whose times of day to show")] = _NOBODY,
) -> TimetableOut:
    """Show the timetable of an imagined order, as if enrolled at the start of its first day."""
    chosen = settings(DisclosureSettings)
    protocol = load(chosen.protocol)
    term = Term(type, made_on, expires_on)
    refuse_impossible(protocol, term, conditions)
    refuse_language(protocol, language)
    return timetable_view(
        enrolment_id=enrolment_id,
        term=term,
        conditions=conditions,
        language=language,
        protocol=protocol,
        sender=Sender(force=chosen.force_name, contact=chosen.force_contact),
    )
