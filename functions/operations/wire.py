"""What the routes of operations take: the contract's JSON, apart from what the table holds."""

from dataclasses import dataclass
from datetime import date
from typing import Annotated

from pydantic import Field, StrictBool

from trial.api.fields import Line, Mobile, Name
from trial.codes import MissingReason, Model, Reason, Status

LONGEST_PAGE = 100


class SwitchIn(Model):
    """To pause the whole trial's sending, or to resume it."""

    paused: StrictBool
    reason: Line
    by: Name


class SuppressionIn(Model):
    """A number never to be texted again, whoever it belongs to."""

    number: Mobile
    reason: Name
    by: Name


Limit = Annotated[int, Field(ge=1, le=LONGEST_PAGE)]
Cursor = Annotated[str, Field(max_length=100)]


@dataclass(frozen=True, slots=True, kw_only=True)
class WorklistQuery:
    """Which of those who wait to show, and from where on. What is left out narrows nothing."""

    status: Status | None = None
    reason: Reason | MissingReason | None = None
    superintendent: str | None = None
    follow_up_before: date | None = None
    cursor: str | None = None
    limit: int = LONGEST_PAGE
