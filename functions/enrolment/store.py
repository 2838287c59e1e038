"""What enrolment reads and keeps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from trial.aws.table import ABSENT, Act, Check, Key, Table, put
from trial.errors import NotFoundError
from trial.records import (
    SWITCH_KEY,
    Allocation,
    Audit,
    Enrolment,
    Number,
    Outcome,
    Person,
    Reminder,
    Switch,
    audit_key,
    audit_key_in,
    enrolment_key,
    enrolment_partition,
    number_key,
    outcome_key,
    person_key,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from uuid import UUID

V = TypeVar("V", Enrolment, Person, Number, Switch)


@dataclass(frozen=True, slots=True)
class Surroundings:
    """All that decides about an enrolment, as read at one moment."""

    enrolment: Enrolment | None
    person: Person
    numbers: Mapping[str, Number]


@dataclass(frozen=True, slots=True)
class EnrolmentFile:
    """Everything about one enrolment."""

    enrolment: Enrolment
    allocation: Allocation | None
    reminders: tuple[Reminder, ...]
    history: tuple[Audit, ...]


class EnrolmentStore:
    """Speaks intent to the table. What is not there yet is read as version 0."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def surroundings(
        self, enrolment_id: UUID, person_hash: str, number_hashes: Iterable[str]
    ) -> Surroundings:
        """Read what an enrolment meets."""
        hashes = tuple(dict.fromkeys(number_hashes))
        enrolment, person, *numbers = self._table.read(
            enrolment_key(enrolment_id), person_key(person_hash), *map(number_key, hashes)
        )
        return Surroundings(
            enrolment=Enrolment.of(enrolment) if enrolment else None,
            person=Person.of(person) if person else Person(version=0),
            numbers={
                number_hash: Number.of(item) if item else Number(version=0)
                for number_hash, item in zip(hashes, numbers, strict=True)
            },
        )

    def enrolments(self, ids: Iterable[UUID]) -> list[Enrolment]:
        """Those of these enrolments that there are."""
        items = self._table.read(*map(enrolment_key, ids))
        return [Enrolment.of(item) for item in items if item]

    def number(self, number_hash: str) -> Number:
        """What is known of a number."""
        (item,) = self._table.read(number_key(number_hash))
        return Number.of(item) if item else Number(version=0)

    def keep(
        self,
        *enrolments: Enrolment,
        audit: Mapping[UUID, Audit],
        person: tuple[str, Person] | None = None,
        numbers: Mapping[str, Number] | None = None,
        outcome: Outcome | None = None,
    ) -> None:
        """
        Store enrolments with their traces and audit entries, or nothing.

        Raises ContendedError if anything that decided about them has changed meanwhile.
        """
        acts = [_next(enrolment_key(each.enrolment_id), each) for each in enrolments]
        if person:
            acts.append(_next(person_key(person[0]), person[1]))
        acts += [_next(number_key(key), number) for key, number in (numbers or {}).items()]
        if outcome:
            (ident,) = audit
            key = outcome_key(ident, outcome.outcome_id)
            acts.append(put(key, outcome.item(), Check("outcome is new", ABSENT)))
        acts += [put(audit_key(ident, entry), entry.item()) for ident, entry in audit.items()]
        self._table.write(*acts)

    def file(self, enrolment_id: UUID) -> EnrolmentFile:
        """Everything about one enrolment. Raises NotFoundError."""
        items = self._table.partition(enrolment_partition(enrolment_id))
        if "ENROLMENT" not in items:
            raise NotFoundError("no enrolment has this id")
        allocation = items.get("ALLOCATION")
        return EnrolmentFile(
            enrolment=Enrolment.of(items["ENROLMENT"]),
            allocation=Allocation.of(allocation) if allocation else None,
            reminders=tuple(
                Reminder.of(item) for item in items.values() if item["kind"] == "reminder"
            ),
            history=tuple(Audit.of(item) for item in items.values() if item["kind"] == "audit"),
        )

    def outcome(self, enrolment_id: UUID, outcome_id: str) -> Outcome | None:
        """An outcome that was reported before."""
        (item,) = self._table.read(outcome_key(enrolment_id, outcome_id))
        return Outcome.of(item) if item else None

    def log(self, enrolment_id: UUID, audit: Audit) -> None:
        """Record that somebody consulted an enrolment."""
        self._table.write(put(audit_key(enrolment_id, audit), audit.item()))

    def switch(self) -> Switch | None:
        """The switch, if it was ever used."""
        (item,) = self._table.read(SWITCH_KEY)
        return Switch.of(item) if item else None

    def keep_switch(self, switch: Switch, audit: Audit) -> None:
        """Set the switch. Raises ContendedError."""
        entry = put(audit_key_in(SWITCH_KEY.pk, audit), audit.item())
        self._table.write(_next(SWITCH_KEY, switch), entry)

    def keep_number(self, number_hash: str, number: Number, audit: Audit) -> None:
        """Store what is known of a number. Raises ContendedError."""
        key = number_key(number_hash)
        entry = put(audit_key_in(key.pk, audit), audit.item())
        self._table.write(_next(key, number), entry)

    def counted(self, trial: str) -> list[dict[str, Any]]:
        """What reports count of every enrolment of a trial: its `month` and `counted`."""
        return self._table.by_index("enrolments_by_month", "trial", trial)


def _next(key: Key, record: V) -> Act:
    """Write a record one version on, unless somebody else did first."""
    seen = record.version
    condition = (
        Check("unchanged", "#version = :seen", {"seen": seen})
        if seen
        else Check("unchanged", ABSENT)
    )
    return put(key, record.model_copy(update={"version": seen + 1}).item(), condition)
