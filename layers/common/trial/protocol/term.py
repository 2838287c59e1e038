"""An order as its timetable sees it."""

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, slots=True)
class Term:
    """Its type, its first day, and its last one, of which it is still in force, if it has any."""

    order_type: str
    made_on: date
    expires_on: date | None

    @property
    def days(self) -> int | None:
        """Its length, both ends counted; none without an end."""
        return (self.expires_on - self.made_on).days + 1 if self.expires_on else None
