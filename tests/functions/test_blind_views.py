"""
A month of a trial, as a clever insider sees it: a classifier that looks for the arm in all that a
blind permission set can read or measure does no better than chance.

Of each request it has the answer, its length, the entries of a history, how many calls of AWS the
answer took and how many bytes they brought (what time it takes, and what it costs, follows from
these), and what the functions logged meanwhile whose logs an operator may read. Of other systems it
has the events on the bus, of researchers the blinded rows. `Engineer`, `Auditor` and `TrailAuditor`
are not blind: they can see or infer arms.
"""

import logging
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import datetime, timedelta
from io import StringIO
from itertools import product
from math import sqrt
from typing import Any
from uuid import UUID

import pytest
from time_machine import Traveller

from extract import package
from operations.panels.handler import lambda_handler as panels
from receipts.handler import lambda_handler as receipts
from tests.proofs.simulation.services import logged
from tests.support.insider import BLIND, UNBLINDED, Insider, Seen, accuracy
from tests.support.life import ARREST, METHODS, send_change
from tests.support.memory import Memory
from tests.support.samples import MORNING, order, sample
from tests.support.steps import CONTEXT, call, fire, post
from trial import messages
from trial.codes import Arm
from trial.records.audit import history_key

WORLDS, PEOPLE = range(3), range(8)
DAYS = (0, 4, 13)
LOST = {"missing_reason": "lost_stolen_broken", "recorded_by": "PC-1"}
LIFE: dict[tuple[int, int], tuple[str, dict[str, Any]]] = {
    (4, 0): ("mobile", LOST),
    (4, 1): ("end", {"reason": "in_custody", "at": "2026-12-05T11:00:00Z", "by": "PC-1"}),
    (4, 2): ("outcomes", ARREST),
    (4, 3): ("end", {"reason": "wrong_number", "at": "2026-12-05T11:00:00Z", "by": "PC-1"}),
    (13, 0): ("mobile", {"number": "+447700900777"}),
    (13, 1): ("resume", {"at": "2026-12-14T10:00:00Z", "by": "PC-1"}),
}
"""Upstream's reports by person and day: the same in each arm."""
CARRIER = (None, "Phone has blocked SMS", "Phone number is opted out")
PANELS = ("waiting", "held", "flow", "sending")


def month(world: int, clock: Traveller, log: StringIO, *only: str) -> Iterator[Seen]:
    """Everybody is enrolled, texted if they are to be, and looked at, in one world's sequence."""
    clock.move_to(MORNING)
    memory = Memory("blind views", sequence=str(world))
    views: dict[UUID, dict[str, list[int]]] = {}
    with memory.lived_in():
        logging.disable(logging.NOTSET)
        insider = Insider(memory, log)
        sets = {name: reads for name, reads in insider.sets.items() if name in only}
        for person in PEOPLE:
            views[UUID(post(order(person)).body["enrolment_id"])] = {name: [] for name in sets}
        memory.drain()
        for day, (person, ident) in product(DAYS, enumerate(views)):
            _texted(memory, ident, MORNING + timedelta(days=day, hours=2), clock)
            if (day, person) in LIFE:
                what, body = LIFE[day, person]
                answer = call(METHODS[what], f"/enrolments/{ident}/{what}", body)
                assert answer.status in (200, 201), answer.text
                memory.drain()
            for name, reads in sets.items():
                views[ident][name] += reads(ident, person)
        for person, (ident, view) in enumerate(views.items()):
            allocation = memory.file(ident).allocation
            assert allocation
            found = {name: tuple(each) for name, each in view.items()}
            yield Seen(world, person, allocation.arm is Arm.INTERVENTION, found)
        assert memory.texts


def _texted(memory: Memory, ident: UUID, until: datetime, clock: Traveller) -> None:
    """Let what is due by then fire, each in its time, and the carrier answer."""
    for number, due_at in memory.file(ident).schedules.items():
        if due_at <= until:
            clock.move_to(due_at)
            if fire(ident, number) == "sent":
                message = f"text-{len(memory.texts)}"
                to, words = memory.texts[-1]["PhoneNumber"], CARRIER[number % len(CARRIER)]
                receipts(logged(message, to, due_at, words=words), CONTEXT)
            del memory.scheduler.schedules[f"dvpo-{ident.hex}-{number:02}"]
    clock.move_to(until)


def viewed(clock: Traveller, log: StringIO, *only: str) -> list[Seen]:
    seen = [each for world in WORLDS for each in month(world, clock, log, *only)]
    assert {each.treated for each in seen} == {True, False}
    return seen


def told_apart(seen: list[Seen], name: str) -> set[int]:
    """Whose view is another in the other arm."""
    return {
        person
        for person in PEOPLE
        if len({each.treated for each in seen if each.person == person}) > 1
        and len({each.views[name] for each in seen if each.person == person}) > 1
    }


CHANCE = 0.5 + 3 * sqrt(0.25 / (len(WORLDS) * len(PEOPLE)))


def test_a_classifier_of_everything_a_blinded_role_reads_does_no_better_than_chance(
    clock: Traveller, log: StringIO
) -> None:
    """No other can either: nobody's view is another in the other arm."""
    seen = viewed(clock, log, *BLIND)
    for name in BLIND:
        assert accuracy(seen, name) < CHANCE, name
        assert told_apart(seen, name) == set(), name


def test_counts_and_panels_are_the_same_whatever_the_arms(
    clock: Traveller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ENROLMENT_FUNCTION", "enrolment")
    shown = set()
    for world in WORLDS:
        clock.move_to(MORNING)
        memory = Memory("blind views", sequence=str(world))
        with memory.lived_in():
            idents = [UUID(post(order(person)).body["enrolment_id"]) for person in PEOPLE]
            memory.drain()
            for ident in idents:
                _texted(memory, ident, MORNING + timedelta(days=4, hours=2), clock)
            send_change(idents[0], "mobile", LOST)
            paths = ("/reports/flow", "/reports/missing-numbers", "/sending", "/enrolments")
            texts = [call("GET", path).text for path in paths]
            texts += [panels(sample("panel-waiting") | {"panel": each}, CONTEXT) for each in PANELS]
            shown.add(tuple(texts))
    assert len(shown) == 1


def test_the_same_classifier_finds_every_arm_in_the_unblinded_view(
    clock: Traveller, log: StringIO
) -> None:
    assert accuracy(viewed(clock, log, UNBLINDED), UNBLINDED) == 1


def receipt_in_the_history(patch: pytest.MonkeyPatch) -> None:
    """The trail of a text's receipt is kept where upstream reads."""
    patch.setattr(messages, "audit_key", history_key)


def unblinded_rows(patch: pytest.MonkeyPatch) -> None:
    """Researchers who are blind get the planned texts of an order, as others do."""
    patch.setattr(package, "_blinded", lambda row, _: row)


@pytest.mark.parametrize(
    ("plant", "name"),
    [(receipt_in_the_history, "BlindedCaller"), (unblinded_rows, "ResearchBlindedReader")],
)
def test_a_planted_leak_is_found(
    clock: Traveller, log: StringIO, plant: Callable[[pytest.MonkeyPatch], None], name: str
) -> None:
    with ExitStack() as planted:
        plant(planted.enter_context(pytest.MonkeyPatch.context()))
        seen = viewed(clock, log, name)
    assert accuracy(seen, name) > 0.9
    assert told_apart(seen, name)
