"""Every figure of the example trial's report is worked out a second time, from its files alone."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from evaluation.example.trial import made
from evaluation.package import read
from evaluation.report.make import report
from evaluation.report.page import as_json
from tests.evaluation.second.recount import everything, flat
from tests.support.fixture_protocol import AGREED

LOOSE = {"bayes": 5e-3}
"""Another grid to integrate on."""

ELSEWHERE = {
    "/survival/competing/incidences": "its intervals: R (cmprsk), and made-up trials",
    "/sensitivity/reached/difference": "its interval: R, by solving for its ends",
    "/power": "published sample sizes in test_power",
    "/attrition/superintendents": "pseudonyms in the order of their shares: test_report",
    "/attrition/characteristics/ethnicity_group": "merged otherwise than by arm: test_groups",
    "/estimand/intercurrent/number_lost": "lost numbers in test_report",
    "/primary/shown": "a verdict, in test_report",
    "/bayes/prior": "copied from the plan",
    "/bayes/benefit_before": "of a prior around no effect: a half",
}
"""Figures that are not worked out here, and what checks them."""


@cache
def both() -> tuple[dict[str, float], dict[str, float]]:
    with TemporaryDirectory() as folder:
        made(Path(folder), AGREED, people=1500, seed=1)
        extract = Path(folder) / "unblinded"
        said = json.loads(as_json(report(read(extract))))["sections"]
        ours = {name: section["figures"] for name, section in said.items()}
        return dict(flat(ours)), dict(flat(everything(extract)))


def of(section: str, figures: dict[str, float]) -> dict[str, float]:
    return {path: n for path, n in figures.items() if path.startswith(f"/{section}/")}


@pytest.mark.parametrize(
    "section",
    [
        *("flow", "attrition", "baseline", "estimand", "fidelity", "primary", "adjusted"),
        *("survival", "subgroups", "secondary", "harms", "sensitivity", "bayes", "cost", "power"),
    ],
)
def test_the_figures_are_those_of_another_implementation(section: str) -> None:
    said, second = (of(section, figures) for figures in both())
    shared = said.keys() & second.keys()
    assert len(shared) >= 4
    # Counts of nothing may be left out of either.
    assert {path for path in second.keys() - said.keys() if second[path]} == set()
    wrong = {
        path: (said[path], second[path])
        for path in shared
        if said[path] != pytest.approx(second[path], rel=LOOSE.get(section, 1e-7), abs=1e-9)
    }
    assert wrong == {}


def test_no_figure_of_the_report_is_without_a_second_opinion() -> None:
    said, second = both()
    alone = {path for path in said.keys() - second.keys() if said[path]}
    assert {path for path in alone if not path.startswith(tuple(ELSEWHERE))} == set()
