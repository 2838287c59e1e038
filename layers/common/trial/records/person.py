"""A person across their orders, and a number across everybody's."""

from datetime import date, datetime
from typing import Any, Literal, Self
from uuid import UUID

from pydantic import Field

from trial.aws.acts import Key
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
    """
    Whose number this is, and whose orders protect it: the last day of each order.

    Its item says in one attribute until when it is protected, for a claim to check.
    """

    kind: Literal["number"] = "number"
    respondents: dict[UUID, date] = Field(default_factory=dict)
    protected: dict[UUID, date] = Field(default_factory=dict)
    suppressed: SuppressedNumber | None = None

    def item(self) -> dict[str, Any]:
        """What to store, with the last day of its protection."""
        last_day = max(self.protected.values(), default=None)
        until = {"protected_until": last_day.isoformat()} if last_day else {}
        return super().item() | until

    @classmethod
    def of(cls, item: dict[str, Any]) -> Self:
        """The record in an item as read."""
        return super().of({k: value for k, value in item.items() if k != "protected_until"})


def person_key(person_hash: str) -> Key:
    """Where a person is."""
    return Key(f"PERSON#{person_hash}", "PERSON")


def number_key(number_hash: str) -> Key:
    """Where a number is."""
    return Key(f"NUMBER#{number_hash}", "NUMBER")
