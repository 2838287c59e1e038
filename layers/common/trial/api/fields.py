"""
The kinds of field in requests: each is put in canonical form, or refused.

A field's schema states its form as far as a pattern can; the description adds the rest.
"""

import re
from datetime import UTC, date, datetime
from typing import Annotated, Any

from pydantic import AfterValidator, AwareDatetime, BeforeValidator, Field

from trial import identity
from trial.phone import mobile_number, phone_number

# Orders have been made in all of England and Wales since March 2014: Crime and Security Act 2010.
_FIRST_ORDERS = date(2014, 1, 1)
_FIRST_BIRTHS = date(1900, 1, 1)
_LAST_DAY = date(2199, 12, 31)  # so that no sum of dates passes Python's last date

_DATE = r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
_TIME = _DATE + r"T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,9})?(Z|[+-][0-9]{2}:[0-9]{2})"


def _written_as(pattern: str, longest: int) -> dict[str, Any]:
    return {"pattern": f"^{pattern}$", "minLength": 1, "maxLength": longest}


_ID = _written_as(r"[A-Za-z0-9]([A-Za-z0-9/_.\-]*[A-Za-z0-9])?", identity.LONGEST_ID)
_E164 = _written_as(r"\+[1-9][0-9]{6,14}", 16)

Ident = Annotated[
    str,
    AfterValidator(identity.ident),
    Field(
        description="An id of another system: letters, digits and / _ . -. Two that differ in "
        "capitals alone are the same",
        json_schema_extra=_ID,
    ),
]
Reference = Annotated[
    str,
    AfterValidator(identity.reference),
    Field(
        description="An order's reference, kept in capitals",
        examples=["DVPO-2026-000123"],
        json_schema_extra=_ID,
    ),
]
PersonId = Annotated[
    str,
    AfterValidator(identity.person_id),
    Field(
        description="A PNC id, YYYY/NNNNNNNC, whose check letter must fit; or an id of another "
        "system. A PNC id in another spelling (03/11985X) is the same person",
        examples=["2003/0011985X"],
        json_schema_extra=_ID,
    ),
]
Force = Annotated[
    str,
    AfterValidator(identity.force),
    Field(
        description="A police force, as a lower-case slug",
        examples=["durham"],
        json_schema_extra=_written_as("[a-z0-9]+(-[a-z0-9]+)*", identity.LONGEST_ID),
    ),
]
OrderType = Annotated[
    str,
    AfterValidator(identity.order_type),
    Field(
        description="One of the types of order that the trial's protocol has",
        examples=["dvpo"],
        json_schema_extra=_written_as("[a-z][a-z0-9_]*", identity.LONGEST_ID),
    ),
]
Name = Annotated[
    str,
    AfterValidator(identity.name),
    Field(
        description="A name or a code: letters of any alphabet, digits, spaces and "
        "' \u2019 . , - ( ) / & _; kept in Unicode's NFC",
        examples=["Supt Si\u00e2n D'Arcy"],
        json_schema_extra=_written_as(".*", identity.LONGEST_NAME),
    ),
]
Line = Annotated[
    str,
    AfterValidator(identity.line),
    Field(
        description="A line of text without control or format characters; kept in Unicode's NFC",
        json_schema_extra=_written_as(".*", identity.LONGEST_LINE),
    ),
]
Mobile = Annotated[
    str,
    AfterValidator(mobile_number),
    Field(
        description="A mobile in E.164 form, as its country's numbering plan writes it: no 0 after "
        "+44. Only those of the trial's country are texted: in the UK not of Jersey, Guernsey or "
        "the Isle of Man",
        examples=["+447700900123"],
        json_schema_extra=_E164,
    ),
]
# Landlines and foreign numbers can be protected too: they are blocked, never texted.
AnyNumber = Annotated[
    str,
    AfterValidator(phone_number),
    Field(
        description="Any number that somebody can have, in E.164 form, as its country's numbering "
        "plan writes it: no 0 after +44",
        examples=["+447700900456"],
        json_schema_extra=_E164,
    ),
]


def _as_written(value: object) -> object:
    """Refuse what else pydantic accepts as a date: seconds since 1970, and times."""
    if isinstance(value, str) and re.fullmatch(_DATE, value):
        return value
    raise ValueError("is not a date written YYYY-MM-DD")


def _since(first: date) -> AfterValidator:
    def checked(day: date) -> date:
        if not first <= day <= _LAST_DAY:
            raise ValueError(f"is not a date from {first} on: check the year")
        return day

    return AfterValidator(checked)


Day = Annotated[date, _since(_FIRST_ORDERS), BeforeValidator(_as_written)]
Birth = Annotated[date, _since(_FIRST_BIRTHS), BeforeValidator(_as_written)]


def _with_offset(value: object) -> object:
    """Refuse what else pydantic accepts as a time: seconds since 1970, dates, a space for T."""
    if isinstance(value, str) and re.fullmatch(_TIME, value):
        return value
    raise ValueError("is not a time written YYYY-MM-DDThh:mm:ssZ, or with an offset for Z")


def _in_utc(at: datetime) -> datetime:
    if not _FIRST_ORDERS < at.date() < _LAST_DAY:
        raise ValueError(f"is not a time since {_FIRST_ORDERS}: check the year")
    return at.astimezone(UTC)


Moment = Annotated[AwareDatetime, AfterValidator(_in_utc), BeforeValidator(_with_offset)]
