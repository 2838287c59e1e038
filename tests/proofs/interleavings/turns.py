"""
Several acts at once: which of them makes the next call of AWS is decided call by call.

Two reductions leave out orders that come to the same, and no others (P. Godefroid, Partial-Order
Methods for the Verification of Concurrent Systems, 1996). Of orders that differ only in calls that
have nothing to do with each other, one is tried (sleep sets). And what follows from a state is
tried once, however the state was reached (state caching).
"""

from collections.abc import Hashable, Iterator
from typing import Any, NamedTuple, Protocol, Self, TypeVar

EVERYTHING = frozenset({"*"})
PUBLISH, WAIT = "publish", "wait"
"""A wait is longer than the publication of a text, which SNS's client limits."""


class Op(NamedTuple):
    """A call: what it reads and writes. Whoever touches everything comes before or after all."""

    name: str
    reads: frozenset[str] = frozenset()
    writes: frozenset[str] = frozenset()

    def free_of(self, other: "Op") -> bool:
        """Whether the order of the two makes no difference."""
        return not (
            _meet(self.writes, other.reads | other.writes) or _meet(other.writes, self.reads)
        )


class PendingCall(NamedTuple):
    """One call on its way out: of which client, and what it touches."""

    client: str
    method: str
    request: dict[str, Any]
    op: Op


def _meet(some: frozenset[str], others: frozenset[str]) -> bool:
    if not some or not others:
        return False
    return "*" in some or "*" in others or not some.isdisjoint(others)


class Moment(Protocol):
    """Where each act stands: before its next call, or at its end."""

    @property
    def pending(self) -> tuple[Op | None, ...]:
        """The next call of each act; none of one that has ended."""

    @property
    def state(self) -> Hashable:
        """Equal for moments from which the same can follow."""

    def after(self, place: int) -> Self:
        """The moment after the next call of one act."""


M = TypeVar("M", bound=Moment)


def ready(moment: Moment) -> tuple[int, ...]:
    """Which acts can make their next call."""
    publishing = any(op and op.name == PUBLISH for op in moment.pending)
    return tuple(
        place
        for place, op in enumerate(moment.pending)
        if op and not (publishing and op.name == WAIT)
    )


class Orders:
    """The orders of some acts, and the states that were reached by them."""

    def __init__(self) -> None:
        self._seen: dict[Hashable, list[frozenset[int]]] = {}

    @property
    def states(self) -> int:
        """How many different moments were seen."""
        return len(self._seen)

    def endings(self, moment: M, asleep: frozenset[int] = frozenset()) -> Iterator[M]:
        """Every distinct end; an act that is asleep was tried from an earlier moment."""
        if self._was_here(moment, asleep):
            return
        possible = ready(moment)
        if not possible:
            yield moment
        tried: frozenset[int] = frozenset()
        for place in possible:
            op = moment.pending[place]
            if place in asleep or op is None:
                continue
            still = frozenset(
                each
                for each in asleep | tried
                if (other := moment.pending[each]) and op.free_of(other)
            )
            yield from self.endings(moment.after(place), still)
            tried |= {place}

    def _was_here(self, moment: Moment, asleep: frozenset[int]) -> bool:
        """Whether all that is to be tried from here has been; if not, it is now."""
        before = self._seen.setdefault(moment.state, [])
        if any(left_out <= asleep for left_out in before):
            return True
        before.append(asleep)
        return False
