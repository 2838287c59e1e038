"""
Matches a text's message id with the carrier's receipt, whichever arrives first.

The item under a message id names its reminder or, while that is unknown, holds a stray receipt.
Each is written only if the other is absent, so the second writer sees the first and joins the two.
A reminder's final state depends on the set of receipts, not on the order of their arrival.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from trial.aws.table import ABSENT, Act, Check, delete, put
from trial.codes import ReminderState
from trial.errors import ConflictError
from trial.progress import moved
from trial.records.audit import AuditEntry, audit_key
from trial.records.receipt import Message, OptOut, message_key, opt_out_key, stray_key

if TYPE_CHECKING:
    from datetime import datetime

    from trial.records.receipt import Receipt, Stray
    from trial.records.reminder import Reminder

MESSAGE_AS_SEEN = "message as seen"

_AWAITING = frozenset({ReminderState.SENT, ReminderState.UNCONFIRMED, ReminderState.UNKNOWN})
_SETTLED = frozenset({ReminderState.DELIVERED, ReminderState.UNDELIVERED})


def outweighs(receipt: Receipt, other: Receipt) -> bool:
    """
    Whether a receipt takes precedence over another for the same text.

    A delivery is definite and outweighs any failure; of two alike, the earlier one counts.
    """
    return _weight(receipt.state, receipt.at, receipt.reason) < _weight(
        other.state, other.at, other.reason
    )


def is_news(receipt: Receipt, reminder: Reminder) -> bool:
    """
    Whether a receipt changes a reminder that was sent under this message id.

    Raises ConflictError if the reminder was not sent.
    """
    if reminder.state in _SETTLED and reminder.closed_at:
        held = _weight(reminder.state, reminder.closed_at, reminder.reason)
        return _weight(receipt.state, receipt.at, receipt.reason) < held
    if reminder.state in _AWAITING:
        return True
    raise ConflictError("a receipt for a reminder that was not sent")


def closing(
    reminder: Reminder,
    message_id: str,
    *,
    stray: Stray | None,
    sent_at: datetime,
    condition: Check,
    by: str,
    now: datetime,
) -> tuple[Act, ...]:
    """
    The writes for a reminder that turns out to have been sent under this message id.

    `stray` is its receipt, if that arrived first. A refusal names MESSAGE_AS_SEEN if the stray has
    appeared or changed since it was read: read it and try again.
    """
    sent = {"message_id": message_id, "sent_at": sent_at.isoformat()}
    message = Message(enrolment_id=reminder.enrolment_id, number=reminder.number)
    pointing = put(message_key(message_id), message.item(), as_seen(stray))
    if stray is None:
        return moved(reminder, ReminderState.SENT, condition=condition, **sent), pointing
    settled = apply_receipt(reminder, stray.receipt, condition=condition, by=by, now=now, **sent)
    return *settled, pointing, delete(stray_key(stray))


def apply_receipt(
    reminder: Reminder,
    receipt: Receipt,
    *,
    condition: Check,
    by: str,
    now: datetime,
    **attributes: str,
) -> tuple[Act, ...]:
    """The writes that apply the carrier's receipt to a reminder."""
    at = receipt.model_dump(mode="json")["at"]  # formatted as in a reminder's item: `as_settled`
    word = {
        "closed_at": at,
        "delivered_at": at if receipt.state is ReminderState.DELIVERED else None,
        "reason": receipt.reason,
        "parts": receipt.parts,
        "price_pence": receipt.price_pence,
    }
    audit = AuditEntry(at=now, what=f"text {reminder.number} receipt collected", by=by)
    return (
        moved(
            reminder,
            receipt.state,
            condition=condition,
            # Nothing of an outweighed receipt remains.
            remove=[name for name, value in word.items() if value is None],
            **{name: value for name, value in word.items() if value is not None},
            **attributes,
        ),
        put(audit_key(reminder.enrolment_id, audit), audit.item()),
    )


def opting_out(number_hash: str, *, by: str, now: datetime) -> tuple[Act, Act]:
    """The writes that record that a number opted out. Refused if that is recorded already."""
    key = opt_out_key(number_hash)
    audit = AuditEntry(at=now, what="number_opted_out", by=by)
    return (
        put(key, OptOut(at=now, by=by).item(), Check("not opted out", ABSENT)),
        put(audit_key(key.pk, audit), audit.item()),
    )


def as_seen(stray: Stray | None) -> Check:
    """The item under the message id is still this stray, or still absent."""
    if stray is None:
        return Check(MESSAGE_AS_SEEN, ABSENT)
    return Check(MESSAGE_AS_SEEN, "#receipt = :receipt", {"receipt": stray.item()["receipt"]})


def as_settled(reminder: Reminder) -> Check:
    """No other receipt has been applied since the reminder was read."""
    values = {"state": reminder.state.value}
    if reminder.state in _SETTLED:
        values["closed_at"] = reminder.item()["closed_at"]
    text = " AND ".join(f"#{name} = :{name}" for name in values)
    return Check("reminder as seen", text, values)


def _weight(state: ReminderState, at: datetime, reason: str | None) -> tuple[bool, datetime, str]:
    return state is not ReminderState.DELIVERED, at, reason or ""
