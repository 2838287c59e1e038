"""
Tries a deployment from end to end with orders about nobody: rehearsals, which no report counts.

Orders are enrolled, with a number that nobody has, until each arm has one. For control there must
be no reminder. For intervention each reminder must be scheduled, and the first must be sent when it
is due: after some minutes within the sending window. Each step goes through the deployed functions
with their own roles. In the end the orders are ended, so that nothing else goes.

Signs with the shell's credentials, which need the routes of upstream, statisticians and operations
(the stack's policies BlindedCaller and UnblindedCaller bar each other: use the deployer's).
Exit status: 0 if all is well, 1 if not, 2 if all is well so far but the first text is due later.
"""

import argparse
import secrets
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final
from urllib.parse import urlencode

from rich.console import Console

from commands.api import Api
from commands.arguments import described
from commands.deploy.rehearse import usual
from commands.deployed_stack import add_arguments
from trial.codes import Arm, EndReason, ReminderState, Status
from trial.protocol.load import CURRENT, load, versions
from trial.protocol.local_time import local_date
from trial.protocol.settings import Protocol

MOST_ORDERS: Final = 16
"""Among this many orders of one stratum both arms occur, for any block sizes up to 8."""

LONGEST_WAIT: Final = timedelta(minutes=30)
"""On AWS the command does not wait for a text due later than this: the window is closed."""

_STEP: Final = timedelta(seconds=5)
_PATIENCE: Final = timedelta(minutes=3)
_BY: Final = "smoke test"
_NUMBERS: Final = range(1000)  # 07700 900000 to 900999

SCHEDULED, PLANNED = ReminderState.SCHEDULED, ReminderState.PLANNED

Wait = Callable[[datetime], None]


class SmokeError(Exception):
    """A step that failed."""


@dataclass
class Smoke:
    """One run. `wait` lets time pass until then; `report` shows a step that is done."""

    api: Api
    protocol: Protocol
    order_type: str
    days: int | None
    wait: Wait
    longest_wait: timedelta
    report: Callable[[str], None]
    enrolled: list[str] = field(default_factory=list)

    def run(self) -> datetime | None:
        """All steps; when the first text is due, if that is too late to wait for."""
        before = self._counts()
        with self._ended():
            by_arm = self._drawn()
            self._nothing_for_control(by_arm[Arm.CONTROL])
            treated = by_arm[Arm.INTERVENTION]
            due = self._scheduled(treated)
            if due > datetime.now(UTC) + self.longest_wait:
                return due
            self._sent(treated, due)
        self._called_off(treated)
        if self._counts() != before:
            raise SmokeError("a report counts the rehearsals (or a real order came meanwhile)")
        self.report("No report counts them")
        return None

    def _counts(self) -> dict[str, Any]:
        return self._called("GET", "/reports/flow")

    def _drawn(self) -> dict[Arm, str]:
        """An order in each arm."""
        by_arm: dict[Arm, str] = {}
        run = secrets.token_hex(4)
        # Any numbers, for one that was texted today already gets no second text. All different, so
        # that no order of this run takes another's text.
        numbers = secrets.SystemRandom().sample(_NUMBERS, MOST_ORDERS)
        today = local_date(datetime.now(UTC), self.protocol.place.tz)
        for serial, number in enumerate(numbers):
            order = self._order(run, serial, number, today)
            body = self._called("POST", "/enrolments", order)
            ident = body["enrolment_id"]
            self.enrolled.append(ident)
            if body["status"] != Status.ELIGIBLE:
                raise SmokeError(f"an order is {body['status']}: {', '.join(body['reasons'])}")
            self._until_allocated(ident)
            by_arm.setdefault(Arm(self._allocation(ident)["arm"]), ident)
            if len(by_arm) == len(Arm):
                self.report(f"Enrolled and drawn: {len(self.enrolled)} orders, one in each arm")
                return by_arm
        raise SmokeError(f"{MOST_ORDERS} orders went to one arm")

    def _order(self, run: str, serial: int, number: int, today: date) -> dict[str, Any]:
        _, conditions = usual(self.protocol.order_type(self.order_type))
        last = today + timedelta(days=self.days - 1) if self.days else None
        order = {
            "type": self.order_type,
            "reference": f"REHEARSAL-{run}-{serial}",
            "force": "rehearsal",
            "court": "Rehearsal",
            "made_on": today.isoformat(),
            "served_on": today.isoformat(),
            "conditions": conditions,
            "authorising_superintendent": _BY,
        }
        return {
            "event_id": f"rehearsal-{run}-{serial}",
            "rehearsal": True,
            "order": order | ({"expires_on": last.isoformat()} if last else {}),
            "respondent": {
                "person_id": f"rehearsal-{run}-{serial}",
                "date_of_birth": "1980-01-01",
                "sex": "male",
            },
            "mobile": {"number": f"+447700900{number:03}"},
        }

    def _until_allocated(self, ident: str) -> None:
        def allocated() -> bool:
            return bool(self._called("GET", f"/enrolments/{ident}")["status"] == Status.ALLOCATED)

        self._until(allocated, f"order {ident} is not drawn: see the function allocation")

    def _nothing_for_control(self, ident: str) -> None:
        if self._allocation(ident)["reminders"]:
            raise SmokeError("an order in control has reminders")
        self.report("Control gets nothing")

    def _scheduled(self, ident: str) -> datetime:
        """When the first reminder is due, once all of them are scheduled."""
        expected = len(self._called("GET", f"/timetable?{self._shape()}")["reminders"])

        def scheduled() -> bool:
            # An order without an end is scheduled only as far ahead as its protocol says.
            planned = len(self._in(ident, PLANNED))
            return not planned or (self.days is None and planned < expected)

        self._until(scheduled, "its reminders have no schedules: see the function scheduling")
        if len(known := self._allocation(ident)["reminders"]) != expected:
            raise SmokeError(f"{len(known)} reminders are planned, not {expected}")
        scheduled_now = expected - len(self._in(ident, PLANNED))
        self.report(f"Scheduled: {scheduled_now} of {expected} reminders")
        # The first may be sent already, if it took many orders to reach the other arm.
        return min(datetime.fromisoformat(each["due_at"]) for each in known)

    def _in(self, ident: str, state: ReminderState) -> list[dict[str, Any]]:
        """The order's reminders in a state."""
        return [each for each in self._allocation(ident)["reminders"] if each["state"] == state]

    def _shape(self) -> str:
        today = local_date(datetime.now(UTC), self.protocol.place.tz)
        shape = self._order("", 0, 0, today)["order"]
        given = {name: shape[name] for name in ("type", "made_on", "expires_on") if name in shape}
        return urlencode(given | {"conditions": shape["conditions"]}, doseq=True)

    def _sent(self, ident: str, due: datetime) -> None:
        self.report(f"The first text is due at {due:%H:%M:%S} UTC: waiting for it")
        self.wait(due)

        def sent() -> bool:
            first = self._first(ident, due)
            if first["state"] not in {SCHEDULED, ReminderState.CLAIMED, ReminderState.SENT}:
                raise SmokeError(f"the first text is {first['state']}: {first['reason']}")
            return bool(first["state"] == ReminderState.SENT)

        self._until(sent, "the first text is not sent: see the function sending")
        self.report("Sent, to a number that nobody has")

    def _first(self, ident: str, due: datetime) -> dict[str, Any]:
        reminders: list[dict[str, Any]] = self._allocation(ident)["reminders"]
        return next(e for e in reminders if datetime.fromisoformat(e["due_at"]) == due)

    def _called_off(self, ident: str) -> None:
        def called_off() -> bool:
            return not (self._in(ident, PLANNED) or self._in(ident, SCHEDULED))

        self._until(called_off, "its reminders outlast its end: see the function scheduling")
        self.report("Ended, and the remaining reminders are called off")

    def _until(self, done: Callable[[], bool], complaint: str) -> None:
        """Look until it is there. Raises SmokeError with the complaint if it takes too long."""
        deadline = datetime.now(UTC) + _PATIENCE
        while not done():
            if datetime.now(UTC) > deadline:
                raise SmokeError(f"after {_PATIENCE.seconds // 60} minutes {complaint}")
            self.wait(datetime.now(UTC) + _STEP)

    @contextmanager
    def _ended(self) -> Iterator[None]:
        """End every order of this run, even if a step failed."""
        try:
            yield
        finally:
            for ident in self.enrolled:
                body = {
                    "reason": EndReason.RECORDED_IN_ERROR,
                    "at": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}",
                    "by": _BY,
                }
                self._called("POST", f"/enrolments/{ident}/end", body)

    def _allocation(self, ident: str) -> dict[str, Any]:
        return self._called("GET", f"/allocations/{ident}")

    def _called(self, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        answer = self.api.call(method, path, body)
        if answer.refused:
            why = "; ".join(answer.reasons)
            raise SmokeError(f"{method} {path.partition('?')[0]}: {answer.status}, {why}")
        return answer.body


def options(arguments: list[str] | None) -> argparse.Namespace:
    """The parsed command line."""
    parser = described("make smoke", __doc__, as_written=True)
    parser.add_argument(
        "--protocol", default=CURRENT, choices=versions(), help="the deployed one: %(default)s"
    )
    parser.add_argument("--type", help="of order; default: the protocol's first")
    add_arguments(parser)
    return parser.parse_args(arguments)


def run(given: argparse.Namespace, api: Api, wait: Wait, longest_wait: timedelta) -> int:
    """Try the deployment, and show each step; the exit status."""
    console = Console(highlight=False)
    console.print(f"Trying {api.url} with orders about nobody")
    protocol = load(given.protocol)
    name = given.type or next(iter(protocol.orders))
    smoke = Smoke(
        api=api,
        protocol=protocol,
        order_type=name,
        days=usual(protocol.order_type(name))[0],
        wait=wait,
        longest_wait=longest_wait,
        report=lambda step: console.print(f"  [green]ok[/]  {step}"),
    )
    try:
        due = smoke.run()
    except SmokeError as error:
        console.print(f"  [red]no[/]  {error}", soft_wrap=True)
        return 1
    if due:
        console.print(
            f"All is well so far, but the sending window is closed: the first text would be due "
            f"at {due:%Y-%m-%d %H:%M} UTC. The orders are ended; try again within the window.",
            soft_wrap=True,
        )
        return 2
    console.print("The deployment works from end to end.")
    return 0


def in_real_time(until: datetime) -> None:
    """Let time pass, with a count-down for longer waits."""
    with Console().status("") as status:
        while (left := (until - datetime.now(UTC)).total_seconds()) > 0:
            status.update(f"{left:.0f} s")
            time.sleep(min(left, 1))


def main() -> None:
    """Try the stack on AWS that the command line names."""
    given = options(None)
    sys.exit(run(given, Api.named_by(given), in_real_time, LONGEST_WAIT))


if __name__ == "__main__":
    main()
