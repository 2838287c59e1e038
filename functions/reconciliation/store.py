"""What reconciliation reads and stores. Every write requires that what was read is unchanged."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from trial.aws.table import Check, Table, check, put, update
from trial.codes import Arm, ReminderState, Retained
from trial.messages import closing
from trial.progress import moved
from trial.records.allocation import Allocation, allocation_key, allocation_partition
from trial.records.audit import TEXTS, audit_partition
from trial.records.enrolment import Enrolment, enrolment_key
from trial.records.person import Number, number_key
from trial.records.receipt import Stray, stray_key, stray_partition
from trial.records.reminder import SHARDS, TROUBLED, Reminder, reminder_key
from trial.records.switch import PROOF_KEY, SWITCH_KEY, Switch
from trial.records.waiting import Waiting

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date, datetime
    from uuid import UUID

    from trial.aws.table import Key
    from trial.codes import Suppression


_UNSURE = frozenset({ReminderState.CLAIMED, ReminderState.UNKNOWN})


@dataclass(frozen=True, slots=True)
class ReminderFacts:
    """Everything that decides about one reminder, read at one moment."""

    reminder: Reminder
    enrolment: Enrolment
    arm: Arm | None


@dataclass(frozen=True, slots=True)
class ProvenEnrolment:
    """An enrolment with its arm and every trace of texts."""

    enrolment: Enrolment
    arm: Arm | None
    traces: tuple[str, ...]


class ReconciliationStore:
    """Reconciliation's operations on the table."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def due(self, *, until: datetime, first: int = 0) -> Iterator[Key]:
        """
        The key of every open reminder due by `until`.

        It reads shard after shard, starting at `first`, so that no shard is always the last.
        """
        for place in range(len(SHARDS)):
            shard = SHARDS[(first + place) % len(SHARDS)]
            yield from self._table.by_due(shard, until=until.strftime("%Y-%m-%dT%H:%M:%SZ"))

    def waiting(self) -> Iterator[Waiting]:
        """Orders that wait for somebody to act, the oldest follow-up first."""
        return Waiting.all_in(self._table)

    def facts(self, enrolment_id: UUID, number: int) -> ReminderFacts | None:
        """A reminder with the facts that decide whether it goes. Raises UnreadableError."""
        reminder, enrolment, allocation = self._table.read(
            reminder_key(enrolment_id, number),
            enrolment_key(enrolment_id),
            allocation_key(enrolment_id),
        )
        if reminder is None:
            return None
        return ReminderFacts(
            Reminder.of(reminder),
            Enrolment.of(enrolment or {}),
            Allocation.of(allocation).arm if allocation else None,
        )

    def switch(self) -> Switch | None:
        """The trial's switch, if it was ever used."""
        (item,) = self._table.read(SWITCH_KEY)
        return Switch.of(item) if item else None

    def live(self, *, since: date) -> Iterator[Key]:
        """The key of every enrolment, of any trial, whose last day is not before `since`."""
        for retained in (Retained.IDENTIFIERS, Retained.HELD):
            yield from self._table.by_last_day_since(retained, since=since.isoformat())

    def proof_stopped_at(self) -> str:
        """The place after which the proof continues; empty to start from the beginning."""
        (item,) = self._table.read(PROOF_KEY)
        return str(item["after"]) if item else ""

    def keep_proof_stopped_at(self, after: str) -> None:
        """Note where the proof continues."""
        self._table.write(put(PROOF_KEY, {"kind": "proof", "after": after}))

    def file(self, enrolment_id: UUID) -> ProvenEnrolment | None:
        """One enrolment, if it exists. Raises UnreadableError."""
        # Traces before the arm: a legitimate trace is made after the draw.
        reminders = self._table.partition(allocation_partition(enrolment_id), "reminder#")
        texts = self._table.partition(audit_partition(enrolment_id), TEXTS)
        traces = tuple(item["kind"] for each in (reminders, texts) for item in each.values())
        found, allocation = self._table.read(
            enrolment_key(enrolment_id), allocation_key(enrolment_id)
        )
        if found is None:
            return None
        arm = Allocation.of(allocation).arm if allocation else None
        return ProvenEnrolment(Enrolment.of(found), arm, traces)

    def strays(self, enrolment: Enrolment, *, since: datetime, until: datetime) -> list[Stray]:
        """Stray receipts for texts to the enrolment's present number, oldest first."""
        partition = stray_partition(enrolment.mobile.number_hash or "")
        strays = map(Stray.of, self._table.partition(partition).values())
        return [stray for stray in strays if since <= stray.receipt.published_at <= until]

    def others_unsure(self, enrolment: Enrolment, *, since: datetime, until: datetime) -> bool:
        """Whether anybody else with the same number has an unsure text from that time."""
        (number,) = self._table.read(number_key(enrolment.mobile.number_hash or ""))
        respondents = Number.of(number).respondents if number else {}
        return any(
            reminder.state in _UNSURE and since <= (reminder.claimed_at or since) <= until
            for other in respondents
            if other != enrolment.enrolment_id
            for reminder in self.reminders(other)
        )

    def reminders(self, enrolment_id: UUID) -> Iterator[Reminder]:
        """All reminders of an enrolment, in any state."""
        partition = reminder_key(enrolment_id, 0).pk
        return map(Reminder.of, self._table.partition(partition, "reminder#").values())

    def strays_listed(self, *, until: date) -> Iterator[Key]:
        """The keys of stray receipts for texts that went on that day or before."""
        return self._table.by_last_day(Retained.STRAY_RECEIPTS, until=until.isoformat())

    def unreported_stray(self, key: Key) -> Stray | None:
        """A stray receipt, unless it has been matched with a reminder or reported."""
        (item,) = self._table.read(key)
        stray = Stray.of(item) if item else None
        return stray if stray and not stray.reported_at else None

    def keep_reported(self, stray: Stray, *, now: datetime) -> None:
        """Note that it is reported to a person. Raises ContendedError if it has been matched."""
        condition = Check("stray is there", "attribute_exists(#receipt)")
        self._table.write(
            update(stray_key(stray), condition=condition, reported_at=now.isoformat())
        )

    def keep_scheduled(self, reminder: Reminder) -> None:
        """Mark the planned reminder as scheduled."""
        self._move(reminder, ReminderState.SCHEDULED)

    def suppress(self, facts: ReminderFacts, reason: Suppression) -> None:
        """Suppress the reminder."""
        enrolment = facts.enrolment
        self._table.write(
            moved(
                facts.reminder,
                ReminderState.SUPPRESSED,
                condition=_as_seen(facts.reminder),
                reason=reason.value,
            ),
            check(
                enrolment_key(enrolment.enrolment_id),
                Check("enrolment as seen", "#version = :seen", {"seen": enrolment.version}),
            ),
        )

    def keep_found(self, reminder: Reminder, stray: Stray, *, now: datetime) -> None:
        """Record that it was sent after all, with the stray receipt that shows it."""
        receipt = stray.receipt
        self._table.write(
            *closing(
                reminder,
                receipt.message_id,
                stray=stray,
                sent_at=receipt.published_at,
                condition=_as_seen(reminder),
                by="reconciliation",
                now=now,
            )
        )

    def keep_unknown(self, reminder: Reminder) -> None:
        """Record that it is unknown whether it was sent. It is never sent again."""
        self._move(reminder, ReminderState.UNKNOWN)

    def leave_unknown(self, reminder: Reminder) -> None:
        """Stop checking it: a receipt can no longer arrive, so it stays unknown."""
        act = update(
            reminder_key(reminder.enrolment_id, reminder.number),
            condition=_as_seen(reminder),
            open_shard=TROUBLED,
            state=reminder.state.value,
        )
        self._table.write(act)

    def keep_unconfirmed(self, reminder: Reminder) -> None:
        """Record that it was sent and no receipt arrived."""
        self._move(reminder, ReminderState.UNCONFIRMED)

    def announce_again(self, enrolment: Enrolment) -> None:
        """Make the stream announce once more that it is eligible."""
        self._table.write(
            update(
                enrolment_key(enrolment.enrolment_id),
                condition=Check(
                    "enrolment as seen",
                    "#version = :seen AND #status = :status",
                    {"seen": enrolment.version, "status": enrolment.status.value},
                ),
                version=enrolment.version + 1,
            )
        )

    def _move(self, reminder: Reminder, to: ReminderState) -> None:
        self._table.write(moved(reminder, to, condition=_as_seen(reminder)))


def _as_seen(reminder: Reminder) -> Check:
    """Condition: the reminder has the same state and due time."""
    return Check(
        "reminder as seen",
        "#state = :seen_state AND #due_at = :seen_due_at",
        {"seen_state": reminder.state.value, "seen_due_at": reminder.item()["due_at"]},
    )
