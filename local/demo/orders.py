"""Synthetic orders of every kind for the demo: the same seed gives the same orders."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from itertools import count, cycle
from random import Random
from typing import TYPE_CHECKING, Any

from evaluation.example import people
from trial.codes import MissingReason
from trial.protocol.load import CURRENT, load

if TYPE_CHECKING:
    from collections.abc import Iterator
    from zoneinfo import ZoneInfo

DAYS_BEFORE_CHANGE = 12
FEWEST, MOST = 16, 300

_LENGTHS = (14, 21, 28)
ADULTS = [ages for ages in people.AGES if ages[0] >= 18]  # noqa: PLR2004
# All before the window closes, the last one shortly before.
_POSTED = tuple(
    timedelta(days=day, hours=hours)
    for day, hours in ((0, 0.25), (0, 4.5), (1, 1), (1, 7), (2, 2), (2, 8.5))
)
_LATE_BY = timedelta(days=4)
_FOUND_AFTER = timedelta(days=5, hours=2)
_TOO_LATE_BY = timedelta(days=12)


class OrderStory(StrEnum):
    """What happens to an order, apart from its arm."""

    ON_TIME = "on_time"
    REPEATED = "repeated"
    POSTED_LATE = "posted_late"
    NUMBER_FOUND = "number_found"
    CUSTODY = "custody"  # on time, until the player takes one of each arm
    TOO_LATE = "too_late"
    NOT_SERVED = "not_served"
    NO_NUMBER = "no_number"
    UNSAFE_NUMBER = "unsafe_number"
    INVALID = "invalid"
    UNSIGNED = "unsigned"


@dataclass(frozen=True, kw_only=True)
class SyntheticOrder:
    """One order as it is posted, when, and its respondent's number."""

    kind: OrderStory
    posted_at: datetime
    body: dict[str, Any]
    number: str | None
    found_at: datetime | None = None
    taken_at: datetime | None = None

    @property
    def reference(self) -> str:
        """The order's reference."""
        return str(self.body["order"]["reference"])

    @property
    def made_on(self) -> date:
        """Day 0."""
        return date.fromisoformat(self.body["order"]["made_on"])

    @property
    def expires_on(self) -> date:
        """The last day."""
        return date.fromisoformat(self.body["order"]["expires_on"])

    @property
    def known_at(self) -> datetime:
        """When everything that a text needs was known."""
        return self.found_at or self.posted_at

    @property
    def days(self) -> int:
        """Its length, first and last day included."""
        return (self.expires_on - self.made_on).days + 1


def zone() -> ZoneInfo:
    """The zone of the trial that `make up` opens."""
    return load(CURRENT).place.tz


def clock_changes(after: datetime) -> Iterator[date]:
    """The days on which local clocks go forward or back, from the one after `after`."""
    for offset in count(1):
        day = after.astimezone(zone()).date() + timedelta(days=offset)
        midnights = (datetime.combine(day + timedelta(days=n), time(), zone()) for n in (0, 1))
        if len({midnight.utcoffset() for midnight in midnights}) > 1:
            yield day


def first_morning(now: datetime) -> tuple[datetime, date]:
    """09:30 some days before a coming clock change, and the day of that change."""
    for change in clock_changes(now):
        day = change - timedelta(days=DAYS_BEFORE_CHANGE)
        morning = datetime.combine(day, time(9, 30), zone()).astimezone(UTC)
        if morning > now:
            return morning, change
    raise AssertionError("no clock change was found")


def synthetic_orders(how_many: int, *, seed: int, start: datetime) -> list[SyntheticOrder]:
    """`how_many` valid orders by time of posting: most on time, some of every other kind."""
    rng = Random(seed)  # noqa: S311 (made-up people need no secrecy)
    numbers = [f"+447700900{serial:03}" for serial in rng.sample(range(1000), 2 * how_many)]
    kinds = _kinds(how_many, rng)
    moments = sorted(_POSTED[index % len(_POSTED)] for index in range(how_many))
    reasons = cycle(people.MISSING)
    orders: list[SyntheticOrder] = []
    for index, (kind, moment) in enumerate(zip(kinds, moments, strict=True)):
        number, protected = numbers[2 * index], numbers[2 * index + 1]
        missing = None
        if kind is OrderStory.UNSAFE_NUMBER:
            number = orders[0].body["protected_numbers"][0]
        elif kind is OrderStory.NUMBER_FOUND:
            missing = MissingReason.SEIZED_EVIDENCE
        elif kind is OrderStory.NO_NUMBER:
            missing = next(reasons)
        body = _body(index, kind, (start + moment).astimezone(zone()).date(), rng)
        body["mobile"] = (
            {"number": number}
            if missing is None
            else people.missing(missing, date.fromisoformat(body["order"]["made_on"]), rng)
        )
        body["protected_numbers"] = [protected]
        orders.append(
            SyntheticOrder(
                kind=kind,
                posted_at=start + moment,
                body=body,
                number=None if kind is OrderStory.NO_NUMBER else number,
                found_at=start + moment + _FOUND_AFTER if kind is OrderStory.NUMBER_FOUND else None,
            )
        )
    return orders


def _kinds(how_many: int, rng: Random) -> list[OrderStory]:
    """The first is on time: the unsafe order gives its protected person's number."""
    others: list[OrderStory] = [
        kind for kind in OrderStory if kind not in {OrderStory.ON_TIME, OrderStory.CUSTODY}
    ]
    others += [OrderStory.POSTED_LATE, OrderStory.NUMBER_FOUND] + [OrderStory.NO_NUMBER] * (
        how_many // 10
    )
    others += [OrderStory.ON_TIME] * (how_many - 1 - len(others))
    rng.shuffle(others)
    return [OrderStory.ON_TIME, *others]


def _body(index: int, kind: OrderStory, first_day: date, rng: Random) -> dict[str, Any]:
    """The request's body, apart from numbers."""
    days = _LENGTHS[index % len(_LENGTHS)]
    if kind is OrderStory.POSTED_LATE:
        first_day, days = first_day - _LATE_BY, max(days, 21)
    elif kind is OrderStory.TOO_LATE:
        first_day, days = first_day - _TOO_LATE_BY, 14
    elif kind is OrderStory.INVALID:
        days = 29
    order = people.order(index + 1, first_day, rng, days=days, force="durham")
    if kind is not OrderStory.NOT_SERVED:
        order["served_on"] = first_day.isoformat()
    ages = ADULTS[index % len(ADULTS)]
    return {
        "event_id": people.event_id(rng),
        "order": order,
        "respondent": people.respondent(index, first_day, rng, ages=ages),
    }
