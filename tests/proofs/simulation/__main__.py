"""
Runs seeds, one after the other, and reports the faults and acts that occurred.

`python -m tests.proofs.simulation --seeds 1000`; one that failed: `... --seed 17 --trace`. Exits
with 1 if a seed fails, or if some kind of fault or act never happened in a hundred seeds.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import track
from rich.table import Table

from tests.proofs.simulation.faults import Fault
from tests.proofs.simulation.run import ACTS, run

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.proofs.simulation.run import SeedResult

_ENOUGH = 100  # seeds, for every kind of fault and act to happen
_NEWS = 500  # seeds, after which a log gets a line
_TAIL = 80  # lines of a failed seed's trace


def main(arguments: Sequence[str]) -> int:
    """Run the requested seeds; 0 if all pass."""
    parser = argparse.ArgumentParser(prog="tests.proofs.simulation", description=__doc__)
    parser.add_argument("--seeds", type=int, default=100, help="how many")
    parser.add_argument("--first", type=int, default=0, help="the first of them")
    parser.add_argument("--seed", type=int, help="only this one")
    parser.add_argument("--trace", action="store_true", help="print all that happened")
    given = parser.parse_args(arguments)
    seeds = range(given.first, given.first + given.seeds)
    if given.seed is not None:
        seeds = range(given.seed, given.seed + 1)
    console = Console(file=sys.stdout, highlight=False)
    counted: Counter[str] = Counter()
    faults: Counter[Fault] = Counter()
    with ProcessPoolExecutor(min(os.cpu_count() or 1, len(seeds)), get_context("spawn")) as pool:
        lives = pool.map(partial(run, traced=given.trace), seeds, chunksize=min(20, len(seeds)))
        for report in track(
            lives, "simulated", len(seeds), console=console, disable=not console.is_terminal
        ):
            counted += report.counted
            faults += report.faults
            if given.trace:
                console.print("\n".join(report.trace), markup=False)
            if report.violation:
                pool.shutdown(cancel_futures=True)
                _emit(report, console, traced=given.trace)
                return 1
            if not console.is_terminal and report.seed > seeds[0] and not report.seed % _NEWS:
                console.print(f"no violation up to seed {report.seed}")
    console.print(_summary(len(seeds), counted, faults))
    never: list[str] = [fault for fault in Fault if not faults[fault]]
    never += [act for act in ACTS if not counted[act]]
    if never and len(seeds) >= _ENOUGH:
        console.print(f"never happened: {', '.join(never)}")
        return 1
    return 0


def _emit(report: SeedResult, console: Console, *, traced: bool) -> None:
    if not traced:
        console.print("\n".join(report.trace[-_TAIL:]), markup=False)
    again = f"python -m tests.proofs.simulation --seed {report.seed} --trace"
    console.print(f"seed {report.seed}: {report.violation}\nall of it: {again}", markup=False)


def _summary(seeds: int, counted: Counter[str], faults: Counter[Fault]) -> Table:
    table = Table("", "times", title=f"{seeds} seeds")
    for name, times in counted.most_common():
        table.add_row(name, f"{times:,}")
    table.add_section()
    for fault in Fault:
        table.add_row(fault, f"{faults[fault]:,}")
    return table


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
