"""The nightly proof that nobody gets what they must not, control above all."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

from reconciliation.findings import Gap, GapFinding, finding
from trial.codes import Arm, ReminderState, Status
from trial.protocol.timetable import local_date

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime
    from uuid import UUID

    from reconciliation.findings import Look
    from reconciliation.store import ReconciliationStore
    from trial.aws.schedules import Schedules

_UNCLAIMED = frozenset({ReminderState.PLANNED, ReminderState.SCHEDULED})


def prove(
    *, store: ReconciliationStore, schedules: Schedules, trial: str, now: datetime
) -> Iterator[GapFinding]:
    """
    Every enrolment of this month and the last, then every schedule that there is.

    An order lasts 28 days at most, so that these are all that may be live, however large the
    table grows. For whoever is not in the intervention arm there is no reminder in any state, no
    record that a text was disclosed, no schedule, and no stray receipt for a text to their
    number since they were allocated. Sending writes the first two in the transaction before it
    publishes; the last is the carrier's word, and tells of a text that the table denies.

    Safe to repeat, and to stop after any of them.
    """
    last_month = (local_date(now).replace(day=1) - timedelta(days=1)).strftime("%Y-%m")
    for enrolment_id in store.enrolled(trial, since=last_month):
        look = partial(_enrolment, enrolment_id, store, schedules, now)
        yield finding(enrolment_id, None, look)
    for enrolment_id, number in schedules.found():
        look = partial(_schedule, enrolment_id, number, store, schedules)
        yield finding(enrolment_id, number, look)


def _enrolment(
    enrolment_id: UUID, store: ReconciliationStore, schedules: Schedules, now: datetime
) -> Look:
    # Schedules before the table: whoever has one by right was drawn before it was made.
    scheduled = [number for _, number in schedules.found(enrolment_id)]
    file = store.file(enrolment_id)
    if file is None or file.arm is Arm.INTERVENTION:
        return None
    enrolment = file.enrolment
    if scheduled:
        for number in scheduled:
            schedules.remove(enrolment_id, number)
        return Gap.NOT_ENTITLED, "schedule"
    if file.traces:
        return Gap.NOT_ENTITLED, file.traces[0]
    since = enrolment.allocated_at
    if since and store.strays(enrolment, since=since, until=now):
        return Gap.NOT_ENTITLED, "stray receipt"
    if enrolment.status is Status.ELIGIBLE:
        store.announce_again(enrolment)
        return Gap.NOT_DRAWN
    return None


def _schedule(
    enrolment_id: UUID, number: int, store: ReconciliationStore, schedules: Schedules
) -> Look:
    facts = store.facts(enrolment_id, number)
    if facts and facts.reminder.state in _UNCLAIMED:
        return None
    return Gap.STRAY_SCHEDULE if schedules.remove(enrolment_id, number) else None
