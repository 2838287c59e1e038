"""
A checkout of links to this one, with a stack on the emulator of its own.

For tests that run in environments without the project's packages: this needs the standard library
alone, and runs the project's commands in .venv-local.
"""

from __future__ import annotations

import os
import socket
import subprocess
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
PYTHON = ROOT / ".venv-local/bin/python"
PARTS = ("commands", "events", "functions", "infra", "layers", "local", "requirements")


def link_checkout(home: Path) -> None:
    """Turn an empty folder into a checkout of links to this one, with a state of its own."""
    state = ROOT / ".local"
    for part in PARTS:
        (home / part).symlink_to(ROOT / part)
    (state / "layer").mkdir(parents=True, exist_ok=True)
    (home / ".local").mkdir()
    (home / ".local/layer").symlink_to(state / "layer")  # it takes a while to fetch


@contextmanager
def stack_up(home: Path) -> Iterator[None]:
    """Turn an empty folder into a checkout, and run a stack there until the block ends."""
    link_checkout(home)
    run(home, "local.emulator.stack", "up", f"--port={free_port()}")
    try:
        yield
    finally:
        run(home, "local.emulator.stack", "down")


def run(home: Path, module: str, *arguments: str) -> str:
    """Run one of the project's commands, or a few lines, in a checkout; returns what it prints."""
    assert PYTHON.exists(), "make test sets up the emulator's environment first"
    done = subprocess.run(
        [PYTHON, *([] if module == "-c" else ["-m"]), module, *arguments],
        cwd=home,
        env=os.environ | {"PYTHONPATH": "functions:layers/common:."},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port
