"""The columns about an order and its person, in both forms and in the unblinded form only."""

from typing import Annotated, ClassVar

from pydantic import Field

from extract.codes import Group, Label, ResolvedHow, Variant
from extract.columns.base import Count, Number, OrderRow, PersonName, Place, Sha256
from trial.codes import (
    AgeBand,
    Arm,
    EndReason,
    Ethnicity,
    Language,
    MissingReason,
    PriorIncidents,
    Reason,
    RiskGrade,
    Sex,
    Status,
)


class EnrolmentColumns(OrderRow):
    """One order taken into the system, whether or not it was randomised: in both forms."""

    resource: ClassVar[str] = "enrolments"
    title: ClassVar[str] = "Every order taken into the system, randomised or not"

    trial: str = Field(description="The trial that took it in.")
    force: str = Field(description="The police force whose order it is.")
    person: PersonName = Field(description="The person subject to the order: a keyed hash.")
    superintendent: Annotated[str, Field(pattern="^S-[0-9a-f]{6}$")] = Field(
        description="The superintendent who authorised it: a keyed hash."
    )
    month: Annotated[str, Field(pattern="^[0-9]{4}-[0-9]{2}$")] = Field(
        description="The month of enrolment, local time."
    )
    order_type: str = Field(description="The type of order, as the protocol names it.")
    language: Language = Field(description="The language of the respondent's texts.")
    days: Place | None = Field(
        description="Length of the order in days, first and last counted; empty without an end."
    )
    stratum: str = Field(
        description="The protocol's stratum of the allocation or, without one, of the order."
    )
    protocol: str | None = Field(
        description="Version of the protocol under which it was allocated; empty if it was not."
    )
    protocol_sha256: Sha256 | None = Field(
        description="SHA-256 of that protocol's file, as stamped on the allocation."
    )
    conditions: Variant = Field(
        description="What the order says, as far as the wording of texts depends on it: MOL no"
        " molestation only, NC also no contact, NE also to stay away, NCNE both."
    )
    no_eviction: bool = Field(description="Whether it forbids to evict the person it protects.")
    age_band: AgeBand = Field(description="Age at enrolment, in whole years.")
    sex: Sex = Field(description="Sex as the force recorded it.")
    ethnicity: Ethnicity | Group | None = Field(
        description="Self-defined ethnicity, 18+1; only its group where the code is rare for the"
        " age band and sex; empty where even the group is."
    )
    ethnicity_group: Group | None = Field(
        default=None, description="The group of that ethnicity; empty where it is rare."
    )
    prior_incidents: PriorIncidents | None = Field(
        description="Domestic abuse incidents in the 12 months before the order; empty if upstream"
        " did not say."
    )
    risk_grade: RiskGrade | None = Field(
        description="Grade of the force's risk assessment; empty if upstream did not say."
    )
    first_order: bool | None = Field(
        description="Whether it is the person's first such order; empty if upstream did not say."
    )
    days_to_service: int | None = Field(
        description="Days from the making of the order until it was served; empty if it was not."
    )
    days_to_enrolment: int = Field(description="Days from the making of the order to enrolment.")
    status: Status = Field(description="Where it stands now.")
    reasons: tuple[Reason, ...] = Field(description="Why it is not randomised, as it stands now.")
    first_status: Status = Field(description="Status as decided at enrolment.")
    first_reasons: tuple[Reason, ...] = Field(description="Reasons as decided at enrolment.")
    number_at_enrolment: bool = Field(description="Whether it was enrolled with a mobile number.")
    missing_reason: MissingReason | None = Field(
        description="Why there was no number at enrolment; empty if there was one."
    )
    number_found: bool | None = Field(
        description="Whether one was found; empty if there was one at enrolment."
    )
    days_to_number: Number | None = Field(
        description="Days from enrolment until a number was found; empty if none was missing."
    )
    resolved_how: ResolvedHow | None = Field(
        description="How it was found; empty if none was missing or nobody said."
    )
    shared_number: bool = Field(description="Whether another live respondent has the number.")
    unsafe_number: bool = Field(description="Whether a live order protects the number.")
    days_to_end: Number | None = Field(
        description="Days from enrolment to its end before time; empty if it did not end so."
    )
    recorded_in_error: bool = Field(description="Whether it was marked as recorded in error.")
    allocated: bool = Field(description="Whether it has been allocated to an arm.")
    repeat: bool | None = Field(
        description="Whether it kept the arm of the same person's earlier order, using no slot;"
        " empty if not allocated."
    )
    days_to_allocation: Number | None = Field(
        description="Days from enrolment to allocation; empty if not allocated."
    )
    days_from_randomisation: Number | None = Field(
        default=None,
        description="Days from the person's randomisation to this allocation: 0 unless it is a"
        " repeat; empty if not allocated.",
    )
    days_at_risk: Annotated[Number, Field(ge=0)] | None = Field(
        description="Days from allocation to the end of the order's last day or, if it has none, to"
        " its discharge or the extract; empty if not allocated."
    )
    days_followed: Annotated[Number, Field(ge=0)] | None = Field(
        description="Days from allocation to the extract; empty if not allocated."
    )


class BlindedEnrolment(EnrolmentColumns):
    """An enrolment in the blinded form."""

    arm: Label | None = Field(
        description="The arm under a label that does not reveal it, the same in every extract of a"
        " trial; empty if not allocated."
    )
    end_reason: EndReason | None = Field(
        description="Why it ended before time; empty if it did not. Once allocated, an order that"
        " ended for a wrong number, for safety or after an objection is shown as not ended: only"
        " texts cause such ends."
    )


class EnrolmentRow(EnrolmentColumns):
    """An enrolment in the unblinded form. The writer fills in the group of the ethnicity."""

    arm: Arm | None = Field(description="The arm that it was allocated to; empty if not allocated.")
    end_reason: EndReason | None = Field(
        description="Why it ended before time; empty if it did not."
    )
    block: Count | None = Field(
        description="Its block in the stratum's sequence, from 0; empty for repeats and if not"
        " allocated."
    )
    position: Count | None = Field(description="Its position in that block, from 0.")
    planned: Count = Field(description="Reminders in its timetable, missed ones too.")
    sent: Count = Field(
        description="Reminders that the provider accepted: those of the next three columns, and"
        " those still without a receipt."
    )
    delivered: Count = Field(description="Reminders delivered, as the carrier reported.")
    undelivered: Count = Field(description="Reminders not delivered, as the carrier reported.")
    unconfirmed: Count = Field(description="Reminders without a receipt after 72 hours.")
    suppressed: Count = Field(description="Reminders not sent, on purpose.")
    failed: Count = Field(description="Reminders that the provider refused.")
    unknown: Count = Field(description="Reminders that may or may not have been sent.")
    parts: Count = Field(description="Message parts, as far as receipts state them.")
    price_pence: Annotated[Number, Field(ge=0)] = Field(
        description="Price of its texts in pence, as far as receipts state it."
    )
    hours_to_first_text: Number | None = Field(
        description="Hours from allocation to the first text; empty if none was sent."
    )
