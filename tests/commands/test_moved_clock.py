"""Processes that follow the clock's file are at its time; others are not affected."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from commands import moved_clock
from local.emulator import emulator

DAY = 86_400
TELL_THE_TIME = "import site, sys, time; site.addsitedir(sys.argv[1]); print(time.time())"


@pytest.fixture
def clock(tmp_path: Path) -> Iterator[Path]:
    file = tmp_path / "clock"
    file.write_text("0")
    journey = moved_clock.follow(str(file))
    yield file
    journey.stop()


def ahead(since: datetime) -> int:
    """By how many whole days the clock is ahead."""
    return (datetime.now(UTC) - since).days


def test_a_new_offset_applies_to_the_time_at_once(clock: Path) -> None:
    start = datetime.now(UTC)
    emulator.write(clock, str(14 * DAY))
    assert ahead(start) == 14
    emulator.write(clock, f"{20.5 * DAY:.6f}")
    assert ahead(start) == 20


def test_every_way_to_read_the_time_agrees(clock: Path) -> None:
    emulator.write(clock, str(1000 * DAY))
    now = datetime.now(UTC)
    others = [time.time(), time.time_ns() / 1e9, datetime.now().astimezone().timestamp()]
    assert all(abs(other - now.timestamp()) < DAY for other in others)


def test_an_unreadable_file_leaves_the_last_offset_in_place(clock: Path) -> None:
    start = datetime.now(UTC)
    emulator.write(clock, str(14 * DAY))
    assert ahead(start) == 14
    clock.write_text("half a num")
    assert ahead(start) == 14
    clock.unlink()
    assert ahead(start) == 14


def test_sleeps_and_deadlines_stay_real(clock: Path) -> None:
    before = time.monotonic()
    emulator.write(clock, str(1000 * DAY))
    assert time.monotonic() - before < DAY


def test_after_the_journey_the_time_is_real_again(tmp_path: Path) -> None:
    start = datetime.now(UTC)
    file = tmp_path / "clock"
    file.write_text(str(14 * DAY))
    moved_clock.follow(str(file)).stop()
    assert ahead(start) == 0


@pytest.mark.parametrize(("variables", "days"), [({}, 0), ({"DVPO_CLOCK_FILE": "clock"}, 30)])
def test_an_environment_follows_the_clock_only_if_the_variable_names_a_file(
    tmp_path: Path, variables: dict[str, str], days: int
) -> None:
    (tmp_path / "clock").write_text(str(30 * DAY))
    emulator.install_clock(tmp_path)
    told = subprocess.run(
        [sys.executable, "-c", TELL_THE_TIME, str(tmp_path)],
        env={name: str(tmp_path / file) for name, file in variables.items()},
        capture_output=True,
        check=True,
        text=True,
    )
    assert (float(told.stdout) - time.time()) // DAY in {days - 1, days}
    assert not told.stderr


def test_installing_the_clock_again_changes_nothing(tmp_path: Path) -> None:
    emulator.install_clock(tmp_path)
    os.utime(tmp_path / "dvpo_moved_clock.pth", (1, 1))
    emulator.install_clock(tmp_path)
    assert (tmp_path / "dvpo_moved_clock.pth").stat().st_mtime == 1
    (tmp_path / "dvpo_moved_clock.py").write_text("an older version")
    emulator.install_clock(tmp_path)
    installed = (tmp_path / "dvpo_moved_clock.py").read_text()
    assert installed == Path(moved_clock.__file__).read_text()
    assert len(list(tmp_path.iterdir())) == 2
