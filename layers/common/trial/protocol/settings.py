"""What a protocol file may hold: the form of each setting. What must hold between them: `rules`."""

from collections.abc import Mapping
from datetime import date, time
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field, ValidationInfo, field_validator

from trial.codes import Arm, Model
from trial.protocol.plan import AnalysisPlan, Costs

Count = Annotated[int, Field(strict=True, ge=1)]
Clock = Annotated[time, Field(strict=True)]
Text = Annotated[str, Field(min_length=1)]
Id = Annotated[str, Field(pattern=r"^[a-z0-9-]+$")]  # no "|": it parts the ids of a sequence
ThemeId = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$", max_length=30)]


class RepeatPolicy(StrEnum):
    """What becomes of a later order of somebody already randomised."""

    RETAIN_ARM = "retain_arm"
    EXCLUDE = "exclude"


class Stratum(Model):
    """Orders randomised together, by their length in days."""

    id: Id
    min_days: Count
    max_days: Count


class Eligibility(Model):
    """Who may be randomised."""

    minimum_age: Count
    min_days_left: Count


class Cadence(Model):
    """Lengths of order in days, and how many reminders they get."""

    shortest: Count
    longest: Count
    first: Count
    per_week: Count


class Window(Model):
    """The hours in which texts may go, London time: `opens` is inside, `closes` is not."""

    opens: Clock
    closes: Clock


class Retention(Model):
    """Days after an order's last day, until what is held about it is erased."""

    identifiers_days: Count
    trial_data_days: Count


class Longest(Model):
    """The longest value of each placeholder."""

    force: Text
    expiry_date: Text
    contact: Text


class ThemePlan(Model):
    """
    What a reminder is for, and where it stands: in the core of every timetable, or added by rank.

    The file declares its themes by listing them, in the order in which a timetable takes them. The
    first one tells the conditions of the order, the last one when it expires.
    """

    theme: ThemeId
    wording: Text
    core: bool = False
    rank: Count | None = None


class Approval(Model):
    """Who stands by a wording, and since when."""

    role: Literal["solicitor", "specialist"]
    name: Text
    on: date


class Wording(Model):
    """One text, with its placeholders."""

    text: Text
    approvals: tuple[Approval, ...]

    @property
    def draft(self) -> bool:
        """Whether a solicitor or a domestic abuse specialist has still to approve it."""
        return {approval.role for approval in self.approvals} != {"solicitor", "specialist"}


class Licence(Model):
    """What may be done with the data."""

    name: Id
    title: Text
    path: str | None = None


class Contributor(Model):
    """Somebody who made the data, in one of the Data Package standard's roles."""

    title: Text
    role: Literal["author", "publisher", "maintainer", "wrangler", "contributor"]
    path: str | None = None


class Publication(Model):
    """What stands in every extract about who made it and what may be done with it."""

    licence: Licence
    contributors: tuple[Contributor, ...] = Field(min_length=1)


class Protocol(Model):
    """One trial, as agreed: valid as a whole, or not loaded at all."""

    sha256: str
    version: Id
    trial: Id
    title: Text
    block_sizes: tuple[Count, ...] = Field(min_length=1)
    repeat_policy: RepeatPolicy
    freshness_hours: Count
    minimum_cell_size: Count
    arms: Mapping[Arm, Count] = Field(min_length=len(Arm))
    strata: tuple[Stratum, ...]
    eligibility: Eligibility
    cadence: Cadence
    window: Window
    retention: Retention
    longest: Longest
    analysis: AnalysisPlan
    costs: Costs
    publication: Publication | None = None
    themes: tuple[ThemePlan, ...]
    wordings: Mapping[str, Wording]

    @field_validator("*")
    @classmethod
    def _note(cls, value: object, info: ValidationInfo) -> object:
        """Keeps each sound section, so that a fault in another hides no rule broken here."""
        if info.context is not None:
            info.context[info.field_name] = value
        return value
