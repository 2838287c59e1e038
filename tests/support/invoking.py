"""One function asking another: answered by the other's own handler, in this process."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from types import SimpleNamespace
from typing import Any

from enrolment.handler import lambda_handler as enrolment
from tests.support.faults import hooked
from tests.support.steps import CONTEXT
from trial.aws import clients


@contextmanager
def enrolment_answers() -> Iterator[None]:
    """What is asked of enrolment through Lambda, its handler answers."""

    def answer(params: dict[str, Any], **_: Any) -> tuple[Any, dict[str, Any]]:
        said = enrolment(json.loads(params["body"]), CONTEXT)
        return SimpleNamespace(status_code=200), {"Payload": BytesIO(json.dumps(said).encode())}

    with hooked(clients.functions(), "before-call.lambda.Invoke", answer):
        yield
