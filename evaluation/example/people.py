"""
Made-up orders and people, as upstream would post them.

The rates are of the size that forces report, but are not findings. Numbers come from 07700 900000
to 900999, which nobody has.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from trial.codes import Condition, Ethnicity, MissingReason, RiskGrade, Sex
from trial.identity import pnc_id

if TYPE_CHECKING:
    from collections.abc import Mapping
    from random import Random

LENGTHS: Final = {28: 50, 14: 28, 21: 14, 24: 4, 18: 4}
LONG_LENGTHS: Final = {365: 30, 180: 20, 90: 15, 30: 15, 730: 10, None: 10}
"""The share without a last day, of orders that may have none."""

AGES: Final = {
    (16, 17): 4, (18, 24): 190, (25, 34): 340, (35, 44): 250, (45, 54): 140, (55, 79): 76,
}  # fmt: skip
SEXES: Final = {Sex.MALE: 870, Sex.FEMALE: 124, Sex.NOT_KNOWN: 6}
SUPERINTENDENTS: Final = tuple(f"S-{number:04}" for number in (417, 562, 638, 701, 745, 791, 822))
_ETHNICITIES: Final = {
    Ethnicity.W1: 700, Ethnicity.W9: 70, Ethnicity.W2: 8, Ethnicity.M1: 12, Ethnicity.M9: 10,
    Ethnicity.A1: 14, Ethnicity.A2: 34, Ethnicity.A3: 10, Ethnicity.A9: 10, Ethnicity.B1: 20,
    Ethnicity.B2: 22, Ethnicity.O9: 18, Ethnicity.NS: 72,
}  # fmt: skip
_CONDITIONS: Final = {
    (Condition.NO_CONTACT, Condition.NO_ENTRY, Condition.LEAVE_PREMISES): 40,
    (Condition.NO_CONTACT, Condition.NO_EVICTION, Condition.KEEP_DISTANCE): 22,
    (Condition.NO_CONTACT,): 18,
    (Condition.NO_ENTRY, Condition.LEAVE_PREMISES, Condition.NO_EVICTION): 12,
    (): 8,
}
_INCIDENTS: Final = {0: 30, 1: 18, 2: 14, 3: 10, 4: 6, 6: 6, 9: 4, None: 12}
_RISKS: Final = {RiskGrade.STANDARD: 25, RiskGrade.MEDIUM: 45, RiskGrade.HIGH: 22, None: 8}
_FIRST_ORDER: Final = {True: 78, False: 16, None: 6}
MISSING: Final = {
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


def one_of(weights: Mapping[Any, int], draw: Random) -> Any:  # noqa: ANN401  any kind of code
    """A key, drawn in proportion to its weight."""
    return draw.choices(list(weights), list(weights.values()))[0]


def respondent(serial: int, on: date, draw: Random, *, ages: tuple[int, int]) -> dict[str, Any]:
    """Somebody of that age on that day: each serial is another person."""
    youngest, oldest = ages
    born = on - timedelta(days=draw.randint(youngest * 366, oldest * 365))
    fields = {
        "prior_incidents": one_of(_INCIDENTS, draw),
        "risk_grade": one_of(_RISKS, draw),
        "first_order": one_of(_FIRST_ORDER, draw),
    }
    return {
        "person_id": pnc_id(draw.randrange(1995, 2026), 1_000_000 + serial),
        "date_of_birth": born.isoformat(),
        "sex": one_of(SEXES, draw),
        "ethnicity": one_of(_ETHNICITIES, draw),
    } | {name: value for name, value in fields.items() if value is not None}


def order(
    number: int, made_on: date, draw: Random, *, days: int | None, force: str, type_: str = "dvpo"
) -> dict[str, Any]:
    """An order of that many days, not yet served: each number is another order."""
    last_day = made_on + timedelta(days=days - 1) if days else None
    return {
        "type": type_,
        "reference": f"{type_.upper()}-{made_on.year}-{number:06}",
        "force": force,
        "court": draw.choice(("Peterlee Magistrates' Court", "Newton Aycliffe Magistrates' Court")),
        "made_on": made_on.isoformat(),
        "expires_on": last_day and last_day.isoformat(),
        "conditions": [Condition.NO_MOLESTATION, *one_of(_CONDITIONS, draw)],
        "authorising_superintendent": draw.choice(SUPERINTENDENTS),
    }


def missing(reason: MissingReason, made_on: date, draw: Random) -> dict[str, str]:
    """Why there is no number, and when somebody is to follow that up."""
    return {
        "missing_reason": reason,
        "recorded_by": f"PC-{draw.randrange(1000, 2000)}",
        "follow_up_on": (made_on + timedelta(days=3)).isoformat(),
    }


def event_id(draw: Random) -> str:
    """An id that upstream might give its request."""
    return str(UUID(int=draw.getrandbits(128), version=4))
