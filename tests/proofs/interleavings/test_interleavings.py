"""Acts in every order of their calls: some that interact here, all by make interleavings."""

from collections import Counter
from collections.abc import Hashable
from dataclasses import dataclass
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sending import send
from tests.proofs.interleavings.acts import ACTS, cases, due, fresh, old
from tests.proofs.interleavings.explore import explore, replay
from tests.proofs.interleavings.turns import Op, Orders, ready
from tests.proofs.interleavings.world import SmallWorld
from trial import open_claims


@pytest.fixture(scope="module")
def moment() -> tuple[SmallWorld, UUID]:
    return due()


@pytest.mark.parametrize("other", ["send", "suppress", "pause", "receipt"])
def test_a_text_goes_at_most_once_in_every_interleaving(
    moment: tuple[SmallWorld, UUID], other: str
) -> None:
    found = explore(moment, "send", other)
    assert found.wrong is None, found
    assert found.endings > 1


@pytest.mark.parametrize(("one", "other"), [("allocate", "allocate"), ("allocate", "number")])
def test_an_order_is_drawn_at_most_once_in_every_interleaving(one: str, other: str) -> None:
    found = explore(fresh(), one, other)
    assert found.wrong is None, found
    assert found.endings > 1


def test_a_number_that_changes_during_an_end_s_follow_up_harms_nobody() -> None:
    found = explore(fresh(), "custody", "number")
    assert found.wrong is None, found


def test_a_missing_wait_is_found_and_its_interleaving_replays(
    moment: tuple[SmallWorld, UUID], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("operations.context.outlast_claims", lambda _: None)
    found = explore(moment, "send", "suppress")
    assert found.wrong
    assert "after the answer" in found.wrong
    with pytest.raises(AssertionError, match="after the answer"):
        replay(moment, "send", "suppress", choices=found.choices)


def test_a_claim_that_is_published_late_is_found(
    moment: tuple[SmallWorld, UUID], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(send, "BEGIN_WITHIN", 2 * open_claims.OUTLASTED)
    assert explore(moment, "send", "pause").wrong


@dataclass(frozen=True)
class Toy:
    """Acts that count in a memory: each call reads what it touches, and adds to it."""

    left: tuple[tuple[Op, ...], ...]
    held: tuple[tuple[str, int], ...] = ()
    heard: tuple[int, ...] = (0, 0)

    @property
    def pending(self) -> tuple[Op | None, ...]:
        return tuple(ops[0] if ops else None for ops in self.left)

    @property
    def state(self) -> Hashable:
        return self

    def after(self, place: int) -> "Toy":
        op, *rest = self.left[place]
        held = dict(self.held)
        read = sum(held.get(each, 0) for each in op.reads)
        held |= {each: held.get(each, 0) * 3 + place + 1 + self.heard[place] for each in op.writes}
        return Toy(
            tuple(tuple(rest) if each == place else ops for each, ops in enumerate(self.left)),
            tuple(sorted(held.items())),
            tuple(h * 7 + read if each == place else h for each, h in enumerate(self.heard)),
        )


def every_end(moment: Toy) -> set[Toy]:
    """The results of all orders, one by one."""
    ends = [every_end(moment.after(place)) for place in ready(moment)]
    return set().union(*ends) if ends else {moment}


PLACES = st.frozensets(st.sampled_from("abc"), max_size=2)
CALLS = st.lists(st.builds(Op, st.just("call"), PLACES, PLACES), max_size=4).map(tuple)


@settings(max_examples=60)
@given(CALLS, CALLS)
def test_every_result_is_reached_and_none_twice(one: tuple[Op, ...], other: tuple[Op, ...]) -> None:
    start, orders = Toy((one, other)), Orders()
    found = list(orders.endings(start))
    assert set(found) == every_end(start)
    assert len(found) == len(set(found))


def test_of_equivalent_interleavings_one_is_tried() -> None:
    ops = [Op("write", writes=frozenset({place})) for place in ("one", "other")]
    calls: list[int] = []

    class CountedToy(Toy):
        def after(self, place: int) -> "CountedToy":
            calls.append(place)
            following = super().after(place)
            return CountedToy(following.left, following.held, following.heard)

    assert len(list(Orders().endings(CountedToy(tuple((op,) * 4 for op in ops))))) == 1
    assert len(calls) == 24  # of the 40 between its 25 states


def test_every_pair_of_acts_is_among_the_cases() -> None:
    listed = list(cases())
    assert len(listed) == len(set(listed))
    pairs = len(ACTS) * (len(ACTS) + 1) // 2
    assert Counter(moment for moment, *names in listed if len(names) == 2) == {
        "fresh": pairs, "due": pairs, "old": len(ACTS)
    }  # fmt: skip
    assert all(name in ACTS for _, *names in listed for name in names)


def test_an_order_that_is_old_enough_loses_its_identifiers_whatever_else_happens() -> None:
    moment = old()
    for other in ("hold", "enrol again", "number"):
        found = explore(moment, "erase", other)
        assert found.wrong is None, found
        assert found.endings > 1
