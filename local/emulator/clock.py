"""
Moves the local system's clock, which keeps ticking from there.

By default the clock walks from one due schedule to the next, and waits each time until everything
that the schedule started is done: nothing is late, and everything happens in order. With --jump the
clock leaps, and schedules due in between are late, as after a stall. Without a time, prints it.
"""

import argparse
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import time_machine
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from commands import moved_clock
from commands.arguments import moment, span
from commands.deployed_stack import LocalStack
from local.emulator import emulator
from local.emulator.carrier import Carrier, Habits
from local.emulator.launcher import WORK_PAGE
from local.emulator.stack import unwind_on_signals

# Schedules due this soon after another fire together with it: no later than on AWS.
TOGETHER = timedelta(minutes=1)
# A walk stops for recurring schedules at most this often (they also fire at its other stops): often
# enough for reconciliation to help a reminder before it is stale.
RECURRING = timedelta(hours=3)
SETTLE_SECONDS = 60
QUIET_ANSWERS = 2
LAST = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True)
class Clock:
    """Real time plus the seconds that a file holds."""

    file: Path

    @property
    def offset(self) -> float:
        """How far ahead of real time it is, in seconds."""
        return float(self.file.read_text())

    def now(self) -> datetime:
        """The moved time, whether or not this process follows it."""
        return datetime.fromtimestamp(real_time() + self.offset, UTC)

    def jump(self, to: datetime) -> None:
        """Set the clock to this time at once, in every process."""
        self.refuse_past(to)
        emulator.write(self.file, f"{to.timestamp() - real_time():.6f}")

    def walk(self, to: datetime, port: int) -> Iterator[datetime]:
        """
        Stop at each due schedule until then; yields the time whenever all work is done.

        It also waits for work that the caller starts at a stop, and stops at new schedules.
        """
        self.refuse_past(to)
        settle(port)
        recurred = self.now()
        while (now := self.now()) < to:
            yield now
            once, recurring = settle(port)
            recurring = [max(due, recurred + RECURRING) for due in recurring]
            stop = min(next_stop(once), next_stop(recurring), to)
            self.jump(stop)
            settle(port)
            if stop >= min(recurring, default=LAST):
                recurred = stop
        yield now
        settle(port)  # the caller may jump next, which would cut off running work

    def refuse_past(self, to: datetime) -> None:
        """Raise ValueError for a time in the past: the clock never moves back."""
        now = self.now()
        if to < now:
            raise ValueError(
                f"Time only moves forward, and it is {now:%Y-%m-%dT%H:%M:%SZ} already."
            )


def real_time() -> float:
    """Seconds since 1970, even where time is moved."""
    hatch = time_machine.escape_hatch
    return hatch.time.time() if hatch.is_travelling() else time.time()


def next_stop(due: Sequence[datetime]) -> datetime:
    """Just after the first due schedule and those that may fire together with it."""
    together = [time for time in due if time <= due[0] + TOGETHER]
    return together[-1] + timedelta(seconds=1) if together else LAST


def settle(port: int) -> tuple[list[datetime], list[datetime]]:
    """Wait until all work is done; returns when one-off and recurring schedules are next due."""
    deadline = time.monotonic() + SETTLE_SECONDS
    quiet = 0
    while quiet < QUIET_ANSWERS:
        work = emulator.read_page(port, f"{WORK_PAGE}?wait")
        overdue = sum(due <= work["now"] for due in work["due"] + work["recurring"])
        quiet += 1
        if work["running"] or work["starting"] or work["unread"] or overdue:
            quiet = 0
            time.sleep(0.005)
            if time.monotonic() > deadline:
                raise TimeoutError(
                    f"{work['running']} invocations, {work['unread']} stream records and {overdue} "
                    f"due schedules are not done after {SETTLE_SECONDS} s: see {emulator.LOG}"
                )
    once, recurring = (
        [datetime.fromtimestamp(due, UTC) for due in work[kind]] for kind in ("due", "recurring")
    )
    return once, recurring


def main() -> None:
    """Move the clock, or print it."""
    parser = argparse.ArgumentParser(prog="python -m local.emulator.clock", description=__doc__)
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--to", type=moment, metavar="TIME", help="2026-12-05T09:00:00Z")
    where.add_argument("--by", type=span, metavar="SPAN", help="2d, 36h, 90m, 30s or 1d12h")
    parser.add_argument("--jump", action="store_true", help="jump, so that due schedules are late")
    options = parser.parse_args()
    unwind_on_signals()
    stack = LocalStack.load()
    clock = Clock(Path(stack.clock_file))
    to = clock.now() + options.by if options.by else options.to
    try:
        if to and options.jump:
            settle(stack.port)
            clock.jump(to)
        elif to:
            show(clock, to, stack)
    except (ValueError, TimeoutError) as error:
        sys.exit(str(error))
    except OSError as error:
        sys.exit(f"The emulator does not answer ({error}): see {emulator.LOG}")
    print(f"It is {clock.now():%a %d %b %Y %H:%M:%S} UTC.")


def show(clock: Clock, to: datetime, stack: LocalStack) -> None:
    """Walk, with a progress bar. A carrier without faults answers; `make carrier` has faults."""
    start = clock.now()
    moved_clock.follow(stack.clock_file)
    carrier = Carrier.of(stack, Habits(failures=0, late=0, repeated=0))
    columns = TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn()
    with Progress(*columns) as progress:
        bar = progress.add_task("", total=(to - start).total_seconds())
        for now in clock.walk(to, stack.port):
            carrier.answer(emulator.texts(stack.port), now)
            done = (now - start).total_seconds()
            progress.update(bar, completed=done, description=f"{now:%a %d %b %Y %H:%M} UTC")


if __name__ == "__main__":
    main()
