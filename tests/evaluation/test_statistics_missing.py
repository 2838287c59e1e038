"""What unknown outcomes could change."""

import pytest

from evaluation.statistics.missing import Bounds, bounds
from evaluation.statistics.proportions import risk_difference
from evaluation.statistics.values import Counts, NotEstimable
from tests.evaluation.estimable import known

KNOWN = (Counts(10, 100), Counts(25, 100))


def found(unknown: tuple[int, int], arms: tuple[Counts, Counts] = KNOWN) -> Bounds:
    return known(bounds(arms, unknown, alpha=0.05))


def test_the_bounds_give_every_unknown_person_to_one_arm_s_advantage() -> None:
    result = found((20, 10))
    assert result.best == risk_difference(Counts(10, 120), Counts(35, 110), alpha=0.05)
    assert result.worst == risk_difference(Counts(30, 120), Counts(25, 110), alpha=0.05)


def test_with_nobody_unknown_both_bounds_are_the_estimate() -> None:
    estimate = risk_difference(*KNOWN, alpha=0.05)
    result = found((0, 0))
    assert result.best == result.worst == estimate
    assert result.tips is None


def test_the_tipping_point_is_the_first_number_of_events_without_a_difference() -> None:
    result = found((20, 0))
    assert result.tips is not None
    for events in range(21):
        estimate = known(risk_difference(Counts(10 + events, 120), KNOWN[1], alpha=0.05))
        assert (estimate.low <= 0 <= estimate.high) == (events >= result.tips)


def test_at_the_tipping_point_control_s_unknown_people_fare_as_control_does() -> None:
    assert found((0, 100)).tips is None
    assert found((0, 4), (Counts(2, 10), Counts(4, 10))).tips == 0


def test_no_people_are_not_estimable_and_a_negative_number_is_refused() -> None:
    assert isinstance(bounds((Counts(0, 0), Counts(1, 2)), (0, 0), alpha=0.05), NotEstimable)
    with pytest.raises(ValueError, match="is negative"):
        bounds(KNOWN, (-1, 0), alpha=0.05)
