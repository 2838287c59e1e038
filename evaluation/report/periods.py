"""Dose by period of the order: the phases of its timetable, or its weeks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evaluation.report.words import of
from trial.codes import ReminderState
from trial.protocol.orders import EvenTimetable, PhasedTimetable

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pandas as pd

    from evaluation.report.parts import Section
    from trial.protocol.orders import OrderType
    from trial.protocol.settings import Protocol

_A_WEEK = 7
_SENT = (ReminderState.SENT, ReminderState.DELIVERED, ReminderState.UNDELIVERED,
         ReminderState.UNCONFIRMED)  # fmt: skip


def first_days(order_type: OrderType) -> list[int]:
    """The day of the order, from 0, on which each period begins."""
    match order_type.timetable:
        case PhasedTimetable(phases=phases):
            return [0, *(each.until_day for each in phases if each.until_day is not None)]
        case EvenTimetable():
            return list(range(0, order_type.longest_days or 1, _A_WEEK))


def show(
    found: Section, reminders: pd.DataFrame, enrolments: pd.DataFrame, protocol: Protocol
) -> None:
    """Planned, sent and delivered in each period of each type of order."""
    kinds = reminders["enrolment"].map(enrolments.set_index("enrolment")["order_type"])
    rows, figures = [], {}
    for name, order_type in protocol.orders.items():
        for title, those in _periods(reminders[kinds == name], first_days(order_type)):
            sent = int(those["state"].isin(_SENT).sum())
            delivered = int((those["state"] == ReminderState.DELIVERED).sum())
            label = f"{name}, {title}"
            figures[label] = {"planned": len(those), "sent": sent, "delivered": delivered}
            rows.append((label, f"{len(those):,}", of(sent, len(those)), of(delivered, len(those))))
    found.figures["by_period"] = figures
    found.table(
        "Dose by period of the order",
        ("Period", "Planned", "Sent", "Delivered"),
        rows,
        "A text belongs to the period in which it is due; the order's first day is day 0. "
        "Percentages are of the texts planned in the period.",
    )


def _periods(reminders: pd.DataFrame, starts: list[int]) -> Iterator[tuple[str, pd.DataFrame]]:
    """Those periods in which there is a text."""
    for start, end in zip(starts, [*starts[1:], None], strict=True):
        inside = reminders["day"] >= start
        if end is not None:
            inside &= reminders["day"] < end
        if inside.any():
            yield f"days {start} to {end - 1}" if end else f"from day {start}", reminders[inside]
