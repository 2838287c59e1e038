"""
How many orders a day one region carries, and what breaks first: quotas against measured calls.

`python -m tests.proofs.bench.capacity` prints it, with how due times spread over the hour and the
day.
"""

import sys
from collections import Counter
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID, uuid5

from rich.console import Console
from rich.table import Table

from tests.proofs.bench.acts import SHORT, MeteredOrder, life
from tests.proofs.bench.meter import Work
from tests.support.fixture_protocol import AGREED
from tests.support.samples import LONDON, MORNING
from trial.protocol.term import Term
from trial.protocol.timetable import timetable

CALL_SECONDS: Final = 0.01  # what a call of AWS takes there: an assumption
OFFICE_SECONDS: Final = 8 * 3600  # in which a day's orders come
RUSH: Final = 3  # times as many in the busiest second as in another
WINDOW_SECONDS: Final = 10.75 * 3600  # in which a day's texts go, the margin left out
UNEVEN: Final = 1.2  # the busiest minute's texts by the average's: see `spread`
TREATED: Final = 0.5  # of the orders
A_MILLION_AN_HOUR: Final = 1_000_000 / 3600  # texts a second

_IDS = UUID("6f1e2d3c-0000-4000-8000-000000000001")


@dataclass(frozen=True)
class Limit:
    """One thing that can be too much: how often a second it can be had, and what takes it."""

    name: str
    a_second: float
    by_order: float = 0  # how often an order takes it, in the average of both arms, when it comes
    by_text: float = 0
    then: str = ""

    def orders_a_day(self, texts: float) -> float:
        """Until when it is enough, if an order has so many texts in the average of both arms."""
        if self.by_order:
            return self.a_second / self.by_order * OFFICE_SECONDS / RUSH
        return self.a_second / self.by_text * WINDOW_SECONDS / UNEVEN / texts

    def texts_a_second(self) -> float | None:
        return self.a_second / self.by_text if self.by_text else None


def limits(lived: MeteredOrder) -> list[Limit]:
    """Quotas in London, and the limits of table and stream, with the measured calls."""
    works = {act: done[0] for act, done in lived.works.items()}
    texts = len(lived.works["sending"])
    creates = texts * TREATED
    # An order's records, all in one shard at worst.
    reading = (*lived.works["allocation"], *lived.works["hand over"], *lived.works["announce"])
    busy = sum(map(_serial, reading))
    return [
        Limit("requests to the API: the template's own throttle", 50, by_order=1,
              then="raise ThrottlingRateLimit; the account's own is 10,000 a second"),
        Limit("the stream's records in one shard, one at a time", 1 / busy, by_order=1,
              then="ParallelizationFactor 10; more data brings more shards besides"),
        Limit("draws from one stratum's cursor, one after the other",
              1 / _serial(works["allocation"]), by_order=0.5,
              then="cursors by stratum and force: sequences of their own"),
        Limit("KMS, HMAC requests", 10_000,
              by_order=sum(works[each].count("kms.") for each in ("enrolment", "allocation")),
              then="a raised quota"),
        Limit("schedules made", 5_000, by_order=creates, then="a raised quota"),
        Limit("index of enrolments: one trial is one partition", 1_000, by_order=3,
              then="shard the index's key, as that of open reminders"),
        Limit("texts by SNS, before any raise", 20, by_text=1,
              then="a raised quota, agreed with the carriers; then another account"),
        Limit("sending's switch, read twice for every text: one item", 3_000, by_text=2,
              then="copies of the switch, set together, one of them read"),
        Limit("the day's count of texts, moved on by every claim: one item", 1_000, by_text=2,
              then="a count for each of some shards, and its share of the day's limit"),
        Limit("schedules fired", 1_000, by_text=1, then="a raised quota"),
        Limit("Lambda, 1,000 at once: sending",
              1_000 / (CALL_SECONDS * len(works["sending"].calls)), by_text=1,
              then="a raised quota"),
        Limit("table on demand, 40,000 write units", 40_000,
              by_text=works["sending"].writes + works["receipts"].writes, then="a raised quota"),
    ]  # fmt: skip


def table(lived: MeteredOrder) -> list[dict[str, Any]]:
    """Every limit, the one that is met first at the top."""
    texts = len(lived.works["sending"]) * TREATED
    found = sorted(limits(lived), key=lambda each: each.orders_a_day(texts))
    return [
        asdict(each)
        | {"orders_a_day": each.orders_a_day(texts), "texts_a_second": each.texts_a_second()}
        for each in found
    ]


def _serial(work: Work) -> float:
    """Seconds that its calls of AWS take, one after the other."""
    return CALL_SECONDS * len(work.calls)


def due_times(orders: int, *, start: datetime = MORNING) -> list[datetime]:
    """When the reminders of so many orders are due, in London, but for each one's first."""
    protocol = AGREED
    first = start.date()
    return [
        slot.due_at.astimezone(LONDON)
        for serial in range(orders)
        for slot in timetable(
            enrolment_id=uuid5(_IDS, f"{serial}"),
            term=Term("dvpo", first, first + timedelta(days=SHORT - 1)),
            protocol=protocol,
            start=start,
        )[1:]
    ]


def spread(orders: int) -> dict[str, Counter[int]]:
    """How many reminders are due in each minute of the hour, and in each hour of the day."""
    due = due_times(orders)
    return {
        "minute": Counter(each.minute for each in due),
        "hour": Counter(each.hour for each in due),
    }


def main() -> None:
    """Print all of it."""
    console = Console(file=sys.stdout, highlight=False, width=130)
    shown = Table("what", "a second", "orders a day", "texts a second", "then")
    for each in table(life(SHORT)):
        texts = each["texts_a_second"]
        shown.add_row(
            each["name"],
            f"{each['a_second']:,.0f}",
            f"{each['orders_a_day']:,.0f}",
            "" if texts is None else f"{texts:,.0f}",
            each["then"],
        )
    console.print(shown)
    console.print(f"A million texts an hour are {A_MILLION_AN_HOUR:.0f} a second.")
    for unit, counted in spread(2_000).items():
        most = max(counted.values())
        console.print(f"reminders by {unit}:")
        for at, found in sorted(counted.items()):
            if unit == "hour" or at % 5 == 0:
                console.print(f"  {at:2} {'#' * round(50 * found / most)} {found:,}", markup=False)


if __name__ == "__main__":
    main()
