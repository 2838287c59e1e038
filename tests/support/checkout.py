"""
A checkout of links to this one, with a stack on the emulator of its own.

For tests that run in environments without the project's packages: this needs the standard library
alone, and runs the project's commands in .venv-local.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

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


def order_of_today(serial: int, person: str, **mobile: str) -> dict[str, Any]:
    """An order made today, like the example of the contract."""
    event = json.loads((ROOT / "events/api-enrol.json").read_text())
    body: dict[str, Any] = json.loads(event["body"])
    today = datetime.now(UTC).date()
    body["order"] |= {
        "reference": f"DVPO-2026-{serial:06}",
        "made_on": today.isoformat(),
        "served_on": today.isoformat(),
        "expires_on": (today + timedelta(days=13)).isoformat(),
    }
    body["respondent"]["person_id"] = f"{person}-{serial}"
    body["mobile"] = mobile or {"number": f"+447700900{serial:03}"}
    return body


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port
