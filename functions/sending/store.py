"""Sending's reads and writes: above all the claim, which only one invocation can win."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from trial.aws.table import ABSENT, Check, ConditionFailedError, Table, check, count, delete, put
from trial.codes import ReminderState, Status, Suppression
from trial.errors import ContendedError, NotFoundError
from trial.messages import MESSAGE_AS_SEEN, closing, opting_out
from trial.progress import moved
from trial.records.allocation import Allocation, allocation_key
from trial.records.audit import AuditEntry, audit_key
from trial.records.enrolment import Enrolment, enrolment_key
from trial.records.person import number_key, suppressed_key
from trial.records.receipt import Stray, message_key, opt_out_key
from trial.records.reminder import Reminder, day_key, reminder_key, texts_key
from trial.records.switch import SWITCH_KEY, Switch

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from trial.aws.table import Key
    from trial.protocol.settings import Place
    from trial.records.reminder import TextSent

REMINDER_OPEN = "reminder is open"
ENROLMENT_AS_SEEN = "enrolment as seen"
DAY_FREE = "no text that day"
TEXTS_LEFT = "texts are left that day"

_TRIES = 3

_DAYS_TO_ALL_TEXTS = 14
"""Days after enrolment from which all of a day's texts are open to a person."""


@dataclass(frozen=True, slots=True)
class SendFacts:
    """Everything that decides about one text, as read at one moment."""

    enrolment: Enrolment
    allocation: Allocation
    reminder: Reminder


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to publish one reminder: the facts it rests on, its text, and its time."""

    facts: SendFacts
    text: TextSent
    at: datetime
    place: Place
    for_drama: bool = False
    """Whether the number is reserved: its texts have a count of their own and use up no quota."""

    @property
    def day(self) -> Key:
        """The key of the item that says that the person was texted on that local day."""
        return day_key(self.facts.enrolment.person_hash, self.place.date_at(self.at))

    @property
    def texts(self) -> Key:
        """The key of the count of the whole trial's texts on that local day."""
        return texts_key(self.place.date_at(self.at), for_drama=self.for_drama)

    def most(self, texts_per_day: int) -> int:
        """
        The limit on that day's texts, this one included.

        Half of a day's texts are open to anybody. Of the rest, each day since enrolment opens an
        equal part to a person: when texts run short, earlier enrolments go first.
        """
        since = self.place.date_at(self.facts.enrolment.enrolled_at)
        days = min((self.place.date_at(self.at) - since).days, _DAYS_TO_ALL_TEXTS)
        return -(-texts_per_day * (_DAYS_TO_ALL_TEXTS + days) // (2 * _DAYS_TO_ALL_TEXTS))

    @property
    def is_ours(self) -> Check:
        """The claim has not been released, closed or replaced by another."""
        return Check(
            "claim is ours",
            "#state = :claimed AND #claimed_at = :claimed_at",
            {"claimed": ReminderState.CLAIMED.value, "claimed_at": self.at.isoformat()},
        )


class SendingStore:
    """Sending's operations on the table."""

    def __init__(self, table: Table, *, texts_per_day: int) -> None:
        self._table = table
        self._texts_per_day = texts_per_day

    def facts(self, enrolment_id: UUID, number: int) -> SendFacts:
        """Read what a text needs. Raises NotFoundError if a part of it is missing."""
        enrolment, allocation, reminder = self._table.read(
            enrolment_key(enrolment_id),
            allocation_key(enrolment_id),
            reminder_key(enrolment_id, number),
        )
        if not (enrolment and allocation and reminder):
            raise NotFoundError("there is no such reminder")
        return SendFacts(Enrolment.of(enrolment), Allocation.of(allocation), Reminder.of(reminder))

    def claim_reminder(self, claim: Claim) -> None:
        """
        Claim the right to publish this reminder, which only one invocation can hold.

        Raises ConditionFailedError naming REMINDER_OPEN if the reminder is claimed, closed or
        moved, ENROLMENT_AS_SEEN if the enrolment has changed since it was read, DAY_FREE if the
        person was already texted that day, and TEXTS_LEFT if the day's limit is reached.
        """
        enrolment, reminder = claim.facts.enrolment, claim.facts.reminder
        audit = AuditEntry(at=claim.at, what=f"text {reminder.number} disclosed", by="sending")
        self._table.write(
            moved(
                reminder,
                ReminderState.CLAIMED,
                condition=_open(reminder),
                claimed_at=claim.at.isoformat(),
                text=claim.text.model_dump(mode="json", exclude_none=True),
            ),
            check(
                enrolment_key(enrolment.enrolment_id),
                Check(
                    ENROLMENT_AS_SEEN,
                    "#version = :seen AND #status = :allocated",
                    {"seen": enrolment.version, "allocated": Status.ALLOCATED.value},
                ),
            ),
            put(
                claim.day,
                {"kind": "day", "enrolment_id": str(enrolment.enrolment_id)},
                Check(DAY_FREE, ABSENT),
            ),
            count(
                claim.texts,
                "texts",
                1,
                Check(
                    TEXTS_LEFT,
                    "attribute_not_exists(#counted) OR #counted < :most",
                    {"most": claim.most(self._texts_per_day)},
                ),
            ),
            put(audit_key(enrolment.enrolment_id, audit), audit.item()),
        )

    def barrier(self, claim: Claim) -> Suppression | None:
        """
        What has stopped texts to the claim's number, or all texts. Read it before claiming.

        Whoever pauses, suppresses or protects later waits until a text of the claim's time can no
        longer go out; nobody is promised anything about an opt-out. So the claim need not check
        these, and writes nothing that all texts share but the day's count.
        """
        number_hash = claim.facts.enrolment.mobile.number_hash or ""
        switch, suppressed, opted_out, number = self._table.read(
            SWITCH_KEY,
            suppressed_key(number_hash),
            opt_out_key(number_hash),
            number_key(number_hash),
        )
        today = claim.place.date_at(claim.at).isoformat()
        barriers = {
            Suppression.PAUSED: switch is not None and Switch.of(switch).paused,
            Suppression.SUPPRESSED_NUMBER: suppressed is not None,
            Suppression.OPTED_OUT: opted_out is not None,
            Suppression.UNSAFE_NUMBER: (number or {}).get("protected_until", "") >= today,
        }
        return next((reason for reason, applies in barriers.items() if applies), None)

    def release_claim(self, claim: Claim, *, now: datetime) -> None:
        """Release the claim and log it: the text was certainly not sent."""
        reminder = claim.facts.reminder
        audit = AuditEntry(at=now, what=f"text {reminder.number} released", by="sending")
        self._table.write(
            moved(
                reminder,
                ReminderState.SCHEDULED,
                condition=claim.is_ours,
                remove=["claimed_at", "text"],
            ),
            delete(claim.day),
            count(claim.texts, "texts", -1),
            put(audit_key(reminder.enrolment_id, audit), audit.item()),
        )

    def keep_sent(self, claim: Claim, *, message_id: str, sent_at: datetime) -> None:
        """
        Record that the provider took the text; the carrier's receipt may be here already.

        Raises ConditionFailedError if the claim is not ours.
        """
        stray = None
        for _ in range(_TRIES):
            acts = closing(
                claim.facts.reminder,
                message_id,
                stray=stray,
                sent_at=sent_at,
                condition=claim.is_ours,
                by="sending",
                now=sent_at,
            )
            try:
                return self._table.write(*acts)
            except ConditionFailedError as refusal:
                if refusal.failed != {MESSAGE_AS_SEEN}:
                    raise
            (item,) = self._table.read(message_key(message_id))
            stray = Stray.of(item or {})
        raise ContendedError("the carrier's word kept changing")

    def keep_opt_out(self, claim: Claim, *, now: datetime) -> None:
        """Record that the claim's number opted out, unless that is recorded already."""
        number_hash = claim.facts.enrolment.mobile.number_hash or ""
        with suppress(ConditionFailedError):
            self._table.write(*opting_out(number_hash, by="sending", now=now))

    def keep_failed(self, claim: Claim, *, reason: str) -> None:
        """Record that the provider refused the text for good."""
        failed = ReminderState.FAILED
        self._table.write(
            moved(claim.facts.reminder, failed, condition=claim.is_ours, reason=reason)
        )

    def suppress(self, reminder: Reminder, reason: Suppression) -> None:
        """Record that the reminder is not to be sent. Raises ConditionFailedError if not open."""
        self._table.write(
            moved(
                reminder,
                ReminderState.SUPPRESSED,
                condition=_open(reminder),
                reason=reason.value,
            )
        )


def _open(reminder: Reminder) -> Check:
    """Condition: the reminder is unclaimed and its due time has not changed."""
    values = {
        # Both states: a schedule may fire before its reminder is marked as scheduled.
        "planned": ReminderState.PLANNED.value,
        "scheduled": ReminderState.SCHEDULED.value,
        "due_at": reminder.item()["due_at"],
    }
    text = "#state IN (:planned, :scheduled) AND #due_at = :due_at"
    return Check(REMINDER_OPEN, text, values)
