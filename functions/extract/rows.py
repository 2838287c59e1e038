"""Derives the rows about one enrolment from everything that is stored about it. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from extract.codes import COMES_OF_TEXTS, Group, Refused, ReminderReason, resolved_how, variant_of
from extract.columns.enrolments import EnrolmentRow
from extract.columns.events import MissingRow, ReminderRow, VersionRow
from extract.people import Allocated, Reported
from trial.codes import Condition, EndReason, Failure, ReminderState, Suppression

if TYPE_CHECKING:
    from collections.abc import Iterator

    from extract.columns.base import Row
    from extract.pseudonyms import Pseudonyms
    from trial.protocol.settings import Place, Protocol
    from trial.records.allocation import Allocation
    from trial.records.enrolment import Enrolment, Missing, Outcome
    from trial.records.reminder import Reminder

_IN_FORCE = {None, EndReason.IN_CUSTODY, *COMES_OF_TEXTS}
_DAY, _HOUR, _MINUTE = timedelta(days=1), timedelta(hours=1), timedelta(minutes=1)

_TAKEN = frozenset(
    {
        ReminderState.SENT,
        ReminderState.DELIVERED,
        ReminderState.UNDELIVERED,
        ReminderState.UNCONFIRMED,
    }
)
_COUNTED = (
    ReminderState.DELIVERED,
    ReminderState.UNDELIVERED,
    ReminderState.UNCONFIRMED,
    ReminderState.SUPPRESSED,
    ReminderState.FAILED,
    ReminderState.UNKNOWN,
)


@dataclass(frozen=True, slots=True)
class File:
    """What is stored about one enrolment, as far as the extract uses it."""

    enrolment: Enrolment
    allocation: Allocation | None = None
    reminders: tuple[Reminder, ...] = ()
    outcomes: tuple[Outcome, ...] = ()


def rows(
    file: File, *, protocol: Protocol, names: Pseudonyms, extracted_at: datetime
) -> Iterator[Row | Allocated | Reported]:
    """
    The enrolment's row, then those of its reminders and the like, with true values.

    Among them are staged facts about the person, with which `People` completes the rows.
    """
    enrolment, place = file.enrolment, protocol.place
    name = names.enrolment(enrolment.enrolment_id)
    yield EnrolmentRow(
        enrolment=name,
        trial=enrolment.trial,
        force=enrolment.order.force,
        person=names.person(enrolment.person_hash),
        superintendent=names.superintendent(
            enrolment.order.force, enrolment.order.authorising_superintendent
        ),
        **_baseline(enrolment, place),
        **_number(enrolment),
        **_course(enrolment),
        **_drawn(file, protocol, extracted_at),
        **_dose(file),
    )
    for reminder in file.reminders:
        yield _reminder(name, reminder, file, place)
    for episode, missing in enumerate(enrolment.missing, start=1):
        yield _missing(name, episode, missing, file, place)
    if protocol.order_type(enrolment.order.type).may_be_varied:
        yield from _versions(name, enrolment, place)
    if file.allocation:
        yield Allocated(
            enrolment=name,
            person=names.person(enrolment.person_hash),
            at=file.allocation.allocated_at,
            runs_out=_runs_out(enrolment, extracted_at, place),
            repeat=file.allocation.repeat,
        )
    yield from reported(file, names=names, place=place, under=name)


def reported(
    file: File, *, names: Pseudonyms, place: Place, under: str | None
) -> Iterator[Reported]:
    """The outcomes reported under an order; `under` is its pseudonym, None in another trial."""
    for outcome in file.outcomes:
        yield Reported(
            person=names.person(file.enrolment.person_hash),
            name=names.outcome(outcome.outcome_id),
            enrolment=under,
            order_began=place.midnight(file.enrolment.order.made_on),
            **outcome.model_dump(exclude={"kind", "outcome_id", "reference"}),
        )


def _baseline(enrolment: Enrolment, place: Place) -> dict[str, Any]:
    order, respondent = enrolment.order, enrolment.respondent
    enrolled_on = place.date_at(enrolment.enrolled_at)
    return {
        "month": enrolment.month,
        "order_type": order.type,
        "language": respondent.language,
        "days": order.days,
        "conditions": variant_of(order.conditions),
        "no_eviction": Condition.NO_EVICTION in order.conditions,
        "age_band": respondent.age_band,
        "sex": respondent.sex,
        "ethnicity": respondent.ethnicity or Group.NOT_STATED,
        "prior_incidents": respondent.prior_incidents,
        "risk_grade": respondent.risk_grade,
        "first_order": respondent.first_order,
        "days_to_service": (order.served_on - order.made_on).days if order.served_on else None,
        "days_to_enrolment": (enrolled_on - order.made_on).days,
    }


def _number(enrolment: Enrolment) -> dict[str, Any]:
    # A number lost later is not counted as missing: this person could be randomised.
    first = next((m for m in enrolment.missing if m.recorded_at == enrolment.enrolled_at), None)
    found_at = first.resolved_at if first else None
    return {
        "number_at_enrolment": first is None,
        "missing_reason": first.reason if first else None,
        "number_found": found_at is not None if first else None,
        "days_to_number": (found_at - enrolment.enrolled_at) / _DAY if found_at else None,
        "resolved_how": resolved_how(first.resolved_how) if first else None,
        "shared_number": enrolment.mobile.shared,
        "unsafe_number": enrolment.mobile.unsafe,
    }


def _course(enrolment: Enrolment) -> dict[str, Any]:
    end = enrolment.end
    return {
        "status": enrolment.status,
        "reasons": enrolment.reasons,
        "first_status": enrolment.first_status,
        "first_reasons": enrolment.first_reasons,
        "end_reason": end.reason if end else None,
        "days_to_end": (end.at - enrolment.enrolled_at) / _DAY if end else None,
        "recorded_in_error": any(
            each.reason is EndReason.RECORDED_IN_ERROR for each in enrolment.life
        ),
    }


def _drawn(file: File, protocol: Protocol, extracted_at: datetime) -> dict[str, Any]:
    """The facts of its allocation; without an allocation, only its stratum."""
    drawn = file.allocation
    if drawn is None:
        names = ("protocol", "protocol_sha256", "repeat", "arm", "block", "position")
        times = ("days_to_allocation", "days_at_risk", "days_followed")
        stratum = file.enrolment.stratum_in(protocol)
        return {"allocated": False, "stratum": stratum} | dict.fromkeys(names + times)
    runs_out = _runs_out(file.enrolment, extracted_at, protocol.place)
    return {
        "allocated": True,
        "stratum": drawn.stratum,
        "protocol": drawn.protocol,
        "protocol_sha256": drawn.protocol_sha256,
        "repeat": drawn.repeat,
        "arm": drawn.arm,
        "block": drawn.block,
        "position": drawn.position,
        "days_to_allocation": (drawn.allocated_at - file.enrolment.enrolled_at) / _DAY,
        "days_at_risk": max((runs_out - drawn.allocated_at) / _DAY, 0.0),
        # It may have been drawn while the extract was being read.
        "days_followed": max((extracted_at - drawn.allocated_at) / _DAY, 0.0),
    }


def _dose(file: File) -> dict[str, Any]:
    """The texts, counted for both arms, so that a text to control would show."""
    states = [each.state for each in file.reminders]
    sent_at = [each.sent_at for each in file.reminders if each.sent_at]
    since = file.allocation.allocated_at if file.allocation else file.enrolment.enrolled_at
    return {
        "planned": len(states),
        "sent": sum(state in _TAKEN for state in states),
        **{str(state): states.count(state) for state in _COUNTED},
        "parts": sum(each.parts or 0 for each in file.reminders),
        "price_pence": float(sum(Decimal(each.price_pence or 0) for each in file.reminders)),
        "hours_to_first_text": (min(sent_at) - since) / _HOUR if sent_at else None,
    }


def _reminder(name: str, reminder: Reminder, file: File, place: Place) -> ReminderRow:
    due_at = reminder.due_at.astimezone(place.tz)
    sent_at, price = reminder.sent_at, reminder.price_pence
    return ReminderRow(
        enrolment=name,
        number=reminder.number,
        of=len(file.reminders),
        theme=reminder.theme,
        protocol_sha256=reminder.protocol_sha256,
        day=(due_at.date() - file.enrolment.order.made_on).days,
        hour=due_at.hour,
        state=reminder.state,
        reason=_reason(reminder),
        minutes_late=(sent_at - reminder.due_at) / _MINUTE if sent_at else None,
        parts=reminder.parts,
        price_pence=float(price) if price else None,
    )


def _reason(reminder: Reminder) -> ReminderReason | None:
    if reminder.reason is None:
        return None
    codes: type[Suppression | Failure]
    for codes in (Suppression, Failure):
        if reminder.reason in set(codes):
            return codes(reminder.reason)
    return Refused.REFUSED if reminder.state is ReminderState.FAILED else Failure.OTHER


def _missing(name: str, episode: int, missing: Missing, file: File, place: Place) -> MissingRow:
    enrolled_at, drawn = file.enrolment.enrolled_at, file.allocation
    recorded_on, follow_up_on = place.date_at(missing.recorded_at), missing.follow_up_on
    resolved_at = missing.resolved_at
    return MissingRow(
        enrolment=name,
        episode=episode,
        reason=missing.reason,
        after_allocation=drawn is not None and missing.recorded_at > drawn.allocated_at,
        days_recorded=(missing.recorded_at - enrolled_at) / _DAY,
        follow_up_days=(follow_up_on - recorded_on).days if follow_up_on else None,
        days_resolved=(resolved_at - enrolled_at) / _DAY if resolved_at else None,
        resolved_how=resolved_how(missing.resolved_how),
    )


def _versions(name: str, enrolment: Enrolment, place: Place) -> Iterator[VersionRow]:
    """The order's first version, and one for each variation."""
    varied_on = [None, *(each.varied_on for each in enrolment.variations)]
    for number, (version, day) in enumerate(
        zip(enrolment.versions, varied_on, strict=True), start=1
    ):
        yield VersionRow(
            enrolment=name,
            version=number,
            days_from=(version.since - enrolment.enrolled_at) / _DAY,
            days_to_report=(place.date_at(version.since) - day).days if day else None,
            days=version.order.days,
            conditions=version.order.conditions,
        )


def _runs_out(enrolment: Enrolment, extracted_at: datetime, place: Place) -> datetime:
    """The end of its last day; without one, its discharge or else the time of the extract."""
    last_day = enrolment.order.expires_on
    if last_day is not None:
        return place.midnight(last_day + timedelta(days=1))
    # Custody and an end of the texts alone leave an order in force.
    ends = [each.at for each in enrolment.life if each.reason not in _IN_FORCE]
    return min(ends, default=extracted_at)
