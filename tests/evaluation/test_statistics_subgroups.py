"""One test of interaction, and Holm's adjustment."""

import math
from itertools import product

import pytest

from evaluation.statistics.subgroups import Interaction, holm, interaction
from evaluation.statistics.values import NotEstimable
from tests.evaluation.estimable import known

Table = tuple[int, int, int, int]
"""With and without the event: intervention, then control."""


def interacting(tables: dict[str, Table]) -> Interaction | NotEstimable:
    rows = [
        (group, event, arm)
        for group, (a, b, c, d) in tables.items()
        for event, arm, count in ((1, 1, a), (0, 1, b), (1, 0, c), (0, 0, d))
        for _ in range(count)
    ]
    group, event, arm = zip(*rows, strict=True) if rows else ((), (), ())
    return interaction(event=event, treated=arm, subgroup=group)


def test_equal_odds_ratios_do_not_interact() -> None:
    found = known(
        interacting({"18-24": (10, 20, 20, 10), "25-34": (20, 10, 40, 5), "35-44": (4, 40, 8, 20)})
    )
    assert found.chi2 == pytest.approx(0, abs=1e-6)
    assert found.degrees == 2
    assert (found.chi2, found.p) == (0, 1)


def test_opposite_effects_interact() -> None:
    found = known(interacting({"18-24": (5, 45, 25, 25), "25-34": (25, 25, 5, 45)}))
    assert found.degrees == 1
    assert found.p < 1e-6


def test_a_subgroup_without_events_in_one_arm_still_counts() -> None:
    found = known(interacting({"18-24": (0, 20, 8, 12), "25-34": (6, 14, 7, 13)}))
    assert found.left_out == ()
    assert 0 < found.p < 0.05


def test_subgroups_without_information_are_left_out_and_named() -> None:
    telling = {"18-24": (5, 25, 9, 20), "25-34": (7, 20, 6, 24)}
    silent = {"35-44": (0, 9, 0, 8), "45-54": (3, 4, 0, 0), "55+": (2, 0, 3, 0)}
    alone, found = interacting(telling), interacting(telling | silent)
    assert isinstance(alone, Interaction)
    assert isinstance(found, Interaction)
    assert found.left_out == ("35-44", "45-54", "55+")
    assert found[:3] == pytest.approx(alone[:3])


@pytest.mark.parametrize(
    "tables",
    [
        {},
        {"18-24": (5, 25, 9, 20)},
        {"18-24": (5, 25, 0, 0), "25-34": (5, 25, 0, 0)},
        {"18-24": (0, 25, 0, 20), "25-34": (0, 25, 0, 9)},
        {"18-24": (0, 25, 9, 20), "25-34": (0, 20, 6, 24)},
        {"18-24": (0, 25, 9, 20), "25-34": (6, 4, 9, 0)},
        {"18-24": (9, 20, 0, 25), "25-34": (6, 0, 4, 9)},
    ],
)
def test_an_interaction_that_cannot_be_tested_says_why(tables: dict[str, Table]) -> None:
    assert isinstance(interacting(tables), NotEstimable)


def test_no_small_subgroups_give_a_value_that_is_not_a_number() -> None:
    few = (0, 1, 3)
    for cells in product(few, few, few, few):
        found = interacting({"18-24": cells, "25-34": (1, 2, 2, 1)})
        if isinstance(found, Interaction):
            assert math.isfinite(found.chi2)
            assert 0 <= found.p <= 1


def test_holm_s_adjustment_has_its_published_values() -> None:
    # Holm (1979): times 4, 3, 2, 1 in ascending order, and never below the one before.
    assert holm({"a": 0.01, "b": 0.04, "c": 0.03, "d": 0.005}) == pytest.approx(
        {"a": 0.03, "b": 0.06, "c": 0.06, "d": 0.02}
    )


def test_holm_s_adjustment_of_one_value_changes_nothing_and_of_none_gives_none() -> None:
    assert holm({"a": 0.04}) == {"a": 0.04}
    assert holm({"a": 0.9, "b": 0.8}) == {"a": 1.0, "b": 1.0}
    assert holm({}) == {}
