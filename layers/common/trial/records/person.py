"""A person across their orders, and a number across everybody's orders."""

from datetime import date, datetime
from typing import Any, ClassVar, Literal
from uuid import UUID

from pydantic import Field

from trial.aws.acts import Key
from trial.codes import Model, Retained
from trial.records.record import Record, Versioned


class OrderOfPerson(Model):
    """
    What a person's other orders need to know about one order.

    `last_day` is the last day on which it is live. `fit_until` is the last day on which it may be
    drawn if the person's place is free, or None if it may not be drawn. `held` says whether it
    waits to be admitted. `arrival` numbers a person's orders as they arrive.
    """

    last_day: date
    fit_until: date | None = None
    drawn: bool = False
    held: bool | None = None
    arrival: int


class Person(Versioned):
    """A person's orders, which of them holds the place, and the first drawn in each trial."""

    kind: Literal["person"] = "person"
    enrolments: dict[UUID, OrderOfPerson] = Field(default_factory=dict)
    holder: UUID | None = None
    allocated: dict[str, UUID] = Field(default_factory=dict)


class SuppressedNumber(Record):
    """Why a number is never texted again, and who said so. It is kept for good."""

    kind: Literal["suppressed"] = "suppressed"
    reason: str
    at: datetime
    by: str


class Use(Model):
    """
    An order's use of a number: the last day on which the order is live, and its arrival.

    `person` is the respondent's keyed hash; None if it was stored before that was kept.
    """

    last_day: date
    arrival: int
    person: str | None = None


class Number(Versioned):
    """
    The orders whose respondent has this number, and those that protect it, with their last days.

    Its item has an attribute for the end of its protection, which sending reads before a claim.
    While no order names the number, its item is in the index `retained`.
    """

    derived: ClassVar[frozenset[str]] = frozenset({"protected_until", "retained", "last_day"})
    kind: Literal["number"] = "number"
    respondents: dict[UUID, Use] = Field(default_factory=dict)
    protected: dict[UUID, date] = Field(default_factory=dict)
    idle_since: date | None = None

    @property
    def is_idle(self) -> bool:
        """Whether nobody has it, and no order protects it."""
        return not (self.respondents or self.protected)

    def item(self) -> dict[str, Any]:
        """What to store, with the last day of its protection."""
        last_day = max(self.protected.values(), default=None)
        more = {"protected_until": last_day.isoformat()} if last_day else {}
        if self.is_idle and self.idle_since:
            more |= {"retained": Retained.IDLE_NUMBERS, "last_day": self.idle_since.isoformat()}
        return super().item() | more


def person_key(person_hash: str) -> Key:
    """The key of a person."""
    return Key(f"person#{person_hash}", "person")


def number_key(number_hash: str) -> Key:
    """The key of a number."""
    return Key(f"number#{number_hash}", "number")


def suppressed_key(number_hash: str) -> Key:
    """The key of a number's suppression."""
    return Key(f"suppressed#{number_hash}", "suppressed")
