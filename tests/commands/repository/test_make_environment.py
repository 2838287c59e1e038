"""The script that makes environments, with a fake Python and a fake disk."""

import os
import subprocess
from pathlib import Path

import pytest

from tests.support.samples import ROOT

PYTHON = """#!/bin/sh
case "$*" in
*version_info*|*ensurepip*) ;;
*base_prefix*) echo "$VERSION" ;;
"-m venv "*)
    echo "$VERSION" >> made
    mkdir -p "$3/bin"
    (echo "#!/bin/sh"; echo "VERSION='$VERSION'"; cat "$0") > "$3/bin/python"
    chmod +x "$3/bin/python" ;;
"-m pip install "*) echo "$PIP_SAYS"; [ -z "$PIP_SAYS" ] ;;
esac
"""
DF = """#!/bin/sh
echo "Filesystem 1024-blocks Used Available Capacity Mounted on"
echo "/dev/made-up 1 1 $FREE 1% /"
"""


class Machine:
    """A folder with pins, and a Python that notes each environment made."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.pins = folder / "pins.txt"
        self.pins.write_text("one==1\n")
        (folder / "bin").mkdir()
        for name, text in (("python3", PYTHON), ("python3.12", PYTHON), ("df", DF)):
            (folder / "bin" / name).write_text(text)
            (folder / "bin" / name).chmod(0o755)

    def run(self, free: int = 900, **environment: str) -> "subprocess.CompletedProcess[str]":
        """The script, for an environment of 500 MB with this much space free."""
        return subprocess.run(
            [ROOT / "commands/repository/make-environment", ".venv", "pins.txt", "500"],
            cwd=self.folder,
            env={
                "PATH": f"{self.folder / 'bin'}{os.pathsep}{os.environ['PATH']}",
                "VERSION": "3.11.2 /usr",
                "FREE": str(free * 1024),
                "PIP_SAYS": "",
                **environment,
            },
            capture_output=True,
            text=True,
            check=False,
        )

    @property
    def made(self) -> int:
        noted = self.folder / "made"
        return len(noted.read_text().splitlines()) if noted.exists() else 0


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def test_an_environment_with_the_same_pins_is_kept(machine: Machine) -> None:
    for _ in range(2):
        assert machine.run().returncode == 0
    assert machine.made == 1


def test_other_pins_remake_the_environment(machine: Machine) -> None:
    machine.run()
    machine.pins.write_text("one==2\n")
    machine.run()
    assert machine.made == 2


def test_only_another_python_remakes_the_environment(machine: Machine) -> None:
    machine.run()
    machine.run(PYTHON="python3")
    assert machine.made == 1
    machine.run(PYTHON="python3.12", VERSION="3.12.1 /usr")
    assert machine.made == 2


def test_without_a_named_python_the_existing_environment_is_kept(machine: Machine) -> None:
    machine.run(PYTHON="python3.12", VERSION="3.12.1 /usr")
    machine.run()
    assert machine.made == 1


def test_a_full_disk_is_reported_before_anything_is_made(machine: Machine) -> None:
    done = machine.run(free=30)
    assert done.returncode == 1
    assert "needs about 500 MB, and 30 MB are free" in done.stderr
    assert machine.made == 0


def test_a_disk_that_fills_up_midway_is_not_reported_as_a_network_failure(machine: Machine) -> None:
    done = machine.run(PIP_SAYS="ERROR: [Errno 28] No space left on device")
    assert done.returncode == 1
    assert "The disk is full" in done.stderr
    assert "network" not in done.stderr
    assert not (machine.folder / ".venv").exists()


def test_pip_s_error_is_shown_and_a_partial_environment_is_removed(machine: Machine) -> None:
    done = machine.run(PIP_SAYS="ERROR: no route to host")
    assert done.returncode == 1
    assert "no route to host" in done.stderr
    assert "network" in done.stderr
    assert not (machine.folder / ".venv").exists()
