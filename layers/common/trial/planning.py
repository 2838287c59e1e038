"""The reminders that an allocation plans."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trial.codes import Arm, ReminderState, Suppression
from trial.protocol.load import load
from trial.protocol.timetable import Varied, timetable
from trial.records.reminder import Reminder

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from trial.protocol.timetable import Slot
    from trial.records.allocation import Allocation
    from trial.records.enrolment import Enrolment


def planned_from(enrolment: Enrolment, allocated_at: datetime) -> datetime:
    """The moment from which a timetable is planned: the draw or, later, a correction of dates."""
    return (enrolment.dates_changed_at or allocated_at).replace(microsecond=0)


def planned_reminders(
    enrolment: Enrolment, allocation: Allocation, *, start: datetime
) -> list[Reminder]:
    """The timetable from `start` on for an order in intervention; nothing for control."""
    plan = timetable_of(enrolment, allocation, start=start)
    return plan if allocation.arm is Arm.INTERVENTION else []


def timetable_of(
    enrolment: Enrolment, allocation: Allocation, *, start: datetime
) -> list[Reminder]:
    """
    The reminders from `start` on that an order has in intervention, whichever its arm.

    Each variation since the draw replans the timetable from the moment at which it was reported.
    A pure function: the same stamped protocol and the same order always give the same reminders.
    A draw computes it for control too: it must not fail in one arm only.
    """
    drawn_as, *varied = terms(enrolment, since=allocation.allocated_at)
    claimed = allocation.claimed or {}
    return [
        Reminder(
            enrolment_id=enrolment.enrolment_id,
            number=slot.number,
            theme=slot.theme,
            turn=slot.turn,
            due_at=slot.due_at,
            state=_state(slot, claimed),
            reason=(
                Suppression.MISSED_LATE_START
                if slot.missed and slot.number not in claimed
                else None
            ),
            claimed_at=claimed.get(slot.number),
            protocol=allocation.protocol,
            protocol_sha256=allocation.protocol_sha256,
        )
        for slot in timetable(
            enrolment_id=enrolment.enrolment_id,
            term=drawn_as.term,
            protocol=load(allocation.protocol),
            start=start.replace(microsecond=0),
            varied=varied,
        )
    ]


def terms(enrolment: Enrolment, *, since: datetime) -> list[Varied]:
    """The order's terms at that moment, then after each later variation."""
    versions = [Varied(each.since, each.order.term) for each in enrolment.versions]
    before = [each for each in versions[1:] if each.at <= since]
    return versions[len(before) :]


def _state(slot: Slot, claimed: Mapping[int, datetime]) -> ReminderState:
    """A text claimed before a restore may have gone out, so it is never sent again."""
    if slot.number in claimed:
        return ReminderState.CLAIMED
    return ReminderState.SUPPRESSED if slot.missed else ReminderState.PLANNED
