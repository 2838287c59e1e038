"""A person across their orders, and a number across everybody's."""

from datetime import date, datetime
from typing import Literal
from uuid import UUID

from pydantic import Field

from trial.aws.table import Key
from trial.codes import Model
from trial.records.record import Versioned


class Person(Versioned):
    """Which orders somebody has (the last day of each), and the first one allocated."""

    kind: Literal["person"] = "person"
    enrolments: dict[UUID, date] = Field(default_factory=dict)
    allocated: UUID | None = None


class SuppressedNumber(Model):
    """Why a number is never texted again, by whose word."""

    reason: str
    at: datetime
    by: str


class Number(Versioned):
    """Whose number this is, and whose orders protect it: the last day of each order."""

    kind: Literal["number"] = "number"
    respondents: dict[UUID, date] = Field(default_factory=dict)
    protected: dict[UUID, date] = Field(default_factory=dict)
    suppressed: SuppressedNumber | None = None


def person_key(person_hash: str) -> Key:
    """Where a person is."""
    return Key(f"PERSON#{person_hash}", "PERSON")


def number_key(number_hash: str) -> Key:
    """Where a number is."""
    return Key(f"NUMBER#{number_hash}", "NUMBER")
