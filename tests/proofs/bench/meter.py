"""The functions with AWS in memory, and the resources that each invocation uses."""

import logging
import os
import time
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass, field
from datetime import UTC, datetime
from io import StringIO
from typing import Any

import pytest

from tests.proofs.bench import units
from trial.aws import clients as aws_clients

# Before the first client is made: none may look for real credentials.
os.environ.update(
    AWS_ACCESS_KEY_ID="testing",
    AWS_SECRET_ACCESS_KEY="testing",  # noqa: S106 - nobody checks it
    AWS_DEFAULT_REGION="eu-west-2",
    AWS_EC2_METADATA_DISABLED="true",
)

from collections.abc import Iterator

from aws_lambda_powertools import Logger

from tests.proofs.simulation.cloud import Dynamo
from tests.proofs.simulation.conditions import Item
from tests.proofs.simulation.world import FUNCTIONS
from tests.support.memory import Memory
from tests.support.steps import UNHURRIED


@dataclass(frozen=True)
class MeteredCall:
    """One call of AWS: `dynamodb.query`, with the units that it takes."""

    service: str
    operation: str
    request: dict[str, Any]
    answer: dict[str, Any]
    reads: float = 0
    writes: int = 0

    @property
    def name(self) -> str:
        return f"{self.service}.{self.operation}"


@dataclass(frozen=True)
class Work:
    """The resources that one invocation used, and its answer."""

    function: str
    at: datetime
    event: dict[str, Any]
    calls: tuple[MeteredCall, ...]
    seconds: float
    logged: int
    answer: Any

    @property
    def reads(self) -> float:
        return sum(call.reads for call in self.calls)

    @property
    def writes(self) -> int:
        return sum(call.writes for call in self.calls)

    def count(self, name: str = "") -> int:
        """Its calls of that name, or of that beginning."""
        return sum(call.name.startswith(name) for call in self.calls)


@dataclass
class Noted:
    """A client whose calls are recorded."""

    service: str
    client: Any
    calls: list[MeteredCall]

    def get_paginator(self, _: str) -> "Noted":
        return self

    def paginate(self, **request: Any) -> Iterator[Any]:
        """Each page is a call."""
        for page in self.client.paginate(**request):
            self.calls.append(MeteredCall(self.service, "paginate", request, page))
            yield page

    def __getattr__(self, operation: str) -> Any:
        def call(**request: Any) -> Any:
            answer = getattr(self.client, operation)(**request)
            self.calls.append(MeteredCall(self.service, operation, request, answer))
            return answer

        return call


@dataclass
class NotedTable:
    """The table's client; its calls are recorded with the units that they use."""

    client: Dynamo
    calls: list[MeteredCall]

    def batch_get_item(self, **request: Any) -> dict[str, Any]:
        answer = self.client.batch_get_item(**request)
        ((table, wanted),) = request["RequestItems"].items()
        found = answer["Responses"][table]
        # A missing item takes a unit as well.
        absent: list[Item] = [{}] * (len(wanted["Keys"]) - len(found))
        reads = units.read(found + absent, consistent=True, together=False)
        self.calls.append(MeteredCall("dynamodb", "batch_get_item", request, answer, reads=reads))
        return answer

    def query(self, **request: Any) -> dict[str, Any]:
        answer = self.client.query(**request)
        shown = answer["Items"]
        if name := request.get("IndexName"):
            (index,) = (each for each in units.indexes() if each.name == name)
            shown = [index.entry(each) for each in shown]
        consistent = bool(request.get("ConsistentRead"))
        reads = units.read(shown, consistent=consistent, together=True)
        self.calls.append(MeteredCall("dynamodb", "query", request, answer, reads=reads))
        return answer

    def transact_write_items(self, **request: Any) -> dict[str, Any]:
        acts = [each for act in request["TransactItems"] for each in act.values()]
        keys = [each.get("Item") or each["Key"] for each in acts]
        places = [(key["pk"]["S"], key["sk"]["S"]) for key in keys]
        before = [self.client.at(*place) for place in places]
        answer = self.client.transact_write_items(**request)
        after = [self.client.at(*place) for place in places]
        writes = sum(map(units.written, before, after))
        call = MeteredCall("dynamodb", "transact_write_items", request, answer, writes=writes)
        self.calls.append(call)
        return answer


@dataclass
class MeteredFunctions:
    """Functions whose AWS calls are all recorded."""

    memory: Memory = field(default_factory=lambda: Memory("bench"))
    calls: list[MeteredCall] = field(default_factory=list)
    printed: StringIO = field(default_factory=StringIO)

    @contextmanager
    def lived_in(self) -> Iterator[None]:
        """The functions have these clients, and print where it is counted."""
        clients = {
            "background": Noted("lambda", self.memory, self.calls),
            "dynamodb": NotedTable(self.memory.dynamo, self.calls),
            "events": Noted("events", self.memory.bus, self.calls),
            "kms": Noted("kms", self.memory.kms, self.calls),
            "scheduler": Noted("scheduler", self.memory.scheduler, self.calls),
            "sns": Noted("sns", self.memory, self.calls),
        }
        with self.memory.lived_in(), printing_to(self.printed), pytest.MonkeyPatch.context() as p:
            for name, client in clients.items():
                p.setattr(aws_clients, name, lambda client=client: client)
            yield

    def invoke(self, function: str, event: dict[str, Any]) -> Work:
        """Let a function handle an event."""
        self.calls.clear()
        self.printed.seek(0)
        self.printed.truncate()
        began = time.process_time()
        answer = FUNCTIONS[function].lambda_handler(event, UNHURRIED)
        seconds = time.process_time() - began
        logged = len(self.printed.getvalue().encode())
        return Work(function, datetime.now(UTC), event, tuple(self.calls), seconds, logged, answer)


@contextmanager
def printing_to(place: StringIO) -> Iterator[None]:
    """All that functions log, metrics included, is printed there."""
    handler = Logger().registered_handler
    assert isinstance(handler, logging.StreamHandler)
    logging.disable(logging.NOTSET)
    before = handler.setStream(place)
    try:
        with redirect_stdout(place):
            yield
    finally:
        if before:
            handler.setStream(before)
