"""API access: no forged or stale signature passes, and each caller reaches its own routes."""

import json
import subprocess
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from http.client import HTTPConnection
from pathlib import Path
from random import Random
from typing import Any
from urllib.parse import urlsplit

import pytest
import time_machine
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from commands.deployed_stack import LocalStack
from local.emulator.clock import settle
from tests.emulator.conftest import System, made
from tests.support.checkout import PYTHON
from tests.support.samples import ROOT

pytestmark = [pytest.mark.emulator, pytest.mark.xdist_group("shared")]

FORGERIES = 300
STALE = timedelta(minutes=16)


@pytest.fixture(scope="module")
def stack(shared_stack: LocalStack) -> LocalStack:
    return shared_stack


@dataclass(frozen=True)
class WireRequest:
    """A request as it goes over the wire."""

    method: str
    path: str
    headers: dict[str, str]
    data: bytes = b""

    def sent(self, system: System) -> int:
        """The status that it is answered with."""
        connection = HTTPConnection(urlsplit(system.stack.api_url).netloc, timeout=30)
        try:
            connection.request(self.method, self.path, body=self.data, headers=self.headers)
            response = connection.getresponse()
            response.read()
            return response.status
        finally:
            connection.close()


def signed(
    system: System,
    method: str,
    path: str,
    body: dict[str, Any] | None = None,
    *,
    key: tuple[str, str] | None = None,
    ahead: timedelta = timedelta(0),
) -> WireRequest:
    """A request signed by a caller whose clock is ahead by `ahead`."""
    stack = system.stack
    data = b"" if body is None else json.dumps(body).encode()
    headers = {"Host": stack.api_host, "Content-Type": "application/json"}
    request = AWSRequest(method=method, url=stack.api_url + path, data=data, headers=headers)
    with time_machine.travel(system.clock.now() + ahead):
        chosen = Credentials(*(key or (stack.access_key_id, stack.secret_access_key)))
        SigV4Auth(chosen, "execute-api", stack.region).add_auth(request)
    parts = urlsplit(str(request.url))
    target = f"{parts.path}?{parts.query}" if parts.query else parts.path
    return WireRequest(method, target, dict(request.headers.items()), data)


def forged(request: WireRequest, chance: Random) -> WireRequest:
    """The same with one thing changed after it was signed."""
    authorization = request.headers["Authorization"]
    head, _, signature = authorization.rpartition("Signature=")
    date = request.headers["X-Amz-Date"]
    place = chance.randrange(len(signature))
    other = chance.choice([each for each in "0123456789abcdef" if each != signature[place]])

    def with_header(name: str, value: str) -> WireRequest:
        return replace(request, headers=request.headers | {name: value})

    changes: tuple[Callable[[], WireRequest], ...] = (
        lambda: with_header(
            "Authorization", f"{head}Signature={signature[:place]}{other}{signature[place + 1 :]}"
        ),
        lambda: with_header("Authorization", f"{head}Signature={signature[:place]}"),
        lambda: with_header("Authorization", authorization.replace("/execute-api/", "/sns/")),
        lambda: with_header("Authorization", authorization.replace("/eu-west-2/", "/us-east-1/")),
        lambda: with_header("Authorization", authorization.replace("Credential=", "Credential=A")),
        lambda: with_header("Authorization", authorization.replace("content-type;", "")),
        lambda: with_header("X-Amz-Date", f"{int(date[9:15]) ^ 1:06}".join((date[:9], "Z"))),
        lambda: with_header("Host", "another.execute-api.eu-west-2.amazonaws.com"),
        lambda: replace(request, path=request.path + "x"),
        lambda: replace(request, data=request.data.replace(b"durham", b"whitby")),
        lambda: replace(request, method="PUT"),
        lambda: replace(
            request, headers={k: v for k, v in request.headers.items() if k != "Authorization"}
        ),
    )
    return chance.choice(changes)()


ORDER = "local.emulator.order"


def called(
    system: System, *arguments: str, module: str = "commands.staff.call"
) -> tuple[int, dict[str, Any]]:
    """A command's exit code beside the stack, and the answer that it prints."""
    home = Path(system.stack.clock_file).parents[1]
    done = subprocess.run(
        [PYTHON, "-m", module, *arguments],
        cwd=home,
        env={"PYTHONPATH": f"{ROOT}/functions:{ROOT}/layers/common:."},
        capture_output=True,
        text=True,
        check=False,
    )
    _, _, answer = done.stdout.partition("\n")
    return done.returncode, json.loads(answer or "{}")


def test_from_the_command_line_an_order_is_posted_and_a_route_called(system: System) -> None:
    system.clock.jump(system.clock.now() + timedelta(days=1))
    ended, posted = called(system, "646", module=ORDER)
    assert (ended, posted["status"]) == (0, "eligible")
    assert called(system, "646", module=ORDER) == (0, posted)
    ended, shown = called(system, f"/enrolments/{posted['enrolment_id']}")
    assert (ended, shown["status"]) == (0, "allocated")
    pause = {"paused": "perhaps", "reason": "drill", "by": "PC-1182"}
    ended, refused = called(system, "/sending", "--method", "PUT", "--body", json.dumps(pause))
    assert (ended, refused["errors"][0]["field"]) == (1, "paused")
    assert called(system, "1000", module=ORDER)[0] == called(system)[0] == 2


def test_no_forged_request_is_accepted(system: System) -> None:
    chance = Random(20261123)  # noqa: S311 - forgeries to try
    request = signed(system, "POST", "/enrolments", made(system.today, 640))
    answered = Counter(forged(request, chance).sent(system) for _ in range(FORGERIES))
    assert answered == {403: FORGERIES}
    assert request.sent(system) == 202


def test_a_request_replayed_at_once_has_no_second_effect(system: System) -> None:
    request = signed(system, "POST", "/enrolments", made(system.today, 641))
    assert [request.sent(system) for _ in range(3)] == [202, 200, 200]


@pytest.mark.parametrize("serial", [642, 643])
def test_a_captured_request_is_refused_later(system: System, serial: int) -> None:
    request = signed(system, "POST", "/enrolments", made(system.today, serial))
    if serial == 642:
        assert request.sent(system) == 202
    system.clock.jump(system.clock.now() + STALE)
    assert request.sent(system) == 403


def test_a_request_signed_in_the_future_is_refused(system: System) -> None:
    request = signed(system, "POST", "/enrolments", made(system.today, 644), ahead=STALE)
    assert request.sent(system) == 403


@pytest.fixture(scope="module")
def enrolled(system: System) -> str:
    ident = system.enrol(645)
    settle(system.stack.port)
    return ident


@pytest.mark.parametrize(
    ("policy", "may"),
    [
        ("BlindedCaller", {"enrolment"}),
        ("UnblindedCaller", {"allocation", "timetable", "troubled"}),
        ("Operator", {"flow", "switch"}),
        ("Auditor", set()),
        ("AccessOfficer", set()),
    ],
)
def test_each_kind_of_caller_reaches_its_own_routes_only(
    system: System, enrolled: str, policy: str, may: set[str]
) -> None:
    doors = {
        "enrolment": f"/enrolments/{enrolled}",
        "allocation": f"/allocations/{enrolled}",
        "timetable": "/timetable?made_on=2026-12-01&expires_on=2026-12-14"
        "&conditions=no_molestation",
        "troubled": "/troubled",
        "flow": "/reports/flow",
        "switch": "/sending",
    }
    key = system.somebody(policy, policy)
    answered = {
        name: signed(system, "GET", path, key=key).sent(system) for name, path in doors.items()
    }
    assert {name for name, status in answered.items() if status != 403} == may
    assert {answered[name] for name in may} <= {200}
