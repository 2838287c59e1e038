"""Sending one reminder: guard, claim, publish once, close."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

from sending.gateway import NotSentError, RefusedError, UnsureError
from sending.guard import why_not
from sending.store import (
    DAY_FREE,
    NUMBER_TEXTABLE,
    REMINDER_OPEN,
    SENDING_ON,
    TEXTS_LEFT,
    SendFacts,
)
from trial.aws.table import ConditionFailedError
from trial.codes import Arm, ReminderState, Suppression
from trial.errors import ContendedError, RejectedError
from trial.phone import uk_mobile
from trial.protocol.load import load
from trial.protocol.timetable import local_date
from trial.protocol.wording import render

if TYPE_CHECKING:
    from datetime import date, datetime, timedelta
    from uuid import UUID

    from sending.gateway import Gateway
    from sending.store import SendingStore
    from trial.aws.kms import SealKey
    from trial.protocol.settings import Protocol

_TRIES = 3
_OPEN = frozenset({ReminderState.PLANNED, ReminderState.SCHEDULED})


class Outcome(StrEnum):
    """What became of one firing."""

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
    """An outcome with its reason, if it has one; of a text, how late it went."""

    outcome: Outcome
    reason: str | None = None
    late: timedelta | None = None


@dataclass(frozen=True, slots=True)
class Force:
    """How texts name the force, and the staffed number they give."""

    name: str
    contact: str


class Text(NamedTuple):
    """What goes where."""

    number: str
    message: str


def send(
    enrolment_id: UUID,
    number: int,
    *,
    store: SendingStore,
    gateway: Gateway,
    sealing: SealKey,
    force: Force,
    now: datetime,
) -> Result:
    """
    Text reminder `number` if it is due and may go; at most one request to the provider, ever.

    Raises NotSentError after giving the claim back, so that a retry may claim it again. What
    is unsure stays claimed, and is never sent again by itself.
    """
    for _ in range(_TRIES):
        facts = store.facts(enrolment_id, number)
        if facts.reminder.state not in _OPEN:
            return Result(Outcome.NOTHING_TO_DO)
        if now < facts.reminder.due_at:
            return Result(Outcome.NOT_DUE)  # it has moved; its own schedule will bring it
        try:
            return _send(facts, store, gateway, sealing, force, now)
        except ConditionFailedError as refusal:
            if result := _result_of_lost_claim(refusal.failed):
                return result
    raise ContendedError("what decides about the reminder kept changing")


def _send(
    facts: SendFacts,
    store: SendingStore,
    gateway: Gateway,
    sealing: SealKey,
    force: Force,
    now: datetime,
) -> Result:
    """One try. Raises ConditionFailedError if something was no longer as it had been read."""
    protocol = _stamped_protocol(facts)
    day = local_date(now)
    reason = why_not(facts.reminder, facts.enrolment, protocol=protocol, now=now)
    if reason is None:
        text = _text(facts, protocol, sealing, force)
        try:
            store.claim_reminder(facts, day=day, now=now)
        except ConditionFailedError as refusal:
            reason = _standing_in_the_way(refusal.failed)
            if reason is None:
                raise
        else:
            return _publish(facts, text, store, gateway, day, now)
    store.suppress(facts.reminder, reason)
    return Result(Outcome.SUPPRESSED, reason)


def _standing_in_the_way(failed: frozenset[str]) -> Suppression | None:
    """The reason to suppress for good, where all else was as it should be."""
    return {
        frozenset({NUMBER_TEXTABLE}): Suppression.SUPPRESSED_NUMBER,
        frozenset({DAY_FREE}): Suppression.DAILY_LIMIT,
        frozenset({NUMBER_TEXTABLE, DAY_FREE}): Suppression.SUPPRESSED_NUMBER,
    }.get(failed)


def _result_of_lost_claim(failed: frozenset[str]) -> Result | None:
    """What a refused claim means, unless it means to read again."""
    if REMINDER_OPEN in failed:
        return Result(Outcome.NOTHING_TO_DO)
    if SENDING_ON in failed:
        return Result(Outcome.PAUSED)  # reconciliation brings it back, or ends it
    if TEXTS_LEFT in failed:
        return Result(Outcome.CAPPED)  # as above; reconciliation's alarm tells of it
    return None


def _publish(
    facts: SendFacts, text: Text, store: SendingStore, gateway: Gateway, day: date, now: datetime
) -> Result:
    try:
        message_id = gateway.publish(text.number, text.message)
    except NotSentError:
        store.release_claim(facts, day=day, claimed_at=now)
        raise
    except RefusedError as refusal:
        store.keep_failed(facts.reminder, reason=refusal.code, claimed_at=now)
        return Result(Outcome.FAILED, refusal.code)
    except UnsureError as error:
        return Result(Outcome.UNSURE, str(error))
    store.keep_sent(facts.reminder, message_id=message_id, claimed_at=now)
    return Result(Outcome.SENT, late=now - facts.reminder.due_at)


def _text(facts: SendFacts, protocol: Protocol, sealing: SealKey, force: Force) -> Text:
    """The approved wording, filled in. Last look at whom it would go to, before any claim."""
    if facts.allocation.arm is not Arm.INTERVENTION:
        raise RejectedError("a reminder of an enrolment that is not in the intervention arm")
    enrolment, order = facts.enrolment, facts.enrolment.order
    number = sealing.opened(enrolment.mobile.sealed or "", about=enrolment.enrolment_id)
    message = render(
        protocol,
        facts.reminder.theme,
        conditions=order.conditions,
        force=force.name,
        contact=force.contact,
        expires_on=order.expires_on,
    )
    return Text(uk_mobile(number), message)


def _stamped_protocol(facts: SendFacts) -> Protocol:
    """The protocol under which the reminder was planned. Raises RejectedError if it changed."""
    protocol = load(facts.reminder.protocol)
    if protocol.sha256 != facts.reminder.protocol_sha256:
        raise RejectedError("the protocol file is not the one under which this was planned")
    return protocol
