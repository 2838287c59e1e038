"""The receipts function's reads and writes."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from trial.aws.table import ConditionFailedError, Table, put
from trial.errors import NotFoundError
from trial.messages import apply_receipt, as_seen, as_settled, opting_out
from trial.records.person import number_key
from trial.records.receipt import Message, Stray, message_key, stray_key
from trial.records.reminder import Reminder, reminder_key

if TYPE_CHECKING:
    from datetime import datetime

from trial.records.receipt import Receipt


class ReceiptStore:
    """The receipts function's operations on the table."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def known(self, message_id: str) -> Message | Stray | None:
        """The reminder of this message, or its stray receipt so far."""
        (item,) = self._table.read(message_key(message_id))
        if item is None:
            return None
        return Message.of(item) if item["kind"] == "message" else Stray.of(item)

    def reminder(self, message: Message) -> Reminder:
        """The reminder of this message. Raises NotFoundError."""
        (item,) = self._table.read(reminder_key(message.enrolment_id, message.number))
        if item is None:
            raise NotFoundError("there is no such reminder")
        return Reminder.of(item)

    def is_ours(self, number_hash: str) -> bool:
        """Whether the number is known to the trial: our texts go to no other."""
        (item,) = self._table.read(number_key(number_hash))
        return item is not None

    def settle(self, reminder: Reminder, receipt: Receipt, *, now: datetime) -> None:
        """Apply the receipt to its reminder. Raises ContendedError if that has changed."""
        condition = as_settled(reminder)
        self._table.write(
            *apply_receipt(reminder, receipt, condition=condition, by="receipts", now=now)
        )

    def keep_opt_out(self, number_hash: str, *, now: datetime) -> None:
        """Record that a number opted out, unless that is recorded already."""
        with suppress(ConditionFailedError):
            self._table.write(*opting_out(number_hash, by="receipts", now=now))

    def keep_stray(self, stray: Stray, *, known: Stray | None) -> None:
        """
        Keep a receipt, in place of `known`, until its reminder is known.

        It can be found by message id and by number. Raises ContendedError if another writer has
        changed the item under the message id.
        """
        self._table.write(
            put(message_key(stray.receipt.message_id), stray.item(), as_seen(known)),
            put(stray_key(stray), stray.listed()),
        )
