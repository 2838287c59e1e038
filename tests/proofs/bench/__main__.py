"""
What the functions use: time, calls, units and money, by the amount of data; and their limits.

`python -m tests.proofs.bench` prints one table and writes it to build/bench.json. Times are ratios
to a bare handler that is measured in turns with ours, so that they hold on any machine.
`--only cold warm` measures those again, and keeps the other figures.
"""

import argparse
import json
import sys
from collections import Counter
from collections.abc import Callable
from functools import partial
from typing import Any

from rich.console import Console
from rich.progress import Progress

from tests.proofs.bench import capacity, cold, cost, month, nightly, scale, tables, throughput, warm
from tests.proofs.bench.acts import LONG, SHORT, life
from tests.support.samples import ROOT

OUTPUT = ROOT / "build" / "bench.json"
WIDTH = 150  # of the table in a file
PROFILED = ("sending", "enrolment")

Part = tuple[str, int, "Callable[[Callable[[], None]], Any]"]

PARTS: tuple[Part, ...] = (
    ("cold", (cold.TURNS + 1) * len(cold.CLIENTS), cold.ratios),
    ("imports", 1, lambda _: {each: cold.profile(each) for each in PROFILED}),
    ("warm", warm.ROUNDS * len(warm.MEASURED), warm.ratios),
    ("acts", 1, lambda _: {f"{days} days": counted(days) for days in (SHORT, LONG)}),
    ("cost", 1, lambda _: cost.table(life(SHORT), life(LONG))),
    ("month", 1, lambda _: month.at_sizes(life(SHORT))),
    ("scale", len(scale.SIZES), scale.at_sizes),
    ("nightly", len(nightly.SIZES), nightly.at_sizes),
    ("proof", len(nightly.PROVEN), nightly.proven_at_sizes),
    ("capacity", 1, lambda _: capacity.table(life(SHORT))),
    ("throughput", throughput.ROUNDS, throughput.measured),
)


def main(arguments: list[str]) -> int:
    """Measure, print, write."""
    names = [name for name, _, _ in PARTS]
    parser = argparse.ArgumentParser(prog="tests.proofs.bench", description=__doc__)
    parser.add_argument("--only", nargs="+", choices=names, default=names)
    chosen = parser.parse_args(arguments).only
    console = Console(file=sys.stdout, highlight=False)
    if not console.is_terminal:
        console.width = WIDTH
    found = json.loads(OUTPUT.read_text()) if chosen != names and OUTPUT.exists() else {}
    with Progress(console=console, transient=True, disable=not console.is_terminal) as bar:
        for name, steps, measure in PARTS:
            if name in chosen:
                task = bar.add_task(name, total=steps)
                found[name] = measure(partial(bar.advance, task))
                bar.update(task, completed=steps)
    OUTPUT.parent.mkdir(exist_ok=True)
    text = json.dumps(found, indent=2, default=str)
    OUTPUT.write_text(text + "\n")
    if missing := [name for name in names if name not in found]:
        console.print(f"{OUTPUT} lacks {', '.join(missing)}: leave --only out for the table")
        return 0
    console.print(tables.shown(json.loads(text)))
    missed = [goal for goal, met in tables.goals(json.loads(text)) if not met]
    if missed:
        console.print(f"not met: {'; '.join(missed)}")
    return 0


def counted(days: int) -> dict[str, Any]:
    """Calls, units and bytes of one treated order; of acts that come again, of the first."""
    lived = life(days)
    return {
        "first": {
            act: {
                "calls": Counter(call.name for call in works[0].calls),
                "reads": works[0].reads,
                "writes": works[0].writes,
                "logged": works[0].logged,
            }
            for act, works in lived.works.items()
        },
        "reminders": len(lived.works["sending"]),
        "stored": lived.stored,
    }


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
