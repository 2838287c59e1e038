"""
Two acts at once: which of them makes the next call of AWS is decided call by call.

Each act runs in a thread of its own, and only one runs at a time. Orders that differ only in calls
that have nothing to do with each other come to the same, so one of them is tried (sleep sets:
P. Godefroid, Partial-Order Methods for the Verification of Concurrent Systems, 1996).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from threading import Semaphore, Thread, get_ident
from typing import TYPE_CHECKING, Any, NamedTuple

from aws_lambda_powertools.event_handler.api_gateway import BaseRouter

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    Act = Callable[[], object]

EVERYTHING = frozenset({"*"})
PUBLISH, WAIT = "publish", "wait"
"""Whoever waits, waits longer than a text takes that is being published: by SNS's own limits."""

_KEPT = ("current_event", "lambda_context")
"""What Powertools keeps for the request of its process."""


class Op(NamedTuple):
    """A call: what it reads and writes. Whoever touches everything comes before or after all."""

    name: str
    reads: frozenset[str] = frozenset()
    writes: frozenset[str] = frozenset()

    def free_of(self, other: Op) -> bool:
        """Whether the order of the two makes no difference."""
        return not (
            _meet(self.writes, other.reads | other.writes) or _meet(other.writes, self.reads)
        )


def _meet(some: frozenset[str], others: frozenset[str]) -> bool:
    if not some or not others:
        return False
    return "*" in some or "*" in others or not some.isdisjoint(others)


class RedundantError(BaseException):
    """This order comes to the same as one that was tried."""


@dataclass
class Node:
    """A moment at which both could go on: who went, who would have made no difference."""

    chosen: int
    ready: tuple[int, ...]
    asleep: frozenset[int]
    tried: frozenset[int]


@dataclass
class Turns:
    """One order of calls, by the choices given first; after them the first act goes on."""

    choices: Sequence[tuple[int, frozenset[int]]] = ()
    """Who goes on, and who has gone on from there before, in an order that was tried."""
    nodes: list[Node] = field(default_factory=list)
    trace: list[str] = field(default_factory=list)
    redundant: bool = False

    def __post_init__(self) -> None:
        self._arrived = Semaphore(0)
        self._go = (Semaphore(0), Semaphore(0))
        self._pending: list[Op | None] = [None, None]
        self._who: dict[int, int] = {}
        self._errors: list[BaseException] = []

    def run(self, acts: Sequence[tuple[str, Act]]) -> None:
        """Let the acts happen in this order. Raises what an act raises."""
        threads = [
            Thread(target=self._live, args=(place, act), daemon=True)
            for place, (_, act) in enumerate(acts)
        ]
        for thread in threads:
            thread.start()
            self._arrived.acquire()
        asleep: frozenset[int] = frozenset()
        while ready := self._ready():
            chosen, tried = self._choice(ready, asleep)
            op = self._pending[chosen]
            assert op
            self.trace.append(f"{acts[chosen][0]}: {op.name}")
            asleep = frozenset(
                place
                for place in asleep | tried
                if place != chosen and (other := self._pending[place]) and op.free_of(other)
            )
            self._pending[chosen] = None
            self._go[chosen].release()
            self._arrived.acquire()
        for thread in threads:
            thread.join()
        if self._errors:
            raise self._errors[0]

    def _ready(self) -> tuple[int, ...]:
        names = [each and each.name for each in self._pending]
        waits = PUBLISH in names
        return tuple(
            place for place, name in enumerate(names) if name and not (waits and name == WAIT)
        )

    def _choice(self, ready: tuple[int, ...], asleep: frozenset[int]) -> tuple[int, frozenset[int]]:
        if self.redundant:
            return ready[0], frozenset()
        if len(self.nodes) < len(self.choices):
            chosen, tried = self.choices[len(self.nodes)]
        else:
            awake = [place for place in ready if place not in asleep]
            self.redundant = self.redundant or not awake
            chosen, tried = (awake or ready)[0], frozenset()
        self.nodes.append(Node(chosen, ready, asleep, tried))
        return chosen, tried

    def gate(self, op: Op, perform: Callable[[], Any]) -> Any:
        """A call on its way out: its act waits for its turn."""
        place = self._who.get(get_ident())
        if place is None:
            return perform()  # before the two, or after them
        own = {name: BaseRouter.__dict__.get(name) for name in _KEPT}
        self._pending[place] = op
        self._arrived.release()
        self._go[place].acquire()
        for name, value in own.items():
            setattr(BaseRouter, name, value)
        if self.redundant:
            raise RedundantError
        return perform()

    def _live(self, place: int, act: Act) -> None:
        self._who[get_ident()] = place
        try:
            act()
        except RedundantError:
            pass
        except BaseException as error:  # noqa: BLE001 - raised again where it is seen
            self._errors.append(error)
        finally:
            self._arrived.release()


def orders(run: Callable[[Turns], None]) -> Iterator[Turns]:
    """Every order of two acts that makes a difference, each run once."""
    choices: list[tuple[int, frozenset[int]]] = []
    while True:
        turns = Turns(tuple(choices))
        run(turns)
        if not turns.redundant:
            yield turns
        choices = [(node.chosen, node.tried) for node in turns.nodes]
        while choices:
            node = turns.nodes[len(choices) - 1]
            done = node.tried | {node.chosen}
            left = [place for place in node.ready if place not in done | node.asleep]
            choices.pop()
            if left:
                choices.append((left[0], done))
                break
        else:
            return
