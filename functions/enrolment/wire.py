"""What the API takes: the contract's JSON, apart from what the table holds."""

import re
from datetime import date, datetime
from typing import Annotated, Literal, Self
from uuid import UUID, uuid5

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BeforeValidator,
    Field,
    StrictBool,
    StringConstraints,
    model_validator,
)

from trial.codes import (
    Condition,
    EndReason,
    Ethnicity,
    Harm,
    HoldReason,
    Instrument,
    MissingReason,
    Model,
    OutcomeType,
    RiskGrade,
    Sex,
)
from trial.phone import phone_number, uk_mobile

_ORDERS = UUID("5d5a2a5e-53a4-5a53-8f54-3a8a0e8b8c11")  # the namespace of enrolment ids
MIN_DAYS, MAX_DAYS = 14, 28
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


class OrderIn(Model):
    """One DVPO as the court made it."""

    reference: Ident
    force: Force
    court: Line
    made_on: Day
    expires_on: Day
    served_on: Day | None = None
    conditions: Annotated[tuple[Condition, ...], Field(min_length=1, max_length=len(Condition))]
    authorising_superintendent: Code

    @model_validator(mode="after")
    def _holds_together(self) -> Self:
        days = (self.expires_on - self.made_on).days + 1
        if days < 1:
            raise FieldError("expires_on", "is before made_on")
        if not MIN_DAYS <= days <= MAX_DAYS:
            message = f"makes the order {days} days long; it must be {MIN_DAYS} to {MAX_DAYS}"
            raise FieldError("expires_on", message)
        if self.served_on and self.served_on < self.made_on:
            raise FieldError("served_on", "is before made_on")
        if Condition.NO_MOLESTATION not in self.conditions:
            raise FieldError("conditions", "must hold no_molestation, as every order does")
        if len(set(self.conditions)) != len(self.conditions):
            raise FieldError("conditions", "holds a condition twice")
        return self


class RespondentIn(Model):
    """The person subject to the order."""

    person_id: Ident
    date_of_birth: Day
    sex: Sex
    ethnicity: Ethnicity | None = None
    prior_incidents: Annotated[int, Field(strict=True, ge=0, le=999)] | None = Field(
        default=None, description="Domestic abuse incidents in the 12 months before the order"
    )
    risk_grade: RiskGrade | None = None
    first_order: StrictBool | None = None


class MobileIn(Model):
    """Either a number, or why there is none."""

    number: UkMobile | None = None
    missing_reason: MissingReason | None = None
    recorded_by: Code | None = None
    follow_up_on: Day | None = None

    @model_validator(mode="after")
    def _one_or_the_other(self) -> Self:
        if self.number is None and self.missing_reason is None:
            raise FieldError("number", "is missing, and so is missing_reason")
        if self.number is not None and self.missing_reason is not None:
            raise FieldError("missing_reason", "does not go with a number")
        return self


class EnrolmentIn(Model):
    """An order to take into the system."""

    event_id: Ident
    order: OrderIn
    respondent: RespondentIn
    mobile: MobileIn
    protected_numbers: Annotated[tuple[AnyNumber, ...], Field(max_length=20)] = ()


class FieldError(ValueError):
    """A rule over several fields that one field is said to break."""

    def __init__(self, field: str, message: str) -> None:
        self.field = field
        super().__init__(message)


class MobileChange(MobileIn):
    """A number found, changed or lost, and perhaps how it was found."""

    resolved_how: Code | None = None


class Service(Model):
    """When the order was served."""

    served_on: Day


class EndIn(Model):
    """Why no further text may go."""

    reason: EndReason
    at: Moment
    by: Code


class ResumeIn(Model):
    """That somebody is out of custody again."""

    reason: Literal[EndReason.IN_CUSTODY] = EndReason.IN_CUSTODY
    at: Moment
    by: Code


class HoldIn(Model):
    """Why nothing held about an enrolment may be erased for now."""

    reason: HoldReason
    by: Code


class ReleaseIn(Model):
    """That nobody needs it any more."""

    by: Code


class OutcomeIn(Model):
    """An arrest, a breach, an incident or an offence; or a harm, which has a kind instead."""

    outcome_id: Ident
    type: OutcomeType
    instrument: Instrument | None = None
    kind: Harm | None = None
    occurred_at: Moment
    same_protected_person: StrictBool | None = Field(
        default=None, description="Whether the order protects the person whom it was done to"
    )
    reference: Code | None = None

    @model_validator(mode="after")
    def _holds_together(self) -> Self:
        harm = self.type is OutcomeType.HARM
        if harm == (self.kind is None):
            raise FieldError("kind", "is missing" if harm else "is for a harm only")
        if not harm and self.instrument is None:
            raise FieldError("instrument", "is missing")
        return self


class SwitchIn(Model):
    """To pause the whole trial's sending, or to resume it."""

    paused: StrictBool
    reason: Line
    by: Code


class SuppressionIn(Model):
    """A number never to be texted again, whoever it belongs to."""

    number: UkMobile
    reason: Code
    by: Code


def enrolment_id(force: str, reference: str) -> UUID:
    """The same order always has the same id."""
    return uuid5(_ORDERS, f"{force}/{reference}")
