"""The drill: the whole system's table is taken back some hours, and goes on."""

from collections import Counter
from datetime import datetime, timedelta

import pytest

from commands.deployed_stack import DeployedStack
from commands.repair.recover import Kind
from commands.repair.restore import Restore
from local.emulator import emulator
from tests.emulator.conftest import System
from tests.support.fixture_protocol import REAL
from tests.support.samples import order
from trial.protocol import load as protocols

pytestmark = [pytest.mark.emulator, pytest.mark.faults, pytest.mark.xdist_group("restore")]


def enrol(system: System, serial: int) -> str:
    today = system.clock.now().date()
    dates = {"made_on": today, "expires_on": today + timedelta(days=13), "served_on": today}
    body = order(serial, order={name: day.isoformat() for name, day in dates.items()})
    answer = system.call("POST", "/enrolments", body)
    assert answer.status in (200, 202), answer
    return str(answer.body["enrolment_id"])


def arm(system: System, ident: str) -> str:
    answer = system.call("GET", f"/allocations/{ident}")
    return str(answer.body["arm"]) if answer.status == 200 else "none"


def test_a_restore_changes_no_arm_and_repeats_no_text(
    system: System, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(protocols, "FOLDER", REAL)  # the stack's own
    before = [enrol(system, serial) for serial in range(2)]
    system.walk(system.clock.now() + timedelta(minutes=5))
    with system.at_its_time():
        restore = Restore(DeployedStack.local(system.stack))
        of, copy = system.clock.now(), restore.copies.now()
    serials = range(10, 14)
    since = [enrol(system, serial) for serial in serials]
    system.walk(system.clock.now() + timedelta(hours=26))
    arms = {ident: arm(system, ident) for ident in (*before, *since)}
    assert set(arms.values()) == {"control", "intervention"}
    with system.at_its_time():
        different = Counter(each.kind for each in restore.recovered(copy, of, system.clock.now()))
    assert different[Kind.NOT_THERE] == len(since) == different[Kind.ALLOCATION]
    assert different[Kind.CURSOR] == 1
    assert system.call("GET", "/sending").body["paused"] is True
    with system.at_its_time():
        posted = [post_again(system, serial, of) for serial in serials]
    assert posted == since
    system.walk(system.clock.now() + timedelta(minutes=5))
    assert {ident: arm(system, ident) for ident in arms} == arms
    on = {"paused": False, "reason": "the restore is done", "by": "ops-1"}
    assert system.call("PUT", "/sending", on).status == 200
    system.walk(system.clock.now() + timedelta(hours=26))
    texts = Counter(
        (text["PhoneNumber"], text["Message"]) for text in emulator.texts(system.stack.port)
    )
    assert texts
    assert max(texts.values()) == 1


def post_again(system: System, serial: int, of: datetime) -> str:
    dates = {"made_on": of.date(), "expires_on": of.date() + timedelta(days=13)}
    said = {name: day.isoformat() for name, day in dates.items()}
    body = order(serial, order=said | {"served_on": of.date().isoformat()})
    answer = system.call("POST", "/enrolments", body)
    assert answer.status == 202, answer
    return str(answer.body["enrolment_id"])
