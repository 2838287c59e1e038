"""Figures that others have published, to the digits that they gave."""

from itertools import product

import pytest

from evaluation.statistics.proportions import fisher, risk_difference, risk_ratio, wilson
from evaluation.statistics.values import Counts, NotEstimable, columns
from tests.evaluation.estimable import known


def counts(text: str) -> Counts:
    events, people = text.split("/")
    return Counts(int(events), int(people))


@pytest.mark.parametrize(
    ("first", "second", "low", "high"),
    [
        ("56/70", "48/80", 0.0524, 0.3339),
        ("9/10", "3/10", 0.1705, 0.8090),
        ("0/10", "0/20", -0.1611, 0.2775),
        ("10/10", "0/20", 0.6791, 1.0),
        ("7/34", "1/34", 0.0189, 0.3404),
    ],
)
def test_the_interval_of_a_risk_difference_is_newcombe_s(
    first: str, second: str, low: float, high: float
) -> None:
    found = known(risk_difference(counts(first), counts(second), alpha=0.05))
    assert (round(found.low, 4), round(found.high, 4)) == (low, high)


def test_the_interval_of_a_share_is_wilson_s() -> None:
    low, high = wilson(81, 263, alpha=0.05)
    assert (round(low, 4), round(high, 4)) == (0.2553, 0.3662)


def test_without_people_any_share_is_possible() -> None:
    assert wilson(0, 0, alpha=0.05) == (0, 1)


def test_the_perondi_trial_has_its_published_figures() -> None:
    first, second = Counts(7, 34), Counts(1, 34)
    difference, ratio = (
        compare(first, second, alpha=0.05) for compare in (risk_difference, risk_ratio)
    )
    assert not isinstance(difference, NotEstimable)
    assert not isinstance(ratio, NotEstimable)
    assert round(difference.value, 4) == 0.1765
    assert [round(each, 4) for each in ratio] == [7.0, 0.9096, 53.8695]
    assert fisher(first, second) == pytest.approx(0.0544, abs=5e-5)


def test_the_lady_tasting_tea_has_her_published_p_value() -> None:
    first, second = Counts(3, 4), Counts(1, 4)
    assert fisher(first, second, alternative="greater") == pytest.approx(0.242857, abs=5e-7)
    assert fisher(first, second) == pytest.approx(0.485714, abs=5e-7)


def test_the_one_sided_alternative_is_about_the_intervention_arm() -> None:
    fewer, more = Counts(1, 34), Counts(7, 34)
    less, greater = (fisher(fewer, more, alternative=side) for side in ("less", "greater"))
    assert not isinstance(less, NotEstimable)
    assert not isinstance(greater, NotEstimable)
    assert less < 0.05 < greater


def test_a_wider_alpha_gives_a_narrower_interval() -> None:
    first, second = Counts(7, 34), Counts(1, 34)
    for compare in (risk_difference, risk_ratio):
        wide, narrow = (compare(first, second, alpha=alpha) for alpha in (0.05, 0.2))
        assert not isinstance(wide, NotEstimable)
        assert not isinstance(narrow, NotEstimable)
        assert wide.low < narrow.low < wide.value < narrow.high < wide.high


@pytest.mark.parametrize(
    ("intervention", "control", "because"),
    [
        ("0/0", "0/0", "nobody is in either arm"),
        ("0/0", "3/9", "nobody is in the intervention arm"),
        ("3/9", "0/0", "nobody is in the control arm"),
        ("0/9", "0/9", "nobody in either arm had the event"),
        ("9/9", "8/8", "everybody in both arms had the event"),
        ("0/9", "3/9", "nobody in the intervention arm had the event"),
        ("3/9", "0/9", "nobody in the control arm had the event"),
    ],
)
def test_a_ratio_that_cannot_be_estimated_says_why(
    intervention: str, control: str, because: str
) -> None:
    found = risk_ratio(counts(intervention), counts(control), alpha=0.05)
    assert found == NotEstimable(because)
    assert str(found) == f"not estimable: {because}"


def test_arms_without_people_are_not_compared() -> None:
    nobody, some = Counts(0, 0), Counts(2, 5)
    for pair in ((nobody, some), (some, nobody), (nobody, nobody)):
        assert isinstance(risk_difference(*pair, alpha=0.05), NotEstimable)
        assert isinstance(fisher(*pair), NotEstimable)
    assert isinstance(nobody.risk, NotEstimable)
    assert some.risk == 0.4


def test_every_small_table_gives_intervals_that_contain_the_estimate() -> None:
    arms = [Counts(events, people) for people in range(1, 6) for events in range(people + 1)]
    for first, second in product(arms, arms):
        difference = known(risk_difference(first, second, alpha=0.05))
        ratio = risk_ratio(first, second, alpha=0.05)
        p = known(fisher(first, second))
        assert -1 <= difference.low <= difference.value <= difference.high <= 1
        assert 0 <= p <= 1
        if not isinstance(ratio, NotEstimable):
            assert 0 < ratio.low <= ratio.value <= ratio.high < float("inf")


@pytest.mark.parametrize(("events", "people"), [(-1, 3), (4, 3)])
def test_impossible_counts_are_refused(events: int, people: int) -> None:
    with pytest.raises(ValueError, match="cannot have had the event"):
        Counts(events, people)


def test_columns_of_unequal_length_or_with_gaps_are_refused() -> None:
    with pytest.raises(ValueError, match="one length"):
        columns(first=[1, 2], second=[1])
    with pytest.raises(ValueError, match="missing in second"):
        columns(first=[1, 2], second=[1, float("nan")])
