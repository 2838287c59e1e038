"""The whole system on a bad network, and after stalls: nothing twice, stale or lost."""

import json
import os
import subprocess
import sys
import time as real
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, time, timedelta
from typing import Any
from urllib.error import URLError
from urllib.request import Request, urlopen

import pytest

from commands.deployed_stack import OWNER_KEY
from local.emulator import emulator
from local.emulator.carrier import Carrier, Habits
from local.emulator.clock import settle
from tests.emulator.conftest import System, made
from tests.support.checkout import free_port
from tests.support.samples import LONDON
from trial.protocol.local_time import local_date

pytestmark = [pytest.mark.emulator, pytest.mark.xdist_group("faults")]

FRESHNESS = timedelta(hours=6)
OPEN = {"planned", "scheduled", "claimed"}

# One request in five, on every service: turned away, failed by the server, or cut off.
FAULTS = [
    {"service": "*", "probability": 0.07, "error": {"code": "ThrottlingException", "status": 400}},
    {"service": "*", "probability": 0.07, "error": {"code": "InternalServerError", "status": 500}},
    {"service": "*", "probability": 0.07, "reset": True},
]


@pytest.mark.faults
def test_on_a_bad_network_every_reminder_ends_and_no_text_comes_twice(system: System) -> None:
    morning = tomorrow(system, time(9, 30))
    system.clock.jump(morning)
    with bad_network(system) as fired:
        enrolled = [enrol(system, serial, morning) for serial in range(600, 606)]
        walk(system, morning + timedelta(days=18))
        kinds = fired()
    assert len(kinds) >= 3, kinds
    assert sum(kinds.values()) > 100, kinds
    states: Counter[str] = Counter()
    for ident in enrolled:
        answer = system.call("GET", f"/allocations/{ident}")
        assert answer.status == 200, "an enrolment was left undrawn"
        for reminder in answer.body["reminders"]:
            states[reminder["state"]] += 1
            unsent = reminder["state"] in {"suppressed", "failed", "undelivered"}
            assert (reminder["reason"] is not None) == unsent, reminder
    assert states, "nobody was in the intervention arm"
    assert not OPEN & set(states), states
    assert system.texted_nobody_twice()


@pytest.mark.parametrize(("serials", "stall"), [(range(620, 626), 15), (range(630, 636), 30)])
def test_after_a_stall_no_stale_text_goes_and_nothing_is_lost(
    system: System, serials: range, stall: int
) -> None:
    morning = tomorrow(system, time(9, 30))
    system.clock.jump(morning)
    enrolled = [enrol(system, serial, morning) for serial in serials]
    walk(system, morning + timedelta(days=1, hours=23))  # the morning of a day with a reminder
    system.clock.jump(system.clock.now() + timedelta(hours=stall))
    walk(system, system.clock.now() + timedelta(hours=8))
    missed = 0
    for ident in enrolled:
        for reminder in system.call("GET", f"/allocations/{ident}").body["reminders"]:
            due_at = datetime.fromisoformat(reminder["due_at"])
            if reminder["sent_at"]:
                assert datetime.fromisoformat(reminder["sent_at"]) - due_at <= FRESHNESS
            elif due_at < system.clock.now() - FRESHNESS:
                assert reminder["state"] == "suppressed", reminder
                assert reminder["reason"] in {"stale", "outside_window", "missed_late_start"}
                missed += reminder["reason"] != "missed_late_start"
    assert missed, "the stall met no reminder"
    assert system.texted_nobody_twice()


def tomorrow(system: System, at: time) -> datetime:
    return datetime.combine(system.today + timedelta(days=1), at, LONDON).astimezone(UTC)


def enrol(system: System, serial: int, now: datetime) -> str:
    """As upstream does: it retries until it gets an answer."""
    request = made(local_date(now, LONDON), serial)
    for _ in range(30):
        answer = system.call("POST", "/enrolments", request)
        if answer.status in {200, 202}:
            return str(answer.body["enrolment_id"])
        assert answer.status in {429, 500, 502, 503, 504}, answer
    raise AssertionError(f"never taken in: {answer}")


def walk(system: System, to: datetime) -> None:
    with system.at_its_time():
        carrier = Carrier.of(system.stack, Habits(failures=0.1, late=0.2, repeated=0.2))
        for now in system.clock.walk(to, system.stack.port):
            carrier.answer(emulator.texts(system.stack.port), now)
        settle(system.stack.port)


@contextmanager
def bad_network(system: System) -> Iterator[Any]:
    """
    Every call of every function goes through a proxy; yields how to count what it did.

    Its address is not the emulator's, so it signs requests again, under its own name: this does not
    test the functions' rights.
    """
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    options = ["--host", "127.0.0.1", "--port", str(port), "--upstream", system.stack.endpoint_url]
    proxy = subprocess.Popen(
        [sys.executable, "-m", "microburst", *options, "--resign"],
        env={
            "PATH": os.environ["PATH"],
            "AWS_ACCESS_KEY_ID": OWNER_KEY,  # whom no policy restricts
            "AWS_SECRET_ACCESS_KEY": OWNER_KEY,
        },
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        ask(f"{address}/_microburst/health", patience=400)
        through(system, address)
        ask(f"{address}/_microburst/rules", method="PATCH", body=FAULTS)

        def fired() -> Counter[str]:
            log = ask(f"{address}/_microburst/fired?limit=100000")
            return Counter(each["action"].partition(":")[2] or each["action"] for each in log)

        yield fired
    finally:
        through(system, None)
        proxy.terminate()
        proxy.wait()


def ask(url: str, *, method: str = "GET", body: Any = None, patience: int = 1) -> Any:
    data = None if body is None else json.dumps(body).encode()
    for tries_left in reversed(range(patience)):
        try:
            request = Request(  # noqa: S310 - the proxy's own address
                url, data=data, method=method, headers={"Content-Type": "application/json"}
            )
            with urlopen(request, timeout=5) as answer:  # noqa: S310
                return json.loads(answer.read() or b"null")
        except URLError:
            if not tries_left:
                raise
            real.sleep(0.05)  # until the proxy listens
    return None


def through(system: System, address: str | None) -> None:
    """Make the functions call AWS at this address; None restores their own."""
    with system.at_its_time():
        functions = system.client("lambda")
        for function in functions.list_functions()["Functions"]:
            variables = dict(function["Environment"]["Variables"])
            variables.pop("AWS_ENDPOINT_URL", None)
            if address:
                variables["AWS_ENDPOINT_URL"] = address
            functions.update_function_configuration(
                FunctionName=function["FunctionName"], Environment={"Variables": variables}
            )
