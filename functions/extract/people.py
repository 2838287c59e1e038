"""
Joins a person's facts across all their orders: when they were randomised, and their outcomes.

Orders are read one by one, so facts about the person are staged with absolute times, and joined
once everything has been read.
"""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, ClassVar

from extract.columns.enrolments import EnrolmentRow
from extract.columns.events import OutcomeRow
from trial.codes import Harm, Instrument, Model, OutcomeType

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from extract.columns.base import Row

_DAY = timedelta(days=1)


class Allocated(Model):
    """When an order was allocated, and when its last day ends."""

    resource: ClassVar[str] = "allocated"

    enrolment: str
    person: str
    at: datetime
    runs_out: datetime
    repeat: bool


class Reported(Model):
    """An outcome as reported under one order; `name` stands for upstream's id."""

    resource: ClassVar[str] = "reported"

    person: str
    name: str
    enrolment: str | None
    type: OutcomeType
    instrument: Instrument | None
    harm: Harm | None
    same_protected_person: bool | None
    order_began: datetime
    occurred_at: datetime
    reported_at: datetime


STAGED: dict[str, type[Allocated | Reported]] = {
    kind.resource: kind for kind in (Allocated, Reported)
}


class People:
    """Every person's allocations and outcomes, including outcomes from other trials."""

    def __init__(self, staged: Iterable[Allocated | Reported]) -> None:
        self._allocated: dict[str, Allocated] = {}
        self._randomised: dict[str, Allocated] = {}
        self._reported: dict[str, dict[tuple[str, OutcomeType], Reported]] = defaultdict(dict)
        for each in staged:
            if isinstance(each, Allocated):
                self._allocated[each.enrolment] = each
                if not each.repeat:
                    self._randomised[each.person] = each
            else:
                # One event may be reported under two orders of the person: it counts once.
                known = self._reported[each.person]
                first = known.get((each.name, each.type), each)
                known[each.name, each.type] = min(first, each, key=lambda one: one.reported_at)

    def completed(self, rows: Iterable[Row]) -> Iterator[Row]:
        """The rows, completed with the time since randomisation, then their people's outcomes."""
        people = set()
        for row in rows:
            if isinstance(row, EnrolmentRow):
                people.add(row.person)
                yield row.model_copy(update={"days_from_randomisation": self._since(row)})
            else:
                yield row
        for person in sorted(people & self._reported.keys()):
            yield from self._outcomes(person)

    def _since(self, row: EnrolmentRow) -> float | None:
        drawn, first = self._allocated.get(row.enrolment), self._randomised.get(row.person)
        return round((drawn.at - first.at) / _DAY, 3) if drawn and first else None

    def _outcomes(self, person: str) -> Iterator[OutcomeRow]:
        # Harms come last, so that the numbering of the blinded form, without them, has no gaps.
        in_time = sorted(
            self._reported[person].values(),
            key=lambda each: (each.type is OutcomeType.HARM, each.occurred_at, each.name),
        )
        drawn = self._randomised.get(person)
        for place, each in enumerate(in_time, start=1):
            at = each.occurred_at
            yield OutcomeRow(
                person=person,
                outcome=place,
                enrolment=each.enrolment,
                type=each.type,
                instrument=each.instrument,
                harm=each.harm,
                same_protected_person=each.same_protected_person,
                days_from_order=(at - each.order_began) / _DAY,
                days_from_allocation=(at - drawn.at) / _DAY if drawn else None,
                within_order=drawn is not None and drawn.at <= at < drawn.runs_out,
                days_to_report=(each.reported_at - at) / _DAY,
            )
