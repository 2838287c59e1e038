"""
The functions with AWS in memory: a hundred times faster than moto, and nothing goes wrong.

For tests that live many short lives. The simulation has the same clients go wrong.
"""

from __future__ import annotations

import json
import logging
from collections import deque
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, cast

import pytest

from allocation.announce import status_change
from allocation.handler import lambda_handler as allocation
from scheduling.handler import lambda_handler as scheduling
from tests.proofs.simulation.cloud import Dynamo, Events, Kms, Scheduler, when
from tests.proofs.simulation.services import stream_record
from tests.proofs.simulation.world import SETTINGS
from tests.support.samples import MORNING
from tests.support.steps import CONTEXT, failures, stream
from trial import config
from trial.aws import clients as aws_clients
from trial.aws.stream import announced
from trial.aws.table import Table, put
from trial.codes import Status
from trial.records.allocation import Allocation, allocation_key, allocation_partition
from trial.records.audit import AuditEntry, enrolment_of_history
from trial.records.enrolment import Enrolment, enrolment_key
from trial.records.reminder import Reminder, reminder_key

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime
    from uuid import UUID

    from mypy_boto3_dynamodb import DynamoDBClient

HEARD = {Status.ELIGIBLE, Status.ALLOCATED, Status.ENDED}
"""The statuses of the enrolments of which allocation hears, as the template's filter says."""


class Announced(NamedTuple):
    """A change of status: its event, its stream record, and the parts of its transaction."""

    event: dict[str, Any]
    record: dict[str, Any]
    parts: int


@dataclass
class StoredEnrolment:
    """All that is stored of one enrolment, and its schedules: when each fires, by number."""

    enrolment: Enrolment
    allocation: Allocation | None
    reminders: list[Reminder]
    schedules: dict[int, datetime]


class Memory:
    """
    One deployment's table, schedules and stream. Each salt is other keys, and other ids.

    Each sequence of a salt is another one of arms, and all else that is keyed is alike.
    """

    def __init__(self, salt: str = "memory", *, sequence: str = "") -> None:
        self.dynamo = Dynamo(self._gate, self._committed)
        self.scheduler = Scheduler(self._gate, lambda *_: None)
        self.kms = Kms(self._gate, salt, sequence)
        self.texts: list[dict[str, Any]] = []
        self.stream: deque[dict[str, Any]] = deque()
        self.handed_over: deque[dict[str, Any]] = deque()
        """Events for scheduling that Lambda keeps."""
        self.bus = Events(self._gate)
        self.changes: list[Announced] = []
        """The changes of status, in turn."""
        self.gate: Callable[[Callable[[], dict[str, Any]]], dict[str, Any]] = lambda call: call()
        """What stands before each call of AWS."""
        self._parts = 0

    def copied(self) -> Memory:
        """Another that holds the same, and goes its own way."""
        other = Memory(self.kms.salt, sequence=self.kms.sequence)
        # Items and schedules are replaced, never changed.
        other.dynamo.partitions = {pk: dict(each) for pk, each in self.dynamo.partitions.items()}
        for name, index in self.dynamo.indexes.items():
            for value, items in index.items():
                other.dynamo.indexes[name][value] = dict(items)
        other.scheduler.schedules = dict(self.scheduler.schedules)
        other.changes = list(self.changes)
        return other

    def keep(self, reminder: Reminder) -> None:
        """Store a reminder, whatever is there."""
        self._table().write(
            put(reminder_key(reminder.enrolment_id, reminder.number), reminder.item())
        )

    def publish(self, **text: Any) -> dict[str, Any]:
        """What SNS would send."""
        self.texts.append(text)
        return {"MessageId": f"text-{len(self.texts)}"}

    def invoke(self, **request: Any) -> dict[str, Any]:
        """What Lambda keeps for scheduling."""
        return self.gate(lambda: self._kept(json.loads(request["Payload"])))

    def _kept(self, event: dict[str, Any]) -> dict[str, Any]:
        self.handed_over.append(event)
        return {"StatusCode": 202}

    def drain(self) -> None:
        """Bring allocation each record of the stream, and scheduling what is handed over."""
        while self.stream or self.handed_over:
            if self.handed_over:
                scheduling(self.handed_over.popleft(), CONTEXT)
            elif heard(record := self.stream.popleft()):
                assert failures(allocation(stream(record), CONTEXT)) == []

    def file(self, enrolment_id: UUID) -> StoredEnrolment:
        found, drawn = self._table().read(enrolment_key(enrolment_id), allocation_key(enrolment_id))
        reminders = self._table().partition(allocation_partition(enrolment_id), "reminder#")
        return StoredEnrolment(
            enrolment=Enrolment.of(found or {}),
            allocation=Allocation.of(drawn) if drawn else None,
            reminders=[Reminder.of(each) for each in reminders.values()],
            schedules={
                int(name.rpartition("-")[2]): when(schedule)
                for name, schedule in sorted(self.scheduler.schedules.items())
                if enrolment_id.hex in name
            },
        )

    @contextmanager
    def lived_in(self) -> Iterator[None]:
        """The functions have these clients."""
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(aws_clients, "background", lambda: self)
            patch.setattr(aws_clients, "dynamodb", lambda: self.dynamo)
            patch.setattr(aws_clients, "events", lambda: self.bus)
            patch.setattr(aws_clients, "kms", lambda: self.kms)
            patch.setattr(aws_clients, "scheduler", lambda: self.scheduler)
            patch.setattr(aws_clients, "sns", lambda: self)
            for name, value in SETTINGS.items():
                patch.setenv(name, value)
            config.settings.cache_clear()
            logging.disable(logging.CRITICAL)
            try:
                yield
            finally:
                logging.disable(logging.NOTSET)
                config.settings.cache_clear()

    def _table(self) -> Table:
        return Table(cast("DynamoDBClient", self.dynamo), SETTINGS["TABLE_NAME"])

    def _gate(
        self,
        _: str,
        perform: Callable[[], dict[str, Any]],
        _about: UUID | None = None,
        parts: int = 0,
    ) -> dict[str, Any]:
        def performed() -> dict[str, Any]:
            self._parts = parts
            return perform()

        return self.gate(performed)

    def _committed(self, changes: list[tuple[Any, Any]]) -> None:
        changed, said = set(), set()
        for old, new in changes:
            if new and new.get("kind") == {"S": "enrolment"}:
                self.stream.append(stream_record(len(self.stream) + 1, old, new, MORNING))
                if not old or old["status"] != new["status"]:
                    changed.add((new["enrolment_id"]["S"], new["status"]["S"]))
            elif new and (ident := enrolment_of_history(new["pk"]["S"])):
                record = stream_record(len(self.changes) + 1, old, new, MORNING)
                if event := status_change(ident, announced(record, AuditEntry)):
                    said.add((event["enrolment_id"], event["status"]))
                    self.changes.append(Announced(event, record, self._parts))
        assert changed <= said, "an act that changes a status says so in the audit trail"

    def announced(self, enrolment_id: UUID) -> list[dict[str, Any]]:
        """What other systems hear of the enrolment's status, in turn."""
        return [each.event for each in self.changes_of(enrolment_id)]

    def parts(self, enrolment_id: UUID) -> list[int]:
        """How many parts each transaction had that changed its status: more parts take longer."""
        return [each.parts for each in self.changes_of(enrolment_id)]

    def changes_of(self, enrolment_id: UUID) -> list[Announced]:
        """The changes of the enrolment's status, in turn."""
        return [each for each in self.changes if each.event["enrolment_id"] == str(enrolment_id)]


def heard(record: dict[str, Any]) -> bool:
    """Whether allocation hears of an enrolment's record."""
    return record["dynamodb"]["NewImage"]["status"]["S"] in HEARD
