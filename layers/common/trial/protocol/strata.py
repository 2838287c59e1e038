"""The strata of the randomisation, by the order and by what was known of the person."""

from itertools import product
from typing import TYPE_CHECKING, Annotated, Final, Literal, NamedTuple, TypeAlias

from pydantic import Field

from trial.codes import Model, PriorIncidents, RiskGrade
from trial.protocol.orders import Count, TypeId

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

Id = Annotated[str, Field(pattern=r"^[a-z0-9-]+$")]  # no "|": it separates a sequence's ids

NotSaid: TypeAlias = Literal["not_said"]
NOT_SAID: Final[NotSaid] = "not_said"
"""The value of a baseline that upstream does not send."""


class Baselines(NamedTuple):
    """What upstream may send about a person at enrolment, as codes. It never changes afterwards."""

    prior_incidents: PriorIncidents | NotSaid = NOT_SAID
    risk_grade: RiskGrade | NotSaid = NOT_SAID
    first_order: Literal["yes", "no"] | NotSaid = NOT_SAID


VALUES: Final[dict[str, tuple[str, ...]]] = {
    "prior_incidents": (*PriorIncidents, NOT_SAID),
    "risk_grade": (*RiskGrade, NOT_SAID),
    "first_order": ("yes", "no", NOT_SAID),
}
"""Every value of each baseline."""


class Stratum(Model):
    """
    Orders randomised together: of one type or any, within limits of length or without an end.

    Without `max_days` there is no upper limit. A baseline that it names limits it to people with
    one of these values; `not_said` is a value too.
    """

    id: Id
    order_type: TypeId | None = None
    min_days: Count | None = None
    max_days: Count | None = None
    open_ended: bool = False
    prior_incidents: tuple[PriorIncidents | NotSaid, ...] = ()
    risk_grade: tuple[RiskGrade | NotSaid, ...] = ()
    first_order: tuple[Literal["yes", "no"] | NotSaid, ...] = ()

    def holds(self, order_type: str, days: int | None, said: Baselines) -> bool:
        """Whether such an order (days None: without an end) of such a person belongs here."""
        return self.holds_order(order_type, days) and self.holds_person(said)

    def holds_person(self, said: Baselines) -> bool:
        """Whether such a person belongs here, if the order does."""
        return all(
            not (named := self.named(baseline)) or value in named
            for baseline, value in said._asdict().items()
        )

    def holds_order(self, order_type: str, days: int | None) -> bool:
        """Whether such an order belongs here, if the person does."""
        if self.order_type not in (None, order_type):
            return False
        if days is None:
            return self.open_ended
        least, most = self.min_days, self.max_days
        if least is None and most is None and self.open_ended:
            return False
        return (least or 1) <= days and (most is None or days <= most)

    def named(self, baseline: str) -> tuple[str, ...]:
        """The values of a baseline to which it is limited; empty if to none."""
        values: tuple[str, ...] = getattr(self, baseline)
        return values


def combinations(strata: "Iterable[Stratum]") -> "Iterator[Baselines]":
    """Every combination of values of the baselines that any stratum names."""
    every = list(strata)
    used = [name for name in VALUES if any(each.named(name) for each in every)]
    for values in product(*(VALUES[name] for name in used)):
        yield Baselines(**dict(zip(used, values, strict=True)))  # type: ignore[arg-type]
