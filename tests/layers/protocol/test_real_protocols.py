"""The real protocols: the one place in the tests that knows what is in them."""

import subprocess
import sys
from typing import Any

import pytest

from tests.support.fixture_protocol import REAL
from trial.protocol.load import CURRENT, read

VERSIONS = sorted(path.stem for path in REAL.glob("*.toml"))


@pytest.mark.parametrize("version", VERSIONS)
def test_each_real_protocol_is_valid(version: str) -> None:
    assert read(REAL / f"{version}.toml").version == version


def test_the_current_protocol_is_the_template_s_default(template: dict[str, Any]) -> None:
    assert template["Parameters"]["Protocol"]["Default"] == CURRENT in VERSIONS


def test_the_command_checks_every_real_protocol() -> None:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-m", "trial.protocol"],
        cwd=REAL.parents[2], capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert [line.split()[0] for line in done.stdout.splitlines()] == VERSIONS


@pytest.mark.parametrize("version", [CURRENT, "dapo-2027-1"])
def test_a_plan_that_may_be_used_leaves_out_no_part(version: str) -> None:
    """Otherwise a section of its report would say that nothing was planned."""
    protocol = read(REAL / f"{version}.toml")
    plan = protocol.analysis
    assert protocol.publication
    parts = (plan.recruitment, plan.estimand, plan.prior, plan.monitoring, plan.interim_looks)
    assert all(parts)
    assert plan.restricted_mean_days
    assert plan.estimand
    assert {each.event for each in plan.estimand.intercurrent} >= {"deceased", "in_custody"}
    planned = plan.recruitment.people if plan.recruitment else 0
    assert planned >= 2 * 471  # 28 % against 20 %, two-sided 5 %, 80 % power (Fleiss)
