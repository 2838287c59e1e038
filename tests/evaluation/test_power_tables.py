"""How long a trial takes, by number of forces."""

import math
import re
from argparse import Namespace
from datetime import date

import pytest
from scipy.stats import norm

from evaluation.__main__ import main, parsed
from evaluation.power import needed
from evaluation.power_tables import lock_date, people_a_year, years_needed
from tests.evaluation.estimable import known
from tests.support.fixture_protocol import AGREED, REAL
from trial.protocol.load import CURRENT, read


def wanted(**changes: object) -> Namespace:
    return Namespace(**{"orders": 80, "without_number": 0.3, "repeats": 0.05, **changes})


def test_one_force_takes_as_long_as_calculated() -> None:
    """80 orders a year, nobody without a number: 28 % v 20 % takes some twelve years even then."""
    assert years_needed(471, wanted(without_number=0, repeats=0), 1) == pytest.approx(11.8, abs=0.1)
    assert years_needed(471, wanted(), 1) == pytest.approx(942 / (80 * 0.7 * 0.95))


def test_twice_the_forces_take_half_the_time() -> None:
    assert people_a_year(wanted(), 6) == pytest.approx(2 * people_a_year(wanted(), 3))
    assert years_needed(471, wanted(), 6) == pytest.approx(years_needed(471, wanted(), 3) / 2)


def test_results_stay_locked_until_the_last_person_was_followed() -> None:
    assert lock_date(date(2027, 1, 4), 1.0, parsed(["power"]).follow_up_days) == date(2029, 1, 31)


def test_the_command_says_how_many_years_one_force_and_several_need(
    capsys: pytest.CaptureFixture[str],
) -> None:
    main(["power", "--forces", "6", "--orders", "80", "--without-number", ".3"])
    said = capsys.readouterr().out
    rows = dict(re.findall(r"^ +(\d+) +[\d,]+ +([\d.]+) +\d+ \w+ \d{4}", said, flags=re.MULTILINE))
    assert rows["1"] == "17.7"
    assert rows["6"] == "3.0"
    assert "Highest risk with texts that would show" in said
    assert "never get" in said


@pytest.mark.parametrize("flag", ["--forces", "--orders"])
def test_no_forces_or_no_orders_are_refused(flag: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        parsed(["power", flag, "0"])
    assert "no whole number from 1" in capsys.readouterr().err


def test_the_command_starts_from_the_plan_s_own_recruitment() -> None:
    recruitment = AGREED.analysis.recruitment
    assert recruitment
    given = parsed(["power"])
    assert (given.forces, given.orders, given.first_day) == (
        recruitment.forces, recruitment.orders_a_year, recruitment.first_day,
    )  # fmt: skip
    assert (given.without_number, given.repeats) == (0.3, 0.05)


def test_the_default_protocol_can_succeed_and_one_force_alone_could_not() -> None:
    plan = read(REAL / f"{CURRENT}.toml").analysis
    assert plan.recruitment
    assert plan.prior
    size = known(needed(
        plan.planned_risk_control, plan.planned_risk_intervention, alpha=plan.final_alpha,
        power=plan.power, exactly=False,
    ))  # fmt: skip
    years = (plan.recruitment.last_day - plan.recruitment.first_day).days / 365.25
    given = wanted(**plan.recruitment.model_dump(), orders=plan.recruitment.orders_a_year)
    assert people_a_year(given, plan.recruitment.forces) * years >= 2 * size.fleiss
    assert years_needed(size.fleiss, given, 1) > 17


def test_the_sceptical_prior_gives_the_planned_effect_one_chance_in_twenty() -> None:
    plan = read(REAL / f"{CURRENT}.toml").analysis
    assert plan.prior
    with_texts, without = plan.planned_risk_intervention, plan.planned_risk_control
    odds_ratio = (with_texts / (1 - with_texts)) / (without / (1 - without))
    prior = norm(plan.prior.mean_log_odds_ratio, plan.prior.sd_log_odds_ratio)
    assert prior.cdf(math.log(odds_ratio)) == pytest.approx(0.05, abs=5e-4)
