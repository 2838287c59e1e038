"""Whether forces differ, against a published Breslow-Day test."""

import pytest

from evaluation.statistics.heterogeneity import heterogeneity
from evaluation.statistics.values import Counts, NotEstimable
from tests.evaluation.estimable import known

# Agresti (2013), Categorical Data Analysis, table 6.9: a cream against infections in eight centres.
CENTRES = [
    (Counts(11, 36), Counts(10, 37)), (Counts(16, 20), Counts(22, 32)),
    (Counts(14, 19), Counts(7, 19)), (Counts(2, 16), Counts(1, 17)),
    (Counts(6, 17), Counts(0, 12)), (Counts(1, 11), Counts(0, 10)),
    (Counts(1, 5), Counts(1, 9)), (Counts(4, 6), Counts(6, 7)),
]  # fmt: skip


def test_the_eight_centres_give_their_published_test() -> None:
    """Agresti gives 8.0 with 7 degrees of freedom for Breslow-Day, 7.996; Tarone changes 0.001."""
    found = known(heterogeneity(CENTRES))
    assert found.chi2 == pytest.approx(7.99, abs=0.02)
    assert found.degrees == 7
    assert found.p == pytest.approx(0.333, abs=0.002)
    assert found.i_squared == pytest.approx((found.chi2 - 7) / found.chi2)


def test_equal_odds_ratios_do_not_differ() -> None:
    same = [(Counts(10, 40), Counts(20, 40)), (Counts(20, 80), Counts(40, 80))]
    found = known(heterogeneity(same))
    assert found.chi2 == pytest.approx(0, abs=1e-6)
    assert (found.i_squared, found.degrees) == (0, 1)


@pytest.mark.parametrize(
    "strata",
    [
        [],
        [(Counts(3, 10), Counts(5, 10))],
        [(Counts(3, 10), Counts(5, 10)), (Counts(0, 10), Counts(0, 10))],
        [(Counts(3, 10), Counts(5, 10)), (Counts(4, 10), Counts(0, 0))],
        [(Counts(0, 10), Counts(5, 10)), (Counts(0, 10), Counts(3, 10))],
    ],
)
def test_incomparable_strata_are_not_estimable(strata: list[tuple[Counts, Counts]]) -> None:
    assert isinstance(heterogeneity(strata), NotEstimable)
