"""
The table's items, with a model for each kind, separate from the models of requests and events.

Each class of confidentiality has its own partition families, because a role's rights go by
partition (`dynamodb:LeadingKeys`). Blind, so that upstream's routes may read them: `enrolment#`,
`history#`, `orders#`, `person#`, `number#`, `suppressed#`, `switch`. Revealing an arm:
`allocation#` with its reminders, `audit#`, `texted#`, `texts#`, `message#`, `stray#`, `opted_out#`,
`cursor#`, `proof`.
"""

from typing import Any, ClassVar, Self

from pydantic import ValidationError

from trial.aws.acts import ABSENT, Act, Check, Key, put
from trial.codes import Model
from trial.errors import UnreadableError


class Record(Model):
    """An item. `derived` names the attributes that `item` adds, for indexes and conditions."""

    derived: ClassVar[frozenset[str]] = frozenset()

    @classmethod
    def of(cls, item: dict[str, Any]) -> Self:
        """The record in an item as read. Raises UnreadableError."""
        try:
            return cls.model_validate({k: v for k, v in item.items() if k not in cls.derived})
        except ValidationError as error:
            # Without its cause: the item holds personal data.
            message = f"a stored item cannot be read: {error.error_count()} faults"
            raise UnreadableError(message) from None

    def item(self) -> dict[str, Any]:
        """What to store: JSON types only."""
        return self.model_dump(mode="json", exclude_none=True)


class Versioned(Record):
    """A record that counts its changes: the first one stored is version 1."""

    version: int = 1


def next_version(key: Key, record: Versioned) -> Act:
    """Write a record's next version, if nobody else has. Version 0 means not stored yet."""
    seen = record.version
    condition = (
        Check("unchanged", "#version = :seen", {"seen": seen})
        if seen
        else Check("unchanged", ABSENT)
    )
    return put(key, record.model_copy(update={"version": seen + 1}).item(), condition)
