"""The answers of the unblinded routes: the contract's JSON, separate from the table's records."""

from datetime import date, datetime
from uuid import UUID

from trial.codes import Arm, Model, ReminderState


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


class TroubledReminder(Model):
    """A reminder that did not go as planned, by its order's id."""

    enrolment_id: UUID
    number: int
    due_at: datetime
    state: ReminderState
    reason: str | None


class TroubledOut(Model):
    """Reminders that did not go as planned, the oldest first; `more` counts those not shown."""

    reminders: tuple[TroubledReminder, ...]
    more: int


class TimetableEntry(Model):
    """One reminder that an order of this shape would get."""

    number: int
    theme: str
    date: date
    local_time: str
    due_at: datetime
    text: str


class TimetableOut(Model):
    """What an order of this shape would get. Times of day vary by enrolment: this shows one's."""

    protocol: str
    days: int | None
    reminders: tuple[TimetableEntry, ...]
