"""Two acts in every order of their calls, each from the same moment."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple

from tests.proofs.interleavings.acts import ACTS, due, fresh, settled
from tests.proofs.interleavings.turns import Turns, orders
from trial.errors import TrialError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from uuid import UUID

    from tests.proofs.interleavings.world import World

MOMENTS: dict[str, Callable[[], tuple[World, UUID]]] = {"fresh": fresh, "due": due}


_APART = timedelta(milliseconds=1)
"""No two acts begin at the same microsecond."""


class Found(NamedTuple):
    """How many orders were tried, and the first in which something was wrong."""

    orders: int
    wrong: str | None = None
    trace: tuple[str, ...] = ()
    choices: tuple[int, ...] = ()


def explore(moment: tuple[World, UUID], one: str, other: str) -> Found:
    """Every order of the two, until one of them ends in what must never be."""
    tried = 0
    wrong: list[str] = []

    def attempt(turns: Turns) -> None:
        try:
            happen(moment, (one, other), turns)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is printed with its order
            wrong.append(f"{type(error).__name__}: {error}")

    for turns in orders(attempt):
        tried += 1
        if wrong:
            return Found(
                tried, wrong[0], tuple(turns.trace), tuple(each.chosen for each in turns.nodes)
            )
    return Found(tried)


def happen(moment: tuple[World, UUID], names: Sequence[str], turns: Turns) -> None:
    """One order of two acts, and what comes of it. Raises what is wrong."""
    start, ident = moment
    world = start.copied()
    labels = names if names[0] != names[1] else (names[0], f"{names[1]} too")
    came_to: dict[str, str] = {}

    def act(label: str, name: str) -> Callable[[], None]:
        def run() -> None:
            world.move_to(world.now + _APART)
            try:
                came_to[label] = ACTS[name](world, ident)
            except TrialError as error:
                came_to[label] = type(error).__name__
            world.events.append(("answer", label))

        return run

    with world.lived_in():
        world.turns = turns
        turns.run([(label, act(label, name)) for label, name in zip(labels, names, strict=True)])
        world.turns = None
        if not turns.redundant:
            settled(world, ident, came_to)


def replay(moment: tuple[World, UUID], one: str, other: str, choices: Sequence[int]) -> list[str]:
    """One order again: its calls. Raises what is wrong."""
    turns = Turns([(each, frozenset()) for each in choices])
    happen(moment, (one, other), turns)
    return turns.trace


def tried(case: tuple[str, str, str]) -> Found:
    """Every order of two acts at a moment, each by name."""
    moment, one, other = case
    return explore(MOMENTS[moment](), one, other)
