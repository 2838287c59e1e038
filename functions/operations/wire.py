"""The requests of operations' routes: the contract's JSON, separate from the table's records."""

import re
from dataclasses import dataclass
from datetime import date
from typing import Annotated

from pydantic import BeforeValidator, Field, StrictBool

from trial.api.fields import Line, Mobile, Name
from trial.codes import MissingReason, Model, Reason, Status

LONGEST_PAGE = 100


class SwitchIn(Model):
    """A pause of the whole trial's sending, or its resumption."""

    paused: StrictBool
    reason: Line
    by: Name


class SuppressionIn(Model):
    """A number never to be texted again, whoever has it."""

    number: Mobile
    reason: Line
    by: Name


def _in_digits(value: object) -> object:
    """Refuse what else pydantic accepts as a number: 1_0, +5, 5.0 and blanks."""
    if isinstance(value, str) and not re.fullmatch("[0-9]+", value):
        raise ValueError("must be a whole number")
    return value


Limit = Annotated[int, Field(ge=1, le=LONGEST_PAGE), BeforeValidator(_in_digits)]
Cursor = Annotated[str, Field(max_length=100)]


@dataclass(frozen=True, slots=True, kw_only=True)
class WorklistQuery:
    """Which waiting enrolments to show, and from which place on. None does not filter."""

    status: Status | None = None
    reason: Reason | MissingReason | None = None
    superintendent: str | None = None
    follow_up_before: date | None = None
    cursor: str | None = None
    limit: int = LONGEST_PAGE
