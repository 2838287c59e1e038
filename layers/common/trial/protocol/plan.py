"""The protocol's settings for analysis, costs and data, fixed before anybody sees a result."""

from datetime import date
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field

from trial.codes import Instrument, Model, OutcomeType

Text = Annotated[str, Field(min_length=1)]
Id = Annotated[str, Field(pattern=r"^[a-z0-9_]+$")]
Count = Annotated[int, Field(strict=True, ge=1)]
Share = Annotated[float, Field(strict=True, gt=0, lt=1)]
Number = Annotated[float, Field(strict=True, allow_inf_nan=False)]
Baseline = Literal[
    "force",
    "stratum",
    "age_band",
    "sex",
    "ethnicity_group",
    "prior_incidents",
    "risk_grade",
    "first_order",
]


class Endpoint(Model):
    """
    What counts as an event: these types, against these instruments (any instrument if none given).

    Events count from the allocation for `days` days or, if absent, to the end of the order's last
    day.
    """

    title: Text
    types: tuple[OutcomeType, ...] = Field(min_length=1)
    instruments: tuple[Instrument, ...] = ()
    days: Count | None = None
    same_protected_person: bool = Field(
        default=False, description="Only what was done to the person whom the order protects."
    )


class SecondaryEndpoint(Endpoint):
    """One of the family of endpoints to which Holm's correction applies."""

    id: Id


class Merge(Model):
    """Groups to be merged, in tables and models alike, if one of them is too small."""

    characteristic: Baseline | Literal["conditions"]
    codes: tuple[str, ...] = Field(min_length=2)
    title: Text


class Strategy(StrEnum):
    """
    How the estimate handles an intercurrent event: ICH E9(R1), A.3.2.

    Only the strategies that the report implements, so that no plan can promise another.
    """

    TREATMENT_POLICY = "treatment_policy"
    WHILE_AT_RISK = "while_at_risk"


class IntercurrentEvent(Model):
    """Something that happens after the allocation and changes what the outcome means."""

    event: Literal[
        "deceased",
        "quashed",
        "discharged",
        "in_custody",
        "recorded_in_error",
        "wrong_number",
        "safety_stop",
        "objection_upheld",
        "number_lost",
        "no_text_delivered",
        "text_to_control",
    ]
    strategy: Strategy
    why: Text


class Estimand(Model):
    """What is estimated, in the terms of the addendum ICH E9(R1)."""

    population: Text
    treatment: Text
    comparator: Text
    summary: Text
    intercurrent: tuple[IntercurrentEvent, ...] = Field(min_length=1)


class Prior(Model):
    """The sceptical normal prior for the log odds ratio."""

    mean_log_odds_ratio: Number
    sd_log_odds_ratio: Annotated[Number, Field(gt=0)]
    source: Text


class Monitoring(Model):
    """
    When the monitoring committee is to consider stopping, at a planned look.

    Both thresholds are two-sided p-values of the primary test, for benefit and for harm. The alpha
    spent on benefit at the looks is taken from the final alpha.
    """

    benefit_p: Share
    harm_p: Share
    source: Text


class Recruitment(Model):
    """The expected recruitment, from the first order to the last."""

    forces: Count
    orders_a_year: Annotated[Count, Field(description="Of each force.")]
    without_number: Annotated[Share, Field(description="Of orders: never randomised.")]
    repeats: Annotated[Share, Field(description="Of orders: of somebody already randomised.")]
    first_day: date
    last_day: date

    @property
    def people(self) -> int:
        """The expected number of people randomised by the last day."""
        years = (self.last_day - self.first_day).days / 365.25
        orders = self.forces * self.orders_a_year * years
        return round(orders * (1 - self.without_number) * (1 - self.repeats))


class AnalysisPlan(Model):
    """
    How the arms will be compared. Shares and risks are numbers between 0 and 1.

    A part that the plan leaves out (estimand, prior, monitoring, horizon of the restricted mean)
    has no default: the report says that there is none.
    """

    lock_date: date
    interim_looks: tuple[date, ...]
    alpha: Share
    power: Share
    planned_risk_control: Share
    planned_risk_intervention: Share
    adjust_for: tuple[Baseline, ...]
    subgroups: tuple[Baseline, ...]
    restricted_mean_days: Count | None = None
    recruitment: Recruitment | None = None
    estimand: Estimand | None = None
    prior: Prior | None = None
    monitoring: Monitoring | None = None
    merges: tuple[Merge, ...] = ()
    primary: Endpoint
    secondary: tuple[SecondaryEndpoint, ...]

    @property
    def final_alpha(self) -> float:
        """
        The significance level of the primary test at the end.

        Bonferroni: each planned look may show a benefit at `benefit_p`, so that the looks and the
        final test together have a type I error of at most alpha.
        """
        spent = len(self.interim_looks) * self.monitoring.benefit_p if self.monitoring else 0.0
        return self.alpha - spent


class Figure(Model):
    """A number, and where it comes from."""

    value: Annotated[float, Field(strict=True, ge=0, allow_inf_nan=False)]
    source: Text


class Costs(Model):
    """What the texts cost, and what a breach costs: units are in the names."""

    text_part_pence: Figure
    infrastructure_pence_per_order: Figure
    staff_minutes_per_order: Figure
    staff_pence_per_hour: Figure
    breach_pence: Figure


class Licence(Model):
    """What may be done with the data."""

    name: Annotated[str, Field(pattern=r"^[a-zA-Z0-9.-]+$")]
    title: Text
    path: str | None = None


class Contributor(Model):
    """Somebody who made the data, in one of the Data Package standard's roles."""

    title: Text
    role: Literal["author", "publisher", "maintainer", "wrangler", "contributor"]
    path: str | None = None


class Publication(Model):
    """What every extract states about its contributors and its licence."""

    licence: Licence
    contributors: tuple[Contributor, ...] = Field(min_length=1)
