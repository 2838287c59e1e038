"""The whole monthly cost of a deployment; the smallest force's is within the goal."""

import pytest

from commands.repository.deployed import Deployed
from tests.proofs.bench.acts import SHORT, life
from tests.proofs.bench.month import GOAL, SIZES, alarms, fixed, month


@pytest.fixture(scope="module")
def an_order() -> object:
    return life(SHORT)


def test_the_smallest_force_s_month_costs_no_more_than_the_goal(an_order: object) -> None:
    size = next(iter(SIZES.values()))
    for year in (1, 2):
        assert month(an_order, *size, year=year)["billed"] <= GOAL  # type: ignore[arg-type]


def test_every_monthly_charge_is_counted() -> None:
    stack = Deployed(Firewall="true")
    told = fixed(stack)
    assert all(told.values())
    assert told["firewall"] == 9
    assert told["dashboard"] == 3
    assert fixed(Deployed(Dashboard="false"))["dashboard"] == 0


def test_a_rotating_key_costs_more_after_each_of_its_first_two_rotations() -> None:
    stack = Deployed()
    keys = stack.of_type("AWS::KMS::Key").values()
    rotating = sum(bool(key.get("EnableKeyRotation")) for key in keys)
    years = [fixed(stack, year=year)["keys"] for year in (1, 2, 3, 5, 7)]
    assert years == [len(keys) + rotating * times for times in (0, 0, 1, 2, 2)]


def test_an_alarm_on_several_metrics_costs_as_much_as_several_alarms() -> None:
    stack = Deployed()
    assert alarms(stack) > len(stack.of_type("AWS::CloudWatch::Alarm"))
