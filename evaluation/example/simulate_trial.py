"""
Allocates synthetic people in memory, by a protocol, and shows how balanced the arms stay.

Nothing is stored or sent, and AWS is not called: a key made from the seed replaces the key in KMS.
The same seed gives the same trial.
"""

import argparse
import hmac
import random
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from itertools import count, product
from math import comb, prod
from pathlib import Path
from typing import TypeAlias

from rich import box
from rich.console import Console
from rich.progress import track
from rich.table import Table

from allocation.randomisation import block, message
from evaluation.report.charts.drawing import BLUE, GREY, nice_limits
from evaluation.report.charts.lines import Axes, PlottedLine, lines
from evaluation.report.page import rendered
from evaluation.report.parts import Section
from trial.codes import Arm
from trial.protocol import load as protocols
from trial.protocol.load import ProtocolError
from trial.protocol.settings import Protocol

MOST_PEOPLE = 1_000_000

Taken: TypeAlias = tuple[int, ...]
"""How many people of a block have each arm, in the order of `Arm`."""


@dataclass
class SimulatedStratum:
    """One stratum of a simulated trial, with somebody who guesses each arm."""

    id: str
    ratio: Mapping[Arm, int]
    blocks: Iterator[tuple[Arm, ...]]
    guesses: Mapping[Taken, Arm]
    block: tuple[Arm, ...] = ()
    position: int = 0
    whole_blocks: int = 0
    arms: Counter[Arm] = field(default_factory=Counter)
    guessed: int = 0
    imbalances: list[float] = field(default_factory=list)

    def allocate(self) -> None:
        """Take the next slot, after the guesser has named an arm for it."""
        seen = Counter(self.block[: self.position])
        guess = self.guesses[tuple(seen[arm] for arm in Arm)]
        if self.position == len(self.block):
            self.block, self.position = next(self.blocks), 0
        arm = self.block[self.position]
        self.position += 1
        self.whole_blocks += self.position == len(self.block)
        self.arms[arm] += 1
        self.guessed += arm is guess
        self.imbalances.append(self._imbalance())

    def _imbalance(self) -> float:
        """People ahead in intervention, or behind: at a ratio of 2:1 two of them count as one."""
        treated, untreated = (self.arms[a] / self.ratio[a] for a in (Arm.INTERVENTION, Arm.CONTROL))
        return treated - untreated


def simulate(protocol: Protocol, *, people: int, seed: int) -> list[SimulatedStratum]:
    """The strata after this many people, each equally likely to belong to any stratum."""
    key = sha256(f"simulated trial {seed}".encode()).digest()
    guesses, _ = best_guesses(protocol)
    strata = [
        SimulatedStratum(s.id, protocol.arms, sequence(protocol, key, s.id), guesses)
        for s in protocol.strata
    ]
    draw = random.Random(seed)  # noqa: S311  who comes is no secret, unlike which arm they get
    arrivals = draw.choices(strata, k=people)
    console = Console(stderr=True)
    for stratum in track(arrivals, "Allocating", console=console, disable=not console.is_terminal):
        stratum.allocate()
    return strata


def sequence(protocol: Protocol, key: bytes, stratum: str) -> Iterator[tuple[Arm, ...]]:
    """The blocks of a stratum, as the allocation function would derive them with KMS."""
    for number in count():
        text = message(trial=protocol.trial, stratum=stratum, block=number)
        mac = hmac.digest(key, text, "sha256")
        yield block(mac, sizes=protocol.block_sizes, ratio=protocol.arms)


def best_guesses(protocol: Protocol) -> tuple[dict[Taken, Arm], float]:
    """
    The likeliest arm after each part of a block, and how often that guess is right in the long run.

    The guesser knows the design, and the arm, block and position of everybody so far, but not the
    size of the current block. The convergence strategy of Blackwell and Hodges (1957),
    https://doi.org/10.1214/aoms/1177706973, for blocks of random size.
    """
    sizes, ratio = protocol.block_sizes, protocol.arms
    shares = sum(ratio.values())
    chances: dict[Taken, dict[Arm, float]] = defaultdict(lambda: dict.fromkeys(Arm, 0.0))
    for size in sizes:
        whole = [ratio[arm] * size // shares for arm in Arm]
        for taken in product(*(range(n + 1) for n in whole)):
            passed = prod(map(comb, whole, taken)) / comb(size, sum(taken))
            left = size - sum(taken)
            for arm, n, k in zip(Arm, whole, taken, strict=True):
                chances[taken][arm] += passed * ((n - k) / left if left else ratio[arm] / shares)
    guesses = {taken: max(Arm, key=chance.__getitem__) for taken, chance in chances.items()}
    # The first slot of all follows no other.
    rights = sum(chances[taken][arm] for taken, arm in guesses.items() if any(taken))
    return guesses, rights / sum(sizes)


HEADINGS = (
    *("Stratum", "People", "Control", "Intervention"),
    *("Greatest imbalance", "Whole blocks", "Guessed right"),
)


def rows(strata: Sequence[SimulatedStratum]) -> list[tuple[str, ...]]:
    """The result for each stratum, as a table."""
    return [
        (
            s.id,
            f"{s.arms.total():,}",
            f"{s.arms[Arm.CONTROL]:,}",
            f"{s.arms[Arm.INTERVENTION]:,}",
            f"{max(map(abs, s.imbalances), default=0):g}",
            f"{s.whole_blocks:,}",
            f"{s.guessed / s.arms.total():.1%}" if s.arms else "-",
        )
        for s in strata
    ]


def notes(protocol: Protocol) -> list[str]:
    """How to read the figures."""
    ratio = ":".join(str(protocol.arms[arm]) for arm in (Arm.INTERVENTION, Arm.CONTROL))
    sizes = ", ".join(map(str, protocol.block_sizes))
    _, rate = best_guesses(protocol)
    text = f"""\
Imbalance: people ahead in intervention (+) or in control (-), for a ratio of {ratio}. \
Blocks of {sizes} allow {bound(protocol):g} at most.
Guessed right: by one who knows the design, and the arm, block and position of everybody so far. \
The design allows {rate:.1%} in the long run, whatever the key."""
    return text.splitlines()


def bound(protocol: Protocol) -> float:
    """The greatest possible imbalance: all of one arm first, in the largest block."""
    return max(protocol.block_sizes) / sum(protocol.arms.values())


def page(protocol: Protocol, strata: Sequence[SimulatedStratum], *, seed: int) -> str:
    """A self-contained page: the figures, and a chart for each stratum."""
    balance = Section("balance", "Balance")
    balance.table("Each stratum", HEADINGS, rows(strata))
    for note in notes(protocol):
        balance.say(note)
    over_time = Section("over-time", "Imbalance over time")
    for stratum in strata:
        over_time.picture(*chart(stratum, bound(protocol)))
    people = sum(s.arms.total() for s in strata)
    return rendered(
        "simulated.html.jinja", [balance, over_time], protocol=protocol, people=people, seed=seed
    )


def chart(stratum: SimulatedStratum, limit: float) -> tuple[str, str]:
    """A caption, and the imbalance after each person as a step."""
    people = len(stratum.imbalances)
    lows, highs = (f(stratum.imbalances, default=0) for f in (min, max))
    caption = (
        f"Stratum {stratum.id}: imbalance after each of {people:,} people. "
        f"It stays from {lows:+g} to {highs:+g}; the band is what the design allows."
    )
    allowed = PlottedLine(
        name="what the design allows", colour=GREY, dash="4 4",
        xs=(0, people), ys=(0, 0), low=(-limit, -limit), high=(limit, limit),
    )  # fmt: skip
    found = PlottedLine(
        name="imbalance", colour=BLUE, xs=range(people + 1), ys=[0, *stratum.imbalances]
    )
    axes = Axes(
        x="People", y="Imbalance", x_limits=(0, people), y_limits=nice_limits(-limit, limit),
        y_tick="{:g}".format,
    )  # fmt: skip
    return caption, lines(caption, [allowed, found], axes, steps=True)


def people_wanted(text: str) -> int:
    """A number of people, as typed."""
    if not text.isdecimal() or not 1 <= int(text) <= MOST_PEOPLE:
        raise argparse.ArgumentTypeError(
            f"{text!r} is not a whole number from 1 to {MOST_PEOPLE}, written in digits only"
        )
    return int(text)


def parsed(arguments: Sequence[str] | None) -> argparse.Namespace:
    """The command line, or its help."""
    versions = protocols.versions()
    parser = argparse.ArgumentParser(
        prog="python -m evaluation.example.simulate_trial",
        description="Allocate synthetic people by a protocol, in memory, and show how even and "
        "how foreseeable the arms are: as a table here, and as a page with charts.",
    )
    add = parser.add_argument
    # fmt: off
    add("-n", dest="people", metavar="PEOPLE", type=people_wanted, default=1000,
        help="how many people to allocate (default: %(default)s)")
    add("--seed", type=int, default=1,
        help="another number is another trial; the same one, the same (default: %(default)s)")
    add("--protocol", choices=versions, default=versions[-1],
        help="version of the protocol (default: %(default)s)")
    add("-o", dest="folder", metavar="FOLDER", type=Path, default=Path("build/simulate-trial"),
        help="where index.html goes (default: %(default)s)")
    # fmt: on
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> None:
    """Simulate a trial, print its table and write its page."""
    wanted = parsed(arguments)
    try:
        protocol = protocols.load(wanted.protocol)
    except ProtocolError as error:
        sys.exit(str(error))
    strata = simulate(protocol, people=wanted.people, seed=wanted.seed)
    table = Table(*HEADINGS, box=box.SIMPLE_HEAD)
    for place, column in enumerate(table.columns):
        column.justify = "right" if place else "left"
        column.no_wrap = " " not in str(column.header)
    for row in rows(strata):
        table.add_row(*row)
    console = Console()
    console.print(table)
    console.print(*notes(protocol), sep="\n", highlight=False)
    path = wanted.folder / "index.html"
    try:
        wanted.folder.mkdir(parents=True, exist_ok=True)
        path.write_text(page(protocol, strata, seed=wanted.seed), encoding="utf-8")
    except OSError as error:
        sys.exit(f"cannot write {path}: {error.strerror}")
    print(f"Charts: {path}")


if __name__ == "__main__":
    main()
