"""
Allocation is fair, cannot be foreseen beyond its design, and is the same whenever it is derived.

The keys are fixed, so each test passes always or never. A statistical test would fail on one fair
sample in a thousand.
"""

import hmac
from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Sequence
from fractions import Fraction
from itertools import pairwise, permutations, product
from statistics import NormalDist, mean, stdev

import pytest

from allocation.randomisation import below, block, message
from trial.codes import Arm

Block = tuple[Arm, ...]

SIZES = (2, 4, 6)
EVEN = {Arm.CONTROL: 1, Arm.INTERVENTION: 1}
TWO_TO_ONE = {Arm.CONTROL: 1, Arm.INTERVENTION: 2}
KEYS = [number.to_bytes(32, "big") for number in range(10_000)]
ARRANGEMENTS = {size: sorted(set(permutations([*EVEN] * (size // 2)))) for size in SIZES}
RARE = 0.001


def derived(key: bytes, stratum: str, number: int) -> Block:
    """A block as in production, but for KMS."""
    mac = hmac.digest(key, message(trial="trial", stratum=stratum, block=number), "sha256")
    return block(mac, sizes=SIZES, ratio=EVEN)


def p_value(seen: Iterable[Hashable], *, among: Sequence[Hashable]) -> float:
    """Chi-square test that everything possible is equally likely."""
    counts = Counter(seen)
    assert counts.keys() <= set(among)
    expected = counts.total() / len(among)
    return tail(sum((counts[v] - expected) ** 2 / expected for v in among), len(among) - 1)


def tail(statistic: float, freedom: int) -> float:
    """Wilson and Hilferty (1931): the cube root of chi-square over its mean is nearly normal."""
    spread = 2 / (9 * freedom)
    return 1 - NormalDist(1 - spread, spread**0.5).cdf((statistic / freedom) ** (1 / 3))


@pytest.mark.parametrize(
    ("statistic", "freedom"), [(10.828, 1), (13.816, 2), (20.515, 5), (43.820, 19), (66.619, 35)]
)
def test_the_p_value_agrees_with_printed_tables(statistic: float, freedom: int) -> None:
    assert tail(statistic, freedom) == pytest.approx(0.001, abs=0.0002)


# Fair


@pytest.fixture(scope="module")
def blocks() -> list[Block]:
    return [derived(key, "short", 0) for key in KEYS]


def test_block_sizes_are_equally_likely(blocks: list[Block]) -> None:
    assert p_value(map(len, blocks), among=SIZES) > RARE


def test_the_first_person_is_as_likely_to_get_either_arm(blocks: list[Block]) -> None:
    assert p_value((arms[0] for arms in blocks), among=[*Arm]) > RARE


@pytest.mark.parametrize("size", SIZES)
def test_every_position_is_as_likely_to_hold_either_arm(blocks: list[Block], size: int) -> None:
    treated = [[arm is Arm.INTERVENTION for arm in arms] for arms in blocks if len(arms) == size]
    # The arms of a block sum to a constant, so its positions are correlated by -1 / (size - 1):
    # this variance makes the sum of squares chi-square with size - 1 degrees of freedom.
    variance = len(treated) * size / (4 * (size - 1))
    statistic = sum((sum(column) - len(treated) / 2) ** 2 for column in zip(*treated, strict=True))
    assert tail(statistic / variance, size - 1) > RARE


@pytest.mark.parametrize("size", SIZES)
def test_all_arrangements_of_a_size_are_equally_likely(blocks: list[Block], size: int) -> None:
    of_size = [arms for arms in blocks if len(arms) == size]
    assert p_value(of_size, among=ARRANGEMENTS[size]) > RARE


@pytest.mark.parametrize("n", [1, 2, 3, 5, 6, 20, 129, 256])
def test_no_number_is_more_likely_whatever_the_range(n: int) -> None:
    every_byte_once = iter(reversed(range(256)))
    numbers = Counter(below(n, every_byte_once) for _ in range(256 // n * n))
    assert numbers == dict.fromkeys(range(n), 256 // n)


# Balanced


def test_every_block_holds_each_arm_equally_often(blocks: list[Block]) -> None:
    assert all(arms.count(Arm.CONTROL) * 2 == len(arms) for arms in blocks)


def test_every_block_keeps_the_ratio() -> None:
    for key in KEYS[:1000]:
        arms = block(key, sizes=(3, 6), ratio=TWO_TO_ONE)
        assert Counter(arms) == {arm: n * len(arms) // 3 for arm, n in TWO_TO_ONE.items()}


# Not to be foreseen


@pytest.mark.parametrize(("stratum", "number"), [("short", 1), ("short", 2), ("long", 0)])
def test_a_block_says_nothing_about_another(blocks: list[Block], stratum: str, number: int) -> None:
    others = (derived(key, stratum, number) for key in KEYS)
    pairs = ((len(a), a[-1], len(b), b[0]) for a, b in zip(blocks, others, strict=True))
    assert p_value(pairs, among=[*product(SIZES, Arm, SIZES, Arm)]) > RARE


def forecasts() -> dict[Block, dict[Arm, Fraction]]:
    """
    For every way a block may begin or be, how often each arm follows it, per block.

    After a whole block the next begins, with either arm: one who knows the block, position and arm
    of everybody so far, but no size in advance, cannot tell a whole block from a longer one begun.
    """
    chances: dict[Block, dict[Arm, Fraction]] = defaultdict(lambda: dict.fromkeys(Arm, Fraction()))
    for size, arrangements in ARRANGEMENTS.items():
        chance = Fraction(1, len(SIZES) * len(arrangements))
        for arms in arrangements:
            for taken in range(1, size):
                chances[arms[:taken]][arms[taken]] += chance
            for arm in Arm:
                chances[arms][arm] += chance / 2
    return chances


def test_the_best_guesser_is_right_only_as_often_as_the_design_allows() -> None:
    chances = forecasts()
    best = {seen: max(Arm, key=chance.__getitem__) for seen, chance in chances.items()}
    rate = sum(chances[seen][arm] for seen, arm in best.items()) / mean(SIZES)
    assert rate == Fraction(253, 360)

    surplus = [
        sum(arm is best[seen] for seen, arm in followed(this, following)) - rate * len(this)
        for key in KEYS
        for this, following in pairwise(derived(key, "short", number) for number in range(4))
    ]
    error = stdev(map(float, surplus)) / len(surplus) ** 0.5
    assert abs(mean(surplus)) < NormalDist().inv_cdf(1 - RARE / 2) * error


def followed(this: Block, following: Block) -> Iterable[tuple[Block, Arm]]:
    """Each beginning of a block, with the arm after it."""
    arms = this + following
    return ((arms[:taken], arms[taken]) for taken in range(1, len(this) + 1))


# The same whenever it is derived


@pytest.mark.parametrize(
    ("mac", "even", "two_to_one"),
    [
        (bytes(32), "ccii", "iiicci"),
        (bytes(range(32)), "icic", "ici"),
        (b"\xff" * 32, "ci", "ici"),
        (bytes(range(32, 64)), "iciicc", "iciiic"),
    ],
    ids=["zeros", "counting", "ones", "counting on"],
)
def test_a_mac_always_gives_the_same_arms(mac: bytes, even: str, two_to_one: str) -> None:
    assert initials(block(mac, sizes=SIZES, ratio=EVEN)) == even
    assert initials(block(mac, sizes=(3, 6), ratio=TWO_TO_ONE)) == two_to_one


def test_a_block_that_needs_a_second_hash_is_the_same_every_time() -> None:
    arms = block(bytes(32), sizes=(40,), ratio=EVEN)
    assert initials(arms) == "ciiciiicccicicciiciiccciiiicciiccccicici"


def initials(arms: Block) -> str:
    return "".join(arm[0] for arm in arms)


def test_the_order_of_sizes_and_arms_in_the_protocol_does_not_matter() -> None:
    turned = {Arm.INTERVENTION: 1, Arm.CONTROL: 1}
    for key in KEYS[:100]:
        listed = block(key, sizes=SIZES, ratio=EVEN)
        assert block(key, sizes=SIZES[::-1], ratio=turned) == listed


# What identifies a block


def test_the_message_names_trial_stratum_and_block() -> None:
    assert message(trial="dvpo-2026", stratum="14", block=7) == b"dvpo-2026|14|7"


@pytest.mark.parametrize(("trial", "stratum"), [("a|b", "c"), ("a", "b|c")])
def test_a_name_that_could_make_two_messages_equal_is_refused(trial: str, stratum: str) -> None:
    with pytest.raises(ValueError, match="may have"):
        message(trial=trial, stratum=stratum, block=0)


@pytest.mark.parametrize("size", [31, 33])
def test_bytes_that_are_not_a_mac_are_refused(size: int) -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        block(bytes(size), sizes=SIZES, ratio=EVEN)


@pytest.mark.parametrize("size", [-2, 0, 3, 258])
def test_a_size_that_cannot_be_balanced_or_drawn_is_refused(size: int) -> None:
    with pytest.raises(ValueError, match="cannot have"):  # even by a MAC that picks the other
        block(b"\xff" * 32, sizes=(2, size), ratio=EVEN)
