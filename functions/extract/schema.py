"""
What the extract holds: a model per resource, whose fields are its columns and their dictionary.

Rows are made with true values. What a form shows of them is decided in `package`.
"""

from typing import Annotated, ClassVar, Final

from pydantic import AfterValidator, Field

from extract.codes import BlindedEnd, Group, Label, ReminderReason, ResolvedHow
from trial.codes import (
    AgeBand,
    Arm,
    EndReason,
    Ethnicity,
    Instrument,
    MissingReason,
    Model,
    OutcomeType,
    Reason,
    ReminderState,
    Sex,
    Status,
)
from trial.protocol.wording import Variant

Number = Annotated[float, AfterValidator(lambda value: round(value, 3) + 0.0)]  # -0.0 is 0
Count = Annotated[int, Field(ge=0)]
Place = Annotated[int, Field(ge=1)]
Pseudonym = Annotated[str, Field(pattern="^[0-9a-f]{16}$")]


class Row(Model):
    """A row of one resource, known by its key. A field that may be none may be empty."""

    resource: ClassVar[str]
    title: ClassVar[str]
    key: ClassVar[tuple[str, ...]] = ("enrolment",)

    enrolment: Pseudonym = Field(description="The order taken into the trial: a keyed hash.")


class EnrolmentColumns(Row):
    """One order taken into the system, whether or not it was randomised: in both forms."""

    resource: ClassVar[str] = "enrolments"
    title: ClassVar[str] = "Every order taken into the system, randomised or not"

    person: Pseudonym = Field(description="The person subject to the order: a keyed hash.")
    superintendent: Annotated[str, Field(pattern="^S-[0-9a-f]{6}$")] = Field(
        description="The superintendent who authorised it: a keyed hash."
    )
    month: Annotated[str, Field(pattern="^[0-9]{4}-[0-9]{2}$")] = Field(
        description="The month of enrolment, in London."
    )
    days: Place = Field(description="Length of the order in days, first and last counted.")
    stratum: str = Field(description="The protocol's stratum of the allocation, or of the length.")
    protocol: str | None = Field(
        description="Version of the protocol under which it was allocated; empty if it was not."
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
    days_at_risk: Annotated[Number, Field(ge=0)] | None = Field(
        description="Days from allocation to the end of the order's last day; empty if not"
        " allocated."
    )
    days_followed: Annotated[Number, Field(ge=0)] | None = Field(
        description="Days from allocation to the extract; empty if not allocated."
    )


class BlindedEnrolment(EnrolmentColumns):
    """As the blinded form has it."""

    arm: Label | None = Field(
        description="The arm under a label that tells nothing, the same in every extract of a"
        " trial; empty if not allocated."
    )
    end_reason: BlindedEnd | None = Field(
        description="Why it ended before time; `stopped` for a wrong number, for safety or after"
        " an objection, which as a rule come of texts. Empty if it did not end so."
    )


class EnrolmentRow(EnrolmentColumns):
    """As the unblinded form has it. The writer fills in the group of the ethnicity."""

    arm: Arm | None = Field(description="What it was allocated to; empty if not allocated.")
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
        description="Reminders that the provider took: those of the next three columns, and those"
        " whose receipt is awaited."
    )
    delivered: Count = Field(description="Reminders delivered, by the carrier's word.")
    undelivered: Count = Field(description="Reminders not delivered, by the carrier's word.")
    unconfirmed: Count = Field(description="Reminders without a receipt after 72 hours.")
    suppressed: Count = Field(description="Reminders not sent, on purpose.")
    failed: Count = Field(description="Reminders that the provider refused.")
    unknown: Count = Field(description="Reminders of which nobody can tell.")
    parts: Count = Field(description="Message parts, as far as receipts tell.")
    price_pence: Annotated[Number, Field(ge=0)] = Field(
        description="Price of its texts in pence, as far as receipts tell."
    )
    hours_to_first_text: Number | None = Field(
        description="Hours from allocation to the first text; empty if none was sent."
    )


class ReminderRow(Row):
    """One planned text. Whoever has one is in the intervention arm: unblinded form only."""

    resource: ClassVar[str] = "reminders"
    title: ClassVar[str] = "Every reminder of every timetable"
    key: ClassVar[tuple[str, ...]] = ("enrolment", "number")

    number: Place = Field(description="Its number in the timetable.")
    of: Place = Field(description="Reminders in the timetable.")
    theme: str = Field(description="What it is for.")
    day: int = Field(description="Day of the order on which it is due, from 0.")
    hour: Annotated[int, Field(ge=0, le=23)] = Field(description="Hour at which, in London.")
    state: ReminderState = Field(description="How far it has come.")
    reason: ReminderReason | None = Field(
        description="Why it was not sent or did not arrive; empty otherwise."
    )
    minutes_late: Number | None = Field(
        description="Minutes from when it was due until it was sent; empty if it was not."
    )
    parts: Count | None = Field(description="Message parts; empty where no receipt tells.")
    price_pence: Annotated[Number, Field(ge=0)] | None = Field(
        description="Price in pence; empty where no receipt tells."
    )


class OutcomeRow(Row):
    """One arrest, breach, incident or offence, as reported from upstream."""

    resource: ClassVar[str] = "outcomes"
    title: ClassVar[str] = "Arrests, breaches, domestic abuse incidents and offences"
    key: ClassVar[tuple[str, ...]] = ("enrolment", "outcome")

    outcome: Place = Field(description="Its place among those of the enrolment, in time.")
    type: OutcomeType = Field(description="What happened.")
    instrument: Instrument = Field(description="What it was against.")
    days_from_order: Number = Field(
        description="Days from the start of the order's first day, in London; negative if before."
    )
    days_from_allocation: Number | None = Field(
        description="Days from allocation; negative if before it; empty if not allocated."
    )
    within_order: bool = Field(
        description="Whether it happened from the moment of allocation to the end of the order's"
        " last day; false if not allocated."
    )
    days_to_report: Number = Field(description="Days from when it happened until it was reported.")


class MissingRow(Row):
    """One time without a number."""

    resource: ClassVar[str] = "missing"
    title: ClassVar[str] = "Every time without a number, from enrolment or later"
    key: ClassVar[tuple[str, ...]] = ("enrolment", "episode")

    episode: Place = Field(description="Its place among those of the enrolment, in time.")
    reason: MissingReason = Field(description="Why there was no number, as last told.")
    days_recorded: Number = Field(description="Days from enrolment until it was recorded.")
    follow_up_days: int | None = Field(
        description="Days from the day of recording until the follow-up is due; empty if none is."
    )
    days_resolved: Number | None = Field(
        description="Days from enrolment until a number was found; empty while there is none."
    )
    resolved_how: ResolvedHow | None = Field(description="How it was found; empty if nobody said.")


ROWS: Final[dict[str, type[Row]]] = {
    kind.resource: kind for kind in (EnrolmentRow, ReminderRow, OutcomeRow, MissingRow)
}
"""What rows are made as: the resources of the unblinded form."""

BLINDED_ROWS: Final[dict[str, type[Row]]] = {
    kind.resource: kind for kind in (BlindedEnrolment, OutcomeRow, MissingRow)
}
"""The resources of the blinded form."""
