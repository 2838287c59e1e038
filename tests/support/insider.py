"""A clever insider: what they can read of an order, and a classifier that learns from it."""

import json
from collections.abc import Callable, Iterator
from io import StringIO
from typing import Any, NamedTuple, cast
from uuid import UUID
from zlib import crc32

from extract import package
from extract.codes import Label
from extract.columns.base import Row
from extract.pseudonyms import Pseudonyms
from extract.rows import File, rows
from extract.schema import ROWS
from tests.support.fixture_protocol import AGREED
from tests.support.memory import Memory
from tests.support.samples import MORNING, order
from tests.support.steps import call
from trial.codes import Arm

BLIND = ("BlindedCaller", "Operator", "OutwardBus", "ResearchBlindedReader")
UNBLINDED = "UnblindedCaller"

View = tuple[int, ...]


class Seen(NamedTuple):
    """What was measured of a person in a world, and the arm that was to be found out."""

    world: int
    person: int
    treated: bool
    views: dict[str, View]


class Insider:
    """Measures what is answered: the calls of AWS that it takes, the bytes, and what is logged."""

    def __init__(self, memory: Memory, log: StringIO) -> None:
        self._calls = self._bytes = 0
        self._log = log
        self._memory = memory
        memory.gate = self._gate

    def _gate(self, perform: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        answer = perform()
        self._calls += 1
        self._bytes += len(json.dumps(answer, default=str))
        return answer

    def look(self, method: str, path: str, body: object = None) -> Iterator[int]:
        """All that can be measured of one request."""
        calls, size, printed = self._calls, self._bytes, len(self._log.getvalue())
        answer = call(method, path, body)
        history = answer.body.get("history", ()) if isinstance(answer.body, dict) else ()
        yield from (answer.status, crc32(answer.text.encode()), len(answer.text), len(history))
        yield from (self._calls - calls, self._bytes - size, len(self._log.getvalue()) - printed)

    def upstream(self, ident: UUID, person: int) -> Iterator[int]:
        """What `BlindedCaller` is answered about one order, well asked and badly."""
        yield from self.look("GET", f"/enrolments/{ident}")
        yield from self.look("POST", "/enrolments", order(person))
        yield from self.look("POST", "/enrolments", order(person, order={"court": "Another"}))
        yield from self.look("PUT", f"/enrolments/{ident}/order", order(person)["order"])
        yield from self.look("PUT", f"/enrolments/{ident}/mobile", {"number": "101"})
        yield from self.look("POST", f"/enrolments/{ident}/variation", {"by": "PC-1"})

    def operator(self, ident: UUID, _: int) -> Iterator[int]:
        """What `Operator` is shown of one order: in the worklist, and when it is admitted."""
        waiting = call("GET", "/enrolments").body["enrolments"]
        own = [each for each in waiting if each["enrolment_id"] == str(ident)]
        yield from (len(own), len(json.dumps(own)), crc32(json.dumps(own).encode()))
        yield from self.look("POST", f"/enrolments/{ident}/admit", {"by": "ops-1"})

    def bus(self, ident: UUID, _: int) -> Iterator[int]:
        """What other systems hear of one order, and how large each act was before they heard."""
        heard = self._memory.announced(ident)
        yield from (len(heard), crc32(json.dumps(heard, default=str).encode()))
        yield from self._memory.parts(ident)

    def researcher(self, ident: UUID, _: int) -> Iterator[int]:
        """The blinded rows of one order, without the label of its arm."""
        kept, labels = self._memory.file(ident), dict(zip(Arm, Label, strict=True))
        file = File(kept.enrolment, kept.allocation, tuple(kept.reminders))
        names = Pseudonyms(b"research")
        for row in rows(file, protocol=AGREED, names=names, extracted_at=MORNING):
            # What is staged of a person is not published.
            if row.resource in ROWS and (shown := package._blinded(cast("Row", row), labels)):  # noqa: SLF001
                cells = shown.model_dump(mode="json", exclude={"arm"})
                yield from (crc32(json.dumps(cell).encode()) for cell in cells.values())

    @property
    def sets(self) -> dict[str, Callable[[UUID, int], Iterator[int]]]:
        """What each permission set reads of one order."""
        return {
            "BlindedCaller": self.upstream,
            "Operator": self.operator,
            "OutwardBus": self.bus,
            "ResearchBlindedReader": self.researcher,
            UNBLINDED: lambda ident, _: self.look("GET", f"/allocations/{ident}"),
        }


class Rule(NamedTuple):
    """Guesses that everyone above a threshold in one measure is treated, or is not."""

    measure: int
    threshold: int
    above: bool

    def right(self, seen: list["InsidersView"]) -> int:
        """How many it says rightly."""
        found = [(each.view[self.measure] > self.threshold) == self.above for each in seen]
        return sum(said == each.treated for said, each in zip(found, seen, strict=True))


class InsidersView(NamedTuple):
    """One person's view in one world, by one permission set."""

    world: int
    treated: bool
    view: View


def learned(seen: list[InsidersView]) -> Rule:
    """The rule that says the most of these rightly."""
    rules = (
        Rule(measure, threshold, above)
        for measure in range(len(seen[0].view))
        for threshold in {each.view[measure] for each in seen}
        for above in (True, False)
    )
    return max(rules, key=lambda rule: rule.right(seen))


def accuracy(seen: list[Seen], name: str) -> float:
    """The share said rightly of each world by the rule that the others teach."""
    measures = min(len(each.views[name]) for each in seen)
    cases = [InsidersView(each.world, each.treated, each.views[name][:measures]) for each in seen]
    right = 0
    for world in {each.world for each in seen}:
        rule = learned([each for each in cases if each.world != world])
        right += rule.right([each for each in cases if each.world == world])
    return right / len(seen)
