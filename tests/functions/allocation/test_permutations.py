"""The order in which upstream's events arrive does not affect their result."""

from collections.abc import Iterator
from itertools import pairwise
from typing import Any, NamedTuple
from uuid import UUID

import pytest

from tests.support.life import BREACH, CUSTODY, METHODS, QUASHED, RELEASE, corrected
from tests.support.memory import Memory
from tests.support.samples import order
from tests.support.steps import call, post
from trial.codes import Arm
from trial.records.enrolment import Enrolment

pytestmark = pytest.mark.usefixtures("clock")

HERS = "+447700900456"


class UpstreamEvent(NamedTuple):
    """What upstream reports about the enrolment; if `what` is None, another order."""

    what: str | None
    body: dict[str, Any]

    def told(self, enrolment_id: UUID) -> int:
        """The status of the answer."""
        if self.what is None:
            return post(self.body).status
        path = f"/enrolments/{enrolment_id}/{self.what}"
        return call(METHODS[self.what], path, self.body).status


NUMBER = UpstreamEvent("mobile", {"number": HERS, "resolved_how": "officer_visit"})
SERVED = UpstreamEvent("service", {"served_on": "2026-12-01"})
LONGER = UpstreamEvent("order", corrected(1, expires_on="2026-12-21"))
NO_ENTRY = UpstreamEvent("order", corrected(1, conditions=["no_molestation", "no_entry"]))
TAKEN = UpstreamEvent("end", CUSTODY)
OUT = UpstreamEvent("resume", RELEASE)
TAKEN_AGAIN = UpstreamEvent("end", CUSTODY | {"at": "2026-12-01T09:22:00Z"})
OUT_AGAIN = UpstreamEvent("resume", RELEASE | {"at": "2026-12-01T09:24:00Z"})
VOID = UpstreamEvent("end", QUASHED)
DIED = UpstreamEvent("end", QUASHED | {"reason": "deceased"})
OBJECTED = UpstreamEvent(
    "end", QUASHED | {"reason": "objection_upheld", "at": "2026-12-01T09:26:00Z"}
)
BREACHED = UpstreamEvent("outcomes", BREACH)
PROTECTED = UpstreamEvent(None, order(900, protected_numbers=[HERS]))

WAITING = {"order": {"served_on": None}, "mobile": {"missing_reason": "seized_evidence"}}
CASES = {
    "custody twice": ({}, [TAKEN, OUT, TAKEN_AGAIN, OUT_AGAIN, NUMBER]),
    "still in custody": ({}, [TAKEN, OUT, TAKEN_AGAIN, NUMBER, LONGER]),
    "longer, meanwhile in custody": ({}, [TAKEN, OUT, LONGER, NUMBER]),
    "several ends": ({}, [VOID, DIED, OBJECTED, TAKEN, OUT]),
    "a protected number": ({}, [PROTECTED, NUMBER, TAKEN, OUT]),
    "drawn at last": (WAITING, [NUMBER, SERVED, NO_ENTRY, TAKEN, OUT]),
    "breached before the draw": (WAITING, [NUMBER, SERVED, NO_ENTRY, BREACHED]),
    "breached before or after custody": (WAITING, [NUMBER, BREACHED, TAKEN, OUT]),
}


@pytest.mark.parametrize(
    ("case", "arm"),
    [*((case, Arm.INTERVENTION) for case in CASES), ("custody twice", Arm.CONTROL)],
)
def test_every_order_of_arrival_gives_the_same_result(case: str, arm: Arm) -> None:
    changes, events = CASES[case]
    start, enrolment_id = _enrolled(arm, changes)
    ends = list(_lives(start, enrolment_id, events, first=[], refused=[]))
    assert ends[0][0] != _state(start, enrolment_id)
    different = [told for end, told in ends if end != ends[0][0]]
    assert not different, f"{len(different)} of {len(ends)} end otherwise, as {different[0]}"


def _enrolled(arm: Arm, changes: dict[str, Any]) -> tuple[Memory, UUID]:
    """A person who is in this arm, or would be if drawn next."""
    for burnt in range(900):
        memory = Memory()
        with memory.lived_in():
            for serial in range(burnt):
                post(order(500 + serial))
                memory.drain()
            made = order(1, **changes)
            enrolment_id = UUID(post(made).body["enrolment_id"])
            memory.drain()
            trial = memory.copied()
        with trial.lived_in():
            for event in (NUMBER, SERVED) if changes else ():
                event.told(enrolment_id)
                trial.drain()
            drawn = trial.file(enrolment_id).allocation
        if drawn and drawn.arm is arm:
            return memory, enrolment_id
    raise AssertionError("there is no end to them")


def _lives(
    memory: Memory,
    enrolment_id: UUID,
    left: list[UpstreamEvent],
    first: list[UpstreamEvent],
    refused: list[UpstreamEvent],
) -> Iterator[tuple[dict[str, Any], list[str]]]:
    """
    Every order of the events, with its result.

    Refused events are repeated until nothing changes; at the end the first event is sent again.
    """
    if not left:
        with memory.lived_in():
            while refused and (still := _refused(memory, enrolment_id, refused)) != refused:
                refused = still
            end = _state(memory, enrolment_id)
            _refused(memory, enrolment_id, first)
            assert _state(memory, enrolment_id) == end
        heard = [each["status"] for each in memory.announced(enrolment_id)]
        assert heard[-1] == end["enrolment"]["status"]
        assert all(before != after for before, after in pairwise(heard))
        yield end, []
    for place, event in enumerate(left):
        branch = memory.copied()
        with branch.lived_in():
            again = _refused(branch, enrolment_id, [event])
        others = left[:place] + left[place + 1 :]
        for end, told in _lives(branch, enrolment_id, others, first or [event], refused + again):
            yield end, [f"{event.what} {event.body}", *told]


def _refused(
    memory: Memory, enrolment_id: UUID, events: list[UpstreamEvent]
) -> list[UpstreamEvent]:
    """Report these events, each with its consequences; returns those that were refused."""
    refused = []
    for event in events:
        status = event.told(enrolment_id)
        memory.drain()
        assert status in (200, 201, 202, 409)
        if status == 409:
            refused.append(event)
    return refused


def _state(memory: Memory, enrolment_id: UUID) -> dict[str, Any]:
    """Everything visible about an enrolment, except authors and times."""
    file = memory.file(enrolment_id)
    enrolment: Enrolment = file.enrolment
    assert set(file.schedules) == {each.number for each in file.reminders if each.reason is None}
    return {
        "enrolment": enrolment.model_dump(
            exclude={"version", "life", "dates_changed_at", "first_status", "first_reasons"}
        ),
        "end": enrolment.end and enrolment.end.reason,
        "allocation": file.allocation,
        "reminders": file.reminders,
        "schedules": file.schedules,
    }
