"""Odds ratios against logistf (R), and against tables of which the answer is known."""

import math
from collections.abc import Sequence
from itertools import product
from typing import TypeAlias

import numpy as np
import pytest

from evaluation.statistics import regression
from evaluation.statistics.regression import Adjusted, ByPerson, adjusted, by_person
from evaluation.statistics.values import NotEstimable
from tests.evaluation.estimable import known

# Foxman et al. (1997), Epidemiology 8:637-641, as logistf ships it: how many with and without an
# infection had each mix of age, oc, vic, vicl, vis, dia.
INFECTIONS = {
    "000010": (1, 1),
    "001000": (14, 2),
    "001010": (3, 1),
    "001100": (10, 8),
    "001110": (12, 18),
    "001111": (1, 0),
    "010000": (44, 42),
    "010001": (3, 0),
    "010010": (0, 1),
    "011000": (15, 1),
    "011001": (1, 0),
    "011010": (2, 0),
    "011100": (7, 5),
    "011110": (3, 6),
    "101000": (2, 0),
    "101010": (1, 0),
    "101011": (1, 0),
    "101100": (1, 2),
    "101110": (0, 4),
    "101111": (1, 0),
    "110000": (5, 14),
    "110010": (0, 1),
    "111000": (3, 1),
    "111110": (0, 2),
}


People: TypeAlias = tuple[list[bool], list[bool]]
"""The events of people, and their arms."""


def two_by_two(a: int, b: int, c: int, d: int) -> People:
    return [True] * a + [False] * b + [True] * c + [False] * d, [True] * (a + b) + [False] * (c + d)


def fitted(people: People, **covariates: Sequence[object]) -> Adjusted | NotEstimable:
    event, arm = people
    return adjusted(event=event, treated=arm, covariates=covariates, alpha=0.05)


def one_order_each(people: People) -> ByPerson | NotEstimable:
    event, arm = people
    return by_person(event=event, treated=arm, person=range(len(arm)), alpha=0.05)


@pytest.mark.parametrize(
    ("place", "log_odds", "low", "high"),
    [
        (0, -1.10598131, -1.9737884, -0.30742514),
        (2, 2.26887464, 1.2730216, 3.43543273),
        (3, -2.11140817, -3.2608611, -1.11773495),
        (5, 3.09601166, 0.7745682, 8.03029352),
    ],
)
def test_separated_data_give_firth_s_estimate(
    place: int, log_odds: float, low: float, high: float
) -> None:
    rows = [
        (mix, event)
        for mix, (cases, others) in INFECTIONS.items()
        for event in [True] * cases + [False] * others
    ]
    found = known(
        adjusted(
            event=[event for _, event in rows],
            treated=[mix[place] == "1" for mix, _ in rows],
            covariates={
                str(other): [mix[other] for mix, _ in rows] for other in range(6) if other != place
            },
            alpha=0.05,
        )
    )
    assert found.people == 239
    assert found.method == "firth"
    assert found.why
    assert [math.log(each) for each in found.odds_ratio] == pytest.approx(
        [log_odds, low, high], rel=1e-4
    )


def test_firth_s_estimate_of_a_table_adds_half_to_each_cell() -> None:
    found = known(fitted(two_by_two(0, 20, 6, 14)))
    assert found.method == "firth"
    assert found.odds_ratio.value == pytest.approx((0.5 / 20.5) / (6.5 / 14.5), rel=1e-6)


def test_without_covariates_the_model_gives_the_table_s_odds_ratio() -> None:
    half = 1.959963984540054 * math.sqrt(1 / 7 + 1 / 27 + 1 / 12 + 1 / 22)  # Woolf's
    found = known(fitted(two_by_two(7, 27, 12, 22)))
    assert (found.method, found.why) == ("logistic", "")
    ratio = (7 * 22) / (27 * 12)
    assert list(found.odds_ratio) == pytest.approx(
        [ratio, ratio * math.exp(-half), ratio * math.exp(half)], rel=1e-6
    )


def test_a_confounder_is_adjusted_away() -> None:
    # Within each stratum the odds are equal in both arms; taken together they are not.
    few, many = two_by_two(2, 18, 8, 72), two_by_two(40, 40, 10, 10)
    everybody = few[0] + many[0], few[1] + many[1]
    crude = known(fitted(everybody))
    found = known(fitted(everybody, stratum=["few"] * 100 + ["many"] * 100))
    assert crude.odds_ratio.value > 2
    assert found.odds_ratio.value == pytest.approx(1)
    assert found.p == pytest.approx(1)


def test_a_constant_covariate_is_left_out_and_named() -> None:
    age = ["18-24", "25-34", "35-44"] * 22 + ["18-24", "25-34"]
    found = known(fitted(two_by_two(7, 27, 12, 22), sex=["male"] * 68, age=age))
    assert (found.covariates, found.dropped) == (("age",), ("sex",))


def test_a_covariate_equal_to_the_arm_is_not_estimable() -> None:
    people = two_by_two(7, 27, 12, 22)
    assert isinstance(fitted(people, same=people[1]), NotEstimable)


def test_several_orders_of_one_person_do_not_count_as_several_people() -> None:
    random = np.random.default_rng(20261123)
    risk = random.beta(0.4, 0.8, size=150)  # persons differ: their own orders are alike
    person = np.repeat(np.arange(150), 4)
    event = random.random(600) < risk[person]
    arm = person % 2 == 0
    alone = known(by_person(event=event, treated=arm, person=np.arange(600), alpha=0.05))
    found = known(by_person(event=event, treated=arm, person=person, alpha=0.05))
    assert (found.orders, found.people) == (600, 150)
    assert found.odds_ratio.value == pytest.approx(alone.odds_ratio.value, rel=1e-6)
    widths = [math.log(each.odds_ratio.high / each.odds_ratio.low) for each in (alone, found)]
    assert widths[1] > 1.3 * widths[0]


def test_with_one_order_each_the_model_gives_the_table_s_odds_ratio() -> None:
    found = known(one_order_each(two_by_two(7, 27, 12, 22)))
    assert found.odds_ratio.value == pytest.approx((7 * 22) / (27 * 12))


@pytest.mark.parametrize(
    ("table", "because"),
    [
        ((0, 0, 0, 0), "nobody is in either arm"),
        ((0, 0, 3, 5), "nobody is in the intervention arm"),
        ((3, 5, 0, 0), "nobody is in the control arm"),
        ((0, 5, 0, 5), "nobody in either arm had the event"),
        ((5, 0, 5, 0), "everybody in both arms had the event"),
    ],
)
def test_a_model_without_a_fit_says_why(table: tuple[int, int, int, int], because: str) -> None:
    people = two_by_two(*table)
    assert fitted(people) == one_order_each(people) == NotEstimable(because)


def test_four_people_have_a_penalised_maximum() -> None:
    found = known(fitted(two_by_two(1, 1, 0, 2), half=list("baba")))
    assert found.method == "firth"
    assert found.odds_ratio.value == pytest.approx(5.354974, rel=1e-5)


def test_a_fit_that_does_not_converge_is_not_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(regression, "MOST_ITERATIONS", 1)
    found = fitted(two_by_two(0, 20, 6, 14))
    assert found == NotEstimable("Firth's method did not converge within 1 iterations")


def test_equal_odds_have_a_p_of_one() -> None:
    # Nobody of stratum b had the event: separated, and within a the arms are alike.
    event, arm = two_by_two(3, 5, 3, 5)
    everybody = event + [False] * 8, arm + [True, False] * 4
    found = known(fitted(everybody, stratum=["a"] * 16 + ["b"] * 8))
    assert found.method == "firth"
    assert found.odds_ratio.value == pytest.approx(1)
    assert found.p == 1


def test_a_robust_variance_of_nothing_is_not_given() -> None:
    person = np.repeat(np.arange(40), 2)
    arm = person % 2 == 0
    found = by_person(event=[True, False] * 40, treated=arm, person=person, alpha=0.05)
    assert found == NotEstimable(
        "the share of orders with the event is the same for everybody in an arm"
    )


@pytest.mark.parametrize(
    ("table", "because"),
    [
        ((0, 20, 6, 14), "nobody in the intervention arm had the event"),
        ((6, 14, 20, 0), "everybody in the control arm had the event"),
    ],
)
def test_infinite_odds_are_not_given_for_repeat_orders(
    table: tuple[int, int, int, int], because: str
) -> None:
    assert one_order_each(two_by_two(*table)) == NotEstimable(because)


def test_a_robust_variance_of_a_few_people_is_not_given() -> None:
    for people_in_arm, said in ((9, False), (10, True)):
        found = one_order_each(two_by_two(4, people_in_arm - 4, 6, 14))
        assert isinstance(found, ByPerson) == said


def test_no_small_table_gives_a_value_that_is_not_a_number() -> None:
    for table in product((0, 2), repeat=4):
        people = two_by_two(*table)
        half = ["a" if i % 2 else "b" for i in range(sum(table))]
        for found in (fitted(people), fitted(people, half=half)):
            if not isinstance(found, NotEstimable):
                assert all(0 < each < math.inf for each in found.odds_ratio), table
                assert found.odds_ratio.low <= found.odds_ratio.value <= found.odds_ratio.high
                assert 0 <= found.p <= 1
