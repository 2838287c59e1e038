"""The effect among those reached, against the published vitamin A trial."""

import numpy as np
import pytest

from evaluation.statistics.complier import complier_effect
from evaluation.statistics.values import NotEstimable
from tests.evaluation.estimable import known


def people(*groups: tuple[int, int, int, int]) -> dict[str, list[int]]:
    """Groups of (people, treated, reached, event)."""
    rows = [group[1:] for group in groups for _ in range(group[0])]
    treated, reached, event = zip(*rows, strict=True)
    return {"treated": list(treated), "reached": list(reached), "event": list(event)}


# Sommer and Zeger (1991), Statistics in Medicine 10:45-52: deaths of children in 450 villages.
VITAMIN_A = people(
    (9663, 1, 1, 0), (12, 1, 1, 1), (2385, 1, 0, 0), (34, 1, 0, 1), (11514, 0, 0, 0), (74, 0, 0, 1)
)  # fmt: skip


def test_the_vitamin_a_trial_has_its_published_effect() -> None:
    """Imbens and Rubin (1997): -0.0026 for all, -0.0032 for those who take it, 80 % of them."""
    found = known(complier_effect(**VITAMIN_A, alpha=0.05))
    assert found.reached == pytest.approx(0.80, abs=5e-4)
    assert found.difference.value == pytest.approx(-0.0032, abs=5e-5)
    # 2.5 standard errors of 0.0012 make it; with a strong instrument Wald's interval is the same.
    assert found.difference.low == pytest.approx(-0.0055, abs=1e-4)
    assert found.difference.high == pytest.approx(-0.0010, abs=1e-4)


def test_with_everybody_reached_the_effect_is_the_difference_of_the_arms() -> None:
    everybody = people((30, 1, 1, 0), (10, 1, 1, 1), (20, 0, 0, 0), (20, 0, 0, 1))
    found = known(complier_effect(**everybody, alpha=0.05))
    y1, y0 = np.repeat([0, 1], [30, 10]), np.repeat([0, 1], [20, 20])
    half = 1.959964 * (y1.var(ddof=1) / 40 + y0.var(ddof=1) / 40) ** 0.5
    assert found.difference == pytest.approx((-0.25, -0.25 - half, -0.25 + half))


def test_fewer_reached_make_the_same_difference_a_larger_effect() -> None:
    half = people((15, 1, 1, 0), (15, 1, 0, 0), (5, 1, 1, 1), (5, 1, 0, 1), (20, 0, 0, 0),
                  (20, 0, 0, 1))  # fmt: skip
    found = known(complier_effect(**half, alpha=0.05))
    assert found.difference.value == pytest.approx(-0.5)


@pytest.mark.parametrize(
    ("rows", "reason"),
    [
        ([(5, 1, 1, 0)], "nobody is in the control arm"),
        ([(5, 1, 0, 0), (5, 0, 0, 1)], "nobody in the intervention arm was reached"),
        ([(1, 1, 1, 0), (5, 0, 0, 1)], "an arm has one person only"),
        ([(1, 1, 1, 0), (19, 1, 0, 1), (20, 0, 0, 1)], "too few were reached"),
    ],
)
def test_an_inestimable_effect_says_why(rows: list[tuple[int, int, int, int]], reason: str) -> None:
    found = complier_effect(**people(*rows), alpha=0.05)
    assert isinstance(found, NotEstimable)
    assert reason in str(found)


def test_a_control_group_that_was_reached_is_refused() -> None:
    with pytest.raises(ValueError, match="control was reached"):
        complier_effect(**people((5, 1, 1, 0), (5, 0, 1, 1)), alpha=0.05)
