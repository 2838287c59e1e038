"""One planned text, and the counters that limit how many texts go."""

from datetime import date, datetime
from typing import Any, ClassVar, Literal
from uuid import UUID

from trial.aws.acts import Key
from trial.codes import Language, Model, ReminderState, Suppression
from trial.records.allocation import allocation_partition
from trial.records.record import Record

OPEN_STATES = frozenset(
    {
        ReminderState.PLANNED,
        ReminderState.SCHEDULED,
        ReminderState.CLAIMED,
        ReminderState.SENT,
        ReminderState.UNKNOWN,  # until a receipt can no longer arrive
    }
)
"""The states in which reconciliation looks at a reminder."""

SHARDS = tuple(f"OPEN#{shard}" for shard in range(8))
"""The parts of the sparse index `open_reminders` with open reminders, by due time."""

TROUBLED = "TROUBLED"
"""The part of the same index with reminders that failed, or whose result stays unknown."""


def index_place(state: ReminderState, enrolment_id: UUID) -> str | None:
    """The part of the index for a reminder in this state; None if it is not in the index."""
    if state is ReminderState.FAILED:
        return TROUBLED
    return SHARDS[enrolment_id.int % len(SHARDS)] if state in OPEN_STATES else None


class TextSent(Model):
    """
    What reproduces a text, to the byte, with the protocol that its reminder names.

    It is stored when the reminder is claimed. `sha256` is that of the text in UTF-8.
    """

    wording: str
    language: Language
    force: str
    contact: str
    expires_on: date | None = None
    sha256: str


class Reminder(Record):
    """
    One planned text: its theme, and how many texts of that theme come before it (`turn`).

    While it is open, and once it has failed, it is in the index `open_reminders`.
    """

    derived: ClassVar[frozenset[str]] = frozenset({"open_shard"})
    kind: Literal["reminder"] = "reminder"
    enrolment_id: UUID
    number: int
    theme: str
    turn: int = 0
    due_at: datetime
    state: ReminderState
    reason: Suppression | str | None = None
    protocol: str
    protocol_sha256: str
    claimed_at: datetime | None = None
    text: TextSent | None = None
    message_id: str | None = None
    sent_at: datetime | None = None
    closed_at: datetime | None = None
    delivered_at: datetime | None = None
    parts: int | None = None
    price_pence: str | None = None

    def item(self) -> dict[str, Any]:
        """What to store, with its place in the index."""
        place = index_place(self.state, self.enrolment_id)
        return super().item() | ({"open_shard": place} if place else {})


def reminder_key(enrolment_id: UUID, number: int) -> Key:
    """The key of a reminder."""
    return Key(allocation_partition(enrolment_id), f"reminder#{number:02}")


def reminder_at(key: Key) -> tuple[UUID, int] | None:
    """The enrolment and the number of the reminder under a key; None under any other key."""
    try:
        return UUID(key.pk.partition("#")[2]), int(key.sk.partition("#")[2])
    except ValueError:
        return None


def texted_partition(person_hash: str) -> str:
    """The partition of the days on which a person was texted."""
    return f"texted#{person_hash}"


def day_key(person_hash: str, day: date) -> Key:
    """The key that marks that a person was texted on a local day."""
    return Key(texted_partition(person_hash), day.isoformat())


def texts_key(day: date, *, for_drama: bool = False) -> Key:
    """The key of the count of the trial's texts on a local day, for real or for drama numbers."""
    return Key(f"texts#{day.isoformat()}", "drama" if for_drama else "texts")
