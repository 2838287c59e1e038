"""Plays upstream and the carrier to a stack whose clock moves, and records its texts."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from commands.api import Api
from local.demo.orders import OrderStory, zone
from local.demo.run import Case, DemoText, local
from local.emulator import emulator
from local.emulator.carrier import DELIVERED, Carrier, Habits, lines
from local.emulator.clock import Clock, settle

if TYPE_CHECKING:
    from rich.progress import Progress

    from commands.api import Answer
    from commands.deployed_stack import LocalStack
    from local.demo.orders import SyntheticOrder

# A little wider than the sending window, so that a text just outside it is noticed.
BY_DAY = time(8, 45), time(20, 15)
A_DAY = timedelta(days=1)
# The pause ends long before the window closes and before a reminder is stale, so that every text
# that waited is sent the same day.
LONGEST, A_LITTLE = timedelta(hours=4), timedelta(minutes=5)
OK, NOT_FOUND = 200, 404


class Player:
    """Moves a stack's clock, and plays everybody who uses the system meanwhile."""

    def __init__(
        self, running: LocalStack, progress: Progress, until: datetime, habits: Habits
    ) -> None:
        self.stack = running
        self.api = Api.local(running)
        self.clock = Clock(Path(running.clock_file))
        self.habits = habits
        self.carrier = Carrier.of(running, habits)
        self.seen: dict[str, tuple[dict[str, Any], datetime]] = {}
        self.progress = progress
        self.start = self.looked_at = self.clock.now()
        self.bar = progress.add_task("", total=(until - self.start).total_seconds(), texts=0)

    def walk(self, to: datetime) -> None:
        """Walk by day from one due reminder to the next; jump over nights, when none may be due."""
        while (now := self.clock.now()) < to:
            morning, evening = (datetime.combine(local(now), at, zone()) for at in BY_DAY)
            if morning <= now < evening:
                for stop in self.clock.walk(min(evening, to), self.stack.port):
                    self.look(stop)
            else:
                self.clock.jump(min(morning if now < morning else morning + A_DAY, to))
        settle(self.stack.port)
        self.look(self.clock.now())
        settle(self.stack.port)

    def look(self, now: datetime) -> None:
        """Record new texts, and write the receipts that the carrier would have sent by now."""
        texts = emulator.texts(self.stack.port)
        for text in texts:
            self.seen.setdefault(text["MessageId"], (text, now))
        self.carrier.answer(texts, now)
        self.looked_at = now
        self.progress.update(
            self.bar,
            completed=(now - self.start).total_seconds(),
            description=f"{local(now):%a %d %b %Y %H:%M}",
            texts=len(self.seen),
        )

    def texts(self) -> tuple[DemoText, ...]:
        """Every text so far, with the carrier's receipt."""
        texts = []
        for text, seen_at in self.seen.values():
            receipt = lines(text, self.habits, seen_at)[0]
            known = receipt.due_ms <= self.looked_at.timestamp() * 1000
            delivered = receipt.log == DELIVERED if known else None
            texts.append(DemoText(text["PhoneNumber"], text["Message"], seen_at, delivered))
        return tuple(texts)

    def post(self, order: SyntheticOrder) -> tuple[Answer, ...]:
        """Post the order as upstream does; one is posted twice, and one without a signature."""
        times = 2 if order.kind is OrderStory.REPEATED else 1
        signed = order.kind is not OrderStory.UNSIGNED
        return tuple(
            self.api.call("POST", "/enrolments", order.body, signed=signed) for _ in range(times)
        )

    def find(self, order: SyntheticOrder, posted: Answer) -> Answer:
        """Report a found number: the phone held as evidence has been returned."""
        path = f"/enrolments/{posted.body.get('enrolment_id')}/mobile"
        found = {"number": order.number, "resolved_how": "property_returned"}
        return self.api.call("PUT", path, found)

    def waiting(self) -> int:
        """The number of orders on the worklist."""
        page = self.show("/enrolments")
        return len(page["enrolments"]) if page else 0

    def arm(self, posted: Answer) -> str | None:
        """The posted order's arm, if it has one by now."""
        allocation = self.show(f"/allocations/{posted.body.get('enrolment_id')}")
        return allocation["arm"] if allocation else None

    def take(self, order: SyntheticOrder, posted: Answer) -> tuple[Answer, ...]:
        """Report the respondent's arrest and custody, after which no more texts go."""
        path = f"/enrolments/{posted.body.get('enrolment_id')}"
        at = self.clock.now().isoformat(timespec="seconds")
        arrest = {"outcome_id": f"ARREST-{order.reference}", "type": "arrest", "instrument": "dvpo"}
        end = {"reason": "in_custody", "at": at, "by": "PC-1182"}
        return (
            self.api.call("POST", f"{path}/outcomes", arrest | {"occurred_at": at}),
            self.api.call("POST", f"{path}/end", end),
        )

    def drill(self) -> None:
        """Pause all sending until a text has had to wait, then resume."""
        now = self.clock.now()
        due, _ = settle(self.stack.port)
        self.pause(paused=True)
        self.walk(min([*due[:1], now + LONGEST]) + A_LITTLE)
        self.pause(paused=False)

    def pause(self, *, paused: bool) -> None:
        """Pause all sending, or resume it."""
        switch = {"paused": paused, "reason": "A drill", "by": "ops-1"}
        answer = self.api.call("PUT", "/sending", switch)
        if answer.status != OK:
            raise RuntimeError(f"PUT /sending answered {answer.status}")

    def show(self, path: str) -> dict[str, Any] | None:
        """The API's answer for this path, if it exists."""
        answer = self.api.call("GET", path)
        if answer.status not in {OK, NOT_FOUND}:
            raise RuntimeError(f"GET {path} answered {answer.status}")
        return answer.body if answer.status == OK else None

    def case(self, order: SyntheticOrder, answers: tuple[Answer, ...]) -> Case:
        """The order's current case: its answers, enrolment and reminders."""
        enrolment_id = answers[0].body.get("enrolment_id")
        if enrolment_id is None:
            return Case(order, answers)
        enrolment = self.show(f"/enrolments/{enrolment_id}")
        return Case(order, answers, enrolment, self.show(f"/allocations/{enrolment_id}"))
