"""
Orders a second on the local emulator, from the request until all their schedules are made.

Beside them, in the same run, as many requests to a function that does nothing behind the same API:
the overhead of the emulator and this machine. And how long the switch takes to answer, alone and in
a flood of enrolments. In a copy of the checkout on its own port.
"""

import json
import shutil
import statistics
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from commands.api import Api
from commands.deployed_stack import DESCRIPTION, STATE, LocalStack
from local.emulator import emulator
from local.emulator.launcher import WORK_PAGE
from local.emulator.stack import LIBRARIES
from tests.proofs.bench.acts import request
from tests.support.checkout import free_port, run
from tests.support.samples import ROOT

ROUNDS, ORDERS, CALLERS = 3, 20, 2
FLOOD, FLOODERS, SWITCHED = 200, 8, 10
PATIENCE = 60  # seconds, for one round to settle

_RESOURCE = """Resources:
  NoopFunction:
    Type: AWS::Serverless::Function
    Properties:
      Handler: noop.handler.lambda_handler
      Role: !GetAtt EnrolmentRole.Arn
      LoggingConfig: {LogGroup: !Ref EnrolmentLogs}
      Events:
        Noop: {Type: Api, Properties: {RestApiId: !Ref Api, Path: /noop, Method: POST}}
"""
_NOOP = """def lambda_handler(event, context):
    return {"statusCode": 202, "body": "{}"}
"""


def measured(progress: Callable[[], None]) -> dict[str, float]:
    """
    Orders and no-ops a second, and orders by no-ops: medians of rounds that take turns.

    Milliseconds until the switch is set, alone and in a flood, and until an order of the flood is
    enrolled: medians.
    """
    serials = count(1)
    with deployed() as stack:
        _round(stack, "/noop", serials)
        _round(stack, "/enrolments", serials)
        pairs = []
        for _ in range(ROUNDS):
            noops = _round(stack, "/noop", serials)
            pairs.append((_round(stack, "/enrolments", serials), noops))
            progress()
        assert emulator.read_page(stack.port, WORK_PAGE)["due"], "nothing was scheduled"
        alone = statistics.median(_set_switch(stack) for _ in range(SWITCHED))
        flooded, enrolled = _in_flood(stack, serials)
    return {
        "orders_a_second": statistics.median(each for each, _ in pairs),
        "noops_a_second": statistics.median(each for _, each in pairs),
        "ratio": statistics.median(each / by for each, by in pairs),
        "switch_ms": alone,
        "switch_in_flood_ms": flooded,
        "enrolment_in_flood_ms": enrolled,
    }


def _in_flood(stack: LocalStack, serials: Iterator[int]) -> tuple[float, float]:
    """Milliseconds until the switch is set, and until an order is enrolled, beside many others."""
    bodies = [_body(next(serials)) for _ in range(FLOOD)]

    def post(body: dict[str, Any]) -> float:
        return _milliseconds(stack, "POST", "/enrolments", body, 202)

    with ThreadPoolExecutor(FLOODERS) as callers:
        flood = [callers.submit(post, body) for body in bodies]
        switched = [_set_switch(stack) for _ in range(SWITCHED)]
        assert not all(each.done() for each in flood), "the flood ended before the switch was set"
    return statistics.median(switched), statistics.median(each.result() for each in flood)


def _set_switch(stack: LocalStack) -> float:
    """A resumption, because a pause also waits for texts that are being sent."""
    body = {"paused": False, "reason": f"bench {time.monotonic_ns()}", "by": "bench"}
    return _milliseconds(stack, "PUT", "/sending", body, 200)


def _milliseconds(
    stack: LocalStack, method: str, path: str, body: dict[str, Any], status: int
) -> float:
    began = time.monotonic()
    assert Api.local(stack).call(method, path, body).status == status
    return 1000 * (time.monotonic() - began)


@contextmanager
def deployed() -> Iterator[LocalStack]:
    """The template and a function that does nothing, in a checkout of their own."""
    with TemporaryDirectory() as folder:
        home = Path(folder)
        for part in ("functions", "infra"):
            shutil.copytree(ROOT / part, home / part)
        for part in ("commands", "layers", "local", "requirements"):
            (home / part).symlink_to(ROOT / part)
        (home / "functions/noop").mkdir()
        (home / "functions/noop/handler.py").write_text(_NOOP)
        template = home / "infra/template.yaml"
        template.write_text(template.read_text().replace("Resources:\n", _RESOURCE, 1))
        LIBRARIES.mkdir(parents=True, exist_ok=True)
        (home / STATE.name).mkdir()
        (home / STATE.name / LIBRARIES.name).symlink_to(LIBRARIES)
        run(home, "local.emulator.stack", "up", f"--port={free_port()}")
        try:
            told = (home / STATE.name / DESCRIPTION.name).read_text()
            yield LocalStack(**json.loads(told))
        finally:
            run(home, "local.emulator.stack", "down")


def _round(stack: LocalStack, path: str, serials: Iterator[int]) -> float:
    """So many requests a second, until there is nothing left to do."""
    bodies = [_body(next(serials)) for _ in range(ORDERS)]

    def post(body: dict[str, Any]) -> None:
        assert Api.local(stack).call("POST", path, body).status == 202

    began = time.monotonic()
    with ThreadPoolExecutor(CALLERS) as callers:
        list(callers.map(post, bodies))
    while not (_settled(stack) and _settled(stack)):  # as its page says: two in a row
        assert time.monotonic() < began + PATIENCE, "the emulator does not come to rest"
    return ORDERS / (time.monotonic() - began)


def _settled(stack: LocalStack) -> bool:
    work = emulator.read_page(stack.port, WORK_PAGE)
    return not (work["running"] or work["starting"] or work["unread"])


def _body(serial: int) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(request(serial, made_on=datetime.now(UTC))["body"])
    return body
