"""What settlement reads and stores. An item that does not exist yet is read as version 0."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

from trial.aws.table import ABSENT, Check, ConditionFailedError, Key, check, count, put
from trial.records.audit import audit_key, history_key
from trial.records.enrolment import (
    FOLLOW_UPS,
    Enrolment,
    FollowUp,
    enrolment_key,
    follow_up_key,
    number_follow_up_key,
)
from trial.records.person import Number, Person, number_key, person_key, suppressed_key
from trial.records.record import next_version
from trial.records.waiting import BEFORE_ALL
from trial.settlement.standing import Surroundings

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from uuid import UUID

    from trial.aws.table import Act, Table
    from trial.records.audit import AuditEntry
    from trial.records.person import SuppressedNumber
    from trial.settlement.standing import DerivedStatus


class SettlementStore:
    """Settlement's operations on the table."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def enrolment(self, enrolment_id: UUID) -> Enrolment | None:
        """One enrolment, if there is one."""
        (item,) = self._table.read(enrolment_key(enrolment_id))
        return Enrolment.of(item) if item else None

    def enrolment_and_note(self, enrolment_id: UUID) -> tuple[Enrolment | None, bool]:
        """One enrolment, if there is one, and whether a change of it is still to be followed up."""
        item, note = self._table.read(enrolment_key(enrolment_id), follow_up_key(enrolment_id))
        return Enrolment.of(item) if item else None, _is_open(note)

    def users(self, number_hash: str) -> tuple[UUID, ...]:
        """The enrolments that have this number, or had it and have not been updated yet."""
        (item,) = self._table.read(number_key(number_hash))
        return tuple(Number.of(item).respondents) if item else ()

    def surroundings(
        self,
        enrolment_id: UUID,
        person_hash: str,
        *,
        own: Iterable[str],
        protected: Iterable[str],
        counter: Key | None = None,
    ) -> Surroundings:
        """
        Read an enrolment with its person, its own numbers and those that it protects.

        With the key of a `counter`, also how many orders it has counted.
        """
        mine = tuple(dict.fromkeys(own))
        hashes = tuple(dict.fromkeys((*mine, *protected)))
        enrolment, note, person, *items = self._table.read(
            enrolment_key(enrolment_id),
            follow_up_key(enrolment_id),
            person_key(person_hash),
            *map(number_key, hashes),
            *map(suppressed_key, mine),
            *([counter] if counter else []),
        )
        orders = items.pop() if counter else None
        numbers, suppressed = items[: len(hashes)], items[len(hashes) :]
        return Surroundings(
            enrolment=Enrolment.of(enrolment) if enrolment else None,
            person=Person.of(person) if person else Person(version=0),
            numbers={
                number_hash: Number.of(item) if item else Number(version=0)
                for number_hash, item in zip(hashes, numbers, strict=True)
            },
            suppressed=frozenset(h for h, item in zip(mine, suppressed, strict=True) if item),
            orders_taken=int(orders["counted"]) if orders else 0,
            is_unfinished=_is_open(note),
        )

    def keep_alone(
        self, enrolment: Enrolment, audit: AuditEntry, *, note: str, again: bool
    ) -> None:
        """
        Store an enrolment and a note to follow it up, an earlier change too if `again`.

        Raises ContendedError.
        """
        ident = enrolment.enrolment_id
        self._table.write(
            next_version(enrolment_key(ident), enrolment),
            put(history_key(ident, audit), audit.item()),
            _noted(ident, enrolment.version + 1, note, again=again),
        )

    def keep(
        self,
        derived: DerivedStatus,
        around: Surroundings,
        audit: AuditEntry,
        *,
        note: str,
        one_of: tuple[Key, int] | None = None,
    ) -> None:
        """
        Store what is new of an enrolment, its person and its numbers; all or nothing.

        If it affects others, a note asks to settle them and names `note` as the author. `one_of` is
        a counter and the most that it counts. Raises ContendedError if any fact that decided has
        changed since it was read.
        """
        enrolment = derived.enrolment
        ident, number_hash = enrolment.enrolment_id, enrolment.mobile.number_hash
        version = enrolment.version + (enrolment != around.enrolment)
        if enrolment == around.enrolment:
            unchanged = Check("unchanged", "#version = :seen", {"seen": enrolment.version})
            acts = [check(enrolment_key(ident), unchanged)]
        else:
            acts = [
                next_version(enrolment_key(ident), enrolment),
                put(history_key(ident, audit), audit.item()),
            ]
        if derived.person != around.person:
            acts.append(next_version(person_key(enrolment.person_hash), derived.person))
        acts += [
            next_version(number_key(each), number)
            for each, number in derived.numbers.items()
            if number != around.numbers[each]
        ]
        if number_hash and number_hash not in around.suppressed:
            # A suppression made meanwhile may not have seen that this enrolment has the number.
            acts.append(check(suppressed_key(number_hash), Check("not suppressed", ABSENT)))
        if derived.others:
            acts.append(_noted(ident, version, note, again=around.is_unfinished))
        if one_of:
            counter, most = one_of
            text = "attribute_not_exists(#counted) OR #counted < :most"
            room = Check("orders are left that day", text, {"most": most})
            acts.append(count(counter, "orders", 1, room))
        self._table.write(*acts)

    def noted(self) -> Iterator[Key]:
        """The keys of notes of follow-ups that are still to be done; eventually consistent."""
        place = ("worklist_place", BEFORE_ALL)
        for shown in self._table.in_order("worklist", ("worklist", FOLLOW_UPS), after=place):
            yield Key(shown["pk"], shown["sk"])

    def note(self, key: Key) -> FollowUp | None:
        """The note under a key, unless it is done. Raises UnreadableError."""
        (item,) = self._table.read(key)
        note = FollowUp.of(item) if item else None
        return None if note is None or note.done else note

    def forget(self, enrolment_id: UUID, version: int, *, again: bool = False) -> None:
        """
        Mark the follow-up of this version as done, unless a later version is noted.

        A note that replaced an unfinished one stays, unless everybody was followed up `again`.
        """
        text = "#version <= :seen" + ("" if again else " AND #again = :no")
        values = {"seen": version} if again else {"seen": version, "no": False}
        earlier = Check("no later change", text, values)
        done = FollowUp(enrolment_id=enrolment_id, version=version, by="", done=True)
        with suppress(ConditionFailedError):
            self._table.write(put(follow_up_key(enrolment_id), done.item(), earlier))

    def forget_number(self, number_hash: str) -> None:
        """Mark the follow-up of a suppressed number as done."""
        noted = Check("noted", "#done = :done", {"done": False})
        done = FollowUp(number_hash=number_hash, by="", done=True)
        with suppress(ConditionFailedError):
            self._table.write(put(number_follow_up_key(number_hash), done.item(), noted))


def suppressing(number_hash: str, why: SuppressedNumber, audit: AuditEntry) -> tuple[Act, ...]:
    """
    Suppress a number, with a note that those who have it are to be settled, and nothing else.

    Fails as a condition if it is suppressed already.
    """
    key, note = suppressed_key(number_hash), FollowUp(number_hash=number_hash, by=audit.by)
    return (
        put(key, why.item(), Check("not suppressed", ABSENT)),
        put(audit_key(key.pk, audit), audit.item()),
        put(number_follow_up_key(number_hash), note.item()),
    )


def _is_open(note: dict[str, Any] | None) -> bool:
    return note is not None and not FollowUp.of(note).done


def _noted(enrolment_id: UUID, version: int, by: str, *, again: bool) -> Act:
    note = FollowUp(enrolment_id=enrolment_id, version=version, by=by, again=again)
    return put(follow_up_key(enrolment_id), note.item())
