"""
The example trial's figures as R's own packages give them from the same extract.

`test_second_implementation` works out every figure; R is an authority for those of its packages.
"""

import shutil
import subprocess
from collections.abc import Callable
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from evaluation.example.trial import made
from evaluation.package import read
from evaluation.report.make import report
from tests.evaluation.estimable import known
from tests.support.fixture_protocol import AGREED

SCRIPT = Path(__file__).with_name("independent.R")

pytestmark = pytest.mark.skipif(shutil.which("Rscript") is None, reason="no R on this machine")

Figures = dict[str, dict[str, Any]]


@cache
def both() -> tuple[Figures, dict[str, list[float]]]:
    """The report's figures by section, and R's by name."""
    with TemporaryDirectory() as folder:
        made(Path(folder), AGREED, people=1500, seed=1)
        extract = Path(folder) / "unblinded"
        figures = {each.id: each.figures for each in report(read(extract)).sections}
        done = subprocess.run(
            ["Rscript", "--vanilla", str(SCRIPT)],
            cwd=extract,
            capture_output=True,
            text=True,
            check=False,
        )
    assert done.returncode == 0, done.stderr
    lines = (line.split("\t") for line in done.stdout.splitlines())
    return figures, {name: [float(each) for each in values] for name, *values in lines}


def survival(figures: Figures, arm: str) -> list[float]:
    curve = known(figures["survival"]["curves"][arm])
    place = max(i for i, day in enumerate(curve.days) if day <= 14)
    return [curve.survival[place], curve.low[place], curve.high[place]]


def half_width(estimate: Any) -> float:
    return float(estimate.high - estimate.low) / 2 / 1.959964


EXACT, ROUNDED, GRID = 1e-6, 2e-3, 5e-3
"""To the last digit; other rounding of days on the way; another grid to integrate on."""

CHECKS: dict[str, tuple[Callable[[Figures], Any], float]] = {
    "wilson_intervention": (lambda f: f["primary"]["intervention"]["interval"], EXACT),
    "wilson_control": (lambda f: f["primary"]["control"]["interval"], EXACT),
    "fisher": (lambda f: [f["primary"]["fisher_p"]], EXACT),
    "mantel_haenszel_odds_ratio": (
        lambda f: f["adjusted"]["mantel_haenszel"].odds_ratio, EXACT,
    ),
    "mantel_haenszel_p": (lambda f: [f["adjusted"]["mantel_haenszel"].p], EXACT),
    "adjusted": (lambda f: f["adjusted"]["adjusted"].odds_ratio, EXACT),
    "adjusted_p": (lambda f: [f["adjusted"]["adjusted"].p], ROUNDED),
    "interaction_age": (
        lambda f: [f["subgroups"]["age_band"]["interaction"].chi2,
                   f["subgroups"]["age_band"]["interaction"].p],
        EXACT,
    ),
    "with_repeats": (lambda f: f["adjusted"]["with_repeats"].odds_ratio, EXACT),
    "survival_14_0": (lambda f: survival(f, "control"), EXACT),
    "survival_14_1": (lambda f: survival(f, "intervention"), EXACT),
    "log_rank": (lambda f: list(f["survival"]["log_rank"]), EXACT),
    "restricted_mean": (
        lambda f: [f["survival"]["restricted_means"].intervention.value,
                   f["survival"]["restricted_means"].control.value],
        EXACT,
    ),
    "restricted_error": (
        lambda f: [half_width(f["survival"]["restricted_means"].intervention),
                   half_width(f["survival"]["restricted_means"].control)],
        ROUNDED,
    ),
    "incidence_21": (
        lambda f: [f["survival"]["competing"]["incidences"].intervention.value,
                   f["survival"]["competing"]["incidences"].control.value],
        EXACT,
    ),
    "incidence_21_error": (
        lambda f: [half_width(f["survival"]["competing"]["incidences"].intervention),
                   half_width(f["survival"]["competing"]["incidences"].control)],
        GRID,
    ),
    "rate_ratio": (lambda f: f["secondary"]["rates"]["primary"].ratio, EXACT),
    "complier_interval": (lambda f: list(f["sensitivity"]["reached"].difference)[1:], ROUNDED),
}  # fmt: skip


@pytest.mark.parametrize("name", CHECKS)
def test_r_gives_the_same_figure(name: str) -> None:
    figures, by_r = both()
    if name not in by_r:
        pytest.skip("a package of R is not installed")
    ours, tolerance = CHECKS[name]
    assert list(ours(figures)) == pytest.approx(by_r[name], rel=tolerance)


def test_every_figure_from_r_is_compared() -> None:
    assert both()[1].keys() <= CHECKS.keys()
