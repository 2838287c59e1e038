"""Compares the plan with schedules, states and receipts, and closes the gaps."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

from reconciliation.findings import STRANGE_KEY, Gap, GapFinding, finding
from reconciliation.gaps import AHEAD, CLAIM_PATIENCE, RECEIPT_PATIENCE, is_in_progress, why_never
from trial.codes import Arm, ReminderState
from trial.open_claims import OUTLASTED
from trial.protocol.load import load
from trial.records.reminder import reminder_at

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime
    from uuid import UUID

    from reconciliation.findings import Look
    from reconciliation.store import ReconciliationStore, ReminderFacts
    from trial.aws.schedules import Schedules
    from trial.records.receipt import Stray
    from trial.records.reminder import Reminder
    from trial.records.switch import Switch

_CLOCKS_DIFFER = timedelta(seconds=5)


def reconcile(
    *, store: ReconciliationStore, schedules: Schedules, switch: Switch | None, now: datetime
) -> Iterator[GapFinding]:
    """
    Close the gap of every open reminder that is due or will be soon; yields each finding.

    Safe to repeat, and to stop after any of them. No reminder fires again while sending is paused.
    """
    for key in store.due(until=now + AHEAD, first=now.hour):
        if (place := reminder_at(key)) is None:
            yield STRANGE_KEY
            continue
        look = partial(_reminder, *place, store, schedules, switch, now)
        yield finding(*place, look)


def _reminder(
    enrolment_id: UUID,
    number: int,
    store: ReconciliationStore,
    schedules: Schedules,
    switch: Switch | None,
    now: datetime,
) -> Look:
    facts = store.facts(enrolment_id, number)
    if facts is None:
        return None
    reminder = facts.reminder
    match reminder.state:
        case ReminderState.PLANNED | ReminderState.SCHEDULED:
            return _unclaimed(facts, store, schedules, switch, now)
        case ReminderState.CLAIMED | ReminderState.UNKNOWN:
            return _claimed(facts, store, now)
        case ReminderState.SENT if now - (reminder.sent_at or reminder.due_at) > RECEIPT_PATIENCE:
            store.keep_unconfirmed(reminder)
            return Gap.UNCONFIRMED
    return None


def _unclaimed(
    facts: ReminderFacts,
    store: ReconciliationStore,
    schedules: Schedules,
    switch: Switch | None,
    now: datetime,
) -> Look:
    reminder, enrolment = facts.reminder, facts.enrolment
    if facts.arm is not Arm.INTERVENTION:
        schedules.remove(enrolment.enrolment_id, reminder.number)
        return Gap.NOT_ENTITLED
    if is_in_progress(reminder, enrolment, now):
        return None
    protocol = load(reminder.protocol)
    if reason := why_never(reminder, enrolment, switch=switch, protocol=protocol, now=now):
        schedules.remove(enrolment.enrolment_id, reminder.number)
        store.suppress(facts, reason)
        return Gap.NOT_SENT, reason
    return _awaited(reminder, store, schedules, switch, now)


def _awaited(
    reminder: Reminder,
    store: ReconciliationStore,
    schedules: Schedules,
    switch: Switch | None,
    now: datetime,
) -> Look:
    """Make sure of the schedule of a reminder that may still be sent: at its time, or soon."""
    due = now >= reminder.due_at
    if due and switch and switch.paused:
        return None
    made = schedules.ensure(reminder.enrolment_id, reminder.number, due_at=reminder.due_at, now=now)
    if reminder.state is ReminderState.PLANNED:
        store.keep_scheduled(reminder)
    if not made:
        return None
    return Gap.NOT_FIRED if due else Gap.NOT_SCHEDULED


def _claimed(facts: ReminderFacts, store: ReconciliationStore, now: datetime) -> Look:
    reminder = facts.reminder
    claimed_at = reminder.claimed_at or reminder.due_at
    if now - claimed_at <= CLAIM_PATIENCE:
        return None
    if stray := _its_receipt(facts, store, claimed_at):
        store.keep_found(reminder, stray, now=now)
        return Gap.FOUND_SENT
    if reminder.state is ReminderState.CLAIMED:
        store.keep_unknown(reminder)
        return Gap.UNKNOWN
    if now - claimed_at > RECEIPT_PATIENCE:
        store.leave_unknown(reminder)
    return None


def _its_receipt(
    facts: ReminderFacts, store: ReconciliationStore, claimed_at: datetime
) -> Stray | None:
    """
    The receipt of an unsure text: for its number, from the time at which it may have gone.

    None if another person with that number has an unsure text from the same time, because the
    receipt may be the other's.
    """
    since, until = claimed_at - _CLOCKS_DIFFER, claimed_at + OUTLASTED + _CLOCKS_DIFFER
    strays = store.strays(facts.enrolment, since=since, until=until)
    if not strays or store.others_unsure(facts.enrolment, since=since, until=until):
        return None
    return strays[0]
