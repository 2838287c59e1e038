"""What sending reads and keeps: above all the claim, which only one invocation can win."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from trial.aws.table import ABSENT, Check, ConditionFailedError, Table, check, count, delete, put
from trial.codes import ReminderState, Status, Suppression
from trial.errors import ContendedError, NotFoundError
from trial.messages import MESSAGE_AS_SEEN, closing
from trial.progress import moved
from trial.records import (
    SWITCH_KEY,
    Allocation,
    Audit,
    Enrolment,
    Reminder,
    Stray,
    allocation_key,
    audit_key,
    day_key,
    enrolment_key,
    message_key,
    number_key,
    reminder_key,
    texts_key,
)

if TYPE_CHECKING:
    from datetime import date, datetime
    from uuid import UUID

REMINDER_OPEN = "reminder is open"
ENROLMENT_AS_SEEN = "enrolment as seen"
DAY_FREE = "no text that day"
NUMBER_TEXTABLE = "number may be texted"
TEXTS_LEFT = "texts are left that day"
SENDING_ON = "sending is on"

_TRIES = 3


@dataclass(frozen=True, slots=True)
class SendFacts:
    """All that decides about one text, as read at one moment."""

    enrolment: Enrolment
    allocation: Allocation
    reminder: Reminder


class SendingStore:
    """Speaks intent to the table."""

    def __init__(self, table: Table, *, texts_per_day: int) -> None:
        self._table = table
        self._texts_per_day = texts_per_day

    def facts(self, enrolment_id: UUID, number: int) -> SendFacts:
        """Read what a text needs. Raises NotFoundError if a part of it is not there."""
        enrolment, allocation, reminder = self._table.read(
            enrolment_key(enrolment_id),
            allocation_key(enrolment_id),
            reminder_key(enrolment_id, number),
        )
        if not (enrolment and allocation and reminder):
            raise NotFoundError("there is no such reminder")
        return SendFacts(Enrolment.of(enrolment), Allocation.of(allocation), Reminder.of(reminder))

    def claim_reminder(self, facts: SendFacts, *, day: date, now: datetime) -> None:
        """
        Take the right to publish this reminder, which is never given twice.

        Raises ConditionFailedError naming REMINDER_OPEN if somebody else has it or it has
        moved, ENROLMENT_AS_SEEN if the enrolment has changed since it was read, SENDING_ON if
        the trial is paused, NUMBER_TEXTABLE if the number is suppressed, DAY_FREE if the
        person was texted that day already, TEXTS_LEFT if as many texts went as may in a day.
        """
        enrolment, reminder = facts.enrolment, facts.reminder
        audit = Audit(at=now, what=f"text {reminder.number} disclosed", by="sending")
        self._table.write(
            moved(
                reminder,
                ReminderState.CLAIMED,
                condition=_open(reminder),
                claimed_at=now.isoformat(),
            ),
            check(
                enrolment_key(enrolment.enrolment_id),
                Check(
                    ENROLMENT_AS_SEEN,
                    "#version = :seen AND #status = :allocated",
                    {"seen": enrolment.version, "allocated": Status.ALLOCATED.value},
                ),
            ),
            check(
                SWITCH_KEY,
                Check(
                    SENDING_ON, "attribute_not_exists(#paused) OR #paused = :off", {"off": False}
                ),
            ),
            check(
                number_key(enrolment.mobile.number_hash or ""),
                Check(NUMBER_TEXTABLE, "attribute_not_exists(#suppressed)"),
            ),
            put(
                day_key(enrolment.person_hash, day),
                {"kind": "day", "enrolment_id": str(enrolment.enrolment_id)},
                Check(DAY_FREE, ABSENT),
            ),
            count(
                texts_key(day),
                "texts",
                1,
                Check(
                    TEXTS_LEFT,
                    "attribute_not_exists(#counted) OR #counted < :most",
                    {"most": self._texts_per_day},
                ),
            ),
            put(audit_key(enrolment.enrolment_id, audit), audit.item()),
        )

    def release_claim(self, facts: SendFacts, *, day: date, claimed_at: datetime) -> None:
        """Give the right back: the text was certainly not sent."""
        self._table.write(
            moved(
                facts.reminder,
                ReminderState.SCHEDULED,
                condition=_claimed(claimed_at),
                remove=["claimed_at"],
            ),
            delete(day_key(facts.enrolment.person_hash, day)),
            count(texts_key(day), "texts", -1),
        )

    def keep_sent(self, reminder: Reminder, *, message_id: str, claimed_at: datetime) -> None:
        """
        The provider has taken the text; the carrier's word on it may be here already.

        Raises ConditionFailedError if the claim is not ours.
        """
        stray = None
        for _ in range(_TRIES):
            acts = closing(
                reminder,
                message_id,
                stray=stray,
                sent_at=claimed_at,
                condition=_claimed(claimed_at),
                by="sending",
                now=claimed_at,
            )
            try:
                return self._table.write(*acts)
            except ConditionFailedError as refusal:
                if refusal.failed != {MESSAGE_AS_SEEN}:
                    raise
            (item,) = self._table.read(message_key(message_id))
            stray = Stray.of(item or {})
        raise ContendedError("the carrier's word kept changing")

    def keep_failed(self, reminder: Reminder, *, reason: str, claimed_at: datetime) -> None:
        """The provider said a definite no."""
        self._table.write(
            moved(reminder, ReminderState.FAILED, condition=_claimed(claimed_at), reason=reason)
        )

    def suppress(self, reminder: Reminder, reason: Suppression) -> None:
        """It will not be sent, on purpose. Raises ConditionFailedError if it is not open."""
        self._table.write(
            moved(
                reminder,
                ReminderState.SUPPRESSED,
                condition=_open(reminder),
                reason=reason.value,
            )
        )


def _open(reminder: Reminder) -> Check:
    """Nobody has claimed it, and it is still due when we think it is."""
    values = {
        # Both: a schedule may fire before it is noted that it exists.
        "planned": ReminderState.PLANNED.value,
        "scheduled": ReminderState.SCHEDULED.value,
        "due_at": reminder.item()["due_at"],
    }
    text = "#state IN (:planned, :scheduled) AND #due_at = :due_at"
    return Check(REMINDER_OPEN, text, values)


def _claimed(claimed_at: datetime) -> Check:
    return Check(
        "claim is ours",
        "#state = :claimed AND #claimed_at = :claimed_at",
        {"claimed": ReminderState.CLAIMED.value, "claimed_at": claimed_at.isoformat()},
    )
