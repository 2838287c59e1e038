"""An order of 18 months on the emulator, varied twice and discharged: its own checks pass."""

from pathlib import Path

import pytest

from tests.support.checkout import free_port, link_checkout, run

pytestmark = [pytest.mark.emulator, pytest.mark.faults]

CHECKS = 7


def test_18_months_of_a_dapo_pass_each_check_of_the_texts_that_were_sent(tmp_path: Path) -> None:
    link_checkout(tmp_path)
    asked = ["--protocol=dapo-2027-1", f"--port={free_port()}"]
    printed = run(tmp_path, "local.demo.long_order", *asked)
    assert printed.count("\N{CHECK MARK}") == CHECKS
