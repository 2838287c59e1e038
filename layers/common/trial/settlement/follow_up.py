"""
Updates the other enrolments that a change affects, after the change itself is stored.

Each update depends only on stored data and is one small transaction. So it may be cut short, and a
later run that finds the note of it can repeat it. Draws and texts do not wait for it: both read the
person and the number themselves.
"""

from __future__ import annotations

from collections import deque
from itertools import chain
from time import monotonic
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from trial.errors import NotFoundError, TrialError
from trial.settlement.settle import settle

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from datetime import datetime
    from uuid import UUID

    from trial.records.enrolment import FollowUp
    from trial.settlement.settle import Change, ChangeContext


LONGEST = 8
"""Seconds. API Gateway waits 29 for an answer, and the answer may wait 5.5 for open claims."""


_EVERY = 15 * 60
"""Seconds from one run of noted follow-ups to the next."""

T = TypeVar("T")


class FollowedUp(NamedTuple):
    """The changes made, and the enrolments that are still to be settled."""

    changes: tuple[Change, ...]
    left: tuple[UUID, ...]


def while_caller_waits() -> Callable[[], bool]:
    """A function that says whether a caller who has waited since now can wait longer."""
    until = monotonic() + LONGEST
    return lambda: monotonic() < until


def follow_up(
    act: Change, at: ChangeContext, *, time_is_left: Callable[[], bool], again: bool = False
) -> FollowedUp:
    """
    Settle the enrolments that a stored change affects; once all are done, remove its note.

    The note stays if it replaced an unfinished one, unless everybody is followed up `again`.
    """
    done = settle_all(act.others, at, time_is_left=time_is_left)
    if act.others and not done.left:
        at.store.forget(act.after.enrolment_id, act.version, again=again)
    return done


def follow_up_again(
    note: FollowUp, at: ChangeContext, *, time_is_left: Callable[[], bool]
) -> FollowedUp:
    """As `follow_up`, for a noted change: whom it affects is computed again."""
    if note.number_hash:
        return follow_up_number(note.number_hash, at, time_is_left=time_is_left)
    assert note.enrolment_id  # noqa: S101 - for mypy: a note is about one or the other
    own = settle(note.enrolment_id, at)
    # The change may have freed a number that others have.
    freed = (at.store.users(each) for each in dict.fromkeys(own.after.former_numbers))
    others = (*own.others, *own.concerned, *chain.from_iterable(freed), note.enrolment_id)
    everybody = own._replace(others=tuple(rotated(others, at.now)))
    return follow_up(everybody, at, time_is_left=time_is_left, again=True)


def rotated(items: Sequence[T], now: datetime) -> Sequence[T]:
    """
    The same items, starting with a different one in each quarter of an hour.

    A run starts every quarter of an hour. If it has too little time for all items, the next run
    leaves out different ones.
    """
    first = int(now.timestamp()) // _EVERY % len(items) if items else 0
    return [*items[first:], *items[:first]]


def follow_up_number(
    number_hash: str, at: ChangeContext, *, time_is_left: Callable[[], bool]
) -> FollowedUp:
    """Settle everyone who has a suppressed number; once all are done, remove its note."""
    done = settle_all(at.store.users(number_hash), at, time_is_left=time_is_left)
    if not done.left:
        at.store.forget_number(number_hash)
    return done


def settle_all(
    ids: Iterable[UUID], at: ChangeContext, *, time_is_left: Callable[[], bool]
) -> FollowedUp:
    """
    Settle these enrolments, and those that are affected in turn.

    One that is affected after it was settled is settled again. That ends, since settling changes no
    facts: numbers' marks follow from the orders, an order's fitness from its number's marks, and a
    person's place from the fitness of their orders. One that fails is left over and does not stop
    the others. Safe to repeat, and concurrently.
    """
    waiting, settled, left = deque(dict.fromkeys(ids)), list["Change"](), list["UUID"]()
    while waiting:
        ident = waiting.popleft()
        try:
            one = settle(ident, at) if time_is_left() else None
        except NotFoundError:
            continue  # erased meanwhile
        except TrialError:
            one = None
        if one is None:
            left.append(ident)
        else:
            settled.append(one)
            waiting.extend(each for each in one.others if each not in waiting)
    if not left:
        for each in settled:
            if each.others:
                at.store.forget(each.after.enrolment_id, each.version)
    return FollowedUp(tuple(one for one in settled if one.after != one.before), tuple(left))
