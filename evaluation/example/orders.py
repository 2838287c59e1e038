"""
A made-up year of orders: each as upstream posts it, and what is learnt about it later.

The same seed gives the same year.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final
from uuid import NAMESPACE_OID, uuid5

from evaluation.example import people
from evaluation.example.people import one_of
from extract.codes import ResolvedHow
from trial.codes import Condition, EndReason, PriorIncidents, Status
from trial.eligibility import age_band, birthday
from trial.records.enrolment import (
    Enrolment,
    LifeEvent,
    Missing,
    Mobile,
    Order,
    Respondent,
    Variation,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from random import Random

    from trial.protocol.settings import Protocol

FIRST_DAY: Final = date(2027, 1, 4)
"""Used if the protocol plans no recruitment."""

_SPAN: Final = 52 * 7 - 1

_FOUND: Final = {
    ResolvedHow.PROPERTY_RETURNED: 45,
    ResolvedHow.OFFICER_VISIT: 30,
    ResolvedHow.PROBATION: 18,
    ResolvedHow.SOLICITOR: 7,
}
_ENDS: Final = {
    None: 945,
    EndReason.IN_CUSTODY: 32,
    EndReason.QUASHED: 9,
    EndReason.RECORDED_IN_ERROR: 8,
    EndReason.SAFETY_STOP: 3,
    EndReason.OBJECTION_UPHELD: 2,
    EndReason.DECEASED: 1,
}
_ENDS_IF_VARIABLE: Final = _ENDS | {EndReason.DISCHARGED: 80}
_VARIED: Final = 0.25
_WITHOUT_NUMBER: Final = (0.24, 0.52)
"""The share for the most diligent and for the least diligent superintendent."""
_FOUND_LATER: Final = 0.42
_UNSAFE, _SHARED, _SERVED, _SECOND = 0.012, 0.03, 0.975, 0.09


@dataclass(frozen=True, slots=True, kw_only=True)
class MadeUp:
    """An order as it was enrolled, and what was learnt about it, at the times in the records."""

    enrolled: Enrolment
    number: Mobile
    found: Missing | None
    end: LifeEvent | None
    variation: tuple[Variation, Order] | None = None
    """The variation, and the order as varied."""

    def at(self, moment: datetime) -> Enrolment:
        """What was known at that moment; its status is not derived yet."""
        update: dict[str, Any] = {}
        if self.found and self.found.resolved_at and self.found.resolved_at <= moment:
            update |= {"mobile": self.number, "missing": (self.found,)}
        if self.end and self.end.at <= moment:
            update["life"] = (self.end,)
        if self.variation and self.variation[0].at <= moment:
            variation, order = self.variation
            update |= {"variations": (variation,), "order": order}
        return self.enrolled.model_copy(update=update)

    @property
    def moments(self) -> Iterator[datetime]:
        """The times at which something is learnt about it."""
        yield self.enrolled.enrolled_at
        if self.found and self.found.resolved_at:
            yield self.found.resolved_at
        if self.end:
            yield self.end.at
        if self.variation:
            yield self.variation[0].at


def year(how_many: int, force: str, protocol: Protocol, draw: Random) -> Iterator[MadeUp]:
    """The orders of this many people, some of whom have a second one later."""
    planned = protocol.analysis.recruitment
    first_day = planned.first_day if planned else FIRST_DAY
    number = 0
    for serial in range(how_many):
        made_on = first_day + timedelta(days=draw.randint(0, _SPAN))
        who = people.respondent(serial, made_on, draw, ages=one_of(people.AGES, draw))
        number += 1
        yield _made_up(number, made_on, who, force, protocol, draw)
        later = made_on + timedelta(days=draw.randint(10, 150))
        if draw.random() < _SECOND and later <= first_day + timedelta(days=_SPAN):
            number += 1
            yield _made_up(number, later, who | {"first_order": False}, force, protocol, draw)


def _made_up(
    number: int, made_on: date, who: dict[str, Any], force: str, protocol: Protocol, draw: Random
) -> MadeUp:
    types = list(protocol.orders.items())
    name, order_type = draw.choice(types) if len(types) > 1 else types[0]
    usual = people.LONG_LENGTHS if order_type.open_ended else people.LENGTHS
    lengths = {days: share for days, share in usual.items() if not order_type.why_not_days(days)}
    days = one_of(lengths, draw)
    body = people.order(number, made_on, draw, days=days, force=force, type_=name)
    served_on = made_on + timedelta(days=draw.choices((0, 1, 2), (70, 24, 6))[0])
    if draw.random() < _SERVED:
        body["served_on"] = served_on.isoformat()
    at = _office_hours(
        served_on + timedelta(days=draw.choices((0, 1), (75, 25))[0]), protocol, draw
    )
    place = people.SUPERINTENDENTS.index(body["authorising_superintendent"])
    least, most = _WITHOUT_NUMBER
    without = draw.random() < least + (most - least) * place / (len(people.SUPERINTENDENTS) - 1)
    lacking = None
    if without:
        report = people.missing(one_of(people.MISSING, draw), made_on, draw)
        lacking = Missing.model_validate(
            {"reason": report.pop("missing_reason"), "recorded_at": at} | report
        )
    known = Mobile(sealed="made up", unsafe=draw.random() < _UNSAFE, shared=draw.random() < _SHARED)
    found = None
    order = Order.model_validate(body)
    enrolled = Enrolment(
        enrolment_id=uuid5(NAMESPACE_OID, f"{force}/{order.reference}"),
        status=Status.WAITING,
        order=order,
        respondent=_respondent(who, made_on, at.date(), protocol),
        person_hash=f"{force}/{who['person_id']}",
        mobile=Mobile() if lacking else known,
        enrolled_at=at,
        first_status=Status.WAITING,
        trial=protocol.trial,
        month=f"{protocol.place.date_at(at):%Y-%m}",
        missing=(lacking,) if lacking else (),
    )
    if lacking and draw.random() < _FOUND_LATER:
        found_on = at.date() + timedelta(days=1 + int(draw.expovariate(1 / 4)))
        resolved_at, how = _office_hours(found_on, protocol, draw), one_of(_FOUND, draw)
        update = {"resolved_at": resolved_at, "resolved_how": how}
        found = lacking.model_copy(update=update)
    ends_of, longest = (_ENDS_IF_VARIABLE, 300) if order_type.may_be_varied else (_ENDS, 13)
    why, ended_at = one_of(ends_of, draw), at + timedelta(hours=draw.uniform(2, 24 * longest))
    over = protocol.place.midnight(order.last_day + timedelta(days=1))
    ends = why is not None and ended_at < over
    end = LifeEvent(reason=why, at=ended_at, by="PC-1000") if ends else None
    variation = _variation(enrolled, draw) if order_type.may_be_varied else None
    if variation and min(ended_at if ends else over, over) <= variation[0].at:
        variation = None
    return MadeUp(enrolled=enrolled, number=known, found=found, end=end, variation=variation)


def _variation(enrolled: Enrolment, draw: Random) -> tuple[Variation, Order] | None:
    """A variation some months later: a court adds a programme."""
    if draw.random() >= _VARIED:
        return None
    order = enrolled.order
    at = enrolled.enrolled_at + timedelta(days=draw.uniform(20, 200))
    variation = Variation(
        at=at.replace(microsecond=0),
        varied_on=at.date(),
        by="PC-1000",
        until_then=order.model_copy(update={"reference": None}),
    )
    wider = (*order.conditions, Condition.PROGRAMME)
    return variation, order.model_copy(update={"conditions": wider})


def _respondent(who: dict[str, Any], made_on: date, today: date, protocol: Protocol) -> Respondent:
    """The record that enrolment would store, without sealed data, as nobody real is in it."""
    born = date.fromisoformat(who["date_of_birth"])
    of_age_on = birthday(born, protocol.eligibility.minimum_age)
    incidents = who.get("prior_incidents")
    return Respondent(
        age_band=age_band(today, born),
        of_age_on=of_age_on if of_age_on > made_on else None,
        sex=who["sex"],
        ethnicity=who["ethnicity"],
        prior_incidents=None if incidents is None else PriorIncidents.of(incidents),
        risk_grade=who.get("risk_grade"),
        first_order=who.get("first_order"),
    )


def _office_hours(day: date, protocol: Protocol, draw: Random) -> datetime:
    wait = timedelta(hours=8.5 + draw.uniform(0, 9.5))
    at = protocol.place.midnight(day).astimezone(UTC) + wait
    return at.replace(microsecond=0)
