"""
The daily digest for a superintendent: references, reasons and days left.

It goes by email, so it never holds a number, a person's name or an arm.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date

    from trial.records.waiting import Waiting

MOST = 100
"""The most orders that one digest names, the oldest follow-up first."""


@dataclass(frozen=True, slots=True)
class Digest:
    """One message to one superintendent of one force. `named` are the orders that it names."""

    superintendent: str
    force: str
    subject: str
    text: str
    named: tuple[Waiting, ...]


def by_superintendent(waiting: Iterable[Waiting], today: date, min_days_left: int) -> list[Digest]:
    """One digest for each superintendent whose orders wait for somebody to act."""

    def whose(each: Waiting) -> tuple[str, str]:
        return each.order.force, each.order.authorising_superintendent

    return [
        _digest(force, superintendent, tuple(group), today, min_days_left)
        for (force, superintendent), group in groupby(sorted(waiting, key=whose), key=whose)
    ]


def _digest(
    force: str, superintendent: str, orders: tuple[Waiting, ...], today: date, min_days_left: int
) -> Digest:
    late = sum(each.overdue(today, min_days_left) for each in orders)
    subject = f"{len(orders)} {'order waits' if len(orders) == 1 else 'orders wait'}"
    subject += f", {late} overdue" if late else ""
    named = orders[:MOST]
    lines = ["Orders that you authorised and that wait for somebody to act:", ""]
    lines += [_line(each, today, min_days_left) for each in named]
    if more := len(orders) - len(named):
        lines.append(f"And {more} more: see the worklist.")
    return Digest(superintendent, force, subject, "\n".join(lines), named)


def _line(each: Waiting, today: date, min_days_left: int) -> str:
    missing = each.missing_now
    why = ", ".join(_words(reason) for reason in each.waits_for)
    why += f" ({_words(missing.reason)})" if missing else ""
    asked = ""
    if missing and (on := missing.follow_up_on):
        late = (today - on).days
        asked = f"; ask again on {on:%-d %B %Y}" + (f", {_days(late)} late" if late > 0 else "")
    days = _days_left(each.last_chance(min_days_left), today)
    return f"{each.order.reference or each.enrolment_id}: {why}{asked}; {days}"


def _days_left(last_chance: date | None, today: date) -> str:
    """The days left, today included."""
    if last_chance is None:
        return "the order has no end"
    left = (last_chance - today).days + 1
    return "today is the last day" if left == 1 else f"{_days(left)} left"


def _days(count: int) -> str:
    return "1 day" if count == 1 else f"{count} days"


def _words(code: str) -> str:
    return code.replace("_", " ")
