"""The days on which an order's reminders fall, and what each is for."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from trial.errors import RejectedError
from trial.protocol.timetable import reminder_days, themes

if TYPE_CHECKING:
    from datetime import date

    from trial.protocol.settings import Protocol


def planned(days: int, made_on: date, protocol: Protocol) -> list[tuple[int, date, str]]:
    """Day of the order (from 0), date and theme of each reminder; RejectedError for the length."""
    cadence = protocol.cadence
    if not cadence.shortest <= days <= cadence.longest:
        raise RejectedError(f"an order lasts {cadence.shortest} to {cadence.longest} days")
    offsets = reminder_days(days, cadence)
    chosen = themes(len(offsets), protocol.themes)
    return [
        (day, made_on + timedelta(days=day), theme)
        for day, theme in zip(offsets, chosen, strict=True)
    ]
