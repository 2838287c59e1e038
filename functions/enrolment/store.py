"""What enrolment reads and keeps."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from trial.aws.table import ABSENT, Check, ConditionFailedError, Key, Table, check, count, put
from trial.errors import NotFoundError
from trial.records.audit import Audit, audit_key, history_key, history_partition
from trial.records.enrolment import (
    FOLLOW_UPS,
    Enrolment,
    FollowUp,
    Outcome,
    enrolment_key,
    follow_up_key,
    orders_key,
    outcome_key,
)
from trial.records.person import Number, Person, number_key, person_key
from trial.records.record import next_version
from trial.records.waiting import BEFORE_ALL

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from datetime import date
    from uuid import UUID

    from trial.records.record import Versioned

HISTORY_SHOWN = 100
"""Entries: so that the time to show an enrolment does not depend on how much happened to it."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """All that decides about an enrolment, as read at one moment."""

    enrolment: Enrolment | None
    person: Person
    numbers: Mapping[str, Number]
    orders_taken: int


@dataclass(frozen=True, slots=True)
class EnrolmentFile:
    """An enrolment with the latest of its history."""

    enrolment: Enrolment
    history: tuple[Audit, ...]


class EnrolmentStore:
    """Speaks intent to the table. What is not there yet is read as version 0."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def surroundings(
        self,
        enrolment_id: UUID,
        person_hash: str,
        number_hashes: Iterable[str],
        day: date | None = None,
    ) -> Surroundings:
        """Read what an enrolment meets; with `day`, also how many orders were taken in on it."""
        hashes = tuple(dict.fromkeys(number_hashes))
        enrolment, person, *others = self._table.read(
            enrolment_key(enrolment_id),
            person_key(person_hash),
            *map(number_key, hashes),
            *([orders_key(day)] if day else []),
        )
        numbers, orders = others[: len(hashes)], others[len(hashes) :]
        return Surroundings(
            enrolment=Enrolment.of(enrolment) if enrolment else None,
            person=Person.of(person) if person else Person(version=0),
            numbers={
                number_hash: Number.of(item) if item else Number(version=0)
                for number_hash, item in zip(hashes, numbers, strict=True)
            },
            orders_taken=sum(int(item["counted"]) for item in orders if item),
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
        note: str | None = None,
        one_of: tuple[date, int] | None = None,
    ) -> None:
        """
        Store enrolments with their traces and audit entries, or nothing.

        Raises ContendedError if anything that decided about them has changed meanwhile. `seen` is
        an enrolment that decided and does not change itself. With `note`, by whose word, the one
        enrolment that is stored is noted as to be followed up. `one_of` says on which day it is one
        of at most how many.
        """
        acts = [next_version(enrolment_key(each.enrolment_id), each) for each in enrolments]
        if person:
            acts.append(next_version(person_key(person[0]), person[1]))
        acts += [next_version(number_key(key), number) for key, number in (numbers or {}).items()]
        if seen:
            acts.append(check(enrolment_key(seen.enrolment_id), _same(seen)))
        if note:
            (own,) = enrolments
            left = FollowUp(enrolment_id=own.enrolment_id, version=own.version + 1, by=note)
            acts.append(put(follow_up_key(own.enrolment_id), left.item()))
        if outcome:
            (ident,) = audit
            key = outcome_key(ident, outcome.outcome_id)
            acts.append(put(key, outcome.item(), Check("outcome is new", ABSENT)))
        if one_of:
            day, most = one_of
            text = "attribute_not_exists(#counted) OR #counted < :most"
            room = Check("orders are left that day", text, {"most": most})
            acts.append(count(orders_key(day), "orders", 1, room))
        acts += [put(history_key(ident, entry), entry.item()) for ident, entry in audit.items()]
        self._table.write(*acts)

    def around(self, enrolment: Enrolment) -> Surroundings:
        """Read what an enrolment meets that is stored."""
        numbers = *enrolment.protected_hashes, *enrolment.numbers
        return self.surroundings(enrolment.enrolment_id, enrolment.person_hash, numbers)

    def keep_traces(
        self, seen: Enrolment, person: Person | None, numbers: Mapping[str, Number]
    ) -> None:
        """
        Store what a person and numbers know of an enrolment by now.

        Raises ContendedError if one of them, or the enrolment, has changed meanwhile.
        """
        acts = [next_version(number_key(key), number) for key, number in numbers.items()]
        if person:
            acts.append(next_version(person_key(seen.person_hash), person))
        if acts:
            self._table.write(check(enrolment_key(seen.enrolment_id), _same(seen)), *acts)

    def follow_ups(self) -> Iterator[FollowUp]:
        """What is still to be done for others, a moment late."""
        place = ("worklist_place", BEFORE_ALL)
        for shown in self._table.in_order("worklist", ("worklist", FOLLOW_UPS), after=place):
            (item,) = self._table.read(Key(shown["pk"], shown["sk"]))
            if item and not (note := FollowUp.of(item)).done:
                yield note

    def forget_follow_up(self, done: Enrolment) -> None:
        """All is done that was to be done for others; unless the enrolment has changed since."""
        with suppress(ConditionFailedError):
            earlier = Check("no later change", "#version <= :seen", {"seen": done.version})
            note = FollowUp(enrolment_id=done.enrolment_id, version=done.version, by="", done=True)
            self._table.write(put(follow_up_key(done.enrolment_id), note.item(), earlier))

    def file(self, enrolment_id: UUID) -> EnrolmentFile:
        """An enrolment with its history. Raises NotFoundError."""
        (item,) = self._table.read(enrolment_key(enrolment_id))
        if item is None:
            raise NotFoundError("no enrolment has this id")
        history = self._table.newest(history_partition(enrolment_id), HISTORY_SHOWN)
        return EnrolmentFile(Enrolment.of(item), tuple(map(Audit.of, history)))

    def outcome(self, enrolment_id: UUID, outcome_id: str) -> Outcome | None:
        """An outcome that was reported before."""
        (item,) = self._table.read(outcome_key(enrolment_id, outcome_id))
        return Outcome.of(item) if item else None

    def log(self, enrolment_id: UUID, audit: Audit) -> None:
        """Record that somebody consulted an enrolment."""
        self._table.write(put(audit_key(enrolment_id, audit), audit.item()))


def _same(record: Versioned) -> Check:
    return Check("unchanged", "#version = :seen", {"seen": record.version})
