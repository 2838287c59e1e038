"""The whole trial's switch, and the suppression list."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trial.identity import number_hash
from trial.records.audit import AuditEntry
from trial.records.person import SuppressedNumber
from trial.records.switch import Switch, switched_at
from trial.retry import on_contention

if TYPE_CHECKING:
    from operations.context import OperationsContext, StaffContext
    from operations.wire import SuppressionIn, SwitchIn


def set_switch(given: SwitchIn, context: StaffContext) -> Switch:
    """
    Pause or resume the whole trial's sending. Safe to repeat.

    A pause returns when no text that was claimed before it can still go.
    """

    def attempt() -> Switch:
        known = context.store.switch()
        if known and (known.paused, known.reason, known.by) == (
            given.paused,
            given.reason,
            given.by,
        ):
            return known
        at = switched_at(known, context.now)
        switch = Switch(**given.model_dump(), at=at, version=known.version if known else 0)
        what = "sending_paused" if given.paused else "sending_resumed"
        context.store.keep_switch(switch, AuditEntry(at=at, what=what, by=context.by))
        return switch

    switch = on_contention(attempt)
    if switch.paused:
        context.outlast_claims()
    return switch


def suppress(given: SuppressionIn, context: OperationsContext) -> tuple[SuppressedNumber, bool]:
    """
    Suppress a number; returns its entry, and whether it is new. Only the number's hash is stored.

    The entry is stored first, with a note that everyone with the number is to be settled; then they
    are. Returns when no text that was claimed before can still go.
    """
    hashed = number_hash(context.identity, given.number)

    def attempt() -> tuple[SuppressedNumber, bool]:
        if known := context.store.suppressed(hashed):
            consulted = AuditEntry(at=context.now, what="suppression consulted", by=context.by)
            context.store.log_suppressed(hashed, consulted)
            return known, False
        entry = SuppressedNumber(reason=given.reason, by=given.by, at=context.now)
        audit = AuditEntry(at=context.now, what="number_suppressed", by=context.by)
        context.store.keep_suppressed(hashed, entry, audit)
        return entry, True

    kept = on_contention(attempt)
    context.settle_users(hashed)
    context.outlast_claims()
    return kept
