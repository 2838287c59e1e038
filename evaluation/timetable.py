"""Lists the days on which an order's reminders fall, and their themes."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from trial.errors import RejectedError
from trial.protocol.days import assigned, planned_days

if TYPE_CHECKING:
    from datetime import date

    from trial.protocol.settings import Protocol


def planned(
    type_: str, days: int | None, made_on: date, protocol: Protocol
) -> list[tuple[int, date, str]]:
    """
    The day of the order (from 0), the date and the theme of each reminder of such an order.

    `days` of None is an order without an end. Raises RejectedError for its type or its length.
    """
    order_type = protocol.order_type(type_)
    if problem := order_type.why_not_days(days):
        raise RejectedError(f"--days {problem} ({type_})")
    return [
        (each.day, made_on + timedelta(days=each.day), each.theme)
        for each in assigned(planned_days(order_type, days), order_type)
    ]
