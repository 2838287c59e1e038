"""A suppression that dies at any AWS call is either not made, or holds and is followed up."""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest

from enrolment.handler import lambda_handler as enrolment
from tests.proofs.simulation.world import Crash
from tests.support.memory import Memory
from tests.support.samples import order
from tests.support.steps import UNHURRIED, call, fire, post
from trial.codes import Arm, Reason
from trial.records.enrolment import FOLLOW_UPS

if TYPE_CHECKING:
    from collections.abc import Callable

    from time_machine import Traveller


NUMBER = "+447700900123"
TWO: tuple[dict[str, Any], ...] = (
    {"mobile": {"number": NUMBER}},
    {"mobile": {"number": NUMBER}, "order": {"served_on": None}},
)
WRONG = {"number": NUMBER, "reason": "wrong_number", "by": "PC-1182"}


def dying(at: int, *, done: bool) -> Callable[[Callable[[], dict[str, Any]]], dict[str, Any]]:
    """A gate at whose call of this number the process dies: before it is done, or after."""
    calls = count(1)

    def gate(perform: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        if next(calls) != at:
            return perform()
        if done:
            perform()
        raise Crash

    return gate


def two_with_the_number() -> tuple[Memory, UUID, UUID]:
    """Somebody in the intervention arm, and somebody who waits for service."""
    for salt in count():
        memory = Memory(f"suppressions {salt}")
        with memory.lived_in():
            treated, waiting = (
                UUID(post(order(serial, **each)).body["enrolment_id"])
                for serial, each in enumerate(TWO)
            )
            memory.drain()
            allocation = memory.file(treated).allocation
            if allocation and allocation.arm is Arm.INTERVENTION:
                return memory, treated, waiting
    raise AssertionError("there is no end to them")


@pytest.mark.parametrize("done", [False, True], ids=["before", "after"])
def test_a_suppression_is_stored_and_followed_up_wherever_its_process_dies(
    clock: Traveller,
    done: bool,  # noqa: FBT001 - a case
) -> None:
    start, treated, waiting = two_with_the_number()
    followed_up = 0
    for at in count(1):
        memory = start.copied()
        with memory.lived_in():
            memory.gate = dying(at, done=done)
            try:
                call("POST", "/suppressions", WRONG)
            except Crash:
                pass
            else:
                break
            memory.gate = lambda perform: perform()
            stored = any(pk.startswith("suppressed#") for pk in memory.dynamo.partitions)
            if stored:
                due = memory.file(treated).reminders[1].due_at
                clock.move_to(due)
                assert fire(treated, 2) == "suppressed"
                followed_up += bool(memory.dynamo.indexes["worklist"][FOLLOW_UPS])
                assert enrolment({"follow_up": True}, UNHURRIED)["left"] == 0
            else:
                assert call("POST", "/suppressions", WRONG).status == 201
            files = [memory.file(each) for each in (treated, waiting)]
            assert all(file.enrolment.mobile.suppressed for file in files), at
            assert files[0].enrolment.waits_for == (Reason.SUPPRESSED_NUMBER,)
            assert not memory.dynamo.indexes["worklist"][FOLLOW_UPS]
            assert memory.texts == []
    assert at > 8
    assert followed_up >= 3
