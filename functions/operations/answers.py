"""What the routes of operations give: the contract's JSON, apart from what the table holds."""

from datetime import date, datetime
from uuid import UUID

from trial.codes import (
    EndReason,
    MissingReason,
    Model,
    Reason,
    Status,
)


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
    enrolled_by_month: dict[str, int]
    counts: tuple[MissingCount, ...]


class MissingOut(Model):
    """Why there is no number, by whose word, when somebody is to ask again, and who."""

    reason: MissingReason
    recorded_by: str | None
    follow_up_on: date | None
    follow_up_by: str | None


class WaitingOut(Model):
    """
    An enrolment that waits for somebody to act: nothing here depends on the arm.

    `reasons` says for what, `since` from when. `last_chance_on` is the last day on which a number
    would still let the person in or, once allocated, could still bring a text; an order without an
    end has none.
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
    """A page of who waits, the oldest follow-up first. Without a cursor it is the last one."""

    enrolments: tuple[WaitingOut, ...]
    cursor: str | None
