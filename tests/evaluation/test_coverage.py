"""
Made-up trials: intervals hold the truth as often as they say, and tests do not cry wolf.

`COVERAGE_TRIALS=20000` makes it a long run; without it, few enough for every day. Each trial is
allocated in blocks of random size within two strata, as the trial is.
"""

import os
from collections.abc import Callable
from typing import NamedTuple, TypeAlias

import numpy as np
import pytest
from numpy.typing import NDArray

from evaluation.statistics.costs import CostPerEvent, cost_per_event_prevented
from evaluation.statistics.proportions import fisher, risk_difference
from evaluation.statistics.rerandomisation import Rerandomisation, rerandomisation
from evaluation.statistics.stratified import MantelHaenszel, mantel_haenszel
from evaluation.statistics.values import Counts, Estimate, NotEstimable

TRIALS = int(os.environ.get("COVERAGE_TRIALS", "500"))
PER_STRATUM = 90
SIZES = (2, 4, 6)
RISKS = np.array([0.22, 0.34])
"""Control's risk in each stratum; with 0.14 less in the intervention arm."""
EFFECT = -0.14
NOISE = 3 * (0.05 * 0.95 / TRIALS) ** 0.5
"""What chance alone does to a share of 5 % among so many trials: three standard errors."""

Measured: TypeAlias = Callable[[str, float], float]

LEAST, MOST = min(0.93, 0.95 - NOISE), max(0.97, 0.95 + NOISE)


class Trial(NamedTuple):
    stratum: NDArray[np.int_]
    block: NDArray[np.int_]
    position: NDArray[np.int_]
    treated: NDArray[np.bool_]
    event: NDArray[np.bool_]

    def arms(self, stratum: int | None = None) -> tuple[Counts, Counts]:
        """Intervention and control."""
        here = self.stratum == (self.stratum if stratum is None else stratum)
        intervention, control = (self.event[here & (self.treated == arm)] for arm in (True, False))
        return (
            Counts(int(intervention.sum()), len(intervention)),
            Counts(int(control.sum()), len(control)),
        )


def trials(effect: float) -> list[Trial]:
    random = np.random.default_rng(20261123)
    made = []
    for _ in range(TRIALS):
        blocks, positions, arms = [], [], []
        for _stratum in RISKS:
            sizes = random.choice(SIZES, PER_STRATUM // 2)  # more than there is room for
            blocks.append(np.repeat(np.arange(len(sizes)), sizes)[:PER_STRATUM])
            positions.append(np.concatenate([np.arange(size) for size in sizes])[:PER_STRATUM])
            arms.append(
                np.concatenate([random.permutation(size) < size // 2 for size in sizes])[
                    :PER_STRATUM
                ]
            )
        treated = np.concatenate(arms)
        risk = np.repeat(RISKS, PER_STRATUM) + effect * treated
        made.append(
            Trial(
                np.repeat([0, 1], PER_STRATUM),
                np.concatenate(blocks),
                np.concatenate(positions),
                treated,
                random.random(len(treated)) < risk,
            )
        )
    return made


@pytest.fixture(scope="module")
def effective() -> list[Trial]:
    return trials(EFFECT)


@pytest.fixture(scope="module")
def ineffective() -> list[Trial]:
    return trials(0)


def holds(interval: Estimate, truth: float) -> bool:
    return interval.low <= truth <= interval.high


def test_newcombes_interval_holds_the_effect(effective: list[Trial], measured: Measured) -> None:
    held = []
    for trial in effective:
        found = risk_difference(*trial.arms(), alpha=0.05)
        assert isinstance(found, Estimate)
        held.append(holds(found, EFFECT))

    assert LEAST <= measured("Newcombe", float(np.mean(held))) <= MOST


def test_the_stratified_interval_holds_the_effect(
    effective: list[Trial], measured: Measured
) -> None:
    held = []
    for trial in effective:
        found = mantel_haenszel([trial.arms(stratum) for stratum in (0, 1)], alpha=0.05)
        assert isinstance(found, MantelHaenszel)
        assert isinstance(found.difference, Estimate)
        held.append(holds(found.difference, EFFECT))

    assert LEAST <= measured("Mantel-Haenszel", float(np.mean(held))) <= MOST


def test_the_interval_of_the_cost_of_a_prevented_event_holds_it(
    effective: list[Trial], measured: Measured
) -> None:
    random = np.random.default_rng(20261123)
    truth = 60 / -EFFECT
    held = []
    for trial in effective:
        intervention, control = trial.arms()
        found = cost_per_event_prevented(
            cost_pence=random.gamma(9, 60 / 9, intervention.people),
            intervention=intervention,
            control=control,
            alpha=0.05,
        )
        # Where no fewer events were seen, no figure is given: that does not hold the truth.
        held.append(
            isinstance(found, CostPerEvent)
            and found.low <= truth
            and (isinstance(found.high, NotEstimable) or truth <= found.high)
        )

    assert LEAST <= measured("cost of a prevented event", float(np.mean(held))) <= MOST


def test_without_an_effect_fishers_test_rejects_no_more_than_it_may(
    ineffective: list[Trial],
    measured: Measured,
) -> None:
    rejected = []
    for trial in ineffective:
        p = fisher(*trial.arms())
        assert not isinstance(p, NotEstimable)
        rejected.append(p <= 0.05)

    assert measured("Fisher rejects", float(np.mean(rejected))) <= 0.05 + NOISE


def test_without_an_effect_the_rerandomisation_test_rejects_no_more_than_it_may(
    ineffective: list[Trial],
    measured: Measured,
) -> None:
    rejected = []
    for trial in ineffective:
        found = rerandomisation(**trial._asdict(), sizes=SIZES)
        assert isinstance(found, Rerandomisation)
        rejected.append(found.p <= 0.05)

    assert (
        0.05 - NOISE - 0.01
        <= measured("re-randomisation rejects", float(np.mean(rejected)))
        <= 0.05 + NOISE
    )


def test_with_an_effect_the_rerandomisation_test_finds_it_more_often_than_fishers(
    effective: list[Trial],
) -> None:
    """It knows of the strata and the blocks, and is not as careful as Fisher's."""
    found: list[bool] = []
    fishers: list[bool] = []
    for trial in effective[:200]:
        test, p = rerandomisation(**trial._asdict(), sizes=SIZES), fisher(*trial.arms())
        assert isinstance(test, Rerandomisation)
        assert not isinstance(p, NotEstimable)
        found.append(test.p <= 0.05)
        fishers.append(p <= 0.05)

    assert np.mean(found) > np.mean(fishers) > 0.4
