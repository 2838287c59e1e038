"""
Derives an enrolment's status from its own, its number's and its person's facts. Pure.

A person has one place in the trial. Of their live orders, the one that was drawn holds it; if none
was, the first to arrive of those that could be drawn now. An order that waits, is ineligible or has
ended never holds it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, TypeVar

from trial.codes import EndReason, Reason, Status
from trial.eligibility import assess
from trial.protocol.load import of_trial
from trial.protocol.settings import RepeatPolicy
from trial.records.person import OrderOfPerson, Use

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from datetime import date
    from uuid import UUID

    from trial.protocol.settings import Protocol
    from trial.records.enrolment import Enrolment, Mobile
    from trial.records.person import Number, Person

MOST_ORDERS = 200
"""The most orders that a person's or a number's item names, so that it never grows too large."""

MOST_SHARING = 2
"""The most earlier live orders that may share a number. More would look like a flood of texts."""


T = TypeVar("T")

_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Surroundings:
    """Everything that decides an enrolment's status, read at one moment."""

    enrolment: Enrolment | None
    person: Person
    numbers: Mapping[str, Number]
    suppressed: frozenset[str]
    orders_taken: int = 0
    """The orders taken in that day, if the reader asked for them."""
    is_unfinished: bool = False
    """Whether an earlier change of the enrolment is still to be followed up."""


@dataclass(frozen=True, slots=True)
class DerivedStatus:
    """An enrolment with its derived status, its person and numbers, and whom it affects."""

    enrolment: Enrolment
    person: Person
    numbers: Mapping[str, Number]
    others: tuple[UUID, ...]


def with_derived_status(
    enrolment: Enrolment, around: Surroundings, *, protocol: Protocol, today: date
) -> DerivedStatus:
    """
    What follows from the enrolment's facts on a local day, by the protocol of its own trial.

    `others` are the enrolments whose status may change with it.
    """
    ident, protocol = enrolment.enrolment_id, of_trial(enrolment.trial, protocol)
    if enrolment.erased_at:
        enrolment = with_status(enrolment, taken=False, protocol=protocol, today=today)
        return DerivedStatus(enrolment, around.person, around.numbers, ())  # its person is unknown
    last_day = last_live_day(enrolment, protocol, today)
    numbers = _numbers_with(enrolment, around.numbers, last_day, today)
    enrolment = enrolment.model_copy(
        update={"mobile": with_marks(enrolment.mobile, ident, numbers, around.suppressed, today)}
    )
    person = _person_with(enrolment, around.person, protocol, last_day)
    place = holder(person, today)
    person = person.model_copy(update={"holder": place})
    live = last_day >= today
    taken = live and (place not in (None, ident) or _excluded(enrolment, person, protocol))
    enrolment = with_status(enrolment, taken=taken, protocol=protocol, today=today)
    moved = _moved(around.person.holder, person, today)
    touched = dict.fromkeys([*moved, *_with_changed_marks(around.numbers, numbers, today)])
    others = tuple(each for each in touched if each not in (None, ident))
    return DerivedStatus(enrolment, person, numbers, others)


def holder(person: Person, today: date) -> UUID | None:
    """Which of a person's orders has their place in the trial on a local day."""
    live = {k: each for k, each in person.enrolments.items() if each.last_day >= today}
    drawn = {k: each for k, each in live.items() if each.drawn}
    fit = {k: each for k, each in live.items() if each.fit_until and each.fit_until >= today}
    candidates = drawn or fit
    return min(candidates, key=lambda each: candidates[each].arrival, default=None)


def _moved(holder_before: UUID | None, person: Person, today: date) -> list[UUID | None]:
    """
    The enrolments that a new holder affects: both holders, and live ones too late or held to hold.

    Only their reasons come after that of a taken place.
    """
    if person.holder == holder_before:
        return []
    unable = [
        ident
        for ident, each in person.enrolments.items()
        if each.last_day >= today and (each.held or (each.fit_until and each.fit_until < today))
    ]
    return [holder_before, person.holder, *unable]


def with_marks(
    mobile: Mobile,
    ident: UUID,
    numbers: Mapping[str, Number],
    suppressed: frozenset[str],
    today: date,
) -> Mobile:
    """A number with its marks: unsafe, shared or suppressed by the facts around it."""
    if (number_hash := mobile.number_hash) is None:
        return mobile
    unsafe, shared = _marks(numbers[number_hash], today, ident)[ident]
    return mobile.model_copy(
        update={"unsafe": unsafe, "shared": shared, "suppressed": number_hash in suppressed}
    )


def _marks(number: Number, today: date, *others: UUID) -> dict[UUID, tuple[bool, bool]]:
    """
    For each order with this number: whether it is unsafe for that order, and shared.

    `others` have the number too, but its item may have no room to name them.
    """
    protected = any(last_day >= today for last_day in number.protected.values())
    live = {k: each.arrival for k, each in number.respondents.items() if each.last_day >= today}
    before = {k: place for place, k in enumerate(sorted(live, key=lambda each: live[each]))}
    person = {k: each.person or k for k, each in number.respondents.items()}
    # An order that has run out shares it with every live order of another person.
    return {
        each: (
            protected or before.get(each, len(live)) > MOST_SHARING,
            any(person[k] != person.get(each) for k in live),
        )
        for each in (*number.respondents, *others)
    }


def _with_changed_marks(
    before: Mapping[str, Number], after: Mapping[str, Number], today: date
) -> Iterator[UUID]:
    """The live orders whose number's marks have changed."""
    for number_hash, number in after.items():
        if number == before[number_hash]:
            continue
        was = _marks(before[number_hash], today)
        for ident, marks in _marks(number, today).items():
            if number.respondents[ident].last_day >= today and marks != was.get(ident):
                yield ident


def _numbers_with(
    enrolment: Enrolment, known: Mapping[str, Number], last_day: date, today: date
) -> dict[str, Number]:
    """These numbers, each updated with whether this order protects it, has it, or gave it up."""
    ident = enrolment.enrolment_id
    after = {}
    for number_hash, number in known.items():
        protected = {k: day for k, day in number.protected.items() if k != ident}
        if number_hash in enrolment.protected_hashes:
            protected[ident] = enrolment.order.last_day  # whatever becomes of the order
            protected = _most(protected, lambda each: each)
        respondents = {k: each for k, each in number.respondents.items() if k != ident}
        if number_hash == enrolment.mobile.number_hash:
            use = number.respondents.get(ident)
            respondents[ident] = Use(
                last_day=last_day,
                arrival=use.arrival if use else number.version,
                person=enrolment.person_hash,
            )
            # Live orders first, by arrival: the number can be safe only for the earliest.
            respondents = _most(respondents, lambda each: (each.last_day >= today, -each.arrival))
        update = {"protected": protected, "respondents": respondents}
        named = number.model_copy(update=update)
        # Retention erases a number that no order names any more.
        idle_since = (number.idle_since or today) if named.is_idle else None
        after[number_hash] = named.model_copy(update={"idle_since": idle_since})
    return after


def _most(orders: dict[UUID, T], rank: Callable[[T], Any]) -> dict[UUID, T]:
    """As many orders as an item may hold: those of the highest rank."""
    if len(orders) <= MOST_ORDERS:
        return orders
    place = sorted(orders, key=lambda each: (rank(orders[each]), str(each)), reverse=True)
    return {each: orders[each] for each in place[:MOST_ORDERS]}


def _person_with(
    enrolment: Enrolment, person: Person, protocol: Protocol, last_day: date
) -> Person:
    ident = enrolment.enrolment_id
    known = person.enrolments.get(ident)
    of_person = OrderOfPerson(
        last_day=last_day,
        fit_until=_fit_until(enrolment, person, protocol),
        # After a restore its draw may be known before the order is posted again and takes it up.
        drawn=enrolment.allocated_at is not None or (known is not None and known.drawn),
        held=enrolment.held_over_daily_limit or None,
        arrival=known.arrival if known else person.version,
    )
    # Whatever else is stored of the person, the order that was drawn keeps the place.
    orders = _most(person.enrolments | {ident: of_person}, lambda each: (each.drawn, each.last_day))
    return person.model_copy(update={"enrolments": orders})


def last_live_day(enrolment: Enrolment, protocol: Protocol, today: date) -> date:
    """The last day on which this order is live: past once it has ended, unless in custody."""
    end = enrolment.end
    if end is None or end.reason is EndReason.IN_CUSTODY:
        return enrolment.order.last_day
    return min(enrolment.order.last_day, protocol.place.date_at(end.at) - _DAY, today - _DAY)


def _fit_until(enrolment: Enrolment, person: Person, protocol: Protocol) -> date | None:
    """The last day on which it may be drawn if the place is free; None if it may not be drawn."""
    if enrolment.end or enrolment.allocated_at:
        return None
    status, _ = assess(
        order=enrolment.order,
        respondent=enrolment.respondent,
        mobile=enrolment.mobile,
        another_live_order=_excluded(enrolment, person, protocol),
        held_over_daily_limit=enrolment.held_over_daily_limit,
        today=enrolment.order.made_on,  # so that the order counts as in time
        min_days_left=protocol.eligibility.min_days_left,
    )
    if status is not Status.ELIGIBLE:
        return None
    return enrolment.order.last_day - (protocol.eligibility.min_days_left - 1) * _DAY


def _excluded(enrolment: Enrolment, person: Person, protocol: Protocol) -> bool:
    again = person.allocated.get(enrolment.trial) not in (None, enrolment.enrolment_id)
    return again and protocol.repeat_policy is RepeatPolicy.EXCLUDE


def with_status(enrolment: Enrolment, *, taken: bool, protocol: Protocol, today: date) -> Enrolment:
    """The enrolment with status and reasons, and with its stratum, fixed once it is eligible."""
    protocol = of_trial(enrolment.trial, protocol)
    status, reasons = _status(enrolment, taken=taken, protocol=protocol, today=today)
    update: dict[str, object] = {"status": status, "reasons": reasons}
    if status is Status.ELIGIBLE and enrolment.stratum is None:
        update["stratum"] = enrolment.stratum_in(protocol)
    return enrolment.model_copy(update=update)


def _status(
    enrolment: Enrolment, *, taken: bool, protocol: Protocol, today: date
) -> tuple[Status, tuple[Reason, ...]]:
    end = enrolment.end
    if end and enrolment.allocated_at:
        return Status.ENDED, ()
    if end:
        in_custody = end.reason is EndReason.IN_CUSTODY
        return Status.ENDED, (Reason.IN_CUSTODY if in_custody else Reason.ORDER_ENDED,)
    if enrolment.allocated_at:
        return Status.ALLOCATED, ()
    if enrolment.erased_at:
        return enrolment.status, enrolment.reasons  # its order has long run out
    return assess(
        order=enrolment.order,
        respondent=enrolment.respondent,
        mobile=enrolment.mobile,
        another_live_order=taken,
        held_over_daily_limit=enrolment.held_over_daily_limit,
        today=today,
        min_days_left=protocol.eligibility.min_days_left,
    )
