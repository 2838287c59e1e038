"""A run of the demo: the orders, what happened to each, and the texts that arrived."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from local.demo.orders import zone
from trial.codes import Arm

if TYPE_CHECKING:
    from commands.api import Answer
    from local.demo.orders import SyntheticOrder
    from local.demo.work import NumberFound


@dataclass(frozen=True)
class DemoText:
    """
    One text that the emulator took, and the moved time at which it was first seen.

    The carrier reports whether it was delivered; `None` if no receipt came by the end of the run.
    """

    number: str
    body: str
    seen_at: datetime
    delivered: bool | None = True


@dataclass(frozen=True)
class Case:
    """One order and what happened to it, as the API shows it at the end of the run."""

    order: SyntheticOrder
    answers: tuple[Answer, ...]
    enrolment: dict[str, Any] | None = None
    allocation: dict[str, Any] | None = None

    @property
    def arm(self) -> Arm | None:
        """Its arm, if it has one."""
        return Arm(self.allocation["arm"]) if self.allocation else None

    @property
    def reminders(self) -> list[dict[str, Any]]:
        """Its timetable: empty in control."""
        return self.allocation["reminders"] if self.allocation else []

    def sent(self) -> list[dict[str, Any]]:
        """The reminders that the system believes went out, first to last."""
        went = [reminder for reminder in self.reminders if reminder["sent_at"]]
        return sorted(went, key=lambda reminder: datetime.fromisoformat(reminder["sent_at"]))


@dataclass(frozen=True)
class Run:
    """A whole run of the demo."""

    seed: int
    started_at: datetime
    ended_at: datetime
    clock_change: date
    seconds: float
    cases: tuple[Case, ...]
    texts: tuple[DemoText, ...]
    found: tuple[NumberFound, ...]
    superintendent: str
    digest: str
    """The last digest sent to this superintendent."""

    def of(self, arm: Arm | None) -> list[Case]:
        """The orders of one arm, or of none."""
        return [case for case in self.cases if case.arm is arm]

    def texts_to(self, case: Case) -> list[DemoText]:
        """The texts to the order's number, first to last."""
        texts = [text for text in self.texts if text.number == case.order.number]
        return sorted(texts, key=lambda text: text.seen_at)

    def owner(self, text: DemoText) -> str:
        """The reference of the order with that number."""
        for case in self.cases:
            if case.order.number == text.number:
                return case.order.reference
        return f"number ending {text.number[-3:]}"


def local(moment: datetime) -> datetime:
    """The local time."""
    return moment.astimezone(zone())
