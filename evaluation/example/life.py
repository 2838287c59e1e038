"""Makes up what happens to people: texts, arrests, breaches, incidents, offences and harms."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import TYPE_CHECKING, Final

from trial.codes import (
    AgeBand,
    Arm,
    Harm,
    Instrument,
    OutcomeType,
    ReminderState,
    RiskGrade,
    Suppression,
)
from trial.records.enrolment import Outcome

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from random import Random

    from extract.rows import File
    from trial.protocol.settings import Protocol
    from trial.records.enrolment import Enrolment
    from trial.records.reminder import Reminder

EFFECT: Final = 0.6
"""The true effect: the rate of breaches and arrests with texts, relative to that without."""

BREACHES_A_DAY: Final = 0.0155
_MEAN_DAYS: Final = 21
_BY_AGE: Final = {AgeBand.FROM_18: 1.4, AgeBand.FROM_25: 1.15, AgeBand.FROM_55: 0.55}
_BY_RISK: Final = {RiskGrade.HIGH: 1.35, RiskGrade.STANDARD: 0.75}
_ARRESTED, _OTHERS_A_DAY, _NOTICE_BREACHED = 0.7, 0.0016, 0.05
_SAME_PERSON: Final = 0.55
_HARMED: Final = {Arm.CONTROL: 0.01, Arm.INTERVENTION: 0.025}
_DEAD_PHONE, _UNDELIVERED, _UNCONFIRMED, _FAILED, _UNKNOWN = 0.05, 0.03, 0.02, 0.003, 0.001
_PRICE_PENCE: Final = "3.16"


def live(orders: Sequence[File], protocol: Protocol, until: datetime, draw: Random) -> list[File]:
    """One person's orders in order of time, with everything that upstream reports until then."""
    numbers = count(1)
    first = orders[0].enrolment.enrolled_at
    happened: list[Outcome] = []
    for file in orders:
        enrolment, drawn = file.enrolment, file.allocation
        since = drawn.allocated_at if drawn else enrolment.enrolled_at
        if draw.random() < _NOTICE_BREACHED:
            before = enrolment.enrolled_at - timedelta(hours=draw.uniform(4, 40))
            happened.append(_outcome(numbers, OutcomeType.BREACH, Instrument.DVPN, before, draw))
        order_type = protocol.order_type(enrolment.order.type)
        rate = _breaches_a_day(protocol) * _risk(enrolment)
        rate *= EFFECT if drawn and drawn.arm is Arm.INTERVENTION else 1
        for at in _moments(rate, since, min(over_at(enrolment, protocol), until), draw):
            happened.append(_outcome(numbers, OutcomeType.BREACH, order_type.instrument, at, draw))
            if draw.random() < _ARRESTED:
                arrested = at + timedelta(hours=draw.expovariate(1 / 9))
                arrest = OutcomeType.ARREST
                happened.append(_outcome(numbers, arrest, order_type.instrument, arrested, draw))
        if drawn and draw.random() < _HARMED[drawn.arm]:
            at = since + timedelta(days=draw.uniform(0, 10))
            happened.append(_outcome(numbers, OutcomeType.HARM, None, at, draw))
    kinds = (OutcomeType.DOMESTIC_ABUSE_INCIDENT, OutcomeType.OFFENCE, OutcomeType.ARREST)
    happened += [
        _outcome(numbers, draw.choice(kinds), Instrument.OTHER, at, draw)
        for at in _moments(_OTHERS_A_DAY, first, until, draw)
    ]
    happened = [each for each in happened if each.occurred_at < until]
    # Upstream reports outcomes under the latest order.
    came = [file.enrolment.enrolled_at for file in orders]
    under = [max(0, sum(at <= each.occurred_at for at in came) - 1) for each in happened]
    dated = list(zip(happened, under, strict=True))
    return [
        replace(file, outcomes=tuple(each for each, order in dated if order == place))
        for place, file in enumerate(orders)
    ]


def _breaches_a_day(protocol: Protocol) -> float:
    """Spread over the days in which the primary endpoint counts them, if the protocol says."""
    days = protocol.analysis.primary.days
    return BREACHES_A_DAY * _MEAN_DAYS / days if days else BREACHES_A_DAY


def over_at(enrolment: Enrolment, protocol: Protocol) -> datetime:
    """The end of an order's last day, in UTC."""
    return protocol.place.midnight(enrolment.order.last_day + timedelta(days=1)).astimezone(UTC)


def _risk(enrolment: Enrolment) -> float:
    who = enrolment.respondent
    grade = who.risk_grade
    return _BY_AGE.get(who.age_band, 0.85) * (_BY_RISK.get(grade, 1) if grade else 1)


def _outcome(
    numbers: count[int],
    kind: OutcomeType,
    instrument: Instrument | None,
    at: datetime,
    draw: Random,
) -> Outcome:
    harm = kind is OutcomeType.HARM
    return Outcome(
        outcome_id=f"EVENT-{next(numbers)}",
        type=kind,
        instrument=instrument,
        harm=draw.choice(list(Harm)) if harm else None,
        same_protected_person=None if harm else draw.random() < _SAME_PERSON,
        occurred_at=at,
        reported_at=at + timedelta(hours=draw.expovariate(1 / 20)),
    )


def _moments(a_day: float, since: datetime, until: datetime, draw: Random) -> Iterator[datetime]:
    at = since
    while (at := at + timedelta(days=draw.expovariate(a_day))) < until:
        yield at


def sent(
    plan: Sequence[Reminder], ended_at: datetime | None, until: datetime, draw: Random
) -> tuple[Reminder, ...]:
    """The timetable of an order with texts, with each text's state by then."""
    dead = draw.random() < _DEAD_PHONE
    return tuple(
        _went(reminder, draw, dead=dead, ended=ended_at is not None and reminder.due_at >= ended_at)
        if reminder.due_at < until
        else reminder
        for reminder in plan
    )


def _went(reminder: Reminder, draw: Random, *, dead: bool, ended: bool) -> Reminder:
    state, reason = reminder.state, reminder.reason
    if ended:
        state, reason = ReminderState.SUPPRESSED, Suppression.ENDED
    elif state is not ReminderState.SUPPRESSED:
        state, reason = _delivery(draw, dead=dead)
    late = timedelta(seconds=draw.randint(2, 240))
    tried = state not in (ReminderState.SUPPRESSED, ReminderState.FAILED)
    received = state in (ReminderState.DELIVERED, ReminderState.UNDELIVERED)
    went = {
        "state": state,
        "reason": reason,
        "sent_at": reminder.due_at + late if tried else None,
        "parts": 1 if received else None,
        "price_pence": _PRICE_PENCE if received else None,
    }
    return reminder.model_copy(update=went)


def _delivery(draw: Random, *, dead: bool) -> tuple[ReminderState, str | None]:
    if dead:
        return ReminderState.UNDELIVERED, "phone_unreachable"
    chance = draw.random()
    for share, state, reason in (
        (_UNDELIVERED, ReminderState.UNDELIVERED, "phone_unreachable"),
        (_UNCONFIRMED, ReminderState.UNCONFIRMED, None),
        (_FAILED, ReminderState.FAILED, "refused"),
        (_UNKNOWN, ReminderState.UNKNOWN, None),
    ):
        if chance < share:
            return state, reason
        chance -= share
    return ReminderState.DELIVERED, None
