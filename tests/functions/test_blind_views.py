"""
A month of a trial, as a clever insider sees it: a classifier that looks for the arm in all that a
blinded caller or an operator can measure of an order does no better than chance.

Of each look at each order it has the answer's length, the entries of its history, how many calls of
AWS the answer took and how many bytes they brought (what time it takes, and what it costs, follows
from these), and what the functions logged meanwhile whose logs an operator may read.
"""

from __future__ import annotations

import json
import logging
from datetime import timedelta
from itertools import product
from math import sqrt
from typing import TYPE_CHECKING, Any, NamedTuple
from uuid import UUID

from receipts.handler import lambda_handler as receipts
from tests.proofs.simulation.services import logged
from tests.support.memory import Memory
from tests.support.samples import MORNING, order
from tests.support.steps import CONTEXT, call, fire, post
from trial.codes import Arm

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime
    from io import StringIO

    from time_machine import Traveller

WORLDS, PEOPLE = range(4), range(8)
DAYS = (0, 4, 13)

View = tuple[int, ...]


class Seen(NamedTuple):
    """What was measured of a person in a world, and the arm that was to be found out."""

    world: int
    person: int
    treated: bool
    view: View


class Meter:
    """Counts the calls of AWS that answers take, and the bytes that they bring."""

    def __init__(self, memory: Memory, log: StringIO) -> None:
        self.calls = self.bytes = 0
        self._log = log
        memory.gate = self._gate

    def _gate(self, perform: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        answer = perform()
        self.calls += 1
        self.bytes += len(json.dumps(answer, default=str))
        return answer

    def look(self, method: str, path: str, body: object = None) -> Iterator[int]:
        """All that can be measured of one request."""
        calls, size, printed = self.calls, self.bytes, len(self._log.getvalue())
        answer = call(method, path, body)
        history = answer.body.get("history", ()) if isinstance(answer.body, dict) else ()
        yield from (len(answer.text), len(history), self.calls - calls, self.bytes - size)
        yield len(self._log.getvalue()) - printed


def month(world: int, clock: Traveller, log: StringIO, path: str) -> Iterator[Seen]:
    """Everybody is enrolled, texted if they are to be, and looked at, in one world's sequence."""
    clock.move_to(MORNING)
    memory = Memory("blind views", sequence=str(world))
    views: dict[UUID, list[int]] = {}
    with memory.lived_in():
        logging.disable(logging.NOTSET)
        meter = Meter(memory, log)
        for person in PEOPLE:
            views[UUID(post(order(person)).body["enrolment_id"])] = []
        memory.drain()
        for day, (ident, view) in product(DAYS, views.items()):
            _texted(memory, ident, MORNING + timedelta(days=day, hours=11), clock)
            view.extend(meter.look("GET", path.format(ident)))
        for person, view in enumerate(views.values()):
            view.extend(meter.look("POST", "/enrolments", order(person)))
        for person, (ident, view) in enumerate(views.items()):
            allocation = memory.file(ident).allocation
            assert allocation
            yield Seen(world, person, allocation.arm is Arm.INTERVENTION, tuple(view))
        assert memory.texts


def _texted(memory: Memory, ident: UUID, until: datetime, clock: Traveller) -> None:
    """Let what is due by then fire, each in its time, and the carrier answer."""
    for number, due_at in memory.file(ident).schedules.items():
        if due_at <= until:
            clock.move_to(due_at)
            if fire(ident, number) == "sent":
                message = f"text-{len(memory.texts)}"
                to = memory.texts[-1]["PhoneNumber"]
                receipts(logged(message, to, due_at, words=None), CONTEXT)
            del memory.scheduler.schedules[f"dvpo-{ident.hex}-{number:02}"]
    clock.move_to(until)


class Rule(NamedTuple):
    """Whoever is above a threshold in one measure is said to be treated, or not to be."""

    measure: int
    threshold: int
    above: bool

    def right(self, seen: list[Seen]) -> int:
        """How many it says rightly."""
        found = [(each.view[self.measure] > self.threshold) == self.above for each in seen]
        return sum(said == each.treated for said, each in zip(found, seen, strict=True))


def learned(seen: list[Seen]) -> Rule:
    """The rule that says the most of these rightly."""
    rules = (
        Rule(measure, threshold, above)
        for measure in range(len(seen[0].view))
        for threshold in {each.view[measure] for each in seen}
        for above in (True, False)
    )
    return max(rules, key=lambda rule: rule.right(seen))


def accuracy(seen: list[Seen]) -> float:
    """The share said rightly of each world by the rule that the others teach."""
    right = 0
    for world in WORLDS:
        rule = learned([each for each in seen if each.world != world])
        right += rule.right([each for each in seen if each.world == world])
    return right / len(seen)


def viewed(clock: Traveller, log: StringIO, path: str) -> list[Seen]:
    seen = [each for world in WORLDS for each in month(world, clock, log, path)]
    assert {each.treated for each in seen} == {True, False}
    return seen


def test_a_classifier_of_blind_views_does_no_better_than_chance(
    clock: Traveller, log: StringIO
) -> None:
    """No other can either: nobody's view is another in the other arm."""
    seen = viewed(clock, log, "/enrolments/{}")
    assert accuracy(seen) < 0.5 + 3 * sqrt(0.25 / len(seen))
    for person in PEOPLE:
        own = [each for each in seen if each.person == person]
        if len({each.treated for each in own}) > 1:
            assert len({each.view for each in own}) == 1, person


def test_the_same_classifier_finds_every_arm_in_the_unblinded_view(
    clock: Traveller, log: StringIO
) -> None:
    assert accuracy(viewed(clock, log, "/allocations/{}")) == 1
