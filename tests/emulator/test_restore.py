"""The drill: the whole system's table is restored to some hours ago, and continues."""

from collections import Counter
from datetime import timedelta

import pytest

from commands.deployed_stack import DeployedStack
from commands.repair.recover import Kind
from commands.repair.restore import Restore
from tests.emulator.conftest import System
from tests.support.fixture_protocol import REAL
from trial.protocol import load as protocols

pytestmark = [pytest.mark.emulator, pytest.mark.faults, pytest.mark.xdist_group("restore")]


def arm(system: System, ident: str) -> str:
    answer = system.call("GET", f"/allocations/{ident}")
    return str(answer.body["arm"]) if answer.status == 200 else "none"


def test_a_restore_changes_no_arm_and_repeats_no_text(
    system: System, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(protocols, "FOLDER", REAL)  # the stack's own
    monkeypatch.setattr("commands.repair.restore.sleep", lambda _: None)  # nothing is in flight
    day = system.today
    before = [system.enrol(serial, day) for serial in range(2)]
    system.walk(system.clock.now() + timedelta(minutes=5))
    with system.at_its_time():
        restore = Restore(DeployedStack.local(system.stack))
        of, copy = system.clock.now(), restore.copies.now()
    serials = range(10, 14)
    since = [system.enrol(serial, day) for serial in serials]
    system.walk(system.clock.now() + timedelta(hours=26))
    arms = {ident: arm(system, ident) for ident in (*before, *since)}
    assert set(arms.values()) == {"control", "intervention"}
    with system.at_its_time():
        different = Counter(each.kind for each in restore.recovered(copy, of, system.clock.now()))
    assert different[Kind.NOT_THERE] == len(since) == different[Kind.ALLOCATION]
    assert different[Kind.CURSOR] == 1
    assert system.call("GET", "/sending").body["paused"] is True
    assert [system.enrol(serial, day) for serial in serials] == since
    system.walk(system.clock.now() + timedelta(minutes=5))
    assert {ident: arm(system, ident) for ident in arms} == arms
    on = {"paused": False, "reason": "the restore is done", "by": "ops-1"}
    assert system.call("PUT", "/sending", on).status == 200
    system.walk(system.clock.now() + timedelta(hours=26))
    assert system.texted_nobody_twice()
