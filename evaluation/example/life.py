"""What happens during a made-up order: texts, and arrests, breaches, incidents and offences."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from extract.codes import ReminderReason
from trial.codes import AgeBand, Arm, Instrument, OutcomeType, ReminderState
from trial.protocol.timetable import LONDON, local_date, timetable

if TYPE_CHECKING:
    from datetime import datetime
    from random import Random

    from evaluation.example.orders import Order
    from trial.protocol.settings import Protocol

EFFECT: Final = 0.6
"""The true effect: the rate of breaches and arrests with texts, as a share of that without."""

BREACHES_A_DAY: Final = 0.0155
_BY_AGE: Final = {AgeBand.FROM_18: 1.4, AgeBand.FROM_25: 1.15, AgeBand.FROM_55: 0.55}
_ARRESTED, _OTHERS_A_DAY, _NOTICE_BREACHED = 0.7, 0.0016, 0.05
_DEAD_PHONE, _UNDELIVERED, _UNCONFIRMED, _FAILED, _UNKNOWN = 0.05, 0.03, 0.02, 0.003, 0.001
_PRICE_PENCE: Final = 3.16


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """One reminder, and what became of it."""

    number: int
    of: int
    theme: str
    due_at: datetime
    state: ReminderState
    reason: ReminderReason | None = None
    sent_at: datetime | None = None

    @property
    def price_pence(self) -> float | None:
        """What it cost, if a receipt tells."""
        received = self.state in (ReminderState.DELIVERED, ReminderState.UNDELIVERED)
        return _PRICE_PENCE if received else None


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that upstream reports."""

    type: OutcomeType
    instrument: Instrument
    at: datetime
    reported_at: datetime


def events(
    order: Order, arm: Arm | None, since: datetime, until: datetime, draw: Random
) -> list[Event]:
    """What happened, in time: breaches while the order is in force, other things at any time."""
    found = []
    if draw.random() < _NOTICE_BREACHED:
        before = order.enrolled_at - timedelta(hours=draw.uniform(4, 40))
        found.append(_event(OutcomeType.BREACH, Instrument.DVPN, before, draw))
    rate = BREACHES_A_DAY * _BY_AGE.get(order.age, 0.85)
    rate *= EFFECT if arm is Arm.INTERVENTION else 1
    for at in _moments(rate, since, order.over_at, draw):
        found.append(_event(OutcomeType.BREACH, Instrument.DVPO, at, draw))
        if draw.random() < _ARRESTED:
            arrested = at + timedelta(hours=draw.expovariate(1 / 9))
            found.append(_event(OutcomeType.ARREST, Instrument.DVPO, arrested, draw))
    for at in _moments(_OTHERS_A_DAY, since, until, draw):
        kinds = (OutcomeType.DOMESTIC_ABUSE_INCIDENT, OutcomeType.OFFENCE, OutcomeType.ARREST)
        found.append(_event(draw.choice(kinds), Instrument.OTHER, at, draw))
    return sorted((each for each in found if each.at < until), key=lambda each: each.at)


def _event(kind: OutcomeType, instrument: Instrument, at: datetime, draw: Random) -> Event:
    return Event(kind, instrument, at, at + timedelta(hours=draw.expovariate(1 / 20)))


def _moments(a_day: float, since: datetime, until: datetime, draw: Random) -> list[datetime]:
    found = []
    at = since
    while (at := at + timedelta(days=draw.expovariate(a_day))) < until:
        found.append(at)
    return found


def reminders(
    order: Order, allocated_at: datetime, breached_at: datetime | None, *,
    protocol: Protocol, draw: Random,
) -> list[Text]:  # fmt: skip
    """The timetable of an order with texts, as it went."""
    slots = timetable(
        enrolment_id=order.ident,
        made_on=order.made_on,
        expires_on=order.made_on + timedelta(days=order.days - 1),
        protocol=protocol,
        start=allocated_at,
    )
    dead = draw.random() < _DEAD_PHONE
    texts = []
    for slot in slots:
        reason = None
        if slot.missed:
            reason = ReminderReason.MISSED_LATE_START
        elif order.end_at and slot.due_at >= order.end_at:
            reason = ReminderReason.ENDED
        elif breached_at and slot.theme == "plan" and slot.due_at >= breached_at:
            reason = ReminderReason.BREACH_REPORTED
        state, why = (ReminderState.SUPPRESSED, reason) if reason else _delivery(dead, draw)
        attempted = state not in (ReminderState.SUPPRESSED, ReminderState.FAILED)
        late = timedelta(seconds=draw.randint(2, 240))
        texts.append(
            Text(
                number=slot.number,
                of=len(slots),
                theme=slot.theme,
                due_at=slot.due_at,
                state=state,
                reason=why,
                sent_at=slot.due_at + late if attempted else None,
            )
        )
    return texts


def _delivery(dead: bool, draw: Random) -> tuple[ReminderState, ReminderReason | None]:  # noqa: FBT001
    if dead:
        return ReminderState.UNDELIVERED, ReminderReason.PHONE_UNREACHABLE
    chance = draw.random()
    for share, state, reason in (
        (_UNDELIVERED, ReminderState.UNDELIVERED, ReminderReason.PHONE_UNREACHABLE),
        (_UNCONFIRMED, ReminderState.UNCONFIRMED, None),
        (_FAILED, ReminderState.FAILED, ReminderReason.REFUSED),
        (_UNKNOWN, ReminderState.UNKNOWN, None),
    ):
        if chance < share:
            return state, reason
        chance -= share
    return ReminderState.DELIVERED, None


def due_on(text: Text, order: Order) -> tuple[int, int]:
    """The day of the order, from 0, and the hour in London at which a text is due."""
    local = text.due_at.astimezone(LONDON)
    return (local_date(text.due_at) - order.made_on).days, local.hour
