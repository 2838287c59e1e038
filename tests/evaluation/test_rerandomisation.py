"""The exact test, against all falls of the blocks one by one, and against the trial's own draws."""

from collections.abc import Iterator
from fractions import Fraction
from hashlib import sha256
from itertools import combinations, product

import numpy as np
import pytest

from allocation.randomisation import block as drawn_block
from evaluation.statistics.rerandomisation import Rerandomisation, rerandomisation
from evaluation.statistics.values import NotEstimable
from tests.evaluation.estimable import known
from trial.codes import Arm

SIZES = (2, 4, 6)
Block = tuple[str, int, str, str]
"""Stratum, number, the arm of each slot (I or C), whether it had the event (x or .)."""


def exact(
    blocks: list[Block],
    *,
    sizes: tuple[int, ...] = SIZES,
    ratio: tuple[int, int] = (1, 1),
    followed: list[bool] | None = None,
) -> Rerandomisation | NotEstimable:
    slots = [
        (stratum, number, position, arm == "I", event == "x")
        for stratum, number, arms, events in blocks
        for position, (arm, event) in enumerate(zip(arms, events, strict=True))
    ]
    names = ("stratum", "block", "position", "treated", "event")
    columns = dict(zip(names, zip(*slots, strict=True), strict=True))
    return rerandomisation(**columns, followed=followed, sizes=sizes, ratio=ratio)


def falls(people: int, *, last: bool) -> Iterator[tuple[tuple[bool, ...], Fraction]]:
    """Every way in which a block's people could have been allocated, and how probable it was."""
    sizes = [size for size in SIZES if size == people or (last and size > people)]
    for size in sizes:
        ways = list(combinations(range(size), size // 2))
        for way in ways:
            arms = tuple(slot in way for slot in range(people))
            yield arms, Fraction(1, len(sizes) * len(ways))


def enumerated(blocks: list[Block]) -> Fraction:
    """The p-value by trying every fall of all blocks together."""
    events = [each == "x" for block in blocks for each in block[3]]
    observed = [each == "I" for block in blocks for each in block[2]]
    last = {stratum: number for stratum, number, _, _ in sorted(blocks)}

    def difference(arms: list[bool]) -> Fraction:
        risks = [
            Fraction(sum(e for e, a in zip(events, arms, strict=True) if a is arm), arms.count(arm))
            for arm in (True, False)
        ]
        return abs(risks[0] - risks[1])

    extreme = everything = Fraction(0)
    for together in product(
        *(falls(len(arms), last=last[stratum] == n) for stratum, n, arms, _ in blocks)
    ):
        arms = [arm for fall, _ in together for arm in fall]
        if len(set(arms)) < 2:
            continue
        probability = Fraction(1)
        for _, each in together:
            probability *= each
        everything += probability
        if difference(arms) >= difference(observed):
            extreme += probability
    return extreme / everything


@pytest.mark.parametrize(
    "blocks",
    [
        [("14", 0, "IC", "x.")],
        [("14", 0, "IC", "x."), ("14", 1, "C", ".")],
        [("14", 0, "IICC", "..xx"), ("14", 1, "CI", "x.")],
        [("14", 0, "IICC", "..xx"), ("14", 1, "CIC", "x.."), ("15-28", 0, "I", ".")],
        [("14", 0, "IC", ".x"), ("14", 1, "CIIC", "x..x"), ("15-28", 0, "CCC", "x.x")],
        [("14", 0, "ICCICI", "..x.x."), ("15-28", 0, "ICIC", ".x.x")],
        [("14", 0, "CI", "xx"), ("15-28", 0, "IIIC", "x..x")],
        [("14", 0, "I", "x"), ("15-28", 0, "C", ".")],
        # Here floats of the same difference are not the same float.
        [
            ("14", 0, "IC", "x."),
            ("14", 1, "CIIIC", "x.xx."),
            ("15-28", 0, "IC", "x."),
            ("15-28", 1, "I", "."),
        ],
    ],
)
def test_the_p_value_equals_that_of_trying_every_allocation(blocks: list[Block]) -> None:
    found = known(exact(blocks))
    assert found.p == pytest.approx(float(enumerated(blocks)), rel=1e-12)


def test_one_pair_can_show_nothing() -> None:
    found = known(exact([("14", 0, "IC", ".x")]))
    assert (found.difference, found.p) == pytest.approx((-1, 1))
    assert found.differences == [-1, 1]


def test_ten_pairs_that_all_differ_could_have_been_drawn_so_twice_in_1024() -> None:
    # All blocks but the last are known to be pairs; the last two could be the start of more.
    pairs: list[Block] = [("14", number, "IC", ".x") for number in range(10)]
    found = known(exact(pairs))
    assert found.difference == -1
    # The last one: a pair, or two of four or of six people, with one in each arm.
    last = (Fraction(1) + Fraction(2, 3) + Fraction(3, 5)) / 3
    falls_of_one_each = Fraction(2, 1024) * last
    # Two of four or of six in one arm make the difference less than 1.
    assert found.p == pytest.approx(float(falls_of_one_each))


def test_the_distribution_is_that_of_the_trial_s_own_blocks() -> None:
    """The allocation's own code draws blocks until they are such as were seen."""
    random = np.random.default_rng(20261123)
    people = {("14", 0): 4, ("14", 1): 6, ("14", 2): 3, ("15-28", 0): 2, ("15-28", 1): 1}
    last = {("14", 2), ("15-28", 1)}
    events = {key: random.random(count) < 0.4 for key, count in people.items()}
    outcome = np.concatenate(list(events.values()))
    macs = (sha256(random.bytes(16)).digest() for _ in range(1_000_000))

    def drawn(key: tuple[str, int]) -> list[bool]:
        while True:
            arms = drawn_block(next(macs), sizes=SIZES, ratio=dict.fromkeys(Arm, 1))
            if len(arms) == people[key] or (key in last and len(arms) > people[key]):
                return [arm is Arm.INTERVENTION for arm in arms[: people[key]]]

    def difference(arms: np.ndarray) -> float:
        return abs(float(outcome[arms].mean() - outcome[~arms].mean()))

    observed = {key: drawn(key) for key in people}
    blocks = [
        (
            *key,
            "".join("I" if arm else "C" for arm in arms),
            "".join("x" if event else "." for event in events[key]),
        )
        for key, arms in observed.items()
    ]
    found = known(exact(blocks))

    draws = 3000
    limit = difference(np.concatenate(list(observed.values()))) - 1e-9
    count = sum(
        difference(np.concatenate([drawn(key) for key in people])) >= limit for _ in range(draws)
    )
    assert found.p == pytest.approx((1 + count) / (1 + draws), abs=0.03)


def test_the_probabilities_cover_every_possible_difference() -> None:
    blocks = [("14", 0, "ICCICI", "..x.x."), ("14", 1, "IC", "x."), ("15-28", 0, "ICI", ".x.")]
    found = known(exact(blocks))
    assert sum(found.probabilities) == pytest.approx(1)
    assert found.differences == sorted(set(found.differences))
    assert all(-1 <= each <= 1 for each in found.differences)
    assert any(each == pytest.approx(found.difference, abs=1e-9) for each in found.differences)


def test_a_ratio_of_one_to_two_is_drawn_as_such() -> None:
    blocks = [("14", 0, "ICC", ".xx"), ("14", 1, "CIC", "x.x")]
    found = known(exact(blocks, sizes=(3,), ratio=(1, 2)))
    assert found.p == pytest.approx(1 / 9)  # each of three may be the treated one, twice


def test_without_events_every_allocation_is_equally_extreme() -> None:
    for events in ("......", "xxxxxx"):
        found = known(exact([("14", 0, "ICCICI", events)]))
        assert (found.difference, found.p) == pytest.approx((0, 1))


def test_no_p_value_is_more_than_one() -> None:
    found = known(exact([("14", number, "IICC", "x.x.") for number in range(3)]))
    assert found.difference == 0
    assert found.p <= 1  # its probabilities, added up as floats, are more


def test_an_empty_arm_is_not_tested() -> None:
    assert exact([("14", 0, "I", "x")]) == NotEstimable("nobody is in the control arm")
    nobody = rerandomisation(stratum=[], block=[], position=[], treated=[], event=[], sizes=SIZES)
    assert nobody == NotEstimable("nobody is in either arm")


@pytest.mark.parametrize(
    "blocks",
    [
        [("14", 0, "ICI", "..."), ("14", 1, "IC", "..")],  # three are no block, but not the last
        [("14", 0, "IIIC", "...."), ("14", 1, "IC", "..")],  # no fall of four
        [("14", 0, "IIIICC", "......")],  # no fall of six
        [("14", 0, "ICICICI", ".......")],  # more than any block
    ],
)
def test_blocks_that_the_protocol_cannot_draw_are_not_tested(blocks: list[Block]) -> None:
    found = exact(blocks)
    assert isinstance(found, NotEstimable)
    assert found.because == "block 0 of stratum 14 does not fit the protocol"


@pytest.mark.parametrize("positions", [[0, 0], [0, 2], [1, 2]])
def test_slots_used_twice_or_skipped_are_not_tested(positions: list[int]) -> None:
    found = rerandomisation(
        stratum=["14"] * 2,
        block=[0, 0],
        position=positions,
        treated=[1, 0],
        event=[1, 0],
        sizes=SIZES,
    )
    assert isinstance(found, NotEstimable)


def test_sizes_that_the_shares_do_not_divide_are_refused() -> None:
    with pytest.raises(ValueError, match="cannot be shared 1 to 2"):
        exact([("14", 0, "IC", "x.")], ratio=(1, 2))


def test_a_person_not_yet_followed_keeps_a_place_and_has_no_outcome() -> None:
    """Against every fall of whole blocks, of which only the followed people are compared."""
    arms, events = "ICIC" + "CI", "x..x" + ".x"
    followed = [True, True, False, True, True, False]
    blocks = [("s", 0, arms[:4], events[:4]), ("s", 1, arms[4:], events[4:])]
    found = known(exact(blocks, followed=followed))

    def difference(treated: list[bool]) -> Fraction | None:
        shares = []
        for arm in (True, False):
            those = [i for i in range(6) if followed[i] and treated[i] is arm]
            if not those:
                return None
            shares.append(Fraction(sum(events[i] == "x" for i in those), len(those)))
        return shares[0] - shares[1]

    observed = difference([arm == "I" for arm in arms])
    assert observed is not None
    assert found.difference == pytest.approx(float(observed))
    extreme = total = Fraction(0)
    for (first, p), (second, q) in product(falls(4, last=False), falls(2, last=True)):
        value = difference([*first, *second])
        if value is not None:
            total += p * q
            extreme += p * q * (abs(value) >= abs(observed))
    assert found.p == pytest.approx(float(extreme / total))
