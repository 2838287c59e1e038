"""The page for the superintendents' meeting, and the power that missing numbers take."""

import re
from argparse import Namespace
from pathlib import Path

import pytest

from commands.staff import meeting
from commands.staff.meeting import cost_of_a_point, power, power_without
from tests.support.fixture_protocol import AGREED, VERSION
from tests.support.served import served
from tests.support.steps import call, enrol

PLAN = AGREED.analysis


@pytest.mark.parametrize(
    ("control", "intervention", "per_arm"), [(0.28, 0.04, 36), (0.28, 0.14, 132)]
)
def test_the_power_matches_published_sample_sizes(
    control: float, intervention: float, per_arm: int
) -> None:
    assert power(control, intervention, per_arm, 0.05) >= 0.8
    assert power(control, intervention, per_arm - 1, 0.05) < 0.8


def test_without_people_there_is_no_power() -> None:
    assert power_without(PLAN, 1.0) == (0, 0.0)


def test_each_percentage_point_without_a_number_costs_power() -> None:
    people, planned = power_without(PLAN, 0.3)
    fewer, left = power_without(PLAN, 0.31)
    assert fewer < people
    assert cost_of_a_point(PLAN, 0.3) == pytest.approx(100 * (planned - left))
    assert cost_of_a_point(PLAN, 0.3) > 0


def test_without_planned_recruitment_no_cost_in_power_is_shown() -> None:
    with pytest.raises(ValueError, match="how many orders"):
        power_without(PLAN.model_copy(update={"recruitment": None}), 0.3)


@pytest.mark.usefixtures("cloud")
def test_the_page_shows_reasons_trend_authorisers_and_how_numbers_were_found(
    tmp_path: Path,
) -> None:
    lost = {"missing_reason": "not_recorded"}
    enrol(1, mobile=lost, order={"authorising_superintendent": "Supt A & B"})
    found = enrol(2, mobile={"missing_reason": "refused"})
    enrol(3)
    enrol(4)
    body = {"number": "+447700900002", "resolved_how": "probation"}
    assert call("PUT", f"/enrolments/{found}/mobile", body).status == 200
    with served() as api:
        given = Namespace(protocol=VERSION, output=tmp_path / "meeting.html")
        assert meeting.make(api, given) == 0
    page = (tmp_path / "meeting.html").read_text()
    rows = [re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row) for row in page.split("<tr>")]
    assert "Of <b>4</b> orders, <b>2</b> had no number" in page
    assert "<b>1</b> (25 %) never had one" in page
    assert ["2026-12", "4", "2", "1", '<i style="width:50%"></i> 50 %'] in rows
    assert ["not recorded", "1", "0"] in rows
    assert ["Supt A &amp; B", "1", "0", "1"] in rows
    assert ["S-0417", "1", "1", "0"] in rows
    assert ["probation", "1"] in rows
    assert not re.search(r"<script|https?:|\$", page)
