"""The worklist: enrolments that wait for somebody to act, above all to find a number."""

from __future__ import annotations

import base64
import binascii
import re
from itertools import islice
from typing import TYPE_CHECKING

from operations.answers import MissingOut, WaitingOut, WorklistOut
from trial.api.problems import FieldError
from trial.records.audit import AuditEntry
from trial.records.waiting import BEFORE_ALL, Waiting

if TYPE_CHECKING:
    from collections.abc import Iterator

    from operations.context import StaffContext
    from operations.wire import WorklistQuery
    from trial.protocol.settings import Protocol

_PLACE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}#[0-9a-f-]{36}")


def worklist(query: WorklistQuery, context: StaffContext, protocol: Protocol) -> WorklistOut:
    """
    A page of waiting enrolments, the oldest follow-up first, and the cursor of the next page.

    It leaves out enrolments that no action can help any more. Each enrolment shown is recorded as
    consulted.
    """
    after = _place(query.cursor) if query.cursor else BEFORE_ALL
    chosen = _chosen(query, context, after=after, protocol=protocol)
    page = list(islice(chosen, query.limit))
    more = next(chosen, None) is not None
    consulted = AuditEntry(at=context.now, what="worklist consulted", by=context.by)
    context.store.log([each.enrolment_id for each in page], consulted)
    return WorklistOut(
        enrolments=tuple(_shown(each, protocol.eligibility.min_days_left) for each in page),
        cursor=_cursor(page[-1].place) if more else None,
    )


def _chosen(
    query: WorklistQuery, context: StaffContext, *, after: str, protocol: Protocol
) -> Iterator[Waiting]:
    today = protocol.place.date_at(context.now)
    for each in context.store.waiting(after=after):
        if query.follow_up_before and each.place >= query.follow_up_before.isoformat():
            return  # entries are in order of follow-up
        if (
            each.still_helps(today, protocol.eligibility.min_days_left)
            and query.status in (None, each.status)
            and (query.reason is None or query.reason in each.codes)
            and query.superintendent in (None, each.order.authorising_superintendent)
        ):
            yield each


def _shown(waiting: Waiting, min_days_left: int) -> WaitingOut:
    missing, order = waiting.missing_now, waiting.order
    return WaitingOut(
        enrolment_id=waiting.enrolment_id,
        reference=order.reference,
        force=order.force,
        status=waiting.status,
        reasons=waiting.waits_for,
        since=waiting.since,
        superintendent=order.authorising_superintendent,
        missing=MissingOut(
            reason=missing.reason,
            recorded_by=missing.recorded_by,
            follow_up_on=missing.follow_up_on,
            follow_up_by=missing.follow_up_by,
        )
        if missing
        else None,
        last_chance_on=waiting.last_chance(min_days_left),
    )


def _cursor(place: str) -> str:
    return base64.urlsafe_b64encode(place.encode()).decode()


def _place(cursor: str) -> str:
    """The place in a cursor. A made-up cursor can only make the page begin elsewhere."""
    try:
        place = base64.b64decode(cursor, altchars=b"-_", validate=True).decode("ascii")
    except (binascii.Error, ValueError):
        place = ""
    if not _PLACE.fullmatch(place):
        raise FieldError("cursor", "is not one from this route: leave it out to start from the top")
    return place
