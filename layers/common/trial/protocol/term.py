"""The parts of an order on which its timetable depends."""

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, slots=True)
class Term:
    """Its type, its first day, and its last day in force, if it has one."""

    order_type: str
    made_on: date
    expires_on: date | None

    @property
    def days(self) -> int | None:
        """Its length, first and last day included; None without an end."""
        return (self.expires_on - self.made_on).days + 1 if self.expires_on else None
