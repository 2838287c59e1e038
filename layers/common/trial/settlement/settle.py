"""
Stores a change of an enrolment together with its effects on that enrolment.

One transaction stores the enrolment, its person and its numbers, at most 22 items; an end is stored
alone. So nothing stored for others can make a change impossible. `follow_up` updates others later,
and a note in the same transaction asks for it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

from trial.codes import Reason
from trial.errors import ContendedError, NotFoundError
from trial.records.audit import TAKE_A_NUMBER_IN, AuditEntry
from trial.retry import on_contention
from trial.settlement.standing import DerivedStatus, with_derived_status, with_status

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import date, datetime
    from uuid import UUID

    from trial.protocol.settings import Protocol
    from trial.records.enrolment import Enrolment
    from trial.settlement.standing import Surroundings
    from trial.settlement.store import SettlementStore


TRIES_TO_END: Final = 40
"""An end is tried for about four seconds, so that a flood of other changes cannot prevent it."""


@dataclass(frozen=True, slots=True)
class ChangeContext:
    """The collaborators of a change, who makes it, and when."""

    store: SettlementStore
    protocol: Protocol
    by: str
    now: datetime

    @property
    def today(self) -> date:
        """The date where the open trial is, by which all orders of a person are compared."""
        return self.protocol.place.date_at(self.now)


class Change(NamedTuple):
    """An enrolment before and after a change: equal if nothing was new."""

    before: Enrolment
    after: Enrolment
    version: int
    """The enrolment's version after the change."""
    others: tuple[UUID, ...] = ()
    """The enrolments that it affects and that are still to be settled; a note names the change."""
    concerned: tuple[UUID, ...] = ()
    """The enrolments that it may affect at all."""
    protects: bool = False
    """Whether it protects a number that a respondent has."""


def change(
    enrolment_id: UUID,
    changed: Callable[[Enrolment], Enrolment],
    at: ChangeContext,
    *,
    what: str,
    numbers: Iterable[str] = (),
) -> Change:
    """
    Apply a change of an enrolment's facts, and store it with its effects on the enrolment.

    `changed` may refuse. `what` names the change in the audit trail. `numbers` are hashes that it
    needs besides those of the enrolment. Stores nothing if nothing is new. Raises NotFoundError.
    """

    def attempt() -> Change:
        before, around = _read(enrolment_id, at.store, numbers)
        after = changed(before)
        if after == before:
            return _settled(before, after, around, at, what=None)
        after = after.model_copy(update={"changed_on": at.today})
        return _settled(before, after, around, at, what=what)

    return on_contention(attempt)


def settle(enrolment_id: UUID, at: ChangeContext, *, what: str | None = None) -> Change:
    """
    Bring an enrolment's status up to date with its own, its person's and its number's facts.

    `what` names the change in the audit trail; `became` if it is None. Raises NotFoundError.
    """

    def attempt() -> Change:
        before, around = _read(enrolment_id, at.store)
        return _settled(before, before, around, at, what=what)

    return on_contention(attempt)


def end(
    enrolment_id: UUID, changed: Callable[[Enrolment], Enrolment], at: ChangeContext, *, what: str
) -> Change:
    """
    Store an end, which needs only the enrolment itself.

    `follow_up` then updates its person and its numbers too, so its own id is among `others`.
    """

    def attempt() -> Change:
        before, is_unfinished = at.store.enrolment_and_note(enrolment_id)
        if before is None:
            raise NotFoundError("no enrolment has this id")
        after = changed(before)
        if after != before:
            today = at.today
            after = after.model_copy(update={"changed_on": today})
            after = with_status(after, taken=False, protocol=at.protocol, today=today)
            audit = entry(after, before, what, at)
            at.store.keep_alone(after, audit, note=at.by, again=is_unfinished)
        others = (enrolment_id,) if after != before else ()
        return Change(before, after, _version(before, after), others=others)

    return on_contention(attempt, tries=TRIES_TO_END)


def entry(after: Enrolment, before: Enrolment | None, what: str, at: ChangeContext) -> AuditEntry:
    """The audit entry about a change: with the seal that it stores and the new status, if any."""
    seal = after.mobile.seal_sha256 if before is None or what in TAKE_A_NUMBER_IN else None
    changed = before is None or after.status != before.status
    status = after.status if changed else None
    version = after.version + 1  # as it is stored
    return AuditEntry(
        at=at.now, what=what, by=at.by, seal_sha256=seal, status=status, version=version
    )


def protects_others(found: DerivedStatus) -> bool:
    """
    Whether a respondent has a number that this enrolment protects.

    That counts even if their order has just ended: a text claimed before may still go.
    """
    return any(
        ident != found.enrolment.enrolment_id
        for number_hash in found.enrolment.protected_hashes
        for ident in found.numbers[number_hash].respondents
    )


def concerned(found: DerivedStatus) -> tuple[UUID, ...]:
    """The enrolments that may depend on this one: its person's, and those with its numbers."""
    users = (each for number in found.numbers.values() for each in number.respondents)
    everybody = dict.fromkeys([*found.person.enrolments, *users])
    return tuple(each for each in everybody if each != found.enrolment.enrolment_id)


def became(before: Enrolment, after: Enrolment) -> str:
    """How the audit trail names the change of an enrolment that another one caused."""
    was, now = before.mobile, after.mobile
    taken = Reason.ALREADY_IN_TRIAL
    seen = {
        "number_protected": now.unsafe and not was.unsafe,
        "number_suppressed": now.suppressed and not was.suppressed,
        "number_shared": now.shared and not was.shared,
        "number_freed": now != was,
        "place_taken": taken in after.reasons and taken not in before.reasons,
        "place_freed": taken in before.reasons and taken not in after.reasons,
    }
    return next((what for what, applies in seen.items() if applies), "settled")


def _read(
    enrolment_id: UUID, store: SettlementStore, numbers: Iterable[str] = ()
) -> tuple[Enrolment, Surroundings]:
    """An enrolment and its surroundings at one moment. Raises NotFoundError, ContendedError."""
    known = store.enrolment(enrolment_id)
    if known is None:
        raise NotFoundError("no enrolment has this id")
    around = store.surroundings(
        enrolment_id,
        known.person_hash,
        own=(*known.numbers[:1], *numbers),  # former numbers were updated when they changed
        protected=known.protected_hashes,
    )
    if around.enrolment != known:
        raise ContendedError("the enrolment changed while its surroundings were read")
    return known, around


def _settled(
    before: Enrolment,
    after: Enrolment,
    around: Surroundings,
    at: ChangeContext,
    *,
    what: str | None,
) -> Change:
    today = at.today
    found = with_derived_status(after, around, protocol=at.protocol, today=today)
    if found != DerivedStatus(before, around.person, around.numbers, found.others):
        name = what or became(before, found.enrolment)
        at.store.keep(found, around, entry(found.enrolment, before, name, at), note=at.by)
    return Change(
        before,
        found.enrolment,
        _version(before, found.enrolment),
        others=found.others,
        concerned=concerned(found),
        protects=protects_others(found),
    )


def _version(before: Enrolment, after: Enrolment) -> int:
    return before.version + (after != before)
