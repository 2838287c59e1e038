"""What the API gives: the contract's JSON, apart from what the table holds."""

from datetime import date, datetime
from uuid import UUID

from pydantic import Field

from trial.codes import (
    Arm,
    Condition,
    EndReason,
    Harm,
    HoldReason,
    Instrument,
    MissingReason,
    Model,
    OutcomeType,
    Reason,
    ReminderState,
    Status,
)


def _is_none(value: object) -> bool:
    return value is None


class EnrolmentAccepted(Model):
    """The answer to an enrolment."""

    enrolment_id: UUID
    status: Status
    reasons: tuple[Reason, ...]


class MobileOut(Model):
    """What may be shown of a number; an order may protect it, others may use it."""

    known: bool
    last_digits: str | None = None
    unsafe: bool = False
    shared: bool = False
    missing_reason: MissingReason | None = None
    follow_up_on: date | None = None


class HistoryOut(Model):
    """One thing that happened to an enrolment."""

    at: datetime
    what: str
    by: str


class OrderOut(Model):
    """One DVPO as it stands; without its reference once that is erased."""

    reference: str | None
    force: str
    court: str
    made_on: date
    expires_on: date
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
    hold: HoldReason | None = None
    erased_at: datetime | None = None
    history: tuple[HistoryOut, ...]


class ReminderOut(Model):
    """One reminder, without its text."""

    number: int
    theme: str
    due_at: datetime
    state: ReminderState
    reason: str | None
    sent_at: datetime | None
    delivered_at: datetime | None
    parts: int | None
    price_pence: float | None


class AllocationOut(Model):
    """An allocation, for unblinded callers."""

    enrolment_id: UUID
    arm: Arm
    stratum: str
    block: int | None
    position: int | None
    allocated_at: datetime
    protocol: str
    repeat: bool
    reminders: tuple[ReminderOut, ...]


class TimetableEntry(Model):
    """One reminder that an order of this shape would get."""

    number: int
    theme: str
    date: date
    local_time: str
    due_at: datetime
    text: str


class TimetableOut(Model):
    """What an order of this shape would get. Times of day vary by enrolment: these are one's."""

    protocol: str
    days: int
    reminders: tuple[TimetableEntry, ...]


class FieldProblem(Model):
    """Which field is wrong, and why."""

    field: str
    message: str


class Problem(Model):
    """RFC 9457 problem details."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str
    errors: tuple[FieldProblem, ...] = ()


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


class SwitchOut(Model):
    """Whether the whole trial's sending is paused."""

    paused: bool
    reason: str | None = None
    by: str | None = None
    at: datetime | None = None


class SuppressionOut(Model):
    """That a number is suppressed, without the number."""

    last_digits: str
    reason: str
    by: str
    at: datetime


class FlowOut(Model):
    """Pooled counts for the flow diagram: nothing here depends on the arm."""

    enrolled: int
    by_status: dict[Status, int]
    by_reason: dict[Reason, int]
    randomised: int
    ended: dict[EndReason, int]


class MissingCount(Model):
    """How many enrolments of one month and superintendent lacked a number for one reason."""

    month: str
    superintendent: str
    reason: MissingReason
    missing: int
    found: int


class MissingNumbersOut(Model):
    """Who had no number when enrolled, and how many were found since."""

    enrolled: int
    missing: int
    found: int
    by_reason: dict[MissingReason, int]
    resolved_how: dict[str, int]
    counts: tuple[MissingCount, ...]
