"""Domestic Abuse Protection Orders, which may be varied and may have no end, lived in memory."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from itertools import count
from typing import Any
from uuid import UUID

import pytest
from time_machine import Traveller

from reconciliation.handler import lambda_handler as reconciliation
from tests.support.fixture_protocol import DAPO
from tests.support.life import send_change
from tests.support.memory import Memory
from tests.support.samples import order
from tests.support.steps import UNHURRIED, HttpAnswer, fire, post
from trial import config
from trial.codes import Arm

LAST_DAY = "2028-05-31"  # of 18 months
BASE = {"type": "dapo", "conditions": ["no_molestation", "no_contact"], "expires_on": LAST_DAY}
NIGHTLY = timedelta(days=7)
"""How often the nightly run comes in these tests: often enough for schedules made for 60 days."""


@contextmanager
def dapo_trial() -> Iterator[Memory]:
    """A deployment in memory under the protocol with long orders."""
    memory = Memory()
    with memory.lived_in(), pytest.MonkeyPatch.context() as patch:
        patch.setenv("PROTOCOL", DAPO.version)
        config.settings.cache_clear()
        yield memory


def dapo(serial: int = 1, respondent: dict[str, Any] | None = None, **changes: Any) -> Any:
    """An enrolment of such an order; a change to None leaves the field out."""
    body = order(serial, order=BASE | changes, respondent=respondent or {})
    body["order"] = {name: value for name, value in body["order"].items() if value is not None}
    return body


def drawn(memory: Memory, arm: Arm, **changes: Any) -> tuple[UUID, Any]:
    """Somebody in this arm, with the schedules made that are to be made; and their order."""
    for serial in count(1):
        body = dapo(serial, **changes)
        enrolment_id = UUID(post(body).body["enrolment_id"])
        memory.drain()
        allocation = memory.file(enrolment_id).allocation
        if allocation and allocation.arm is arm:
            return enrolment_id, body["order"]
    raise AssertionError("there is no end to them")


def varied(memory: Memory, enrolment_id: UUID, whole: Any, varied_on: str) -> HttpAnswer:
    """Report a variation, and let it have its consequences."""
    given = {"order": whole, "varied_on": varied_on, "by": "PC-1182"}
    answer = send_change(enrolment_id, "variation", given)
    memory.drain()
    return answer


def live(memory: Memory, clock: Traveller, enrolment_id: UUID, *, until: datetime) -> None:
    """Let time pass: what is due goes, and the nightly run comes by."""
    now = datetime.now(until.tzinfo)
    while now < until:
        now = min(now + NIGHTLY, until)
        while due := _due(memory, enrolment_id, now):
            at, number = due
            clock.move_to(at)
            _gone(memory, enrolment_id, number)
            assert fire(enrolment_id, number) == "sent"
        clock.move_to(now)
        assert reconciliation({"proof": "control"}, UNHURRIED)["gaps"] == {}


def _due(memory: Memory, enrolment_id: UUID, until: datetime) -> tuple[datetime, int] | None:
    schedules = memory.file(enrolment_id).schedules
    return min(((at, n) for n, at in schedules.items() if at <= until), default=None)


def _gone(memory: Memory, enrolment_id: UUID, number: int) -> None:
    """A schedule that has fired is deleted."""
    suffix = f"{enrolment_id.hex}-{number:02}"
    (name,) = (name for name in memory.scheduler.schedules if name.endswith(suffix))
    del memory.scheduler.schedules[name]
