"""Finds and removes what an enrolment left under its person and its numbers. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from trial.aws.table import Act, Check, Key, delete, put
from trial.messages import as_seen
from trial.records.person import number_key, person_key
from trial.records.receipt import message_key, stray_key

if TYPE_CHECKING:
    from collections.abc import Mapping
    from uuid import UUID

    from trial.records.enrolment import Enrolment
    from trial.records.person import Number, Person
    from trial.records.receipt import Stray


@dataclass(frozen=True, slots=True)
class Traces:
    """What an enrolment left elsewhere: under its person, and under numbers."""

    person: Person | None
    numbers: Mapping[str, Number]
    days: tuple[Key, ...] = ()
    strays: tuple[Stray, ...] = ()


def others(number: Number | None, ident: UUID) -> bool:
    """Whether it is, or was, the number of anyone else about whom data is held."""
    return number is not None and bool(number.respondents.keys() - {ident})


def stray_removed(stray: Stray) -> tuple[Act, Act]:
    """The removal of a stray receipt from both places that hold it."""
    message_id = stray.receipt.message_id
    return delete(stray_key(stray)), delete(message_key(message_id), as_seen(stray))


def person_without(
    enrolment: Enrolment, person: Person | None, *, allocated: bool = False
) -> tuple[Act, ...]:
    """The person without this order; `allocated` also removes the arm that it gave them."""
    if person is None:
        return ()
    ident = enrolment.enrolment_id
    left = {each: day for each, day in person.enrolments.items() if each != ident}
    first = {
        trial: each for trial, each in person.allocated.items() if not (allocated and each == ident)
    }
    after = person.model_copy(update={"enrolments": left, "allocated": first})
    return _replaced(person_key(enrolment.person_hash), person, after, gone=not (left or first))


def number_without(number_hash: str, number: Number, ident: UUID) -> tuple[Act, ...]:
    """The number without this order, or its removal if no order needs it."""
    respondents = {each: day for each, day in number.respondents.items() if each != ident}
    protected = {each: day for each, day in number.protected.items() if each != ident}
    after = number.model_copy(update={"respondents": respondents, "protected": protected})
    gone = not (respondents or protected)
    return _replaced(number_key(number_hash), number, after, gone=gone)


def _replaced(
    key: Key, before: Person | Number, after: Person | Number, *, gone: bool
) -> tuple[Act, ...]:
    unchanged = Check("trace as seen", "#version = :seen", {"seen": before.version})
    if gone:
        return (delete(key, unchanged),)
    if after == before:
        return ()
    return (put(key, after.model_copy(update={"version": before.version + 1}).item(), unchanged),)
