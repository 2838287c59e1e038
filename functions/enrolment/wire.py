"""The requests of upstream's routes: the contract's JSON, separate from the table's records."""

from typing import Annotated, Literal, Self
from uuid import UUID

from pydantic import AfterValidator, BeforeValidator, Field, StrictBool, model_validator

from trial.api.fields import (
    AnyNumber,
    Birth,
    Day,
    Force,
    Ident,
    Line,
    Mobile,
    Moment,
    Name,
    OrderType,
    PersonId,
    Reference,
)
from trial.api.problems import FieldError
from trial.codes import (
    Condition,
    EndReason,
    Ethnicity,
    Harm,
    HoldReason,
    Instrument,
    Language,
    MissingReason,
    Model,
    NumberSource,
    OutcomeType,
    RiskGrade,
    Sex,
)
from trial.phone import is_for_drama
from trial.protocol.term import Term

FOR_REHEARSALS = "a rehearsal takes only a number that nobody has: 07700 900000 to 900999"


def _if_null(default: object) -> BeforeValidator:
    """Null means the same as an absent field: some systems write every field."""
    return BeforeValidator(lambda given: default if given is None else given)


def _each_once(conditions: tuple[Condition, ...]) -> tuple[Condition, ...]:
    return tuple(dict.fromkeys(conditions))


def _numbers_once(numbers: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(sorted(set(numbers)))


class OrderIn(Model):
    """One order as the court made it. The protocol names the types."""

    type: Annotated[OrderType, _if_null("dvpo")] = "dvpo"
    reference: Reference
    force: Force
    court: Line
    made_on: Day
    expires_on: Day | None = Field(
        default=None, description="The last day; absent where the type has no fixed end"
    )
    served_on: Day | None = None
    conditions: Annotated[
        tuple[Condition, ...],
        Field(
            min_length=1,
            max_length=4 * len(Condition),
            description="In any order; one given twice counts once",
        ),
        AfterValidator(_each_once),
    ]
    authorising_superintendent: Name

    @model_validator(mode="after")
    def _holds_together(self) -> Self:
        if self.expires_on and self.expires_on < self.made_on:
            raise FieldError("expires_on", "is before made_on")
        return self

    @property
    def term(self) -> Term:
        """What its timetable depends on."""
        return Term(self.type, self.made_on, self.expires_on)


class RespondentIn(Model):
    """The person subject to the order."""

    person_id: PersonId
    date_of_birth: Birth
    sex: Sex
    ethnicity: Ethnicity | None = None
    language: Annotated[Language, _if_null(Language.EN)] = Field(
        default=Language.EN, description="The language of texts: one of those that the protocol has"
    )
    prior_incidents: Annotated[int, Field(strict=True, ge=0, le=999)] | None = Field(
        default=None, description="Domestic abuse incidents in the 12 months before the order"
    )
    risk_grade: RiskGrade | None = None
    first_order: StrictBool | None = None


class MobileIn(Model):
    """Either a number, or why there is none."""

    number: Mobile | None = None
    source: NumberSource | None = Field(default=None, description="Where the number came from")
    missing_reason: MissingReason | None = None
    recorded_by: Name | None = None
    follow_up_on: Day | None = None
    follow_up_by: Name | None = Field(default=None, description="Who is to ask again")

    @model_validator(mode="after")
    def _one_or_the_other(self) -> Self:
        if self.number is None and self.missing_reason is None:
            raise FieldError("number", "is missing, and so is missing_reason")
        if self.number is not None and self.missing_reason is not None:
            raise FieldError("missing_reason", "does not go with a number")
        if self.source and self.number is None:
            raise FieldError("source", "goes with a number only")
        if self.follow_up_by and self.missing_reason is None:
            raise FieldError("follow_up_by", "goes with missing_reason only")
        return self


class EnrolmentIn(Model):
    """An order to take into the system."""

    event_id: Ident
    order: OrderIn
    respondent: RespondentIn
    mobile: MobileIn
    protected_numbers: Annotated[
        tuple[AnyNumber, ...],
        Field(max_length=20, description="In any order; one given twice counts once"),
        _if_null(()),
        AfterValidator(_numbers_once),
    ] = ()
    rehearsal: Annotated[
        StrictBool,
        Field(
            description="Whether this order is about nobody, to try a deployment; no report counts "
            "it. Its reference and person_id begin with REHEARSAL-, and its number is "
            "reserved for drama (07700 900000 to 900999)"
        ),
    ] = False

    @model_validator(mode="after")
    def _rehearses_with_nobody(self) -> Self:
        if not self.rehearsal:
            return self
        if not (self.mobile.number and is_for_drama(self.mobile.number)):
            raise FieldError("mobile.number", FOR_REHEARSALS)
        if self.protected_numbers:
            raise FieldError("protected_numbers", "do not go with a rehearsal: it is about nobody")
        # So that a rehearsal is never taken for a real order or a real person.
        for field, name in (
            ("order.reference", self.order.reference),
            ("respondent.person_id", self.respondent.person_id),
        ):
            if not name.upper().startswith("REHEARSAL-"):
                raise FieldError(field, "does not begin with REHEARSAL-, as a rehearsal's must")
        return self


class MobileChange(MobileIn):
    """A number found, changed or lost; how it was found, if known."""

    resolved_how: Name | None = None
    recorded_at: Moment | None = Field(
        default=None,
        description="When this was recorded, if not now. What was recorded before the number that "
        "is stored is refused with 409. Of two numbers recorded at the same moment neither is "
        "texted until a later report says which is right",
    )


class Service(Model):
    """When the order was served."""

    served_on: Day


class VariationIn(Model):
    """The whole order as a court has varied it."""

    order: OrderIn
    varied_on: Day
    by: Name


class EndIn(Model):
    """Why no further text may go."""

    reason: EndReason
    at: Moment
    by: Name


class ResumeIn(Model):
    """A return from custody."""

    reason: Literal[EndReason.IN_CUSTODY] = EndReason.IN_CUSTODY
    at: Moment
    by: Name


class AdmitIn(Model):
    """A person's confirmation that an order beyond the day's limit is real."""

    by: Name


class HoldIn(Model):
    """Why nothing held about an enrolment may be erased for now."""

    reason: HoldReason
    by: Name


class ReleaseIn(Model):
    """The end of one hold: whoever asked for it no longer needs the data."""

    reason: HoldReason | None = Field(
        default=None, description="Of which hold; needed if there are several"
    )
    held_by: Name | None = Field(
        default=None, description="Who asked for it; needed if several did for the same reason"
    )
    by: Name


class AdmitAsked(AdmitIn):
    """An admission from the dashboard: of which order, and by which invocation of the panels."""

    enrolment_id: UUID
    invocation: Ident


class OutcomeIn(Model):
    """An outcome of one of the types, with its instrument; a harm has a kind instead."""

    outcome_id: Ident
    type: OutcomeType
    instrument: Instrument | None = None
    kind: Harm | None = None
    occurred_at: Moment
    same_protected_person: StrictBool | None = Field(
        default=None, description="Whether the victim is the person whom the order protects"
    )
    reference: Name | None = None

    @model_validator(mode="after")
    def _holds_together(self) -> Self:
        harm = self.type is OutcomeType.HARM
        if harm == (self.kind is None):
            raise FieldError("kind", "is missing" if harm else "is for a harm only")
        if not harm and self.instrument is None:
            raise FieldError("instrument", "is missing")
        return self
