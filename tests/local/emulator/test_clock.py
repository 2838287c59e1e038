"""The clock walks from one due schedule to the next, and waits for what each sets off."""

import argparse
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from commands import arguments, moved_clock
from local.emulator import clock, emulator
from local.emulator.clock import Clock

NEVER = datetime(9000, 1, 1, tzinfo=UTC)


class Emulated:
    """
    Fires what is due at every third question about what is going on.

    A firing shows as invocations, then for a moment not at all, then as records of their writes.
    """

    def __init__(self, own_clock: Clock, due: list[datetime]) -> None:
        self.clock = own_clock
        self.due = due
        self.recurring = NEVER
        self.recurred: list[datetime] = []
        self.fired: dict[datetime, datetime] = {}
        self.going_on: list[str] = []
        self.answers = 0
        self.every = timedelta(hours=1)

    def read_page(self, port: int, path: str) -> dict[str, Any]:
        assert (port, path) == (4711, "/_local/work?wait")
        now = self.clock.now()
        what = self.going_on.pop(0) if self.going_on else ""
        self.answers += 1
        if self.answers % 3 == 0:
            self.sweep(now)
        return {
            "now": now.timestamp(),
            "running": int(what == "running"),
            "starting": int(what == "starting"),
            "unread": int(what == "unread"),
            "due": sorted(due.timestamp() for due in self.due),
            "recurring": [self.recurring.timestamp()],
        }

    def sweep(self, now: datetime) -> None:
        if self.recurring <= now:
            self.recurred.append(now)
            self.recurring = now + self.every
        for due in [due for due in self.due if due <= now]:
            self.due.remove(due)
            self.fired[due] = now
            self.going_on += [*["starting"] * 3, *["running"] * 3, "", *["unread"] * 3]


@pytest.fixture
def own(tmp_path: Path) -> Clock:
    file = tmp_path / "clock"
    file.write_text("0")
    return Clock(file)


@pytest.fixture
def emulated(own: Clock, monkeypatch: pytest.MonkeyPatch) -> Emulated:
    system = Emulated(own, [])
    monkeypatch.setattr(emulator, "read_page", system.read_page)
    return system


def later(own: Clock, **span: float) -> datetime:
    return own.now().replace(microsecond=0) + timedelta(**span)


def test_a_jump_takes_effect_at_once_and_time_runs_on(own: Clock) -> None:
    to = later(own, days=12)
    own.jump(to)
    first, second = own.now(), own.now()
    assert to <= first < second < to + timedelta(hours=1)


def test_time_never_moves_back(own: Clock) -> None:
    own.jump(later(own, days=2))
    before = own.offset
    with pytest.raises(ValueError, match="Time only moves forward"):
        own.jump(later(own, days=-1))
    assert own.offset == before


def test_a_walk_into_the_past_is_refused(own: Clock, emulated: Emulated) -> None:
    with pytest.raises(ValueError, match="Time only moves forward"):
        list(own.walk(later(own, days=-1), 4711))
    assert emulated.fired == {}


def test_a_walk_fires_every_schedule_when_it_is_due(own: Clock, emulated: Emulated) -> None:
    due = [later(own, days=day, hours=day) for day in range(1, 8)]
    emulated.due = due.copy()
    stops = list(own.walk(later(own, days=9), 4711))
    assert list(emulated.fired) == due
    assert all(at - due < timedelta(minutes=1) for due, at in emulated.fired.items())
    assert stops == sorted(stops)
    assert stops[-1] >= later(own)


def test_a_walk_stops_at_its_target(own: Clock, emulated: Emulated) -> None:
    soon, too_late = later(own, days=1), later(own, days=3)
    emulated.due = [soon, too_late]
    list(own.walk(later(own, days=2), 4711))
    assert list(emulated.fired) == [soon]
    assert own.now() < too_late


def test_a_walk_waits_until_everything_that_a_schedule_started_is_done(
    own: Clock, emulated: Emulated
) -> None:
    emulated.due = [later(own, days=1)]
    for _ in own.walk(later(own, days=2), 4711):
        assert emulated.going_on == []


def test_work_started_at_the_last_stop_is_waited_for_too(own: Clock, emulated: Emulated) -> None:
    for _ in own.walk(later(own, days=2), 4711):
        emulated.going_on = ["starting", "running", "unread"]
    assert emulated.going_on == []


def test_a_schedule_made_at_a_stop_fires_in_its_turn(own: Clock, emulated: Emulated) -> None:
    first, second, last = (later(own, days=day) for day in (1, 2, 3))
    emulated.due = [first, last]
    for _ in own.walk(later(own, days=4), 4711):
        if list(emulated.fired) == [first]:
            emulated.due.append(second)
    assert list(emulated.fired) == [first, second, last]


def test_schedules_due_within_a_minute_take_one_stop(own: Clock, emulated: Emulated) -> None:
    due = [later(own, days=1, seconds=seconds) for seconds in (0, 20, 59, 90)]
    emulated.due = due.copy()
    list(own.walk(later(own, days=2), 4711))
    assert len(set(emulated.fired.values())) == 2
    assert list(emulated.fired) == due


def test_a_schedule_that_recurs_no_more_often_than_the_walk_stops_fires_on_time(
    own: Clock, emulated: Emulated
) -> None:
    emulated.every = clock.RECURRING
    emulated.recurring = later(own, minutes=10)
    emulated.due = [later(own, minutes=minutes) for minutes in (20, 30, 45, 140)]
    for now in own.walk(own.now() + 5 * clock.RECURRING, 4711):
        assert emulated.recurring > now
    assert len(emulated.recurred) == 5
    gaps = [after - before for before, after in pairwise(emulated.recurred)]
    assert max(gaps) < clock.RECURRING + timedelta(minutes=1)


def test_a_schedule_that_recurs_more_often_fires_at_each_stop_only(
    own: Clock, emulated: Emulated
) -> None:
    emulated.every = timedelta(minutes=5)
    emulated.recurring = later(own, minutes=5)
    emulated.due = [later(own, minutes=minutes) for minutes in (10, 20)]
    list(own.walk(own.now() + 4 * clock.RECURRING, 4711))
    assert len(emulated.fired) == 2
    # At the two stops, then three times between them and the end, and at the end.
    assert len(emulated.recurred) == 6


def test_a_system_that_never_becomes_idle_is_reported(
    own: Clock, emulated: Emulated, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clock, "SETTLE_SECONDS", 0)
    emulated.due = [later(own, days=1)]
    with pytest.raises(TimeoutError, match="0 invocations, 0 stream records and 1 due schedules"):
        list(own.walk(later(own, days=2), 4711))


def test_a_clock_tells_the_same_time_to_a_process_that_follows_it(own: Clock) -> None:
    own.jump(later(own, days=12))
    before = own.now()
    journey = moved_clock.follow(str(own.file))
    try:
        assert own.now() - before < timedelta(hours=1)
        own.jump(later(own, days=12))
        assert timedelta(days=12) <= datetime.now(UTC) - before + timedelta(seconds=1)
        assert own.now() - before < timedelta(days=13)
    finally:
        journey.stop()


def test_processes_follow_the_clock_s_file(own: Clock) -> None:
    own.jump(later(own, days=12))
    assert float(own.file.read_text()) == own.offset
    assert list(own.file.parent.iterdir()) == [own.file]


@pytest.mark.parametrize(
    ("text", "span"),
    [
        ("2d", timedelta(days=2)),
        ("36h", timedelta(hours=36)),
        ("1d12h", timedelta(hours=36)),
        ("90m30s", timedelta(minutes=90, seconds=30)),
    ],
)
def test_a_span_of_time_is_parsed(text: str, span: timedelta) -> None:
    assert arguments.span(text) == span


@pytest.mark.parametrize("text", ["", "2", "2w", "d", "-1d", "1.5d", "2d "])
def test_an_invalid_span_of_time_is_refused(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match="1d12h"):
        arguments.span(text)


def test_a_time_needs_its_zone() -> None:
    assert arguments.moment("2026-12-05T09:00:00Z") == datetime(2026, 12, 5, 9, tzinfo=UTC)
    assert arguments.moment("2027-06-05T09:00:00+01:00") == datetime(2027, 6, 5, 8, tzinfo=UTC)
    with pytest.raises(argparse.ArgumentTypeError, match="which zone"):
        arguments.moment("2026-12-05T09:00:00")
