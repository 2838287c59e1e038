"""Sends one reminder: guard, claim, guard again, publish once, close."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

from sending.gateway import NotSentError, RefusedError, UnsureError
from sending.guard import why_not
from sending.store import DAY_FREE, REMINDER_OPEN, TEXTS_LEFT, Claim
from trial.aws.kms import Binding, Purpose
from trial.aws.table import ConditionFailedError
from trial.codes import Arm, ReminderState, Suppression
from trial.errors import ContendedError, RejectedError
from trial.open_claims import BEGIN_WITHIN
from trial.phone import is_for_drama, mobile_of
from trial.protocol.load import load
from trial.protocol.wording import Recipient, render
from trial.records.reminder import TextSent
from trial.rehearsal import is_rehearsal

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime, timedelta
    from uuid import UUID

    from sending.gateway import Gateway
    from sending.store import SendFacts, SendingStore
    from trial.aws.kms import SealKey
    from trial.protocol.settings import Protocol
    from trial.protocol.wording import Sender

_TRIES = 3
_OPEN = frozenset({ReminderState.PLANNED, ReminderState.SCHEDULED})


class SendResult(StrEnum):
    """The outcome of one firing."""

    SENT = "sent"
    SUPPRESSED = "suppressed"
    FAILED = "failed"
    UNSURE = "unsure"
    NOTHING_TO_DO = "nothing_to_do"
    NOT_DUE = "not_due"
    PAUSED = "paused"
    CAPPED = "capped"


@dataclass(frozen=True, slots=True)
class Result:
    """An outcome with its reason, if any, and how late the text went."""

    outcome: SendResult
    reason: str | None = None
    late: timedelta | None = None


class ComposedText(NamedTuple):
    """A text, its number, and what is kept to reproduce it."""

    number: str
    message: str
    kept: TextSent


def send(
    enrolment_id: UUID,
    number: int,
    *,
    store: SendingStore,
    gateway: Gateway,
    sealing: SealKey,
    sender: Sender,
    drafts: bool,
    clock: Callable[[], datetime],
) -> Result:
    """
    Send reminder `number` if it is due and may go. It is never sent twice.

    Raises NotSentError after releasing the claim, so that a retry may claim it again. If the
    outcome is unknown, the reminder stays claimed and is never resent automatically. `clock` gives
    the aware time and is read again right before the request. Raises RejectedError for a wording
    without approval, unless `drafts` are allowed.
    """
    for _ in range(_TRIES):
        facts = store.facts(enrolment_id, number)
        now = clock()
        if facts.reminder.state not in _OPEN:
            return Result(SendResult.NOTHING_TO_DO)
        if now < facts.reminder.due_at:
            return Result(SendResult.NOT_DUE)  # it has moved; its own schedule will bring it
        try:
            if result := _send(facts, store, gateway, sealing, sender, clock, drafts=drafts):
                return result
        except ConditionFailedError as refusal:
            if result := _result_of_lost_claim(refusal.failed):
                return result
    raise ContendedError("what decides about the reminder kept changing")


def _send(
    facts: SendFacts,
    store: SendingStore,
    gateway: Gateway,
    sealing: SealKey,
    sender: Sender,
    clock: Callable[[], datetime],
    *,
    drafts: bool,
) -> Result | None:
    """
    One attempt; None if claiming took too long and the claim was released.

    Raises ConditionFailedError if something changed after it was read.
    """
    protocol = _stamped_protocol(facts)
    if reason := why_not(facts.reminder, facts.enrolment, protocol=protocol, now=clock()):
        return _suppressed(facts, reason, store)
    text = _text(facts, protocol, sealing, sender, drafts=drafts)
    claim = Claim(
        facts,
        text.kept,
        at=clock(),
        place=protocol.place,
        for_drama=is_for_drama(text.number),
    )
    barrier = store.barrier(claim)
    if barrier is Suppression.PAUSED:
        return Result(SendResult.PAUSED)  # reconciliation reschedules or suppresses it later
    if barrier:
        return _suppressed(facts, barrier, store)
    try:
        store.claim_reminder(claim)
    except ConditionFailedError as refusal:
        if refusal.failed != {DAY_FREE}:
            raise
        return _suppressed(facts, Suppression.DAILY_LIMIT, store)
    return _publish(claim, text, protocol, store, gateway, clock())


def _suppressed(facts: SendFacts, reason: Suppression, store: SendingStore) -> Result:
    store.suppress(facts.reminder, reason)
    return Result(SendResult.SUPPRESSED, reason)


def _result_of_lost_claim(failed: frozenset[str]) -> Result | None:
    """The result of a refused claim; None if the facts must be read again."""
    if REMINDER_OPEN in failed:
        return Result(SendResult.NOTHING_TO_DO)
    if TEXTS_LEFT in failed:
        return Result(SendResult.CAPPED)  # as above; reconciliation's alarm reports it
    return None


def _publish(
    claim: Claim,
    text: ComposedText,
    protocol: Protocol,
    store: SendingStore,
    gateway: Gateway,
    now: datetime,
) -> Result | None:
    """
    Make one request, `now`; None if the claim is too old by now, or the text may no longer go.

    Safety actions answer only once every earlier claim is at least this old: see `open_claims`.
    """
    reminder, enrolment = claim.facts.reminder, claim.facts.enrolment
    overdue = now - claim.at > BEGIN_WITHIN
    if overdue or why_not(reminder, enrolment, protocol=protocol, now=now):
        store.release_claim(claim, now=now)
        return None
    try:
        message_id = gateway.publish(text.number, text.message)
    except NotSentError:
        store.release_claim(claim, now=now)
        raise
    except RefusedError as refusal:
        if refusal.opted_out:
            store.keep_opt_out(claim, now=now)
        store.keep_failed(claim, reason=refusal.code)
        return Result(SendResult.FAILED, refusal.code)
    except UnsureError as error:
        return Result(SendResult.UNSURE, str(error))
    store.keep_sent(claim, message_id=message_id, sent_at=now)
    return Result(SendResult.SENT, late=now - reminder.due_at)


def _text(
    facts: SendFacts, protocol: Protocol, sealing: SealKey, sender: Sender, *, drafts: bool
) -> ComposedText:
    """The approved wording, filled in. The last check of the recipient before a claim."""
    if facts.allocation.arm is not Arm.INTERVENTION:
        raise RejectedError("a reminder of an enrolment that is not in the intervention arm")
    enrolment, order = facts.enrolment, facts.enrolment.order
    language = enrolment.respondent.language
    about = Recipient(
        order_type=order.type,
        conditions=order.conditions,
        expires_on=order.expires_on,
        language=language,
    )
    turn = facts.reminder.turn
    rendered = render(protocol, facts.reminder.theme, turn=turn, about=about, sender=sender)
    if protocol.wordings[language][rendered.wording].draft and not drafts:
        raise RejectedError(
            f"wording {rendered.wording} ({language}) is a draft: nobody approved it"
        )
    kept = TextSent(
        wording=rendered.wording,
        language=language,
        force=sender.force,
        contact=sender.contact,
        expires_on=order.expires_on,
        sha256=rendered.sha256,
    )
    mobile = enrolment.mobile
    binding = Binding(enrolment.enrolment_id, Purpose.NUMBER, mobile.number_hash or "")
    number = sealing.opened(mobile.sealed or "", binding)
    if is_rehearsal(enrolment.trial) and not is_for_drama(number):
        raise RejectedError("a rehearsal with a number that somebody can have")
    return ComposedText(mobile_of(number, protocol.place.country), rendered.message, kept)


def _stamped_protocol(facts: SendFacts) -> Protocol:
    """The protocol of draw and reminder. Raises RejectedError unless both name its file's hash."""
    planned, drawn = facts.reminder, facts.allocation
    protocol = load(planned.protocol)
    if {planned.protocol_sha256, drawn.protocol_sha256} != {protocol.sha256}:
        raise RejectedError("the protocol file is not the one under which this was planned")
    return protocol
