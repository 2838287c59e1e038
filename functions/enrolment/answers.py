"""The answers of upstream's routes: the contract's JSON, separate from the table's records."""

from datetime import date, datetime
from uuid import UUID

from pydantic import Field

from trial.codes import (
    Condition,
    Harm,
    HoldReason,
    Instrument,
    MissingReason,
    Model,
    NumberSource,
    OutcomeType,
    Reason,
    Status,
)


def _is_none(value: object) -> bool:
    return value is None


def _is_empty(value: tuple[object, ...]) -> bool:
    return not value


class EnrolmentAccepted(Model):
    """The answer to an enrolment."""

    enrolment_id: UUID
    status: Status
    reasons: tuple[Reason, ...]


class OrderFound(Model):
    """The id under which an order was enrolled."""

    enrolment_id: UUID


class MobileOut(Model):
    """What may be shown of a number, and whether it is unsafe or shared with another person."""

    known: bool
    last_digits: str | None = None
    source: NumberSource | None = Field(default=None, exclude_if=_is_none)
    unsafe: bool = False
    shared: bool = False
    missing_reason: MissingReason | None = None
    follow_up_on: date | None = None
    follow_up_by: str | None = Field(default=None, exclude_if=_is_none)


class HistoryOut(Model):
    """One thing that happened to an enrolment."""

    at: datetime
    what: str
    by: str


class HoldOut(Model):
    """One hold that keeps an enrolment from erasure, and who asked for it."""

    reason: HoldReason
    at: datetime
    by: str


class OrderOut(Model):
    """One order as it is now; without its reference once that is erased."""

    type: str
    reference: str | None
    force: str
    court: str
    made_on: date
    expires_on: date | None
    served_on: date | None
    conditions: tuple[Condition, ...]
    authorising_superintendent: str


class EnrolmentOut(Model):
    """An enrolment as blinded callers may see it: nothing here depends on the arm."""

    enrolment_id: UUID
    status: Status
    reasons: tuple[Reason, ...]
    order: OrderOut
    mobile: MobileOut
    hold: HoldReason | None = Field(default=None, description="The latest hold's reason")
    holds: tuple[HoldOut, ...] = Field(default=(), exclude_if=_is_empty)
    erased_at: datetime | None = None
    history: tuple[HistoryOut, ...] = Field(
        description="The latest 100 entries, in order of time: nothing in it depends on the arm"
    )


class OutcomeOut(Model):
    """An outcome as it was kept."""

    enrolment_id: UUID
    outcome_id: str
    type: OutcomeType
    instrument: Instrument | None = Field(default=None, exclude_if=_is_none)
    kind: Harm | None = Field(default=None, exclude_if=_is_none)
    occurred_at: datetime
    same_protected_person: bool | None = Field(default=None, exclude_if=_is_none)
    reference: str | None
    reported_at: datetime
