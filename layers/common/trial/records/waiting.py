"""An enrolment that waits for somebody to act, as the index `worklist` shows it."""

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any, Self
from uuid import UUID

from pydantic import ValidationError

from trial.codes import MissingReason, Model, Reason, Status
from trial.records.enrolment import WORKLIST, Missing, Order

if TYPE_CHECKING:
    from trial.aws.table import Table

BEFORE_ALL = "0"
"""A place before all others, because DynamoDB accepts no empty key."""


class Waiting(Model):
    """A waiting enrolment, and its place in the index."""

    enrolment_id: UUID
    status: Status
    waits_for: tuple[Reason, ...]
    order: Order
    missing: tuple[Missing, ...] = ()
    enrolled_at: datetime
    place: str

    @classmethod
    def of(cls, shown: dict[str, Any]) -> Self:
        """The enrolment in an entry of the index."""
        known = {name: shown[name] for name in cls.model_fields if name in shown}
        return cls.model_validate(known | {"place": shown["worklist_place"]})

    @classmethod
    def all_in(cls, table: "Table", *, after: str = BEFORE_ALL) -> Iterator[Self]:
        """
        Those after a place in the table's index, the oldest follow-up first, page by page.

        An entry that cannot be read is skipped; the nightly proof reports it.
        """
        place = ("worklist_place", after)
        for item in table.in_order("worklist", ("worklist", WORKLIST), after=place):
            try:
                waiting = cls.of(item)
            except ValidationError:
                continue
            yield waiting

    @property
    def missing_now(self) -> Missing | None:
        """Why there is no number, while there is none."""
        return self.missing[-1] if self.missing and not self.missing[-1].resolved_at else None

    @property
    def since(self) -> datetime:
        """When its number went missing; if none is missing, when it was enrolled."""
        open_reports = [each.recorded_at for each in self.missing if not each.resolved_at]
        return min(open_reports, default=self.enrolled_at)

    @property
    def codes(self) -> frozenset[Reason | MissingReason]:
        """What it waits for, and why its number is missing."""
        missing = self.missing_now
        return frozenset((*self.waits_for, *([missing.reason] if missing else [])))

    def overdue(self, today: date, min_days_left: int) -> bool:
        """Whether its follow-up is overdue and can still help."""
        missing = self.missing_now
        if missing is None or missing.follow_up_on is None:
            return False
        return missing.follow_up_on < today and self.still_helps(today, min_days_left)

    def still_helps(self, today: date, min_days_left: int) -> bool:
        """Whether action today could still get the person randomised or texted."""
        last_chance = self.last_chance(min_days_left)
        return last_chance is None or today <= last_chance

    def last_chance(self, min_days_left: int) -> date | None:
        """The last day on which action helps, for a draw or a text; None without an end."""
        if self.order.expires_on is None or self.status is Status.ALLOCATED:
            return self.order.expires_on
        return self.order.expires_on - timedelta(days=min_days_left - 1)
