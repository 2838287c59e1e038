"""What retention reads and erases. Every write requires that the enrolment is unchanged."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from retention.traces import Traces, number_without, others, person_without, stray_removed
from trial.aws.table import Act, Check, Key, Table, check, delete, put
from trial.records.allocation import allocation_key, allocation_partition
from trial.records.audit import history_key
from trial.records.enrolment import Enrolment, Outcome, enrolment_key, follow_up_key, outcome_key
from trial.records.person import Number, Person, number_key, person_key
from trial.records.receipt import Stray, message_key, stray_partition
from trial.records.reminder import Reminder, reminder_key, texted_partition

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import date
    from uuid import UUID

    from trial.codes import Retained
    from trial.records.audit import AuditEntry

_MOST = 100  # acts in a transaction


@dataclass(frozen=True, slots=True)
class RetainedEnrolment:
    """An enrolment with its reminders and outcomes."""

    enrolment: Enrolment
    reminders: tuple[Reminder, ...]
    outcomes: tuple[Outcome, ...]


class RetentionStore:
    """Retention's operations on the table."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def listed(self, retained: Retained, *, last_day: date) -> Iterator[Key]:
        """The keys of items of this kind, with a day up to `last_day`."""
        return self._table.by_last_day(retained, until=last_day.isoformat())

    def remove_idle(self, key: Key) -> bool:
        """Remove a number that no order names. Raises UnreadableError, ContendedError."""
        (item,) = self._table.read(key)
        if item is None:
            return False
        number = Number.of(item)
        if not number.is_idle:
            return False
        self._table.write(
            delete(key, Check("as seen", "#version = :seen", {"seen": number.version}))
        )
        return True

    def remove_opt_out(self, key: Key) -> bool:
        """Remove a number's opt-out, if it is still there."""
        (item,) = self._table.read(key)
        if item is None:
            return False
        self._table.write(delete(key))
        return True

    def remove_stray(self, key: Key) -> bool:
        """Remove a stray receipt, if it is still one. Raises UnreadableError, ContendedError."""
        (item,) = self._table.read(key)
        if item is None:
            return False
        stray = Stray.of(item)
        self._table.write(*stray_removed(stray))
        return True

    def file(self, enrolment_id: UUID) -> RetainedEnrolment | None:
        """An enrolment as stored, if it exists. Raises UnreadableError if it cannot be read."""
        key = enrolment_key(enrolment_id)
        items = self._table.partition(key.pk)
        if key.sk not in items:
            return None
        reminders = self._table.partition(allocation_partition(enrolment_id), "reminder#")
        return RetainedEnrolment(
            Enrolment.of(items.pop(key.sk)),
            tuple(map(Reminder.of, reminders.values())),
            tuple(Outcome.of(each) for each in items.values() if each["kind"] == "outcome"),
        )

    def traces(self, enrolment: Enrolment) -> Traces:
        """What is stored under its person and its numbers. Raises UnreadableError."""
        own = enrolment.numbers
        hashes = tuple(dict.fromkeys((*own, *enrolment.protected_hashes)))
        key = person_key(enrolment.person_hash)
        person, *numbers = self._table.read(key, *map(number_key, hashes))
        texted = texted_partition(enrolment.person_hash)
        days = self._table.partition(texted)
        known = {
            number_hash: Number.of(item)
            for number_hash, item in zip(hashes, numbers, strict=True)
            if item
        }
        return Traces(
            person=Person.of(person) if person else None,
            numbers=known,
            days=tuple(
                Key(texted, sk)
                for sk, day in days.items()
                if day["enrolment_id"] == str(enrolment.enrolment_id)
            ),
            strays=tuple(
                Stray.of(item)
                for number_hash in dict.fromkeys(own)
                # A shared number's receipts go with the last enrolment that has the number.
                if not others(known.get(number_hash), enrolment.enrolment_id)
                for item in self._table.partition(stray_partition(number_hash)).values()
            ),
        )

    def keep_erased(
        self, file: RetainedEnrolment, erased: Enrolment, traces: Traces, audit: AuditEntry
    ) -> None:
        """
        Replace an enrolment by one without identifiers, and remove all traces.

        Raises ContendedError if any of it has changed since it was read.
        """
        ident = erased.enrolment_id
        small = [
            *map(delete, traces.days),
            *(act for stray in traces.strays for act in stray_removed(stray)),
            *(
                put(
                    outcome_key(ident, outcome.outcome_id),
                    outcome.model_copy(update={"reference": None}).item(),
                    Check("outcome is there", "attribute_exists(#pk)"),
                )
                for outcome in file.outcomes
                if outcome.reference
            ),
        ]
        whole = [
            put(
                enrolment_key(ident),
                erased.model_copy(update={"version": erased.version + 1}).item(),
                _as_seen(file.enrolment),
            ),
            put(history_key(ident, audit), audit.item()),
            *person_without(file.enrolment, traces.person),
            *(
                act
                for number_hash, number in traces.numbers.items()
                for act in number_without(number_hash, number, ident)
            ),
        ]
        self._write(file.enrolment, small, whole)

    def remove(self, file: RetainedEnrolment, traces: Traces, audit: AuditEntry) -> None:
        """
        Remove an enrolment with its allocation, reminders and outcomes; its audit trail stays.

        Raises ContendedError if any of it has changed since it was read.
        """
        enrolment, ident = file.enrolment, file.enrolment.enrolment_id
        small = [
            delete(allocation_key(ident)),
            delete(follow_up_key(ident)),
            *(delete(reminder_key(ident, each.number)) for each in file.reminders),
            *(delete(message_key(each.message_id)) for each in file.reminders if each.message_id),
            *(delete(outcome_key(ident, each.outcome_id)) for each in file.outcomes),
        ]
        whole = [
            delete(enrolment_key(ident), _as_seen(enrolment)),
            put(history_key(ident, audit), audit.item()),
            *person_without(enrolment, traces.person, allocated=True),
        ]
        self._write(enrolment, small, whole)

    def _write(self, enrolment: Enrolment, small: Sequence[Act], whole: Sequence[Act]) -> None:
        """Write all in one transaction or, if there are too many acts, the `small` ones before."""
        fit = _MOST - len(whole)
        seen = check(enrolment_key(enrolment.enrolment_id), _as_seen(enrolment))
        while small and len(small) > fit:
            self._table.write(seen, *small[: _MOST - 1])
            small = small[_MOST - 1 :]
        self._table.write(*small, *whole)


def _as_seen(enrolment: Enrolment) -> Check:
    return Check("enrolment as seen", "#version = :seen", {"seen": enrolment.version})
