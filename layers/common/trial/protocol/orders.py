"""The form of an order type: its possible conditions, and the themes and days of its texts."""

from collections.abc import Collection, Mapping
from typing import Annotated, Literal, TypeAlias

from pydantic import BeforeValidator, Field

from trial.codes import Condition, Instrument, Model

Count = Annotated[int, Field(strict=True, ge=1)]
Day = Annotated[int, Field(strict=True, ge=0)]
Text = Annotated[str, Field(min_length=1)]
TypeId = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$", max_length=30)]
ThemeId = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$", max_length=30)]
WordingKey = Annotated[str, Field(pattern=r"^[A-Za-z0-9-]+$", max_length=30)]


class ThemePlan(Model):
    """
    A theme and its wording; several wordings are used in turn.

    In an even timetable it is in the core of every order, or is added by rank, 1 first.
    """

    theme: ThemeId
    wording: Annotated[
        tuple[WordingKey, ...],
        BeforeValidator(lambda given: (given,) if isinstance(given, str) else given),
        Field(min_length=1),
    ]
    core: bool = False
    rank: Count | None = None


class Choice(Model):
    """
    A wording for the orders that hold all these conditions.

    With `ends`, only for orders that have a last day (true) or have none (false).
    """

    wording: WordingKey
    needs: tuple[Condition, ...] = ()
    ends: bool | None = None

    def suits(self, conditions: Collection[Condition], *, ends: bool) -> bool:
        """Whether the wording suits an order with these conditions."""
        return self.ends in (None, ends) and all(each in conditions for each in self.needs)


class EvenTimetable(Model):
    """`first` texts plus `per_week` for every seven days, spread from first day to last."""

    kind: Literal["even"]
    first: Count
    per_week: Count


class Phase(Model):
    """`texts` texts in every `every_days` days, until `until_day` or, without it, for ever."""

    texts: Count
    every_days: Count
    until_day: Count | None = None


class Milestone(Model):
    """
    A text on a fixed day, counted from the first day (0), the last day or a variation.

    Of two on one day the one listed first goes. One that falls outside the order does not go.
    """

    theme: ThemeId
    day: Day | None = None
    days_before_end: Day | None = None
    days_after_variation: Day | None = None


class PhasedTimetable(Model):
    """
    Milestones, and on the days of the phases the themes of the rotation in turn.

    An order gets at most `most_texts`, of which milestones take their share first. A text is
    scheduled `schedule_ahead_days` before it is due.
    """

    kind: Literal["phased"]
    phases: tuple[Phase, ...] = Field(min_length=1)
    milestones: tuple[Milestone, ...] = Field(min_length=1)
    rotation: tuple[ThemeId, ...]
    most_texts: Annotated[int, Field(strict=True, ge=2, le=69)]  # with 15 variations, below 100
    schedule_ahead_days: Annotated[int, Field(strict=True, ge=35, le=365)]


Timetable: TypeAlias = Annotated[EvenTimetable | PhasedTimetable, Field(discriminator="kind")]


class OrderType(Model):
    """
    One kind of order.

    It lasts from `shortest_days` to `longest_days` (if absent, as long as the court says) or, if it
    is `open_ended`, until it is discharged. It may hold `conditions`, and always holds `always`.
    `breach` is what its breach is in law; `instrument` is how outcomes name it.
    """

    title: Text
    shortest_days: Count
    longest_days: Count | None = None
    open_ended: bool = False
    may_be_varied: bool = False
    conditions: tuple[Condition, ...] = Field(min_length=1)
    always: tuple[Condition, ...] = ()
    breach: Literal["civil_contempt", "crime"]
    instrument: Instrument
    follow_up_days: Count
    timetable: Timetable
    themes: tuple[ThemePlan, ...] = Field(min_length=1)
    variants: Mapping[WordingKey, tuple[Choice, ...]] = {}
    # Only the first release's protocol withholds a theme after a breach: see `format_1`.
    withheld_after_breach: tuple[ThemeId, ...] = ()

    @property
    def schedule_ahead_days(self) -> int | None:
        """How many days before it is due a text is scheduled; None: as soon as it is planned."""
        rule = self.timetable
        return rule.schedule_ahead_days if isinstance(rule, PhasedTimetable) else None

    def why_not_days(self, days: int | None) -> str | None:
        """Why an order cannot last this many days (None: without an end); None if it can."""
        if days is None:
            return None if self.open_ended else "is missing: such an order has a last day"
        if self.shortest_days <= days and (self.longest_days is None or days <= self.longest_days):
            return None
        most = f"to {self.longest_days}" if self.longest_days else "or more"
        return f"makes the order {days} days long; it must be {self.shortest_days} {most}"

    def plan_of(self, theme: str) -> ThemePlan:
        """The type's plan for one of its themes."""
        return next(plan for plan in self.themes if plan.theme == theme)

    def wording_of(
        self, theme: str, turn: int, conditions: Collection[Condition], *, ends: bool
    ) -> str:
        """The key of the theme's wording at this turn (from 0), for such an order."""
        wordings = self.plan_of(theme).wording
        base = wordings[turn % len(wordings)]
        choices = self.variants.get(base, (Choice(wording=base),))
        return next(each.wording for each in choices if each.suits(conditions, ends=ends))
