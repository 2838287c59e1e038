"""The kinds of field that requests have: each refuses what is not written as the contract says."""

import re
from datetime import date, datetime
from typing import Annotated

from pydantic import AfterValidator, AwareDatetime, BeforeValidator, Field, StringConstraints

from trial.phone import phone_number, uk_mobile

_YEARS = range(2010, 2200)  # from the Act that made such orders; wide, but not for all of time

# Ids and codes of other systems: letters, digits and a few marks, so that no text hides in them.
Ident = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9/_.\-]{0,63}$")]
# Without a slash: what follows one is the order's reference, in what an enrolment's id is made of.
Force = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.\-]{0,63}$")]
Code = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9 /_.\-]{0,63}$")]
Line = Annotated[str, StringConstraints(pattern=r"^[^\x00-\x1f\x7f]{1,120}$")]
UkMobile = Annotated[
    str,
    AfterValidator(uk_mobile),
    Field(description="A UK mobile in E.164 form", examples=["+447700900123"]),
]


def _as_written(value: object) -> object:
    """Refuse what pydantic takes for a date besides: seconds since 1970, and times."""
    if isinstance(value, str) and re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", value):
        return value
    raise ValueError("is not a date written YYYY-MM-DD")


Day = Annotated[date, BeforeValidator(_as_written)]
# A landline can be protected too, and a foreign number: it blocks, it is never texted.
AnyNumber = Annotated[
    str,
    AfterValidator(phone_number),
    Field(description="Any number in E.164 form", examples=["+447700900456"]),
]


def _of_these_years(at: datetime) -> datetime:
    if at.year not in _YEARS:
        raise ValueError(f"is not in the years {_YEARS[0]} to {_YEARS[-1]}")
    return at


Moment = Annotated[AwareDatetime, AfterValidator(_of_these_years)]
