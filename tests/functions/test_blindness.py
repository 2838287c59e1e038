"""Blinded callers get identical answers, to the last byte, in both arms."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import count
from typing import Any
from uuid import UUID

from time_machine import Traveller

from commands.repository.openapi import contract
from receipts.handler import lambda_handler as receipts
from tests.proofs.simulation.services import logged
from tests.support.life import ARREST, BREACH, CUSTODY, METHODS, QUASHED, RELEASE, corrected
from tests.support.memory import Memory
from tests.support.samples import MORNING, order
from tests.support.steps import CONTEXT, HttpAnswer, call, fire, post
from trial.codes import Arm

MADE = order(1)
LIFE: list[tuple[str, dict[str, Any]]] = [
    ("end", CUSTODY),
    ("order", corrected(1, expires_on="2026-12-21")),
    ("resume", RELEASE),
    ("mobile", {"number": "+447700900777"}),
    # Next morning: a text has gone by now, in one arm.
    ("order", corrected(1, expires_on="2026-12-14")),
    ("order", corrected(1, expires_on="2026-12-22", conditions=["no_molestation"])),
    ("mobile", {"missing_reason": "lost_stolen_broken"}),
    ("mobile", {"missing_reason": "lost_stolen_broken"}),
    ("service", {"served_on": "2026-12-02"}),
    ("outcomes", ARREST),
    ("outcomes", BREACH),
    ("outcomes", BREACH | {"type": "offence"}),
    ("mobile", {"number": "+447700900778"}),
    ("end", QUASHED),
    ("end", QUASHED | {"reason": "recorded_in_error"}),
    ("mobile", {"number": "+447700900779"}),
    ("order", corrected(1, expires_on="2026-12-23")),
    ("resume", RELEASE | {"at": "2026-12-01T09:29:00Z"}),
]
"""Four hours pass between any two."""
WORDS = {1: "Phone has blocked SMS", 3: "Phone number is opted out", 5: "Phone has blocked SMS"}
"""The carrier's words for each text that was not delivered, by the reminder's number."""


def test_every_blinded_answer_is_the_same_in_both_arms(clock: Traveller) -> None:
    control, intervention = (list(_lived(arm, clock)) for arm in Arm)
    assert len(control) == len(intervention) > 100
    for place, (one, other) in enumerate(zip(control, intervention, strict=True)):
        assert one == other, f"answer {place}"


def test_no_blinded_route_reveals_it_by_answer_status_error_header_or_count(
    clock: Traveller,
) -> None:
    """Every route that a blinded caller or operations may call, asked well and badly."""
    answers = []
    for arm in Arm:
        memory, ident = _drawn(arm, clock)
        with memory.lived_in():
            texted = MORNING.replace(hour=21) + timedelta(days=3)
            _fire(memory, ident, texted, clock)
            assert bool(memory.texts) == (arm is Arm.INTERVENTION)
            answers.append(list(_asked(ident)))
    control, intervention = answers
    assert len(control) == len(intervention) > 100
    for one, other in zip(control, intervention, strict=True):
        assert one == other, one[0]


def _asked(ident: UUID) -> Iterator[tuple[str, HttpAnswer]]:
    by = {"by": "PC-1182"}
    bodies: dict[str, dict[str, Any]] = dict(LIFE) | {
        "enrolments": order(2, protected_numbers=["+447700900001"]),
        "hold": by | {"reason": "proceedings"},
        "admit": by,
        "variation": by | {"order": corrected(1), "varied_on": "2026-12-01"},
        "release": by,
        "sending": by | {"paused": True, "reason": "exercise"},
        "suppressions": by | {"number": "+447700900001", "reason": "wrong_number"},
    }
    for path, operations in contract()["paths"].items():
        for method, operation in operations.items():
            if "Unblinded" in operation["tags"]:
                continue
            good = bodies[path.rpartition("/")[2]] if "requestBody" in operation else None
            for known_or_not in (ident, UUID(int=0), "nobody"):
                shown = path.format(enrolment_id=known_or_not)
                for body in (good, good, {}, {"number": "101"}, "{", None):
                    yield f"{method} {path} {body}", call(method.upper(), shown, body)
                yield f"GET of {path}", call("GET", shown)
                yield f"DELETE of {path}", call("DELETE", f"{shown}/more")


def test_the_same_changes_of_status_are_announced_in_both_arms(clock: Traveller) -> None:
    announced = []
    for arm in Arm:
        memory, ident = _drawn(arm, clock)
        assert list(_lived_on(memory, ident, arm, clock))
        announced.append(memory.announced(ident))
    control, intervention = announced
    assert control == intervention
    course = ["eligible", "allocated", "ended", "allocated", "ended"]
    assert [each["status"] for each in control] == course


def test_the_unblinded_answer_differs_between_arms(clock: Traveller) -> None:
    told = []
    for arm in Arm:
        memory, ident = _drawn(arm, clock)
        with memory.lived_in():
            told.append(call("GET", f"/allocations/{ident}").body)
    assert [each["arm"] for each in told] == ["control", "intervention"]
    assert [len(each["reminders"]) for each in told] == [0, 7]


def test_only_the_unblinded_routes_can_show_an_arm_or_a_reminder() -> None:
    document = contract()
    for path, operations in document["paths"].items():
        for operation in operations.values():
            known = _models(document, operation, set())
            blind = "Unblinded" not in operation["tags"] and path != "/openapi.json"
            assert not (blind and known & {"Arm", "ReminderOut", "AllocationOut"}), path


def _models(document: dict[str, Any], part: Any, known: set[str]) -> set[str]:
    """The names of the models that a part of the contract refers to, and they in turn."""
    if isinstance(part, dict):
        if "$ref" in part:
            name = part["$ref"].rpartition("/")[2]
            if name not in known:
                known.add(name)
                _models(document, document["components"]["schemas"][name], known)
        for each in part.values():
            _models(document, each, known)
    elif isinstance(part, list):
        for each in part:
            _models(document, each, known)
    return known


def _drawn(arm: Arm, clock: Traveller) -> tuple[Memory, UUID]:
    """A world whose sequence gives the first order this arm."""
    for salt in count():
        clock.move_to(MORNING.replace(hour=20))
        memory = Memory(sequence=str(salt))
        with memory.lived_in():
            ident = UUID(post(MADE).body["enrolment_id"])
            memory.drain()
            allocation = memory.file(ident).allocation
            if allocation and allocation.arm is arm:
                return memory, ident
    raise AssertionError("there is no end to them")


def _lived(arm: Arm, clock: Traveller) -> Iterator[HttpAnswer]:
    """All that blinded callers are answered over a life in this arm."""
    yield from _lived_on(*_drawn(arm, clock), arm, clock)


def _lived_on(memory: Memory, ident: UUID, arm: Arm, clock: Traveller) -> Iterator[HttpAnswer]:
    with memory.lived_in():
        for place, (what, body) in enumerate(LIFE):
            now = MORNING.replace(hour=21) + timedelta(hours=4 * place)
            _fire(memory, ident, now, clock)
            yield call(METHODS[what], f"/enrolments/{ident}/{what}", body)
            yield post(MADE)
            yield post(MADE | {"protected_numbers": ["+447700900001"]})
            reports = ("/reports/flow", "/reports/missing-numbers", "/sending")
            for path in (f"/enrolments/{ident}", *reports):
                yield call("GET", path)
            if arm is Arm.INTERVENTION:  # somebody unblinded looks; nobody may see that either
                assert call("GET", f"/allocations/{ident}").status == 200
            memory.drain()
            yield call("GET", f"/enrolments/{ident}")
        assert bool(memory.texts) == (arm is Arm.INTERVENTION)


def _fire(memory: Memory, ident: UUID, until: datetime, clock: Traveller) -> None:
    """Let the schedules that are due by then fire, each in its time."""
    for number, due_at in memory.file(ident).schedules.items():
        if due_at <= until:
            clock.move_to(due_at)
            fire(ident, number)
            message = f"text-{len(memory.texts)}"
            receipts(logged(message, "+447700900001", due_at, words=WORDS.get(number)), CONTEXT)
            del memory.scheduler.schedules[f"dvpo-{ident.hex}-{number:02}"]
    clock.move_to(until)
