"""Acts in every order of their calls, each from the same moment."""

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import NamedTuple, TypeVar
from uuid import UUID

from botocore.exceptions import ClientError

from tests.proofs.interleavings.acts import ACTS, due, fresh, old, settled
from tests.proofs.interleavings.stage import CallResult, Stage
from tests.proofs.interleavings.turns import Op, Orders, PendingCall, ready
from tests.proofs.interleavings.world import SmallWorld, alike

MOMENTS: dict[str, Callable[[], tuple[SmallWorld, UUID]]] = {"fresh": fresh, "due": due, "old": old}

T = TypeVar("T")

_APART = timedelta(milliseconds=1)
"""No two acts begin at the same microsecond."""


class Found(NamedTuple):
    """How many states and endings there are, and the first order of calls that broke a rule."""

    states: int
    endings: int
    wrong: str | None = None
    trace: tuple[str, ...] = ()
    choices: tuple[int, ...] = ()


@dataclass
class Story:
    """Some acts that begin at one moment: each one's next call, given the answers so far."""

    start: SmallWorld
    ident: UUID
    names: Sequence[str]
    stage: Stage
    known: dict[tuple[int, int], PendingCall | str] = field(default_factory=dict)
    choices: tuple[int, ...] = ()
    trace: tuple[str, ...] = ()
    """The order that is being tried."""

    @property
    def labels(self) -> list[str]:
        """The acts' names, apart even if an act happens twice."""
        return [
            f"{name} too" if name in self.names[:place] else name
            for place, name in enumerate(self.names)
        ]

    def next_call(self, place: int, heard: int, past: tuple[CallResult, ...]) -> PendingCall | str:
        """The next call of an act, or what it came to."""
        if (place, heard) not in self.known:
            act = ACTS[self.names[place]]
            begun = self.start.now + (place + 1) * _APART
            self.known[place, heard] = self.stage.next_call(
                lambda: act(self.start, self.ident), begun, past
            )
        return self.known[place, heard]

    def begun(self) -> "Standing":
        """The moment at which no act has called yet."""
        world = self.start.copied()
        world.now += len(self.names) * _APART
        calls = tuple(self.next_call(place, 0, ()) for place in range(len(self.names)))
        return Standing(self, world, calls, ((),) * len(calls), (0,) * len(calls))


@dataclass(frozen=True)
class Standing:
    """A moment of a story: the world, and of each act its next call and what it heard so far."""

    story: Story
    world: SmallWorld
    calls: tuple[PendingCall | str, ...]
    pasts: tuple[tuple[CallResult, ...], ...]
    heard: tuple[int, ...]
    choices: tuple[int, ...] = ()
    trace: tuple[str, ...] = ()

    @property
    def pending(self) -> tuple[Op | None, ...]:
        """The next call of each act; none of one that has ended."""
        return tuple(None if isinstance(call, str) else call.op for call in self.calls)

    @property
    def state(self) -> Hashable:
        """What follows depends on what AWS holds and on what each act has heard."""
        return hash((self.world.state, self.heard))

    def after(self, place: int) -> "Standing":
        """The moment after the next call of one act. Raises what the act raises."""
        world, call, story = self.world.copied(), self.calls[place], self.story
        assert isinstance(call, PendingCall)
        label = story.labels[place]
        story.choices = (*self.choices, place)
        story.trace = (*self.trace, f"{label}: {call.op.name}")
        try:
            what = world.perform(call)
        except ClientError as error:
            what = error
        said = what.response if isinstance(what, ClientError) else what
        heard = hash((self.heard[place], world.now, alike(said)))
        past = (*self.pasts[place], CallResult(what, world.now, call.op))
        following = story.next_call(place, heard, past)
        if isinstance(following, str):
            world.events.append(("answer", label))
        return replace(
            self,
            world=world,
            calls=_put(self.calls, place, following),
            pasts=_put(self.pasts, place, past),
            heard=_put(self.heard, place, heard),
            choices=story.choices,
            trace=story.trace,
        )

    def settled(self) -> None:
        """Finish all remaining work, and check it. Raises Breach."""
        self.story.stage.set_to(self.world)
        came_to = dict(zip(self.story.labels, map(str, self.calls), strict=True))
        settled(self.world, self.story.ident, came_to)


def _put(among: tuple[T, ...], place: int, each: T) -> tuple[T, ...]:
    return (*among[:place], each, *among[place + 1 :])


def explore(moment: tuple[SmallWorld, UUID], *names: str) -> Found:
    """Every order of the acts, until one of them breaks a rule."""
    start, ident = moment
    story = Story(start, ident, names, Stage(start))
    orders, endings = Orders(), 0
    with story.stage.lived_in():
        try:
            for ending in orders.endings(story.begun()):
                endings += 1
                story.choices, story.trace = ending.choices, ending.trace
                ending.settled()
        except Exception as error:  # noqa: BLE001 - whatever it is, it is printed with its order
            wrong = f"{type(error).__name__}: {error}"
            return Found(orders.states, endings, wrong, story.trace, story.choices)
    return Found(orders.states, endings)


def replay(moment: tuple[SmallWorld, UUID], *names: str, choices: Sequence[int]) -> tuple[str, ...]:
    """One order again: its calls. Raises what is wrong."""
    start, ident = moment
    story = Story(start, ident, names, Stage(start))
    with story.stage.lived_in():
        standing = story.begun()
        for place in choices:
            standing = standing.after(place)
        while possible := ready(standing):
            standing = standing.after(possible[0])
        standing.settled()
    return standing.trace


def tried(case: tuple[str, ...]) -> Found:
    """Every order of acts at a moment, each by name."""
    moment, *names = case
    return explore(MOMENTS[moment](), *names)
