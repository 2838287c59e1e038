"""
Orders a second on the local emulator, from the request until all their schedules are made.

Beside them, in the same run, as many requests to a function that does nothing behind the same API:
what the emulator and this machine take for themselves. In a copy of the checkout on its own port.
"""

from __future__ import annotations

import json
import shutil
import statistics
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from commands.api import Api
from commands.deployed_stack import DESCRIPTION, STATE, LocalStack
from local.emulator import emulator
from local.emulator.launcher import WORK_PAGE
from local.emulator.stack import LIBRARIES
from tests.emulator.conftest import free_port, run
from tests.proofs.bench.acts import request
from tests.support.samples import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ROUNDS, ORDERS, CALLERS = 3, 20, 2
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
    """Orders and no-ops a second, and orders by no-ops: medians of rounds that take turns."""
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
    return {
        "orders_a_second": statistics.median(each for each, _ in pairs),
        "noops_a_second": statistics.median(each for _, each in pairs),
        "ratio": statistics.median(each / by for each, by in pairs),
    }


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
        run(home, "up", f"--port={free_port()}")
        try:
            told = (home / STATE.name / DESCRIPTION.name).read_text()
            yield LocalStack(**json.loads(told))
        finally:
            run(home, "down")


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
