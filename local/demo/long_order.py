"""
Runs 18-month orders in a minute or two: each is varied twice and then discharged.

It starts a stack of its own under a protocol whose orders may be varied, posts orders until each
arm has one, walks through their lives, prints every text of the one in intervention, checks them
and stops the stack. Exits with an error if a check fails.
"""

from __future__ import annotations

import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from commands import moved_clock
from commands.api import Api
from commands.arguments import described
from local.emulator import emulator, stack
from local.emulator.carrier import Carrier, Habits
from local.emulator.clock import Clock, next_stop, settle
from local.emulator.order import an_order
from trial.codes import Arm, Condition, Language
from trial.protocol.dates import written
from trial.protocol.load import ProtocolError, load

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable, Mapping, Sequence

    from commands.deployed_stack import LocalStack
    from trial.protocol.settings import Protocol

DAYS = 548

MOST_ORDERS = 16
"""A run of this many in one arm is practically impossible: blocks have at most six."""

ENDLESS, ENDING, DISCHARGED, OVER = (
    timedelta(days=days, hours=10.5) for days in (90, 270, 420, DAYS + 14)
)


Act: TypeAlias = tuple[str, str, dict[str, Any]]
"""A request: its method, path and body."""


@dataclass
class Life:
    """One order, its arm, and the texts to its number, each with its local time."""

    enrolment_id: str
    body: dict[str, Any]
    arm: Arm
    texts: list[tuple[datetime, str]] = field(default_factory=list)

    @property
    def order(self) -> dict[str, Any]:
        """The order as it was made."""
        made: dict[str, Any] = self.body["order"]
        return made

    @property
    def last_day(self) -> str:
        """Its last day, as its texts write it."""
        language = Language(self.body["respondent"]["language"])
        return written(date.fromisoformat(self.order["expires_on"]), language)


class LongOrderPlayer:
    """Plays upstream and the carrier to a stack whose clock moves."""

    def __init__(self, running: LocalStack, protocol: Protocol, type_: str) -> None:
        self.zone = protocol.place.tz
        # The nightly run comes twice in the time that schedules look ahead: none is missed.
        self.stride = timedelta(days=protocol.order_type(type_).schedule_ahead_days or 1) / 2
        self.api, self.port = Api.local(running), running.port
        self.clock = Clock(Path(running.clock_file))
        self.carrier = Carrier.of(running, Habits(failures=0, late=0, repeated=0))
        self.seen: set[str] = set()

    def ask(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:  # noqa: ANN401
        """The API's answer, which must be a success, once all resulting work is done."""
        answer = self.api.call(method, path, body)
        if answer.status >= 300:  # noqa: PLR2004 - HTTP's
            raise RuntimeError(f"{method} {path} answered {answer.status}: {answer.body}")
        settle(self.port)
        return answer.body

    def report(self, acts: Iterable[Act]) -> None:
        """Report changes at once: each answer waits until no claimed text can still go."""
        with ThreadPoolExecutor() as pool:
            for done in [pool.submit(self.ask, *act) for act in acts]:
                done.result()

    def walk(self, to: datetime, lives: Sequence[Life]) -> None:
        """Walk from one due text to the next, and often enough for the nightly run."""
        while (now := self.clock.now()) < to:
            once, _ = settle(self.port)
            self.clock.jump(min(next_stop(once), now + self.stride, to))
            settle(self.port)
            self.look(lives)

    def now(self) -> datetime:
        """The moved clock's local time."""
        return self.clock.now().astimezone(self.zone)

    def look(self, lives: Sequence[Life]) -> None:
        """Record new texts, and let the carrier answer them."""
        texts, now = emulator.texts(self.port), self.now()
        for text in texts:
            if text["MessageId"] not in self.seen:
                self.seen.add(text["MessageId"])
                for life in lives:
                    if life.body["mobile"]["number"] == text["PhoneNumber"]:
                        life.texts.append((now, text["Message"]))
        self.carrier.answer(texts, now)


def drawn(player: LongOrderPlayer, protocol: Protocol, type_: str) -> list[Life]:
    """Post orders until each arm has one; returns one per arm. A second of an arm is withdrawn."""
    lives: dict[Arm, Life] = {}
    for number in range(MOST_ORDERS):
        if len(lives) == len(Arm):
            return list(lives.values())
        body = an_order(number, player.now().date(), type_=type_, days=DAYS)
        body["respondent"]["language"] = list(protocol.wordings)[number % len(protocol.wordings)]
        posted = player.ask("POST", "/enrolments", body)["enrolment_id"]
        arm = Arm(player.ask("GET", f"/allocations/{posted}")["arm"])
        life = Life(posted, body, arm)
        if arm in lives:
            player.report([_ended(life, player.now(), "recorded_in_error")])
        else:
            lives[arm] = life
    raise RuntimeError("all orders were drawn into one arm")


def play(
    player: LongOrderPlayer, protocol: Protocol, type_: str
) -> tuple[list[Life], list[datetime]]:
    """The orders' lives, and the times of the three events that happened to all of them."""
    start = player.clock.now()
    lives = drawn(player, protocol, type_)
    moments = [start + after for after in (ENDLESS, ENDING, DISCHARGED, OVER)]
    acts = (_endless, _ending, _discharged)
    columns = TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn()
    with Progress(*columns) as progress:
        bar = progress.add_task("", total=len(moments))
        for moment, act in zip(moments, (*acts, None), strict=True):
            player.walk(moment, lives)
            if act:
                player.report(act(each, player.now()) for each in lives)
            player.look(lives)
            progress.update(bar, advance=1, description=f"{player.clock.now():%a %d %b %Y}")
    return lives, moments


def _endless(life: Life, now: datetime) -> Act:
    wider = [*life.order["conditions"], Condition.PROGRAMME]
    order = {name: value for name, value in life.order.items() if name != "expires_on"}
    return _varied(life, order | {"conditions": wider}, now)


def _ending(life: Life, now: datetime) -> Act:
    return _varied(life, life.order, now)


def _varied(life: Life, order: Mapping[str, Any], now: datetime) -> Act:
    body = {"order": order, "varied_on": f"{now.date()}", "by": "PC-1182"}
    return "POST", f"/enrolments/{life.enrolment_id}/variation", body


def _discharged(life: Life, now: datetime) -> Act:
    return _ended(life, now, "discharged")


def _ended(life: Life, now: datetime, reason: str) -> Act:
    body = {"reason": reason, "at": now.isoformat(timespec="seconds"), "by": "PC-1182"}
    return "POST", f"/enrolments/{life.enrolment_id}/end", body


def verdicts(
    lives: Sequence[Life], moments: Sequence[datetime], recorded: Mapping[str, list[Any]]
) -> dict[str, bool]:
    """Each check of these lives by its title, and whether it passed."""
    treated = [each for each in lives if each.arm is Arm.INTERVENTION]
    control = [each for each in lives if each.arm is Arm.CONTROL]
    endless, ending, discharged, _ = moments
    return {
        "Control got nothing, and nothing was planned for it": not any(
            each.texts or recorded[each.enrolment_id] for each in control
        ),
        "Every text was recorded, and every one recorded came": all(
            len(each.texts) == sum(bool(text["sent_at"]) for text in recorded[each.enrolment_id])
            for each in treated
        ),
        "Texts came in each part of the order's life": all(
            any(since <= at < until for at, _ in each.texts)
            for each in treated
            for since, until in pairwise([moments[0] - ENDLESS, endless, ending, discharged])
        ),
        "A separate text announced each variation": all(
            sum(text["theme"] == "varied" for text in recorded[each.enrolment_id]) == 2  # noqa: PLR2004
            for each in treated
        ),
        "Texts give a last day only while the order has one": all(
            any(each.last_day in text for at, text in each.texts if since <= at < until) == ends
            for each in treated
            for since, until, ends in (
                (moments[0] - ENDLESS, endless, True),
                (endless, ending, False),
                (ending, discharged, True),
            )
        ),
        "Once discharged nobody was texted": not any(
            at > discharged for each in lives for at, _ in each.texts
        ),
        "The same text never came twice in a row, and no two on one day": not any(
            one == other or at.date() == then.date()
            for each in treated
            for (at, one), (then, other) in pairwise(each.texts)
        ),
    }


def conclude(console: Console, lives: Sequence[Life], found: Mapping[str, bool]) -> bool:
    """Print the texts to the intervention order, and the checks; returns whether all passed."""
    shown = next(each for each in lives if each.arm is Arm.INTERVENTION)
    table = Table("Day", "Text", box=None, padding=(0, 2, 0, 0))
    for at, text in shown.texts:
        table.add_row(f"{at:%d %b %Y}", text)
    console.print(table)
    for title, holds in found.items():
        console.print("[green]✓[/]" if holds else "[bold red]✗[/]", title)
    return all(found.values())


def options() -> argparse.Namespace:
    """The parsed command line."""
    parser = described("python -m local.demo.long_order", __doc__)
    parser.add_argument("--protocol", required=True, help="such as dapo-2027-1")
    stack.add_port(parser)
    return parser.parse_args()


def variable_type(version: str) -> tuple[Protocol, str]:
    """The protocol and its variable type of order; exits if there is none."""
    try:
        protocol = load(version)
    except ProtocolError as error:
        sys.exit(f"The protocol cannot be used: {error}")
    for name, each in protocol.orders.items():
        if each.may_be_varied and each.open_ended and not each.why_not_days(DAYS):
            return protocol, name
    sys.exit(f"{version} has no orders that may be varied and have no end: make demo shows others.")


def main() -> None:
    """Start the stack, play the orders' lives, report and stop the stack."""
    given = options()
    protocol, type_ = variable_type(given.protocol)
    began, console = time.monotonic(), Console(highlight=False)
    with stack.for_one_run(given.port, protocol.version) as running:
        moved_clock.follow(running.clock_file)
        player = LongOrderPlayer(running, protocol, type_)
        morning = (player.now() + timedelta(days=1)).replace(hour=9, minute=30, second=0)
        player.clock.jump(morning.astimezone(UTC))
        settle(running.port)
        lives, moments = play(player, protocol, type_)
        recorded = {
            life.enrolment_id: player.ask("GET", f"/allocations/{life.enrolment_id}")["reminders"]
            for life in lives
        }
    well = conclude(console, lives, verdicts(lives, moments, recorded))
    console.print(f"18 months in {time.monotonic() - began:.0f} s.")
    if not well:
        sys.exit("The run failed: see the failed checks above.")


if __name__ == "__main__":
    main()
