"""Keeps a receipt: with its reminder or, while that is unknown, as a stray receipt."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from trial.codes import Failure
from trial.identity import number_hash
from trial.messages import is_news, outweighs
from trial.records.receipt import Message, Stray
from trial.retry import on_contention

if TYPE_CHECKING:
    from datetime import datetime

    from receipts.delivery_log import Addressed
    from receipts.store import ReceiptStore
    from trial.aws.kms import MacKey


class Kept(StrEnum):
    """The outcome of one receipt."""

    SETTLED = "settled"
    STRAY = "stray"
    NOTHING_NEW = "nothing_new"
    NOT_OURS = "not_ours"


def keep(addressed: Addressed, *, store: ReceiptStore, identity: MacKey, now: datetime) -> Kept:
    """
    Apply one receipt, which may be late, repeated, early or contradicted by another.

    An opt-out is stored first, alone: it stands whatever becomes of the text's own state.
    Raises ContendedError if the records that it concerns kept changing.
    """
    if addressed.receipt.reason == Failure.OPTED_OUT and addressed.number is not None:
        hashed = number_hash(identity, addressed.number)
        if store.is_ours(hashed):
            store.keep_opt_out(hashed, now=now)
    return on_contention(lambda: _keep(addressed, store, identity, now))


def _keep(addressed: Addressed, store: ReceiptStore, identity: MacKey, now: datetime) -> Kept:
    receipt = addressed.receipt
    known = store.known(receipt.message_id)
    if isinstance(known, Message):
        reminder = store.reminder(known)
        if not is_news(receipt, reminder):
            return Kept.NOTHING_NEW
        store.settle(reminder, receipt, now=now)
        return Kept.SETTLED
    if known and not outweighs(receipt, known.receipt):
        return Kept.NOTHING_NEW
    if known:
        hashed = known.number_hash
    elif addressed.number is None:
        return Kept.NOT_OURS  # our texts go only to numbers in canonical form
    else:
        hashed = number_hash(identity, addressed.number)
        if not store.is_ours(hashed):
            return Kept.NOT_OURS  # another sender in the account, or its data is already erased
    store.keep_stray(Stray(receipt=receipt, number_hash=hashed), known=known)
    return Kept.STRAY
