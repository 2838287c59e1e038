"""
The distribution of the risk difference over the trial's own randomisation, if texts change nothing.

Under that hypothesis everybody has the same outcome in either arm, and only the blocks could have
been drawn differently. All draws are counted, not a sample: the difference depends only on the
people and the events in the intervention arm, and blocks are independent, so a convolution, block
by block, gives the whole distribution for a trial of any size.
"""

from __future__ import annotations

from collections import defaultdict
from math import comb
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from evaluation.statistics.values import NotEstimable, columns, empty_arm

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from numpy.typing import ArrayLike, NDArray

DIGITS = 9
"""Decimals to which equal differences agree: floats of equal fractions may differ beyond."""


class Rerandomisation(NamedTuple):
    """The observed difference, its p-value, and every possible difference, lowest first."""

    difference: float
    p: float
    differences: list[float]
    probabilities: list[float]


class _Block(NamedTuple):
    """
    People and events in a block, and each (size, people in the intervention arm) that it may have.

    Only people whose outcome is known count; the others keep their positions in the block.
    """

    people: int
    events: int
    designs: list[tuple[int, int]]


def rerandomisation(
    *,
    stratum: ArrayLike,
    block: ArrayLike,
    position: ArrayLike,
    treated: ArrayLike,
    event: ArrayLike,
    followed: ArrayLike | None = None,
    sizes: Sequence[int],
    ratio: tuple[int, int] = (1, 1),
) -> Rerandomisation | NotEstimable:
    """
    The exact two-sided test of no effect on anybody: risk difference, intervention - control.

    One entry per person who was given a slot; positions count from 0; `ratio` is intervention to
    control. People not yet `followed` have no outcome but keep a position, so that blocks stay
    whole; how long somebody is followed must not depend on the arm. All blocks but a stratum's last
    are whole. The last block may have any size of the design with room for its people, each equally
    likely. Draws that leave an arm empty have no difference and do not count. ValueError for
    unequal columns.

    Edgington and Onghena (2007), Randomization Tests, chapter 3; Rosenberger and Lachin (2016),
    Randomization in Clinical Trials, chapter 6.
    """
    strata, numbers, positions, treated, event, followed = columns(
        stratum=stratum,
        block=block,
        position=position,
        treated=treated,
        event=event,
        followed=np.ones(np.shape(treated), bool) if followed is None else followed,
    )
    treated, followed = treated.astype(bool), followed.astype(bool)
    event = event.astype(bool) & followed
    people, in_intervention = int(followed.sum()), int((treated & followed).sum())
    if reason := empty_arm(in_intervention, people - in_intervention):
        return reason
    slots = defaultdict(list)
    for i, key in enumerate(zip(strata.tolist(), numbers.tolist(), strict=True)):
        slots[key].append(i)
    last = dict(sorted(slots))  # the highest one stays
    blocks = []
    for (name, number), members in slots.items():
        whole = last[name] != number
        designs = [
            (size, full)
            for size, full in _designs(sizes, ratio)
            if (size == len(members) if whole else size >= len(members))
        ]
        arm = int(treated[members].sum())
        possible = any(0 <= full - arm <= size - len(members) for size, full in designs)
        if sorted(positions[members]) != list(range(len(members))) or not possible:
            return NotEstimable(f"block {number} of stratum {name} does not fit the protocol")
        known = int(followed[members].sum())
        blocks.append(_Block(known, int(event[members].sum()), designs))
    difference = float(event[treated & followed].mean() - event[~treated & followed].mean())
    distribution = _distribution(_convolved(blocks), people, int(event.sum()))
    extreme = (p for d, p in distribution.items() if abs(d) >= round(abs(difference), DIGITS))
    return Rerandomisation(
        difference, min(1.0, sum(extreme)), list(distribution), list(distribution.values())
    )


def _designs(sizes: Sequence[int], ratio: tuple[int, int]) -> Iterator[tuple[int, int]]:
    """Each size of block, and how many in it are in the intervention arm."""
    for size in sizes:
        full, rest = divmod(size * ratio[0], sum(ratio))
        if rest:
            raise ValueError(f"a block of {size} cannot be shared {ratio[0]} to {ratio[1]}")
        yield size, full


def _falls(block: _Block) -> dict[int, NDArray[Any]]:
    """By people in the intervention arm: the probability of 0, 1, 2 ... events among them."""
    falls: dict[int, NDArray[Any]] = defaultdict(lambda: np.zeros(block.events + 1))
    for size, full in block.designs:
        for arm in range(min(full, block.people) + 1):
            for events in range(min(arm, block.events) + 1):
                ways = (
                    comb(block.events, events)
                    * comb(block.people - block.events, arm - events)
                    * comb(size - block.people, full - arm)
                )
                if ways:
                    falls[arm][events] += ways / comb(size, full) / len(block.designs)
    return falls


def _convolved(blocks: Iterable[_Block]) -> dict[int, NDArray[Any]]:
    """The joint distribution over all blocks."""
    total: dict[int, NDArray[Any]] = {0: np.ones(1)}
    for block in blocks:
        sums: dict[int, NDArray[Any]] = {}
        for arm, row in _falls(block).items():
            for before, sofar in total.items():
                sums[before + arm] = sums.get(before + arm, 0) + np.convolve(sofar, row)
        total = sums
    return total


def _distribution(falls: dict[int, NDArray[Any]], people: int, events: int) -> dict[float, float]:
    """The probability of each difference, lowest first."""
    found: dict[float, float] = defaultdict(float)
    for arm, row in falls.items():
        if 0 < arm < people:
            for among, probability in enumerate(row):
                if probability:
                    difference = among / arm - (events - among) / (people - arm)
                    found[round(difference, DIGITS)] += float(probability)
    everything = sum(found.values())
    return {difference: found[difference] / everything for difference in sorted(found)}
