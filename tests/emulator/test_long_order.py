"""An order of 18 months on the emulator, varied twice and discharged: its own checks pass."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.emulator.conftest import PYTHON, free_port, linked_checkout

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.emulator, pytest.mark.faults]

CHECKS = 7


@pytest.fixture
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return linked_checkout(tmp_path_factory)


def test_18_months_of_a_dapo_pass_each_check_of_the_texts_that_were_sent(home: Path) -> None:
    asked = ["--protocol=dapo-2027-1", f"--port={free_port()}"]
    done = subprocess.run(
        [PYTHON, "-m", "local.demo.long_order", *asked],
        cwd=home,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("\N{CHECK MARK}") == CHECKS
