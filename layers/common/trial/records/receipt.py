"""A text's message id, and what the carrier reports about it and its number."""

from datetime import datetime
from typing import Any, ClassVar, Literal
from uuid import UUID

from trial.aws.acts import Key
from trial.codes import Model, ReminderState, Retained
from trial.records.record import Record


class Message(Record):
    """The reminder to which a message id belongs."""

    kind: Literal["message"] = "message"
    enrolment_id: UUID
    number: int


class Receipt(Model):
    """
    The carrier's report on one text, by message id, without the number.

    `published_at` is when the provider took the text, `at` when it was delivered or given up.
    """

    message_id: str
    published_at: datetime
    at: datetime
    state: Literal[ReminderState.DELIVERED, ReminderState.UNDELIVERED]
    reason: str | None = None
    parts: int | None = None
    price_pence: str | None = None


class Stray(Record):
    """
    A receipt for a text to a known number that matches no reminder.

    It is stored under its message id and under its number. The item under its number is in the
    index `retained`, so that it is reported once and erased when due.
    """

    derived: ClassVar[frozenset[str]] = frozenset({"retained", "last_day"})
    kind: Literal["stray"] = "stray"
    receipt: Receipt
    number_hash: str
    reported_at: datetime | None = None

    def listed(self) -> dict[str, Any]:
        """What to store under its number."""
        last_day = self.receipt.published_at.date().isoformat()
        return self.item() | {"retained": Retained.STRAY_RECEIPTS, "last_day": last_day}


class OptOut(Record):
    """
    A number's opt-out from our texts, as the carrier or SNS reports it.

    Only a number that was texted can opt out, so its partition family reveals an arm, and no
    enrolment shows it. It is in the index `retained`, and is erased when trial data is.
    """

    kind: Literal["opt_out"] = "opt_out"
    at: datetime
    by: str

    def item(self) -> dict[str, Any]:
        """What to store, with its place in the index."""
        last_day = self.at.date().isoformat()
        return super().item() | {"retained": Retained.OPT_OUTS, "last_day": last_day}


def message_key(message_id: str) -> Key:
    """The key of a text's reminder or, while that is unknown, of its stray receipt."""
    return Key(f"message#{message_id}", "message")


def stray_partition(number_hash: str) -> str:
    """The partition of the stray receipts for texts to a number."""
    return f"stray#{number_hash}"


def stray_key(stray: Stray) -> Key:
    """The key of a stray receipt under its number, in order of time."""
    receipt = stray.receipt
    sent = f"{receipt.published_at.isoformat()}#{receipt.message_id}"
    return Key(stray_partition(stray.number_hash), sent)


def opt_out_key(number_hash: str) -> Key:
    """The key of a number's opt-out."""
    return Key(f"opted_out#{number_hash}", "opt_out")
