"""
Runs a month of the whole system in about a minute, checks it, and makes a page about it.

It starts a stack of its own, moves its clock to a morning twelve days before the next clock change,
posts made-up orders, walks to the end of the last one, draws the dashboard and stops the stack. If
a check fails, it names the order and exits with an error. The page is build/demo/index.html. The
same seed gives the same orders; the arms are drawn afresh.
"""

from __future__ import annotations

import sys
import time
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from commands.arguments import described
from commands.deployed_stack import ROOT, DeployedStack, LocalStack
from local.dashboard import dashboard
from local.demo.checks import DOSE, verdicts
from local.demo.orders import FEWEST, MOST, OrderStory, first_morning, synthetic_orders, zone
from local.demo.page.render import render
from local.demo.player import Player
from local.demo.run import Run
from local.demo.work import NumberFound, subscribe
from local.emulator import stack
from local.emulator.carrier import Habits
from local.emulator.clock import Clock
from trial.codes import Arm

if TYPE_CHECKING:
    import argparse

    from commands.api import Answer
    from local.demo.orders import SyntheticOrder

PAGE = ROOT / "build/demo/index.html"
AFTER_MIDNIGHT = timedelta(minutes=30)
FILLING = 40
"""Enough orders that no dashboard panel is empty by chance."""

FAULTS_ONLY = {"Records of the stream that failed"}
"""Panels that should be empty."""

CUSTODY_AFTER, DRILL_AFTER = timedelta(days=4), timedelta(days=9)
SHOWN = 8


def play(
    running: LocalStack, how_many: int, seed: int, morning: tuple[datetime, date], began: float
) -> Run:
    """Post each order at its time, walk past the end of the last one, and collect the results."""
    start, change = morning
    orders = synthetic_orders(how_many, seed=seed, start=start)
    last_day = max(order.expires_on for order in orders)
    end = datetime.combine(last_day + timedelta(days=1), datetime.min.time(), zone())
    end = end.astimezone(UTC) + AFTER_MIDNIGHT
    Clock(Path(running.clock_file)).jump(start)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.fields[texts]} texts"),
    )
    with Progress(*columns, TimeElapsedColumn()) as progress:
        player = Player(running, progress, end, Habits(seed=seed))
        answers: dict[str, tuple[Answer, ...]] = {}
        custody, drill = start + CUSTODY_AFTER, start + DRILL_AFTER
        digests = subscribe(running, superintendent_of_the_missing(orders))
        found: list[NumberFound] = []
        moments = {order.posted_at for order in orders} | {order.known_at for order in orders}
        for moment in sorted(moments | {custody, drill}):
            player.walk(moment)
            if moment == custody:
                take_one_of_each_arm(player, orders, answers, at=moment)
            elif moment == drill:
                player.drill()
            for order in orders:
                if order.posted_at == moment:
                    answers[order.reference] = player.post(order)
                elif order.found_at == moment:
                    before = player.waiting()
                    answers[order.reference] += (player.find(order, answers[order.reference][0]),)
                    found.append(NumberFound(order.reference, moment, before, player.waiting()))
        player.walk(end)
    return Run(
        seed=seed,
        started_at=start,
        ended_at=end,
        clock_change=change,
        cases=tuple(player.case(order, answers[order.reference]) for order in orders),
        texts=player.texts(),
        found=tuple(found),
        superintendent=digests.superintendent,
        digest=digests.last(),
        seconds=time.monotonic() - began,
    )


def superintendent_of_the_missing(orders: list[SyntheticOrder]) -> str:
    """Who authorised the first order whose number stays missing."""
    order = next(order for order in orders if order.kind is OrderStory.NO_NUMBER)
    return str(order.body["order"]["authorising_superintendent"])


def take_one_of_each_arm(
    player: Player,
    orders: list[SyntheticOrder],
    answers: dict[str, tuple[Answer, ...]],
    *,
    at: datetime,
) -> None:
    """The first on-time order of each arm: its respondent is taken into custody."""
    arms = set(Arm)
    for index, order in enumerate(orders):
        if order.kind is not OrderStory.ON_TIME:
            continue
        posted = answers[order.reference][0]
        if (arm := player.arm(posted)) in arms:
            arms -= {Arm(arm)}
            orders[index] = replace(order, kind=OrderStory.CUSTODY, taken_at=at)
            answers[order.reference] += player.take(order, posted)


def conclude(run: Run, page: Path, empty: list[str]) -> bool:
    """
    Check the run, write the page and print counts and checks; returns whether all passed.

    `empty` names the dashboard panels that should show something and do not.
    """
    found = verdicts(run) | {"Every panel of the dashboard has something to show": empty}
    page.parent.mkdir(parents=True, exist_ok=True)
    page.write_text(render(run, found), encoding="utf-8")
    console = Console(highlight=False)
    counts = Table("", "orders", *(f"{days} days" for days in DOSE), "texts")
    for arm in (Arm.INTERVENTION, Arm.CONTROL, None):
        cases = run.of(arm)
        lengths = [sum(case.order.days == days for case in cases) for days in DOSE]
        texts = sum(len(run.texts_to(case)) for case in cases)
        cells = [len(cases), *(lengths if arm else len(DOSE) * [0]), texts]
        counts.add_row(arm or "not randomised", *(str(cell or "-") for cell in cells))
    console.print(counts)
    for title, problems in found.items():
        console.print("[bold red]✗[/]" if problems else "[green]✓[/]", title)
        more = len(problems) - SHOWN
        for problem in [*problems[:SHOWN], *([f"and {more} more: see the page"] * (more > 0))]:
            console.print(f"    {problem}", markup=False, soft_wrap=True)
    pages = f"{run.seconds:.0f} s. The page: {page}; the dashboard: {dashboard.PAGE}"
    console.print(pages, markup=False, soft_wrap=True)
    return not any(found.values())


def options() -> argparse.Namespace:
    """The parsed command line."""
    parser = described("python -m local.demo.demo", __doc__)
    parser.add_argument(
        "--orders",
        type=int,
        default=FILLING,
        metavar="N",
        help=f"{FEWEST} to {MOST}; default: %(default)s",
    )
    parser.add_argument("--seed", type=int, default=1, help="which orders; default: 1")
    stack.add_port(parser)
    given = parser.parse_args()
    if not FEWEST <= given.orders <= MOST:
        parser.error(f"--orders must be {FEWEST} to {MOST}, for one of every kind to fit")
    return given


def main() -> None:
    """Start the stack, play the month, stop the stack and report."""
    given = options()
    began = time.monotonic()
    morning = first_morning(datetime.now(UTC))
    with stack.for_one_run(given.port) as running:
        run = play(running, given.orders, given.seed, morning, began)
        shown = dashboard.draw(DeployedStack.local(running))
        empty = [title for title in shown if title not in FAULTS_ONLY]
    if not conclude(run, PAGE, empty if given.orders >= FILLING else []):
        sys.exit("The run failed: see the failed checks above.")


if __name__ == "__main__":
    main()
