"""Reminders and schedules follow the enrolment, after any crash and in any order."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from itertools import count
from typing import Any
from uuid import UUID

import pytest
from botocore.exceptions import ClientError
from time_machine import Traveller

from allocation.handler import lambda_handler as allocation
from tests.proofs.simulation.world import Crash
from tests.support.life import CUSTODY, QUASHED, RELEASE, corrected, send_change
from tests.support.memory import Memory, StoredEnrolment
from tests.support.samples import MORNING, order
from tests.support.steps import CONTEXT, failures, post, schedule, stream
from trial.codes import Arm, ReminderState, Suppression

TWO_WEEKS = {"expires_on": "2026-12-14"}
THREE_WEEKS = {"expires_on": "2026-12-21"}
CORE = ["conditions", "meaning", "behaviour", "policing", "plan", "support"]


@pytest.fixture
def memory(clock: Traveller) -> Iterator[Memory]:
    clock.move_to(MORNING.replace(hour=20))  # the first text goes the next morning
    memory = Memory()
    with memory.lived_in():
        yield memory


def somebody(
    memory: Memory, arm: Arm = Arm.INTERVENTION, dates: dict[str, Any] = TWO_WEEKS
) -> tuple[UUID, int]:
    """Somebody in this arm, with all schedules made; and the serial of the order."""
    for serial in count(1):
        answer = post(order(serial, order=dates))
        enrolment_id = UUID(answer.body["enrolment_id"])
        memory.drain()
        allocation = memory.file(enrolment_id).allocation
        if allocation and allocation.arm is arm:
            return enrolment_id, serial
    raise AssertionError("there is no end to them")


def accept(enrolment_id: UUID, what: str, body: dict[str, Any]) -> None:
    answer = send_change(enrolment_id, what, body)
    assert answer.status == 200, answer.text


def agrees(file: StoredEnrolment) -> None:
    """One schedule for each reminder to come, at its time, and none for any other."""
    assert file.schedules == {
        each.number: each.due_at for each in file.reminders if each.state is ReminderState.SCHEDULED
    }
    assert not [each for each in file.reminders if each.state is ReminderState.PLANNED]


# Dates


def test_a_longer_order_gets_more_reminders_and_the_expiry_moves(memory: Memory) -> None:
    enrolment_id, serial = somebody(memory)
    assert len(memory.file(enrolment_id).reminders) == 7
    accept(enrolment_id, "order", corrected(serial, **THREE_WEEKS))
    memory.drain()
    file = memory.file(enrolment_id)
    agrees(file)
    assert [each.number for each in file.reminders] == list(range(1, 11))
    assert [str(each.theme) for each in file.reminders] == [
        *CORE,
        "reminder",
        "substances",
        "ends_soon",
        "expiry",
    ]
    assert file.reminders[-1].due_at.date().isoformat() == "2026-12-21"


def test_a_shorter_order_gets_fewer_and_the_expiry_moves(memory: Memory) -> None:
    enrolment_id, serial = somebody(memory, dates=THREE_WEEKS)
    assert len(memory.file(enrolment_id).reminders) == 10
    accept(enrolment_id, "order", corrected(serial, **TWO_WEEKS))
    memory.drain()
    file = memory.file(enrolment_id)
    agrees(file)
    assert [str(each.theme) for each in file.reminders] == [*CORE, "expiry"]
    assert file.reminders[-1].due_at.date().isoformat() == "2026-12-14"


def test_a_correction_taken_back_leaves_the_timetable_as_it_was(memory: Memory) -> None:
    enrolment_id, serial = somebody(memory)
    before = memory.file(enrolment_id)
    for dates in (THREE_WEEKS, TWO_WEEKS):
        accept(enrolment_id, "order", corrected(serial, **dates))
        memory.drain()
    after = memory.file(enrolment_id)
    assert (after.reminders, after.schedules) == (before.reminders, before.schedules)


def test_a_reminder_moved_into_the_past_is_missed_and_has_no_schedule(memory: Memory) -> None:
    enrolment_id, serial = somebody(memory)
    dates = {"made_on": "2026-11-25", "expires_on": "2026-12-08", "served_on": "2026-11-26"}
    accept(enrolment_id, "order", corrected(serial, **dates))
    memory.drain()
    file = memory.file(enrolment_id)
    agrees(file)
    missed = [each.number for each in file.reminders if each.reason is not None]
    assert missed == [1, 2, 3]  # tomorrow is the fourth's day, so the conditions cannot go
    assert {each.reason for each in file.reminders} == {None, Suppression.MISSED_LATE_START}
    days = [each.due_at.date() for each in file.reminders if each.reason is None]
    assert len(set(days)) == len(days) == 4


def test_a_text_that_went_while_the_dates_changed_stays_as_it_is(
    memory: Memory, clock: Traveller
) -> None:
    enrolment_id, serial = somebody(memory)
    first = memory.file(enrolment_id).reminders[0]
    clock.move_to(first.due_at - timedelta(seconds=1))
    accept(enrolment_id, "order", corrected(serial, made_on="2026-11-30", served_on="2026-12-01"))
    clock.move_to(first.due_at)
    _claimed(memory, enrolment_id)
    memory.drain()
    file = memory.file(enrolment_id)
    assert (file.reminders[0].due_at, file.reminders[0].state) == (first.due_at, "claimed")
    assert set(file.schedules) == {2, 3, 4, 5, 6, 7}


def _claimed(memory: Memory, enrolment_id: UUID) -> None:
    """Its schedule has fired, and is gone."""
    partition = memory.dynamo.partitions[f"allocation#{enrolment_id}"]
    partition["reminder#01"] = partition["reminder#01"] | {"state": {"S": "claimed"}}
    del memory.scheduler.schedules[f"dvpo-{enrolment_id.hex}-01"]


def test_control_has_no_reminder_and_no_schedule_whatever_happens(memory: Memory) -> None:
    enrolment_id, serial = somebody(memory, Arm.CONTROL)
    for what, body in (
        ("order", corrected(serial, **THREE_WEEKS)),
        ("end", CUSTODY),
        ("order", corrected(serial, **TWO_WEEKS)),
        ("resume", RELEASE),
        ("end", QUASHED),
    ):
        accept(enrolment_id, what, body)
        memory.drain()
        file = memory.file(enrolment_id)
        assert (file.reminders, file.schedules) == ([], {})


def test_a_stray_reminder_of_control_gets_no_schedule(memory: Memory) -> None:
    somebody_else, _ = somebody(memory)
    enrolment_id, serial = somebody(memory, Arm.CONTROL)
    (stray, *_) = memory.file(somebody_else).reminders
    planned = {"enrolment_id": enrolment_id, "state": ReminderState.PLANNED}
    memory.keep(stray.model_copy(update=planned))
    accept(enrolment_id, "order", corrected(serial, court="Durham"))
    memory.drain()
    assert memory.file(enrolment_id).schedules == {}


# Custody


def test_dates_changed_in_custody_bring_no_missed_reminder_back(
    memory: Memory, clock: Traveller
) -> None:
    enrolment_id, serial = somebody(memory)
    accept(enrolment_id, "end", CUSTODY)
    accept(enrolment_id, "order", corrected(serial, **THREE_WEEKS))
    memory.drain()
    file = memory.file(enrolment_id)
    assert len(file.reminders) == 10
    assert {each.reason for each in file.reminders} == {Suppression.ENDED}
    agrees(file)

    clock.move_to(file.reminders[3].due_at)  # an hour ago at most for the third, say
    accept(enrolment_id, "resume", RELEASE)
    memory.drain()
    after = memory.file(enrolment_id)
    agrees(after)
    assert [each.reason for each in after.reminders] == [Suppression.ENDED] * 4 + [None] * 6
    assert after.reminders[-1].theme == "expiry"


def test_dates_and_a_release_in_one_record_bring_no_missed_reminder_back(
    memory: Memory, clock: Traveller
) -> None:
    enrolment_id, serial = somebody(memory)
    accept(enrolment_id, "end", CUSTODY)
    memory.drain()
    earlier = {"made_on": "2026-11-30", "served_on": "2026-12-01"}
    accept(enrolment_id, "order", corrected(serial, **earlier))
    clock.move_to(MORNING.replace(day=5, hour=20))
    accept(enrolment_id, "resume", RELEASE)
    memory.drain()
    file = memory.file(enrolment_id)
    agrees(file)
    to_come = [each.due_at for each in file.reminders if each.reason is None]
    assert to_come
    assert min(to_come) > MORNING.replace(day=5, hour=20)


# Stream and crashes


def test_a_repeated_record_changes_nothing(memory: Memory) -> None:
    enrolment_id, serial = somebody(memory)
    for what, body in (
        ("end", CUSTODY),
        ("order", corrected(serial, **THREE_WEEKS)),
        ("resume", RELEASE),
    ):
        accept(enrolment_id, what, body)
        records = list(memory.stream)
        memory.drain()
        before = memory.file(enrolment_id)
        for record in records:
            assert failures(allocation(stream(record), CONTEXT)) == []
        memory.drain()
        assert memory.file(enrolment_id) == before


def test_an_old_record_does_not_override_the_stored_state(memory: Memory) -> None:
    enrolment_id, _ = somebody(memory)
    before = memory.file(enrolment_id)
    accept(enrolment_id, "end", CUSTODY)
    accept(enrolment_id, "resume", RELEASE)
    memory.stream.reverse()
    memory.drain()
    after = memory.file(enrolment_id)
    assert (after.reminders, after.schedules) == (before.reminders, before.schedules)


def test_an_enrolment_that_changes_during_the_run_is_read_again(memory: Memory) -> None:
    enrolment_id, _ = somebody(memory)
    accept(enrolment_id, "end", CUSTODY)

    def released(place: int, call: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        if place == 2:  # after the read
            accept(enrolment_id, "resume", RELEASE)
        return call()

    with _gated(memory, released):
        schedule(enrolment_id)
    file = memory.file(enrolment_id)
    agrees(file)
    assert len(file.schedules) == 7


@contextmanager
def _gated(memory: Memory, act: Callable[[int, Callable[[], Any]], Any]) -> Iterator[None]:
    """Let `act` make the calls of AWS, each with its place; what it sets off is not counted."""
    places = count(1)

    def made(call: Callable[[], Any]) -> Any:
        memory.gate = _open
        try:
            return act(next(places), call)
        finally:
            memory.gate = made

    memory.gate = made
    try:
        yield
    finally:
        memory.gate = _open


def _open(call: Callable[[], Any]) -> Any:
    return call()


Told = list[tuple[str, dict[str, Any]]]
EARLIER = {"made_on": "2026-11-25", "expires_on": "2026-12-08", "served_on": "2026-11-26"}
AGAIN = CUSTODY | {"at": "2026-12-01T09:40:00Z"}
STORIES: dict[str, tuple[Told, Told]] = {
    "an end": ([("end", QUASHED)], []),
    "custody": ([("end", CUSTODY)], [("resume", RELEASE)]),
    "release": ([("end", CUSTODY), ("resume", RELEASE)], [("end", AGAIN)]),
    "longer": ([("order", THREE_WEEKS)], [("end", CUSTODY)]),
    "shorter": (
        [("order", THREE_WEEKS), ("order", TWO_WEEKS)],
        [("end", CUSTODY), ("resume", RELEASE)],
    ),
    "shorter and longer": (
        [("order", THREE_WEEKS), ("order", TWO_WEEKS)],
        [("order", THREE_WEEKS)],
    ),
    "earlier": ([("order", EARLIER)], [("end", CUSTODY), ("resume", RELEASE)]),
}


@pytest.mark.parametrize("done", [False, True], ids=["before a call", "after a call"])
@pytest.mark.parametrize("story", STORIES)
def test_a_repeat_repairs_a_crash_anywhere_whatever_happened_since(
    story: str,
    done: bool,  # noqa: FBT001 - a case
    memory: Memory,
) -> None:
    told, since = STORIES[story]
    enrolment_id, serial = somebody(memory)
    for each in told:
        memory.drain()
        _accept(enrolment_id, serial, [each])

    def goes_on(branch: Memory, since: Told) -> StoredEnrolment:
        with branch.lived_in():
            _accept(enrolment_id, serial, since)
            schedule(enrolment_id)
            branch.drain()
            file = branch.file(enrolment_id)
            agrees(file)
            return file

    wanted = [goes_on(memory.copied(), later) for later in ([], since)]
    for place in count(1):
        crashed = memory.copied()
        if not _crashes(crashed, enrolment_id, place, done=done):
            break
        for later, expected in zip(([], since), wanted, strict=True):
            file = goes_on(crashed.copied(), later)
            assert (file.reminders, file.schedules) == (expected.reminders, expected.schedules)
    assert place > 8


def _accept(enrolment_id: UUID, serial: int, told: Told) -> None:
    for what, body in told:
        accept(enrolment_id, what, corrected(serial, **body) if what == "order" else body)


def _crashes(memory: Memory, enrolment_id: UUID, place: int, *, done: bool) -> bool:
    """Whether there was a call at that place, at which to crash."""

    def crash(at: int, call: Callable[[], Any]) -> Any:
        if at == place:
            if done:
                with suppress(ClientError):
                    call()
            raise Crash
        return call()

    with memory.lived_in(), _gated(memory, crash):
        try:
            schedule(enrolment_id)
        except Crash:
            return True
    return False
