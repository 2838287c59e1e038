"""What the routes of operations give: the contract's JSON, apart from what the table holds."""

from datetime import datetime

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
    counts: tuple[MissingCount, ...]
