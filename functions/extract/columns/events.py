"""The columns about what happened: reminders, outcomes, and times without a number."""

from typing import Annotated, ClassVar

from pydantic import Field

from extract.codes import ReminderReason, ResolvedHow
from extract.columns.base import Count, Number, OrderName, OrderRow, PersonName, Place, Row, Sha256
from trial.codes import Condition, Harm, Instrument, MissingReason, OutcomeType, ReminderState


class ReminderRow(OrderRow):
    """One planned text. It reveals the intervention arm, so only the unblinded form has it."""

    resource: ClassVar[str] = "reminders"
    title: ClassVar[str] = "Every reminder of every timetable"
    key: ClassVar[tuple[str, ...]] = ("enrolment", "number")

    number: Place = Field(description="Its number in the timetable.")
    of: Place = Field(description="Reminders in the timetable.")
    theme: str = Field(description="Its theme.")
    protocol_sha256: Sha256 = Field(description="SHA-256 of the protocol that planned it.")
    day: int = Field(description="Day of the order on which it is due, from 0.")
    hour: Annotated[int, Field(ge=0, le=23)] = Field(description="Hour at which, local time.")
    state: ReminderState = Field(description="Its state.")
    reason: ReminderReason | None = Field(
        description="Why it was not sent or did not arrive; empty otherwise."
    )
    minutes_late: Number | None = Field(
        description="Minutes from when it was due until it was sent; empty if it was not."
    )
    parts: Count | None = Field(description="Message parts; empty if no receipt states them.")
    price_pence: Annotated[Number, Field(ge=0)] | None = Field(
        description="Price in pence; empty if no receipt states it."
    )


class OutcomeColumns(Row):
    """
    One outcome of a person, such as an arrest or a breach, as upstream reported it.

    It belongs to the person: an outcome reported under a later order counts for the order under
    which the person was randomised.
    """

    resource: ClassVar[str] = "outcomes"
    title: ClassVar[str] = "Outcomes, such as arrests and breaches, by person"
    key: ClassVar[tuple[str, ...]] = ("person", "outcome")

    person: PersonName = Field(description="The person subject to the orders: a keyed hash.")
    outcome: Place = Field(description="Its place among those of the person, in time.")
    enrolment: OrderName | None = Field(
        description="The order under which it was first reported; empty if that order is in"
        " another trial."
    )
    type: OutcomeType = Field(description="What happened.")
    instrument: Instrument | None = Field(
        description="What it was against; empty for a harm without one."
    )
    same_protected_person: bool | None = Field(
        description="Whether the victim is the person whom the order protects; empty if upstream"
        " did not say."
    )
    days_from_order: Number = Field(
        description="Days from the start of that order's first day, local time; negative if before."
    )
    days_from_allocation: Number | None = Field(
        description="Days from the person's randomisation; negative if before it; empty if the"
        " person was not randomised."
    )
    within_order: bool = Field(
        description="Whether it happened from the moment of the person's randomisation to the end"
        " of that order's last day; false if not randomised."
    )
    days_to_report: Number = Field(description="Days from when it happened until it was reported.")


class BlindedOutcome(OutcomeColumns):
    """An outcome in the blinded form, which has no harms, because texts cause them."""


class OutcomeRow(OutcomeColumns):
    """An outcome in the unblinded form."""

    harm: Harm | None = Field(
        default=None, description="Which kind of harm; empty for anything else."
    )


class VersionRow(OrderRow):
    """
    An order of a type that may be varied, as it was from one moment to the next version's.

    None for other types, whose orders stay as they were made.
    """

    resource: ClassVar[str] = "versions"
    title: ClassVar[str] = "What each order that may be varied held, and from when"
    key: ClassVar[tuple[str, ...]] = ("enrolment", "version")

    version: Place = Field(description="Its place among those of the order, in time.")
    days_from: Number = Field(
        description="Days from enrolment until it counted: 0 for the first, for a later one when it"
        " was reported that a court had varied the order."
    )
    days_to_report: int | None = Field(
        description="Days from the variation until it was reported; empty for the first version."
    )
    days: Place | None = Field(
        description="Length of the order in days, first and last counted; empty without an end."
    )
    conditions: tuple[Condition, ...] = Field(description="What it held, by the contract's codes.")


class MissingRow(OrderRow):
    """One time without a number. After allocation, texts may cause it: unblinded form only."""

    resource: ClassVar[str] = "missing"
    title: ClassVar[str] = "Every time without a number"
    key: ClassVar[tuple[str, ...]] = ("enrolment", "episode")

    episode: Place = Field(description="Its place among those of the enrolment, in time.")
    reason: MissingReason = Field(description="Why there was no number, as last reported.")
    after_allocation: bool = Field(
        default=False, description="Whether it was recorded after the allocation."
    )
    days_recorded: Number = Field(description="Days from enrolment until it was recorded.")
    follow_up_days: int | None = Field(
        description="Days from the day of recording until the follow-up is due; empty if none is."
    )
    days_resolved: Number | None = Field(
        description="Days from enrolment until a number was found; empty while there is none."
    )
    resolved_how: ResolvedHow | None = Field(description="How it was found; empty if nobody said.")
