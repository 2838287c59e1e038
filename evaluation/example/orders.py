"""
Made-up orders of a made-up year, for the example trial: the same for the same seed, and nobody's.

The rates are of the size that forces report; none is a finding.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from extract.codes import ResolvedHow
from trial.codes import AgeBand, EndReason, Ethnicity, MissingReason, Sex
from trial.protocol.timetable import LONDON
from trial.protocol.wording import Variant

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from random import Random

FIRST_DAY: Final = date(2027, 1, 4)
LAST_DAY: Final = date(2028, 1, 2)

_LENGTHS: Final = {28: 50, 14: 28, 21: 14, 24: 4, 18: 4}
_AGES: Final = {
    AgeBand.UNDER_18: 4,
    AgeBand.FROM_18: 190,
    AgeBand.FROM_25: 340,
    AgeBand.FROM_35: 250,
    AgeBand.FROM_45: 140,
    AgeBand.FROM_55: 76,
}
_SEXES: Final = {Sex.MALE: 870, Sex.FEMALE: 124, Sex.NOT_KNOWN: 6}
_ETHNICITIES: Final = {
    Ethnicity.W1: 700,
    Ethnicity.W9: 70,
    Ethnicity.W2: 8,
    Ethnicity.M1: 12,
    Ethnicity.M9: 10,
    Ethnicity.A1: 14,
    Ethnicity.A2: 34,
    Ethnicity.A3: 10,
    Ethnicity.A9: 10,
    Ethnicity.B1: 20,
    Ethnicity.B2: 22,
    Ethnicity.O9: 18,
    Ethnicity.NS: 72,
}
_CONDITIONS: Final = {Variant.NCNE: 62, Variant.NC: 18, Variant.NE: 12, Variant.MOL: 8}
_MISSING: Final = {
    MissingReason.SEIZED_EVIDENCE: 38,
    MissingReason.NOT_RECORDED: 17,
    MissingReason.REFUSED: 12,
    MissingReason.ASKED_UNKNOWN: 7,
    MissingReason.NOT_ASKED: 7,
    MissingReason.LOST_STOLEN_BROKEN: 5,
    MissingReason.NO_PHONE: 4,
    MissingReason.IN_CUSTODY_NO_ACCESS: 4,
    MissingReason.UNREACHABLE: 3,
    MissingReason.LANDLINE_ONLY: 1,
    MissingReason.WITHHELD_FOR_SAFETY: 1,
    MissingReason.SHARED_WITH_PROTECTED_PERSON: 1,
}
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
SUPERINTENDENTS: Final = 9
_WITHOUT_NUMBER: Final = (0.24, 0.52)
"""The share for the most and for the least diligent superintendent."""
_FOUND_LATER: Final = 0.42
_UNSAFE, _SHARED, _SERVED, _SECOND, _NO_EVICTION = 0.012, 0.03, 0.975, 0.09, 0.3


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """One order as it came in, before anybody is allocated. Times are UTC."""

    ident: UUID
    person: int
    superintendent: int
    age: AgeBand
    sex: Sex
    ethnicity: Ethnicity
    conditions: Variant
    no_eviction: bool
    made_on: date
    days: int
    served_on: date | None
    enrolled_at: datetime
    missing: MissingReason | None
    found_at: datetime | None
    found_how: ResolvedHow | None
    unsafe: bool
    shared: bool
    end: EndReason | None
    end_at: datetime | None

    @property
    def over_at(self) -> datetime:
        """The end of its last day."""
        last = self.made_on + timedelta(days=self.days)
        return datetime.combine(last, time(0), LONDON).astimezone(UTC)


def orders(people: int, draw: Random) -> Iterator[Order]:
    """The orders of so many people, of whom some have a second one later on."""
    span = (LAST_DAY - FIRST_DAY).days
    for number in range(people):
        made_on = FIRST_DAY + timedelta(days=draw.randint(0, span))
        age, sex, ethnicity = (one_of(each, draw) for each in (_AGES, _SEXES, _ETHNICITIES))
        first = _order(number, made_on, draw, age=age, sex=sex, ethnicity=ethnicity)
        yield first
        later = made_on + timedelta(days=draw.randint(10, 150))
        if draw.random() < _SECOND and later <= LAST_DAY:
            yield _order(number, later, draw, age=age, sex=sex, ethnicity=ethnicity)


def _order(
    person: int, made_on: date, draw: Random, *, age: AgeBand, sex: Sex, ethnicity: Ethnicity
) -> Order:
    served = draw.random() < _SERVED
    served_on = made_on + timedelta(days=draw.choices((0, 1, 2), (70, 24, 6))[0])
    enrolled_at = _office_hours(served_on + timedelta(days=draw.choices((0, 1), (75, 25))[0]), draw)
    superintendent = draw.randrange(SUPERINTENDENTS)
    least, most = _WITHOUT_NUMBER
    without = least + (most - least) * superintendent / (SUPERINTENDENTS - 1)
    missing = one_of(_MISSING, draw) if draw.random() < without else None
    found = missing is not None and draw.random() < _FOUND_LATER
    found_on = enrolled_at.date() + timedelta(days=1 + int(draw.expovariate(1 / 4)))
    end = one_of(_ENDS, draw)
    end_at = enrolled_at + timedelta(hours=draw.uniform(2, 24 * 13))
    return Order(
        ident=UUID(int=draw.getrandbits(128), version=4),
        person=person,
        superintendent=superintendent,
        age=age,
        sex=sex,
        ethnicity=ethnicity,
        conditions=one_of(_CONDITIONS, draw),
        no_eviction=draw.random() < _NO_EVICTION,
        made_on=made_on,
        days=one_of(_LENGTHS, draw),
        served_on=served_on if served else None,
        enrolled_at=enrolled_at,
        missing=missing,
        found_at=_office_hours(found_on, draw) if found else None,
        found_how=one_of(_FOUND, draw) if found else None,
        unsafe=draw.random() < _UNSAFE,
        shared=draw.random() < _SHARED,
        end=end,
        end_at=end_at if end else None,
    )


def _office_hours(day: date, draw: Random) -> datetime:
    wait = timedelta(hours=8.5 + draw.uniform(0, 9.5))
    at = datetime.combine(day, time(0), LONDON).astimezone(UTC) + wait
    return at.replace(microsecond=0)


def pseudonym(*parts: object) -> str:
    """Sixteen hexadecimal digits, the same for the same parts."""
    return sha256(repr(parts).encode()).hexdigest()[:16]


def one_of(weights: Mapping[Any, int], draw: Random) -> Any:  # noqa: ANN401  any kind of code
    """A key, as likely as its weight."""
    return draw.choices(list(weights), list(weights.values()))[0]
