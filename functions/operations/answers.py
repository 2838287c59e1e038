"""The answers of operations' routes: the contract's JSON, separate from the table's records."""

from datetime import date, datetime
from uuid import UUID

from trial.codes import EndReason, MissingReason, Model, Reason, Status


class SwitchOut(Model):
    """Whether the whole trial's sending is paused."""

    paused: bool
    reason: str | None = None
    by: str | None = None
    at: datetime | None = None


class SuppressionOut(Model):
    """A suppression, without the number."""

    last_digits: str
    reason: str
    by: str
    at: datetime


class FlowOut(Model):
    """Counts for the flow diagram, pooled over the arms: nothing here depends on the arm."""

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
    """How many had no number when enrolled, and how many numbers were found since."""

    enrolled: int
    missing: int
    found: int
    by_reason: dict[MissingReason, int]
    resolved_how: dict[str, int]
    enrolled_by_month: dict[str, int]
    counts: tuple[MissingCount, ...]


class MissingOut(Model):
    """Why there is no number, who recorded that, and who is to ask again when."""

    reason: MissingReason
    recorded_by: str | None
    follow_up_on: date | None
    follow_up_by: str | None


class WaitingOut(Model):
    """
    An enrolment that waits for somebody to act: nothing here depends on the arm.

    It has waited for `reasons` since `since`. `last_chance_on` is the last day on which a number
    would still make the person eligible or, once allocated, could still lead to a text. An order
    without an end has no such day.
    """

    enrolment_id: UUID
    reference: str | None
    force: str
    status: Status
    reasons: tuple[Reason, ...]
    since: datetime
    superintendent: str
    missing: MissingOut | None
    last_chance_on: date | None


class WorklistOut(Model):
    """A page of waiting enrolments, the oldest follow-up first. The last page has no cursor."""

    enrolments: tuple[WaitingOut, ...]
    cursor: str | None
