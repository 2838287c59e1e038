"""Every order of two acts; here those that meet most often, all of them by make interleavings."""

from __future__ import annotations

from math import comb
from typing import TYPE_CHECKING

import pytest

from sending import send
from tests.proofs.interleavings.acts import due, fresh, pairs
from tests.proofs.interleavings.explore import explore, replay
from tests.proofs.interleavings.turns import Op, Turns, orders
from trial import open_claims

if TYPE_CHECKING:
    from uuid import UUID

    from tests.proofs.interleavings.world import World


@pytest.fixture(scope="module")
def moment() -> tuple[World, UUID]:
    return due()


@pytest.mark.parametrize("other", ["send", "suppress", "pause", "receipt"])
def test_whatever_comes_between_its_calls_a_text_goes_once_or_not(
    moment: tuple[World, UUID], other: str
) -> None:
    found = explore(moment, "send", other)
    assert found.wrong is None, found
    assert found.orders > 1


@pytest.mark.parametrize(("one", "other"), [("allocate", "allocate"), ("allocate", "number")])
def test_whatever_comes_between_its_calls_an_order_is_drawn_once_or_not(
    one: str, other: str
) -> None:
    found = explore(fresh(), one, other)
    assert found.wrong is None, found
    assert found.orders > 1


def test_a_number_that_changes_while_an_end_is_followed_up_fails_nobody() -> None:
    found = explore(fresh(), "custody", "number")
    assert found.wrong is None, found


def test_a_wait_that_is_left_out_is_found_and_its_order_replays(
    moment: tuple[World, UUID], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("operations.context.outlast_claims", lambda _: None)
    found = explore(moment, "send", "suppress")
    assert found.wrong
    assert "after the answer" in found.wrong
    with pytest.raises(AssertionError, match="after the answer"):
        replay(moment, "send", "suppress", found.choices)


def test_a_claim_that_is_published_late_is_found(
    moment: tuple[World, UUID], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(send, "BEGIN_WITHIN", 2 * open_claims.OUTLASTED)
    assert explore(moment, "send", "pause").wrong


@pytest.mark.parametrize("calls", [(1, 1), (2, 2), (3, 2), (4, 4)])
def test_every_order_of_calls_that_meet_is_tried_once(calls: tuple[int, int]) -> None:
    seen = tried(calls, ("same", "same"))
    assert len(seen) == len(set(seen)) == comb(sum(calls), calls[0])


def test_of_orders_that_come_to_the_same_one_is_tried() -> None:
    assert len(tried((4, 4), ("one", "other"))) == 1


def tried(calls: tuple[int, int], touched: tuple[str, str]) -> list[tuple[int, ...]]:
    """The orders in which two acts make so many calls, each of what it touches."""
    made: list[int] = []

    def run(turns: Turns) -> None:
        made.clear()

        def act(place: int) -> None:
            op = Op("write", writes=frozenset({touched[place]}))
            for _ in range(calls[place]):
                turns.gate(op, lambda: made.append(place))

        turns.run([("one", lambda: act(0)), ("other", lambda: act(1))])

    return [tuple(made) for _ in orders(run)]


def test_every_two_acts_are_among_the_pairs() -> None:
    listed = list(pairs())
    names = {name for pair in listed for name in pair}
    assert len(listed) == len(set(listed)) == len(names) * (len(names) + 1) // 2
