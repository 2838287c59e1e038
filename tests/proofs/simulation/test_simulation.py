"""A few seeds in every run; `python -m tests.proofs.simulation` runs more."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from collections import Counter

import pytest

from tests.proofs.simulation.faults import CALLS, TEXTS, Fault
from tests.proofs.simulation.run import ACTS, run
from tests.support.samples import ROOT

SEEDS = range(120)
PARTS = 5


@pytest.mark.parametrize("part", range(PARTS))
def test_whatever_fails_no_rule_of_the_trial_is_broken(part: int) -> None:
    seen: Counter[Fault] = Counter()
    counted: Counter[str] = Counter()
    for seed in SEEDS[part::PARTS]:
        report = run(seed)
        again = f"python -m tests.proofs.simulation --seed {seed} --trace"
        assert report.violation is None, f"{report.violation}: {again}"
        seen += report.faults
        counted += report.counted
    print(f"{counted['texts']} texts; {dict(seen)}")  # noqa: T201 - shown by pytest -rP
    few = {Fault.FIRING_LOST, Fault.OPTED_OUT, Fault.POISONED, Fault.REORDERED}
    assert set(Fault) - few - (TEXTS.keys() - CALLS.keys()) <= set(seen)
    assert {"texts", *ACTS} <= set(counted)


def digest(seed: int) -> str:
    return hashlib.sha256("\n".join(run(seed, traced=True).trace).encode()).hexdigest()


def test_a_seed_gives_the_same_story_every_time_and_in_every_process() -> None:
    seeds = range(4)
    command = (
        "from tests.proofs.simulation.test_simulation import digest; print(*map(digest, range(4)))"
    )
    told = subprocess.run(
        [sys.executable, "-c", command],
        cwd=ROOT,
        env=os.environ | {"PYTHONHASHSEED": "1", "PYTHONPATH": "functions:layers/common:."},
        capture_output=True,
        text=True,
        check=True,
    )
    assert told.stdout.split() == [digest(seed) for seed in seeds]
