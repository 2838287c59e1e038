"""What sending reads and keeps: above all the claim, which only one invocation can win."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from trial.aws.table import ABSENT, Check, ConditionFailedError, Table, check, count, delete, put
from trial.codes import ReminderState, Status, Suppression
from trial.errors import ContendedError, NotFoundError
from trial.messages import MESSAGE_AS_SEEN, closing
from trial.progress import moved
from trial.protocol.local_time import local_date
from trial.records.allocation import Allocation, allocation_key
from trial.records.audit import Audit, audit_key
from trial.records.enrolment import Enrolment, enrolment_key
from trial.records.person import number_key, suppressed_key
from trial.records.receipt import Stray, message_key
from trial.records.reminder import Reminder, day_key, reminder_key, texts_key
from trial.records.switch import SWITCH_KEY

if TYPE_CHECKING:
    from datetime import date, datetime
    from uuid import UUID

    from trial.aws.table import Key
    from trial.records.reminder import TextSent

REMINDER_OPEN = "reminder is open"
ENROLMENT_AS_SEEN = "enrolment as seen"
DAY_FREE = "no text that day"
NUMBER_NOT_SUPPRESSED = "number is not suppressed"
NUMBER_UNPROTECTED = "number is unprotected"
TEXTS_LEFT = "texts are left that day"
SENDING_ON = "sending is on"

_TRIES = 3

_DAYS_TO_ALL_TEXTS = 14
"""How long after their enrolment all of a day's texts are for somebody."""


@dataclass(frozen=True, slots=True)
class SendFacts:
    """All that decides about one text, as read at one moment."""

    enrolment: Enrolment
    allocation: Allocation
    reminder: Reminder


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to publish one reminder: from which facts, with what text, since when."""

    facts: SendFacts
    text: TextSent
    at: datetime
    for_drama: bool = False
    """Whether nobody can have the number: such texts are counted apart, and use up no other's."""

    @property
    def day(self) -> Key:
        """Where it says that the person was texted on that local day."""
        return day_key(self.facts.enrolment.person_hash, local_date(self.at))

    @property
    def texts(self) -> Key:
        """Where the whole trial's texts of that local day are counted."""
        return texts_key(local_date(self.at), for_drama=self.for_drama)

    def most(self, texts_per_day: int) -> int:
        """
        How many texts may have gone that day with this one.

        Half of a day's texts are for anybody. Of the others each day since somebody was enrolled
        opens an equal part: where texts run short, those who were enrolled earlier go first.
        """
        since = local_date(self.facts.enrolment.enrolled_at)
        days = min((local_date(self.at) - since).days, _DAYS_TO_ALL_TEXTS)
        return -(-texts_per_day * (_DAYS_TO_ALL_TEXTS + days) // (2 * _DAYS_TO_ALL_TEXTS))

    @property
    def is_ours(self) -> Check:
        """Nobody has released it, closed it or claimed it anew."""
        return Check(
            "claim is ours",
            "#state = :claimed AND #claimed_at = :claimed_at",
            {"claimed": ReminderState.CLAIMED.value, "claimed_at": self.at.isoformat()},
        )


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

    def claim_reminder(self, claim: Claim) -> None:
        """
        Take the right to publish this reminder, which is never given twice.

        Raises ConditionFailedError naming REMINDER_OPEN if somebody else has it or it has
        moved, ENROLMENT_AS_SEEN if the enrolment has changed since it was read, SENDING_ON if
        the trial is paused, NUMBER_NOT_SUPPRESSED or NUMBER_UNPROTECTED if the number is one that
        must not be texted, DAY_FREE if the person was texted that day already, TEXTS_LEFT if as
        many texts went as may in a day.
        """
        enrolment, reminder = claim.facts.enrolment, claim.facts.reminder
        audit = Audit(at=claim.at, what=f"text {reminder.number} disclosed", by="sending")
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
            check(
                SWITCH_KEY,
                Check(
                    SENDING_ON, "attribute_not_exists(#paused) OR #paused = :off", {"off": False}
                ),
            ),
            check(
                suppressed_key(enrolment.mobile.number_hash or ""),
                Check(NUMBER_NOT_SUPPRESSED, ABSENT),
            ),
            check(
                number_key(enrolment.mobile.number_hash or ""),
                _unprotected(local_date(claim.at)),
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

    def release_claim(self, claim: Claim, *, now: datetime) -> None:
        """Give the right back: the text was certainly not sent, and the trail says so."""
        reminder = claim.facts.reminder
        audit = Audit(at=now, what=f"text {reminder.number} released", by="sending")
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
        The provider has taken the text; the carrier's word on it may be here already.

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

    def keep_failed(self, claim: Claim, *, reason: str) -> None:
        """The provider said a definite no."""
        failed = ReminderState.FAILED
        self._table.write(
            moved(claim.facts.reminder, failed, condition=claim.is_ours, reason=reason)
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


def _unprotected(today: date) -> Check:
    """No order that protects the number is in force."""
    unprotected = "attribute_not_exists(#protected_until)"
    text = f"{unprotected} OR #protected_until < :today"
    return Check(NUMBER_UNPROTECTED, text, {"today": today.isoformat()})


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
