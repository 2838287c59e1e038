"""The form of each setting in a protocol file. `rules` checks the settings against each other."""

from collections.abc import Mapping
from datetime import date, datetime, time
from enum import StrEnum
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from pydantic import Field, ValidationInfo, field_validator

from trial.codes import Arm, Language, Model
from trial.errors import RejectedError
from trial.protocol.orders import Count, OrderType, Text, TypeId, WordingKey
from trial.protocol.plan import AnalysisPlan, Costs, Publication
from trial.protocol.strata import Baselines, Id, Stratum

Clock = Annotated[time, Field(strict=True)]


class RepeatPolicy(StrEnum):
    """What happens to a later order of a person already randomised."""

    RETAIN_ARM = "retain_arm"
    EXCLUDE = "exclude"


class Place(Model):
    """Where the trial is: its country (ISO 3166, for numbers) and its zone (IANA, for times)."""

    country: Annotated[str, Field(pattern=r"^[A-Z]{2}$")]
    zone: Text

    @property
    def tz(self) -> ZoneInfo:
        """The zone as an object, which Python caches."""
        return ZoneInfo(self.zone)

    def midnight(self, day: date) -> datetime:
        """The moment at which that day begins there."""
        return datetime.combine(day, time(), self.tz)

    def date_at(self, moment: datetime) -> date:
        """The local date there at an aware moment."""
        return moment.astimezone(self.tz).date()


class Eligibility(Model):
    """Who may be randomised."""

    minimum_age: Count
    min_days_left: Count


class Window(Model):
    """The local hours in which texts may go: `opens` is inside, `closes` is not."""

    opens: Clock
    closes: Clock


class Retention(Model):
    """Days from an order's last day until the data held about it is erased."""

    identifiers_days: Count
    trial_data_days: Count


class Longest(Model):
    """The longest value of each placeholder, apart from dates: each language has a longest one."""

    force: Text
    contact: Text


class Approval(Model):
    """Who approved a wording, and when."""

    role: Literal["solicitor", "specialist", "translator"]
    name: Text
    on: date


class Wording(Model):
    """
    One text in one language, with its placeholders.

    It fits in one part of the GSM alphabet unless `unicode_parts` explicitly allows other letters
    and their price: one part then holds 70 characters.
    """

    text: Text
    approvals: tuple[Approval, ...]
    machine_draft: bool = False
    unicode_parts: Annotated[int, Field(strict=True, ge=1, le=3)] | None = None

    @property
    def lacks(self) -> tuple[str, ...]:
        """Who must still approve it: a translator too, if a machine drafted it."""
        wanted = ("solicitor", "specialist", *(("translator",) if self.machine_draft else ()))
        given = {approval.role for approval in self.approvals}
        return tuple(role for role in wanted if role not in given)

    @property
    def draft(self) -> bool:
        """Whether it must not be sent to the public."""
        return bool(self.lacks)


class Protocol(Model):
    """One trial, as agreed: valid as a whole, or not loaded at all."""

    sha256: str
    format: Literal[2]
    version: Id
    trial: Id
    title: Text
    block_sizes: tuple[Count, ...] = Field(min_length=1)
    repeat_policy: RepeatPolicy
    freshness_hours: Count
    minimum_cell_size: Count
    may_name: tuple[Text, ...] = ()
    place: Place
    arms: Mapping[Arm, Count] = Field(min_length=len(Arm))
    strata: tuple[Stratum, ...]
    eligibility: Eligibility
    window: Window
    retention: Retention
    longest: Longest
    orders: Mapping[TypeId, OrderType] = Field(min_length=1)
    analysis: AnalysisPlan
    costs: Costs
    publication: Publication | None = None
    wordings: Mapping[Language, Mapping[WordingKey, Wording]] = Field(min_length=1)

    @field_validator("*")
    @classmethod
    def _note(cls, value: object, info: ValidationInfo) -> object:
        """Keep each valid section, so that its rules are checked even if another is not valid."""
        if info.context is not None:
            info.context[info.field_name] = value
        return value

    def order_type(self, name: str) -> OrderType:
        """The protocol's settings for that type. Raises RejectedError if it has none."""
        if name not in self.orders:
            raise RejectedError(f"no type of order in this trial: it has {', '.join(self.orders)}")
        return self.orders[name]

    def stratum_of(self, order_type: str, days: int | None, said: Baselines) -> str:
        """The stratum of such an order (days None: without an end) of such a person."""
        found = [each.id for each in self.strata if each.holds(order_type, days, said)]
        if not found:  # a valid protocol has a stratum for every possible order
            raise RejectedError("no stratum holds an order of this type and length")
        return found[0]

    @property
    def most_parts(self) -> int:
        """The parts of its longest text: more than one only where a wording's `unicode_parts`."""
        each = (text for texts in self.wordings.values() for text in texts.values())
        return max(text.unicode_parts or 1 for text in each)

    @property
    def drafts(self) -> list[tuple[Language, str]]:
        """Language and key of each wording that somebody must still approve."""
        return [
            (language, key)
            for language, wordings in self.wordings.items()
            for key, wording in wordings.items()
            if wording.draft
        ]
