"""
What an act means for others, worked out after the act itself is stored.

It is a function of what is stored, one small transaction after another. So it may be cut short, and
done again by whoever finds the note of it. No draw and no text waits for it: both look at the
person and the number themselves.
"""

from __future__ import annotations

from collections import deque
from time import monotonic
from typing import TYPE_CHECKING, NamedTuple

from trial.errors import NotFoundError, TrialError
from trial.settlement.settle import settle

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from uuid import UUID

    from trial.settlement.settle import Change, Settling


LONGEST = 8
"""Seconds: API Gateway waits 29 for an answer, which may itself wait 5.5 for open claims."""


class FollowedUp(NamedTuple):
    """Who changed, and how; and who is still to be settled."""

    changes: tuple[Change, ...]
    left: tuple[UUID, ...]


def while_caller_waits() -> Callable[[], bool]:
    """Whether a caller who has waited since now may wait on."""
    until = monotonic() + LONGEST
    return lambda: monotonic() < until


def follow_up(act: Change, at: Settling, *, time_is_left: Callable[[], bool]) -> FollowedUp:
    """Settle those whom a stored act touches; the note of it goes once all is done."""
    done = settle_all(act.others, at, time_is_left=time_is_left)
    if act.others and not done.left:
        at.store.forget(act.after.enrolment_id, act.version)
    return done


def follow_up_again(
    enrolment_id: UUID, at: Settling, *, time_is_left: Callable[[], bool]
) -> FollowedUp:
    """As `follow_up`, after an act that was noted: whom it touches is worked out anew."""
    own = settle(enrolment_id, at)
    everybody = own._replace(others=(*own.others, *own.concerned, enrolment_id))
    return follow_up(everybody, at, time_is_left=time_is_left)


def settle_all(
    ids: Iterable[UUID], at: Settling, *, time_is_left: Callable[[], bool]
) -> FollowedUp:
    """
    Settle these enrolments, and whoever is touched by that in turn.

    One that fails is left, and keeps no other from being settled. Safe to repeat, by whomever.
    """
    waiting, seen, settled, left = deque(ids), set["UUID"](), list["Change"](), list["UUID"]()
    while waiting:
        ident = waiting.popleft()
        if ident in seen:
            continue
        seen.add(ident)
        try:
            one = settle(ident, at) if time_is_left() else None
        except NotFoundError:
            continue  # it is erased by now
        except TrialError:
            one = None
        if one is None:
            left.append(ident)
        else:
            settled.append(one)
            waiting.extend(one.others)
    if not left:
        for each in settled:
            if each.others:
                at.store.forget(each.after.enrolment_id, each.version)
    return FollowedUp(tuple(one for one in settled if one.after != one.before), tuple(left))
