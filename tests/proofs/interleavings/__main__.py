"""
Tries every pair of acts, and some triples, on one order in every order of their AWS calls.

`python -m tests.proofs.interleavings`; only some: `--only send`; one order again, as it was
printed: `--replay 0,1,1,0 due send end`. Exits with 1 if a rule is broken.
"""

import argparse
import os
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

from rich.console import Console
from rich.progress import track

from tests.proofs.interleavings.acts import cases
from tests.proofs.interleavings.explore import MOMENTS, replay, tried


def main(arguments: Sequence[str]) -> int:
    """Try what is asked for; 0 if all is well."""
    parser = argparse.ArgumentParser(prog="tests.proofs.interleavings", description=__doc__)
    parser.add_argument("--only", help="those with this act")
    parser.add_argument("--replay", nargs="+", metavar="PRINTED", help="one order again")
    parser.add_argument("--processes", type=int, help="default: one for each core")
    given = parser.parse_args(arguments)
    console = Console(file=sys.stdout, highlight=False)
    if given.replay:
        choices, moment, *names = given.replay
        trace = replay(
            MOMENTS[moment](), *names, choices=[int(each) for each in choices.split(",")]
        )
        console.print("\n".join(trace), markup=False)
        return 0
    chosen = [case for case in cases() if given.only in (None, *case[1:])]
    began, states, endings, wrong = time.monotonic(), 0, 0, 0
    with ProcessPoolExecutor(given.processes or os.cpu_count() or 1, get_context("spawn")) as pool:
        lives = pool.map(tried, chosen)
        for case, found in track(
            zip(chosen, lives, strict=True),
            "interleaved",
            len(chosen),
            console=console,
            disable=not console.is_terminal,
        ):
            states += found.states
            endings += found.endings
            console.print(
                f"{', '.join(case)}: {found.states} states, {found.endings} endings", markup=False
            )
            if found.wrong:
                wrong += 1
                said = ",".join(map(str, found.choices))
                console.print(f"{found.wrong}\n  {' | '.join(found.trace)}", markup=False)
                quoted = " ".join(f'"{each}"' for each in case)
                console.print(f"  --replay {said} {quoted}", markup=False)
    seconds = time.monotonic() - began
    console.print(
        f"{len(chosen)} pairs and triples, {states:,} states, {endings:,} endings, "
        f"{seconds:.0f} s; wrong: {wrong}"
    )
    return int(bool(wrong))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
