"""What a protocol says about the analysis and the costs, settled before anybody sees a result."""

from datetime import date
from typing import Annotated, Literal

from pydantic import Field

from trial.codes import Instrument, Model, OutcomeType

Text = Annotated[str, Field(min_length=1)]
Id = Annotated[str, Field(pattern=r"^[a-z0-9_]+$")]
Count = Annotated[int, Field(strict=True, ge=1)]
Share = Annotated[float, Field(strict=True, gt=0, lt=1)]
Baseline = Literal["stratum", "age_band", "sex", "ethnicity_group"]


class Endpoint(Model):
    """
    What counts as an event: these types, against these instruments (without any: whatever it was).

    It counts from the allocation on: for so many days or, if none are given, to the end of the
    order's last day.
    """

    title: Text
    types: tuple[OutcomeType, ...] = Field(min_length=1)
    instruments: tuple[Instrument, ...] = ()
    days: Count | None = None


class SecondaryEndpoint(Endpoint):
    """One of the family that Holm's method keeps honest."""

    id: Id


class AnalysisPlan(Model):
    """How the arms will be compared. Shares and risks are numbers between 0 and 1."""

    lock_date: date
    interim_looks: tuple[date, ...]
    alpha: Share
    power: Share
    planned_risk_control: Share
    planned_risk_intervention: Share
    adjust_for: tuple[Baseline, ...]
    subgroups: tuple[Baseline, ...]
    per_protocol_share: Share
    primary: Endpoint
    secondary: tuple[SecondaryEndpoint, ...]


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
