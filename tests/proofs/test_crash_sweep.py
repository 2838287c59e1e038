"""
Every call of AWS that a function makes, crashed, refused or left without an answer, one at a time.

A calm story in the simulator takes every function and route through its paths. Its calls are
counted; then it is repeated with another fault at another call each time, and continues as AWS and
upstream would. The simulator's model says that no text went twice, to control, after the end, or
was lost unseen.

A restore is swept in `test_restore_sweep.py`. A re-run is not: an order of another trial takes the
same calls, by the same lines, and only settings differ. The simulator varies when each function has
them.
"""

from collections.abc import Iterator
from traceback import walk_stack
from typing import NamedTuple

import pytest

from tests.proofs.simulation.faults import CALLS, TEXTS, TRANSACTIONS, Fault
from tests.proofs.simulation.run import Simulation
from tests.proofs.simulation.story import story
from tests.proofs.simulation.world import Invocation

LABELS = (
    "POST enrolments",
    "POST enrolments/admit",
    "POST enrolments/end",
    "POST enrolments/outcomes",
    "POST enrolments/resume",
    "POST suppressions",
    "PUT enrolments/mobile",
    "PUT enrolments/order",
    "PUT enrolments/service",
    "PUT sending",
    "allocation",
    "audit",
    "digest",
    "receipts",
    "reconciliation",
    "scheduling",
    "sending",
)


class Point(NamedTuple):
    """One call of one invocation, both counted from the start of the story."""

    label: str
    invocation: int
    call: int
    operation: str


@pytest.fixture(scope="module")
def told_calmly() -> tuple[Simulation, list[Point]]:
    """The story once without a fault, and the calls by which it may be disturbed."""
    simulation = story()
    points: dict[tuple[object, ...], Point] = {}

    def note(invocation: Invocation, operation: str) -> None:
        point = Point(invocation.label, invocation.serial, invocation.calls, operation)
        points.setdefault((invocation.label, operation, *callers()), point)

    simulation.world.script = note
    simulation.live()
    assert simulation.world.counted["digests"]
    return simulation, list(points.values())


def callers() -> Iterator[tuple[str, int]]:
    """The lines of production code that led to a call: what comes by the same way is the same."""
    for frame, line in walk_stack(None):
        file = frame.f_code.co_filename
        if "/functions/" in file or "/layers/" in file:
            yield file, line


def faults(point: Point) -> dict[Fault, float]:
    if point.operation == "sns.Publish":
        return TEXTS
    return TRANSACTIONS if "Transact" in point.operation else CALLS


def disturbed(point: Point, fault: Fault) -> Simulation:
    """The story with one fault at one point. Raises Violation."""
    simulation = story()

    def strike(invocation: Invocation, _: str) -> Fault | None:
        here = (invocation.serial, invocation.calls) == (point.invocation, point.call)
        return fault if here else None

    simulation.world.script = strike
    simulation.live()
    return simulation


def test_the_story_uses_both_arms_every_function_and_every_route(
    told_calmly: tuple[Simulation, list[Point]],
) -> None:
    simulation, points = told_calmly
    model = simulation.world.model
    arms = [model.arms[ident].arm for ident in simulation.upstream.orders]
    assert arms == ["intervention", "control"]
    assert {point.label for point in points} == set(LABELS)


@pytest.mark.parametrize("label", LABELS)
def test_no_fault_at_any_call_repeats_misdirects_or_loses_a_text(
    label: str, told_calmly: tuple[Simulation, list[Point]]
) -> None:
    calm, points = told_calmly
    tried = 0
    for point in points:
        for fault in faults(point) if point.label == label else ():
            simulation = disturbed(point, fault)
            assert simulation.world.faults == {fault: 1}, point
            assert abs(calm.phones.texts - simulation.phones.texts) <= 1, (point, fault)
            tried += 1
    print(f"{label}: {tried} faults, each alone")  # noqa: T201 - shown by pytest -rP
    assert tried
