"""
What a change of one order means for others, worked out after the order itself is stored.

A change stores its own order first, with a bounded number of items beside it: nothing that others
have stored can make it fail. In the same transaction it leaves a note that the rest is to be done.
The rest is a function of what is stored, one small transaction after another. So it may be cut
short and done again by whoever finds the note. No text waits for it: a claim looks at the number
itself.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from enrolment.derive import numbers_with, person_with, with_derived_status
from trial.codes import EndReason
from trial.errors import ContendedError
from trial.protocol.local_time import local_date
from trial.records.audit import Audit
from trial.records.person import Person
from trial.retry import on_contention

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import date, datetime
    from uuid import UUID

    from enrolment.store import EnrolmentStore, Surroundings
    from trial.protocol.settings import Protocol
    from trial.records.enrolment import Enrolment

CHUNK = 100
"""Enrolments that are read at a time."""


def follow_up(
    enrolment_id: UUID,
    *,
    store: EnrolmentStore,
    protocol: Protocol,
    by: str,
    now: datetime,
    time_is_left: Callable[[], bool],
) -> bool:
    """
    Bring the order's person, its numbers, and whoever uses them to what its facts mean for them.

    Safe to repeat, by whomever. Whether all is done: `time_is_left` is asked before each enrolment
    of somebody else. Raises ContendedError if something kept changing.
    """
    around = on_contention(lambda: _with_traces(enrolment_id, store, local_date(now)))
    if around is None or around.enrolment is None:
        return True
    own = around.enrolment
    users = users_of(around, own, local_date(now))
    idents = list(users)
    for first in range(0, len(idents), CHUNK):
        for other in store.enrolments(idents[first : first + CHUNK]):
            if not time_is_left():
                return False
            ident = other.enrolment_id
            number_hash = users[ident]

            def settle(ident: UUID = ident, number_hash: str = number_hash) -> None:
                _settle(ident, number_hash, own, store, protocol, by, now)

            if _marked(other, number_hash, own) != other:
                on_contention(settle)
    store.forget_follow_up(own)
    return True


def users_of(around: Surroundings, own: Enrolment, today: date) -> Mapping[UUID, str]:
    """Whoever else is enrolled, in a live order, with a number that this order names; and which."""
    named = {*own.protected_hashes, *filter(None, [own.mobile.number_hash])}
    return {
        each: number_hash
        for number_hash in sorted(named)
        for each, last_day in around.numbers[number_hash].respondents.items()
        if last_day >= today and each != own.enrolment_id
    }


def _with_traces(enrolment_id: UUID, store: EnrolmentStore, today: date) -> Surroundings | None:
    """What is around the order, once its person and its numbers know of it as it is now."""
    known = store.enrolments([enrolment_id])
    if not known:
        return None
    around = store.around(known[0])
    own = around.enrolment
    if own is None or own.erased_at:
        return around
    if own != known[0]:
        raise ContendedError("the enrolment changed while what is around it was read")
    person = person_with(around.person, own, last_day_of(own))
    traced = numbers_with(
        around.numbers,
        enrolment_id,
        own.order.last_day,
        number=own.mobile.number_hash,
        protected=own.protected_hashes,
        today=today,
    )
    changed = {key: each for key, each in traced.items() if each != around.numbers[key]}
    store.keep_traces(own, person if person != around.person else None, changed)
    return around


def _settle(
    ident: UUID,
    number_hash: str,
    own: Enrolment,
    store: EnrolmentStore,
    protocol: Protocol,
    by: str,
    now: datetime,
) -> None:
    (other,) = store.enrolments([ident])
    after = _marked(other, number_hash, own)
    if after == other:
        return
    if after.mobile.unsafe:
        # An unsafe number decides before anything that other orders of the person could.
        after = with_derived_status(after, Person(), protocol=protocol, now=now)
    what = "number_protected" if number_hash in own.protected_hashes else "number_shared"
    store.keep(after, audit={ident: Audit(at=now, what=what, by=by)})


def _marked(other: Enrolment, number_hash: str, own: Enrolment) -> Enrolment:
    """Another's enrolment with what this order makes of their number, if they still have it."""
    mobile = other.mobile
    if mobile.number_hash != number_hash:
        return other
    mark = {
        "unsafe": mobile.unsafe or number_hash in own.protected_hashes,
        "shared": mobile.shared or number_hash == own.mobile.number_hash,
    }
    return other.model_copy(update={"mobile": mobile.model_copy(update=mark)})


def last_day_of(enrolment: Enrolment) -> date:
    """The last day on which this is a live order of the person: none after an end for good."""
    end = enrolment.end
    if end is None or end.reason is EndReason.IN_CUSTODY:
        return enrolment.order.last_day
    return min(enrolment.order.last_day, local_date(end.at) - timedelta(days=1))
