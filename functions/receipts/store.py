"""What receipts reads and keeps."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trial.aws.table import Table, put
from trial.errors import NotFoundError
from trial.messages import apply_receipt, as_seen, as_settled
from trial.records.person import number_key
from trial.records.receipt import Message, Stray, message_key, stray_key
from trial.records.reminder import Reminder, reminder_key

if TYPE_CHECKING:
    from datetime import datetime

from trial.records.receipt import Receipt


class ReceiptStore:
    """Speaks intent to the table."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def known(self, message_id: str) -> Message | Stray | None:
        """Which reminder this message was, or what the carrier has said of it so far."""
        (item,) = self._table.read(message_key(message_id))
        if item is None:
            return None
        return Message.of(item) if item["kind"] == "message" else Stray.of(item)

    def reminder(self, message: Message) -> Reminder:
        """The reminder that this message was. Raises NotFoundError."""
        (item,) = self._table.read(reminder_key(message.enrolment_id, message.number))
        if item is None:
            raise NotFoundError("there is no such reminder")
        return Reminder.of(item)

    def is_ours(self, number_hash: str) -> bool:
        """Whether anything is known of a number: no text of ours goes to any other."""
        (item,) = self._table.read(number_key(number_hash))
        return item is not None

    def settle(self, reminder: Reminder, receipt: Receipt, *, now: datetime) -> None:
        """Let the reminder end as the receipt says. Raises ContendedError if it has changed."""
        condition = as_settled(reminder)
        self._table.write(
            *apply_receipt(reminder, receipt, condition=condition, by="receipts", now=now)
        )

    def keep_stray(self, stray: Stray, *, known: Stray | None) -> None:
        """
        Keep a receipt until it is known which reminder it is for, in place of `known`.

        It can be found by its message id and by its number. Raises ContendedError if somebody
        else has written under the message id meanwhile.
        """
        self._table.write(
            put(message_key(stray.receipt.message_id), stray.item(), as_seen(known)),
            put(stray_key(stray), stray.listed()),
        )
