"""What enrolment reads and keeps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from trial.aws.table import ABSENT, Check, Table, check, put
from trial.errors import NotFoundError
from trial.records.audit import Audit, audit_key
from trial.records.enrolment import (
    Enrolment,
    Outcome,
    enrolment_key,
    enrolment_partition,
    outcome_key,
)
from trial.records.person import Number, Person, number_key, person_key
from trial.records.record import next_version

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from uuid import UUID


@dataclass(frozen=True, slots=True)
class Surroundings:
    """All that decides about an enrolment, as read at one moment."""

    enrolment: Enrolment | None
    person: Person
    numbers: Mapping[str, Number]


@dataclass(frozen=True, slots=True)
class EnrolmentFile:
    """An enrolment with its history."""

    enrolment: Enrolment
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

    def keep(
        self,
        *enrolments: Enrolment,
        audit: Mapping[UUID, Audit],
        person: tuple[str, Person] | None = None,
        numbers: Mapping[str, Number] | None = None,
        outcome: Outcome | None = None,
        seen: Enrolment | None = None,
    ) -> None:
        """
        Store enrolments with their traces and audit entries, or nothing.

        Raises ContendedError if anything that decided about them has changed meanwhile; `seen` is
        an enrolment that decided and does not change itself.
        """
        acts = [next_version(enrolment_key(each.enrolment_id), each) for each in enrolments]
        if person:
            acts.append(next_version(person_key(person[0]), person[1]))
        acts += [next_version(number_key(key), number) for key, number in (numbers or {}).items()]
        if seen:
            unchanged = Check("unchanged", "#version = :seen", {"seen": seen.version})
            acts.append(check(enrolment_key(seen.enrolment_id), unchanged))
        if outcome:
            (ident,) = audit
            key = outcome_key(ident, outcome.outcome_id)
            acts.append(put(key, outcome.item(), Check("outcome is new", ABSENT)))
        acts += [put(audit_key(ident, entry), entry.item()) for ident, entry in audit.items()]
        self._table.write(*acts)

    def file(self, enrolment_id: UUID) -> EnrolmentFile:
        """An enrolment with its history. Raises NotFoundError."""
        items = self._table.partition(enrolment_partition(enrolment_id))
        if "ENROLMENT" not in items:
            raise NotFoundError("no enrolment has this id")
        return EnrolmentFile(
            enrolment=Enrolment.of(items["ENROLMENT"]),
            history=tuple(Audit.of(item) for item in items.values() if item["kind"] == "audit"),
        )

    def outcome(self, enrolment_id: UUID, outcome_id: str) -> Outcome | None:
        """An outcome that was reported before."""
        (item,) = self._table.read(outcome_key(enrolment_id, outcome_id))
        return Outcome.of(item) if item else None

    def log(self, enrolment_id: UUID, audit: Audit) -> None:
        """Record that somebody consulted an enrolment."""
        self._table.write(put(audit_key(enrolment_id, audit), audit.item()))
