"""The rows of the research extract about one case of the example trial."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from evaluation.example.life import due_on
from evaluation.example.orders import Order, pseudonym
from extract.columns.enrolments import EnrolmentRow
from extract.columns.events import MissingRow, OutcomeRow, ReminderRow
from trial.codes import EndReason, ReminderState
from trial.protocol.timetable import LONDON, local_date

if TYPE_CHECKING:
    from datetime import datetime

    from evaluation.example.trial import Case
    from extract.columns.base import Row
    from trial.protocol.settings import Protocol

_TAKEN = (
    ReminderState.SENT,
    ReminderState.DELIVERED,
    ReminderState.UNDELIVERED,
    ReminderState.UNCONFIRMED,
)


def rows_of(case: Case, *, seed: int, protocol: Protocol, at: datetime) -> list[Row]:
    """Everything that the extract of that moment says of a case; the enrolment comes first."""
    order = case.order
    ident = "E" + pseudonym("enrolment", seed, order.ident.int)
    rows: list[Row] = [_enrolment(ident, case, seed, protocol, at)]
    rows += [_reminder(ident, case, place, protocol) for place in range(len(case.texts))]
    rows += [_outcome(ident, case, place, seed) for place in range(len(case.events))]
    if order.missing:
        rows.append(
            MissingRow(
                enrolment=ident,
                episode=1,
                reason=order.missing,
                days_recorded=0,
                follow_up_days=2,
                days_resolved=_days(order.enrolled_at, order.found_at),
                resolved_how=order.found_how,
            )
        )
    return rows


def _enrolment(ident: str, case: Case, seed: int, protocol: Protocol, at: datetime) -> EnrolmentRow:
    order = case.order
    local = local_date(order.enrolled_at)
    return EnrolmentRow(
        enrolment=ident,
        trial=protocol.trial,
        force="durham",
        person="P" + pseudonym("person", seed, order.person),
        superintendent=f"S-{pseudonym('superintendent', seed, order.superintendent)[:6]}",
        month=f"{local:%Y-%m}",
        days=order.days,
        stratum=case.stratum,
        conditions=order.conditions,
        no_eviction=order.no_eviction,
        age_band=order.age,
        sex=order.sex,
        ethnicity=order.ethnicity,
        prior_incidents=None,
        risk_grade=None,
        first_order=None,
        days_to_service=(order.served_on - order.made_on).days if order.served_on else None,
        days_to_enrolment=(local - order.made_on).days,
        status=case.status,
        reasons=case.reasons,
        first_status=case.first_status,
        first_reasons=case.first_reasons,
        number_at_enrolment=order.missing is None,
        missing_reason=order.missing,
        number_found=None if order.missing is None else order.found_at is not None,
        days_to_number=_days(order.enrolled_at, order.found_at),
        resolved_how=order.found_how,
        shared_number=order.shared,
        unsafe_number=order.unsafe,
        **_end(order),
        **_allocation(case, protocol, at),
        **_dose(case),
    )


def _end(order: Order) -> dict[str, Any]:
    ended = order.end_at is not None and order.end_at < order.over_at
    return {
        "end_reason": order.end if ended else None,
        "days_to_end": _days(order.enrolled_at, order.end_at) if ended else None,
        "recorded_in_error": ended and order.end is EndReason.RECORDED_IN_ERROR,
    }


def _allocation(case: Case, protocol: Protocol, at: datetime) -> dict[str, Any]:
    allocated_at = case.allocated_at
    return {
        "protocol": protocol.version if allocated_at else None,
        "protocol_sha256": protocol.sha256 if allocated_at else None,
        "days_from_randomisation": 0 if allocated_at else None,
        "allocated": allocated_at is not None,
        "repeat": case.repeat if allocated_at else None,
        "arm": case.arm,
        "block": case.block,
        "position": case.position,
        "days_to_allocation": _days(case.order.enrolled_at, allocated_at),
        "days_at_risk": _days(allocated_at, case.order.over_at),
        "days_followed": _days(allocated_at, at),
    }


def _dose(case: Case) -> dict[str, Any]:
    states = Counter(text.state for text in case.texts)
    sent = [text.sent_at for text in case.texts if text.sent_at]
    first = _days(case.allocated_at, min(sent, default=None))
    prices = [text.price_pence for text in case.texts if text.price_pence]
    return {
        "planned": len(case.texts),
        "sent": sum(states[state] for state in _TAKEN),
        "delivered": states[ReminderState.DELIVERED],
        "undelivered": states[ReminderState.UNDELIVERED],
        "unconfirmed": states[ReminderState.UNCONFIRMED],
        "suppressed": states[ReminderState.SUPPRESSED],
        "failed": states[ReminderState.FAILED],
        "unknown": states[ReminderState.UNKNOWN],
        "parts": len(prices),
        "price_pence": sum(prices),
        "hours_to_first_text": None if first is None else first * 24,
    }


def _reminder(ident: str, case: Case, place: int, protocol: Protocol) -> ReminderRow:
    text = case.texts[place]
    day, hour = due_on(text, case.order)
    late = _days(text.due_at, text.sent_at)
    return ReminderRow(
        enrolment=ident,
        number=text.number,
        of=text.of,
        theme=text.theme,
        day=day,
        hour=hour,
        protocol_sha256=protocol.sha256,
        state=text.state,
        reason=text.reason,
        minutes_late=None if late is None else late * 24 * 60,
        parts=1 if text.price_pence else None,
        price_pence=text.price_pence,
    )


def _outcome(ident: str, case: Case, place: int, seed: int) -> OutcomeRow:
    event, allocated_at = case.events[place], case.allocated_at
    midnight = event.at.astimezone(LONDON).replace(hour=0, minute=0, second=0, microsecond=0)
    day = (midnight.date() - case.order.made_on).days
    within = allocated_at is not None and allocated_at <= event.at < case.order.over_at
    return OutcomeRow(
        person="P" + pseudonym("person", seed, case.order.person),
        enrolment=ident,
        outcome=place + 1 + 1000 * (case.order.ident.int % 1_000_000),
        type=event.type,
        instrument=event.instrument,
        same_protected_person=None,
        days_from_order=day + (event.at - midnight).total_seconds() / 86400,
        days_from_allocation=_days(allocated_at, event.at),
        within_order=within,
        days_to_report=(event.reported_at - event.at).total_seconds() / 86400,
    )


def _days(start: datetime | None, end: datetime | None) -> float | None:
    return (end - start).total_seconds() / 86400 if start and end else None
