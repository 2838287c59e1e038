"""The Mantel-Haenszel estimates, against those of metafor (R) on the trials of the BCG vaccine."""

import math
from itertools import product

import pytest

from evaluation.statistics.proportions import risk_difference
from evaluation.statistics.stratified import MantelHaenszel, mantel_haenszel
from evaluation.statistics.values import Counts, Estimate, NotEstimable
from tests.evaluation.estimable import known

# Colditz et al. (1994), JAMA 271:698-702: tuberculosis, none; vaccinated, then not.
BCG = [
    (4, 119, 11, 128),
    (6, 300, 29, 274),
    (3, 228, 11, 209),
    (62, 13536, 248, 12619),
    (33, 5036, 47, 5761),
    (180, 1361, 372, 1079),
    (8, 2537, 10, 619),
    (505, 87886, 499, 87892),
    (29, 7470, 45, 7232),
    (17, 1699, 65, 1600),
    (186, 50448, 141, 27197),
    (5, 2493, 3, 2338),
    (27, 16886, 29, 17825),
]


def pooled(strata: list[tuple[Counts, Counts]]) -> MantelHaenszel:
    return known(mantel_haenszel(strata, alpha=0.05))


def said(estimate: Estimate | NotEstimable) -> Estimate:
    assert isinstance(estimate, Estimate)
    return estimate


def test_the_bcg_trials_have_their_published_pooled_effect() -> None:
    found = pooled([(Counts(a, a + b), Counts(c, c + d)) for a, b, c, d in BCG])
    difference, ratio, odds = (
        said(each) for each in (found.difference, found.ratio, found.odds_ratio)
    )
    assert difference.value == pytest.approx(-3.288181832613e-03, rel=1e-10)
    half = 1.959963984540054 * 2.866567485273736e-04
    assert difference.high - difference.value == pytest.approx(half, rel=1e-9)
    assert difference.value - difference.low == pytest.approx(half, rel=1e-9)
    assert [round(each, 4) for each in ratio] == [0.6353, 0.5881, 0.6862]
    assert [round(each, 4) for each in odds] == [0.6229, 0.5748, 0.6750]
    assert not isinstance(found.p, NotEstimable)
    assert 0 < found.p < 1e-29
    assert found.strata == 13


def test_one_stratum_gives_the_plain_comparison() -> None:
    first, second = Counts(7, 34), Counts(1, 34)
    plain = said(risk_difference(first, second, alpha=0.05))
    found = pooled([(first, second)])
    assert said(found.difference).value == pytest.approx(plain.value)
    assert said(found.ratio).value == pytest.approx(7.0)
    assert [round(each, 4) for each in said(found.ratio)] == [7.0, 0.9096, 53.8695]
    assert said(found.odds_ratio).value == pytest.approx(7 * 33 / 27)


def test_a_stratum_with_one_arm_has_no_weight() -> None:
    strata = [(Counts(7, 34), Counts(1, 34)), (Counts(3, 20), Counts(5, 18))]
    assert pooled([*strata, (Counts(5, 9), Counts(0, 0))]) == pooled(strata)


def test_strata_with_one_arm_each_compare_nothing() -> None:
    found = mantel_haenszel([(Counts(1, 3), Counts(0, 0)), (Counts(0, 0), Counts(1, 3))], alpha=0.1)
    assert found == NotEstimable("no stratum has people in both arms")
    assert mantel_haenszel([], alpha=0.1) == NotEstimable("nobody is in either arm")


def test_strata_without_events_are_named_as_such() -> None:
    none, all_ = (
        mantel_haenszel([(Counts(n, n or 5), Counts(n, n or 5))], alpha=0.05) for n in (0, 5)
    )
    assert none == NotEstimable("nobody in either arm had the event")
    assert all_ == NotEstimable("everybody in both arms had the event")


def test_no_event_in_an_arm_leaves_the_difference_and_the_test() -> None:
    found = pooled([(Counts(0, 20), Counts(4, 20)), (Counts(0, 10), Counts(3, 10))])
    assert said(found.difference).value == pytest.approx(-7 / 30)
    assert found.ratio == NotEstimable("nobody in the intervention arm had the event")
    assert isinstance(found.odds_ratio, NotEstimable)
    assert not isinstance(found.p, NotEstimable)


def test_strata_where_all_or_none_had_the_event_have_no_interval() -> None:
    apart = pooled([(Counts(0, 5), Counts(4, 4))])
    assert isinstance(apart.difference, NotEstimable)
    alike = pooled([(Counts(0, 5), Counts(0, 4)), (Counts(3, 3), Counts(2, 2))])
    assert alike.odds_ratio == alike.p == NotEstimable("in each stratum, all or none had the event")


def test_no_pair_of_small_strata_gives_a_value_that_is_not_a_number() -> None:
    arms = [Counts(events, people) for people in range(4) for events in range(people + 1)]
    other = (Counts(1, 2), Counts(0, 1))
    for first, second in product(arms, arms):
        for strata in ([(first, second)], [(first, second), other]):
            found = mantel_haenszel(strata, alpha=0.05)
            if isinstance(found, NotEstimable):
                continue
            for each in (found.difference, found.ratio, found.odds_ratio):
                if isinstance(each, Estimate):
                    assert all(math.isfinite(value) for value in each), strata
                    assert each.low <= each.value <= each.high
            if isinstance(found.difference, Estimate):
                assert -1 <= found.difference.low <= found.difference.high <= 1
            if not isinstance(found.p, NotEstimable):
                assert 0 <= found.p <= 1
