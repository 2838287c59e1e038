"""
The processor time of one event, against a bare handler that makes the same calls.

Both use the same clients of botocore, so that both pay for writing, signing and reading requests;
what AWS answered when the event was first handled comes from memory instead of the network. The
bare one does nothing but make these calls, with requests as they were then, and log a line.
"""

import base64
import json
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime
from io import BytesIO, StringIO
from typing import Any

import pytest
import time_machine
from botocore.awsrequest import AWSResponse, HeadersDict

from tests.proofs.bench.acts import SHORT, life
from tests.proofs.bench.meter import MeteredCall, Work, printing_to
from tests.proofs.simulation.world import FUNCTIONS, SETTINGS
from tests.support.faults import hooked
from tests.support.steps import UNHURRIED
from trial import config
from trial.aws import clients as aws_clients

ROUNDS, TIMES = 15, 30
MEASURED = ("enrolment", "allocation", "scheduling", "sending", "receipts")
SERVICES = ("dynamodb", "kms", "scheduler", "sns")

_TEXT_TAKEN = """<PublishResponse xmlns="http://sns.amazonaws.com/doc/2010-03-31/"><PublishResult>
<MessageId>{MessageId}</MessageId></PublishResult><ResponseMetadata><RequestId>1</RequestId>
</ResponseMetadata></PublishResponse>"""


class _Raw(BytesIO):
    """The part of urllib3's response that botocore reads."""

    def stream(self, **_: Any) -> Iterator[bytes]:
        yield self.read()


def ratios(progress: Callable[[], None]) -> dict[str, dict[str, float]]:
    """For each act, milliseconds of ours and of the bare handler's, and ours by the bare one's."""
    works = life(SHORT).works
    found = {}
    for act in MEASURED:
        with in_place(works[act][0].at):
            found[act] = _ratio(works[act][0], progress)
    return found


@contextmanager
def in_place(at: datetime) -> Iterator[None]:
    """The functions have real clients and their settings; time stands still."""
    with (
        time_machine.travel(at, tick=False),
        pytest.MonkeyPatch.context() as patch,
        printing_to(StringIO()),
    ):
        for name, value in SETTINGS.items():
            patch.setenv(name, value)
        config.settings.cache_clear()
        yield
    config.settings.cache_clear()


def _ratio(work: Work, progress: Callable[[], None]) -> dict[str, float]:
    handler = FUNCTIONS[work.function].lambda_handler
    clients = {name: getattr(aws_clients, name)() for name in SERVICES}
    answers: Iterator[AWSResponse] = iter(())

    def answer(**_: Any) -> Any:
        return next(answers)

    def ours() -> None:
        assert handler(work.event, UNHURRIED) == work.answer

    def bare() -> None:
        for call in work.calls:
            getattr(clients[call.service], call.operation)(**call.request)
        print(json.dumps({"level": "INFO", "message": "handled"}))  # noqa: T201 - as a handler logs

    def seconds(run: Callable[[], None]) -> float:
        nonlocal answers
        prepared = [iter([_answered(call) for call in work.calls]) for _ in range(TIMES)]
        began = time.process_time()
        for each in prepared:
            answers = each
            run()
        return (time.process_time() - began) / TIMES

    with ExitStack() as hooks:
        for client in clients.values():
            hooks.enter_context(hooked(client, "before-send", answer))
        seconds(ours)
        seconds(bare)
        pairs = []
        for _ in range(ROUNDS):
            pairs.append((seconds(ours), seconds(bare)))
            progress()
    # The minimum of each: other load on the machine only adds.
    mine, theirs = (min(each) for each in zip(*pairs, strict=True))
    return {"ours_ms": 1000 * mine, "bare_ms": 1000 * theirs, "ratio": mine / theirs}


def _answered(call: MeteredCall) -> AWSResponse:
    """What AWS would send for an answer, as it is on the wire."""
    if call.service == "sns":
        body = _TEXT_TAKEN.format(**call.answer).encode()
    elif call.service == "kms":
        told = {name: base64.b64encode(each).decode() for name, each in call.answer.items()}
        body = json.dumps(told).encode()
    else:
        body = json.dumps(call.answer).encode()
    headers: Any = HeadersDict({"Content-Length": str(len(body))})
    return AWSResponse("", 200, headers, _Raw(body))
