"""Every figure of the example trial's report is worked out a second time, from its files alone."""

import json
from pathlib import Path

import pytest

from evaluation.example.trial import made
from evaluation.package import read
from evaluation.report.make import report
from evaluation.report.page import as_json
from tests.evaluation.second.recount import everything, flat
from tests.support.fixture_protocol import AGREED

LOOSE = {"bayes": 2e-3}
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


def test_every_figure_equals_that_of_a_second_implementation(tmp_path: Path) -> None:
    made(tmp_path, AGREED, people=1500, seed=1)
    extract = tmp_path / "unblinded"
    sections = json.loads(as_json(report(read(extract))))["sections"]
    said = dict(flat({name: section["figures"] for name, section in sections.items()}))
    second = dict(flat(everything(extract)))
    wrong = {
        path: (said.get(path), figure)
        for path, figure in second.items()
        # A count of nothing may be left out of either.
        if said.get(path, 0.0) != pytest.approx(figure, rel=tolerance(path), abs=1e-9)
    }
    assert wrong == {}
    alone = {path for path in said.keys() - second.keys() if said[path]}
    assert {path for path in alone if not path.startswith(tuple(ELSEWHERE))} == set()
    assert len(said.keys() & second.keys()) > 800


def tolerance(path: str) -> float:
    return next((loose for name, loose in LOOSE.items() if path.startswith(f"/{name}/")), 1e-7)
