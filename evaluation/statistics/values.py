"""The inputs and results of the statistics. No value is ever infinite or not a number."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray


@dataclass(frozen=True, slots=True)
class NotEstimable:
    """Stands in place of a figure that the data cannot give. `because` is a clause."""

    because: str

    def __str__(self) -> str:
        return f"not estimable: {self.because}"


class Interval(NamedTuple):
    """A confidence interval, in the unit of its estimate."""

    low: float
    high: float


class Estimate(NamedTuple):
    """A value with its confidence interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Counts:
    """How many people had the event, of how many. ValueError if that is impossible."""

    events: int
    people: int

    def __post_init__(self) -> None:
        if not 0 <= self.events <= self.people:
            raise ValueError(f"{self.events} of {self.people} people cannot have had the event")

    @property
    def risk(self) -> float | NotEstimable:
        """The share of people who had the event, from 0 to 1."""
        return self.events / self.people if self.people else NotEstimable("there is nobody")


def columns(**named: ArrayLike) -> tuple[NDArray[Any], ...]:
    """The columns as arrays; ValueError if their lengths differ or a number is missing."""
    arrays = {name: np.asarray(values) for name, values in named.items()}
    if len({array.shape for array in arrays.values()}) > 1:
        lengths = ", ".join(f"{name} {array.shape}" for name, array in arrays.items())
        raise ValueError(f"columns must be of one length: {lengths}")
    for name, array in arrays.items():
        if np.issubdtype(array.dtype, np.number) and not np.isfinite(array).all():
            raise ValueError(f"a number is missing in {name}")
    return tuple(arrays.values())


def empty_arm(intervention: int, control: int) -> NotEstimable | None:
    """Why arms with these numbers of people cannot be compared, if they cannot."""
    if not intervention and not control:
        return NotEstimable("nobody is in either arm")
    if not intervention:
        return NotEstimable("nobody is in the intervention arm")
    if not control:
        return NotEstimable("nobody is in the control arm")
    return None


def no_variation(events: int, people: int) -> NotEstimable | None:
    """Why these events show no difference, if they do not."""
    if not events:
        return NotEstimable("nobody in either arm had the event")
    if events == people:
        return NotEstimable("everybody in both arms had the event")
    return None
