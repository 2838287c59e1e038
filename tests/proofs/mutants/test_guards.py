"""Every guard's entry matches the code."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.proofs.mutants.__main__ import witnesses
from tests.proofs.mutants.guards import GUARDS, Guard

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize("guard", GUARDS, ids=lambda guard: guard.prevents)
def test_the_code_of_a_guard_occurs_exactly_once_in_its_file(guard: Guard) -> None:
    assert (ROOT / guard.file).read_text().count(guard.snippet) == 1


def test_every_guard_has_a_witness_and_every_witness_is_a_test() -> None:
    named = witnesses()
    assert named.keys() == {guard.prevents for guard in GUARDS}
    for prevents, witness in named.items():
        file, _, test = witness.partition("::")
        assert f"def {test.partition('[')[0]}(" in (ROOT / file).read_text(), prevents


def test_no_guard_is_replaced_by_itself() -> None:
    assert [guard.prevents for guard in GUARDS if guard.snippet == guard.replacement] == []
