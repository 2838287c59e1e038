"""One emulator for each checkout: found while it lives, stopped whole, and nobody else's."""

import http.client
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from local.emulator import emulator

# Holds the lock as the emulator does, with a function process of its own.
HOLD = """
import fcntl, subprocess, sys
lock = open(sys.argv[1], "a")
fcntl.flock(lock, fcntl.LOCK_EX)
function = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
print(function.pid, flush=True)
function.wait()
"""
Holder = Callable[[], tuple[subprocess.Popen[str], int]]


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(emulator, "STATE", tmp_path)
    monkeypatch.setattr(emulator, "LOCK", tmp_path / "emulator.lock")
    monkeypatch.setattr(emulator, "LOG", tmp_path / "emulator.log")
    monkeypatch.setattr(emulator, "TEMPORARY", tmp_path / "tmp")
    return tmp_path


@pytest.fixture
def hold() -> Iterator[Holder]:
    """Stands in for a started emulator: its process, and its function's process id."""
    started: list[subprocess.Popen[str]] = []

    def holder() -> tuple[subprocess.Popen[str], int]:
        process = subprocess.Popen(
            [sys.executable, "-c", HOLD, str(emulator.LOCK)],
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        started.append(process)
        assert process.stdout is not None
        function = int(process.stdout.readline())
        emulator.LOCK.write_text(str(process.pid))
        return process, function

    yield holder
    for process in started:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        assert process.stdout is not None
        process.stdout.close()


def test_no_emulator_runs_before_a_start() -> None:
    assert emulator.running() is None
    assert emulator.stop() is False


def test_a_running_emulator_is_found(hold: Holder) -> None:
    process, _ = hold()
    assert emulator.running() == process.pid
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    assert emulator.running() is None


def test_stopping_ends_the_emulator_and_its_functions(hold: Holder) -> None:
    process, _ = hold()
    emulator.TEMPORARY.mkdir()
    assert emulator.stop() is True
    assert process.wait() == -signal.SIGKILL
    # Both hold the other end of this: it ends when both are gone.
    assert process.stdout is not None
    assert process.stdout.read() == ""
    assert not emulator.TEMPORARY.exists()


def test_a_process_that_reuses_a_dead_emulator_s_pid_is_left_alone() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", "input()"], stdin=subprocess.PIPE, start_new_session=True
    ) as bystander:
        emulator.LOCK.write_text(str(bystander.pid))
        assert emulator.running() is None
        assert emulator.stop() is False
        assert bystander.poll() is None
        bystander.communicate(b"\n")
    assert bystander.returncode == 0


def test_a_second_start_is_refused_and_changes_nothing(
    hold: Holder, monkeypatch: pytest.MonkeyPatch
) -> None:
    process, _ = hold()
    monkeypatch.setattr(emulator, "require_emulator", lambda: None)
    with pytest.raises(SystemExit, match="already"):
        emulator.start(4711)
    assert emulator.running() == process.pid


def test_an_environment_without_the_emulator_is_reported() -> None:
    with pytest.raises(SystemExit, match=r"\.venv-local"):
        emulator.start(4711)


def test_a_full_disk_is_reported_before_anything_starts(
    state: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(emulator, "require_emulator", lambda: None)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=30_000_000))
    with pytest.raises(SystemExit, match=r"disk is full.* needs about 200 MB, and 30 MB are free"):
        emulator.start(4711)
    assert list(state.iterdir()) == []


def test_a_failed_start_shows_the_last_output_and_leaves_nothing(
    state: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(emulator, "require_emulator", lambda: None)
    monkeypatch.setattr(emulator, "CLOCK", state / "clock")
    monkeypatch.setattr(emulator, "install_clock", lambda _: None)
    # This environment has no emulator, so the launcher ends at once.
    with pytest.raises(SystemExit, match="No module named 'ministack'"):
        emulator.start(4711)
    assert emulator.running() is None


def test_a_start_that_takes_too_long_ends(state: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    slow = state / "python"
    slow.write_text("#!/bin/sh\nexec sleep 60\n")
    slow.chmod(0o700)
    monkeypatch.setattr(sys, "executable", str(slow))
    monkeypatch.setattr(emulator, "START_SECONDS", 0)
    monkeypatch.setattr(emulator, "require_emulator", lambda: None)
    monkeypatch.setattr(emulator, "CLOCK", state / "clock")
    monkeypatch.setattr(emulator, "install_clock", lambda _: None)
    with pytest.raises(SystemExit, match="did not start"):
        emulator.start(4711)
    assert emulator.running() is None


def test_no_credentials_proxies_or_module_paths_reach_functions(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("AWS_SESSION_TOKEN", "AWS_PROFILE", "HTTPS_PROXY", "PYTHONPATH", "HOME"):
        monkeypatch.setenv(name, "real")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "real")
    told = emulator.environment(4711)
    assert "real" not in told.values()
    assert told["AUTH"] == "true"
    assert told["BIND_HOST"] == "127.0.0.1"
    assert told["GATEWAY_PORT"] == "4711"


def test_the_emulator_s_pages_are_read_without_a_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[str, int | None]] = []

    class Refusing(http.client.HTTPConnection):
        def connect(self) -> None:
            asked.append((self.host, self.port))
            raise ConnectionRefusedError

    monkeypatch.setattr(http.client, "HTTPConnection", Refusing)
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    with pytest.raises(ConnectionRefusedError):
        emulator.read_page(4711, "/")
    assert asked == [("127.0.0.1", 4711)]
