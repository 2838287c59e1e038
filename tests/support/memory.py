"""
The functions with AWS in memory: a hundred times faster than moto, and nothing goes wrong.

For tests that live many short lives. The simulation has the same clients go wrong.
"""

from __future__ import annotations

import logging
from collections import deque
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import pytest

from allocation.handler import lambda_handler as allocation
from audit.announce import changes as status_changes
from audit.handler import entry_in
from scheduling.handler import lambda_handler as scheduling
from tests.proofs.simulation.cloud import Dynamo, Kms, Scheduler, when
from tests.proofs.simulation.services import stream_record
from tests.proofs.simulation.world import SETTINGS
from tests.support.samples import MORNING
from tests.support.steps import CONTEXT, failures, stream
from trial import config
from trial.aws import clients as aws_clients
from trial.aws.table import Table, put
from trial.codes import Status
from trial.records.allocation import Allocation, allocation_key, allocation_partition
from trial.records.enrolment import Enrolment, enrolment_key
from trial.records.reminder import Reminder, reminder_key

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime
    from uuid import UUID

    from mypy_boto3_dynamodb import DynamoDBClient

LISTENING = {allocation: {Status.ELIGIBLE}, scheduling: {Status.ALLOCATED, Status.ENDED}}
"""Who hears of enrolments of which status, as the template's filters say."""


@dataclass
class File:
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
        self.trail: list[dict[str, Any]] = []
        """The stream's records of the audit trail, in turn."""
        self.gate: Callable[[Callable[[], dict[str, Any]]], dict[str, Any]] = lambda call: call()
        """What stands before each call of AWS."""

    def copied(self) -> Memory:
        """Another that holds the same, and goes its own way."""
        other = Memory(self.kms.salt, sequence=self.kms.sequence)
        # Items and schedules are replaced, never changed.
        other.dynamo.partitions = {pk: dict(each) for pk, each in self.dynamo.partitions.items()}
        for name, index in self.dynamo.indexes.items():
            for value, items in index.items():
                other.dynamo.indexes[name][value] = dict(items)
        other.scheduler.schedules = dict(self.scheduler.schedules)
        other.trail = list(self.trail)
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

    def drain(self) -> None:
        """Let the stream's readers hear of all that was written, in turn."""
        while self.stream:
            record = self.stream.popleft()
            for reader, statuses in LISTENING.items():
                if record["dynamodb"]["NewImage"]["status"]["S"] in statuses:
                    assert failures(reader(stream(record), CONTEXT)) == []

    def file(self, enrolment_id: UUID) -> File:
        found, drawn = self._table().read(enrolment_key(enrolment_id), allocation_key(enrolment_id))
        reminders = self._table().partition(allocation_partition(enrolment_id), "reminder#")
        return File(
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
            patch.setattr(aws_clients, "dynamodb", lambda: self.dynamo)
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

    def _gate(self, _: str, perform: Callable[[], dict[str, Any]], *__: object) -> dict[str, Any]:
        return self.gate(perform)

    def _committed(self, changes: list[tuple[Any, Any]]) -> None:
        changed = set()
        for old, new in changes:
            if new and new.get("kind") == {"S": "enrolment"}:
                self.stream.append(stream_record(len(self.stream) + 1, old, new, MORNING))
                if not old or old["status"] != new["status"]:
                    changed.add((new["enrolment_id"]["S"], new["status"]["S"]))
            elif new and new.get("kind") == {"S": "audit"}:
                self.trail.append(stream_record(len(self.trail) + 1, old, new, MORNING))
        said = {
            (each["enrolment_id"], each["status"])
            for each in status_changes(map(entry_in, self.trail[-len(changes) :]))
        }
        assert changed <= said, "an act that changes a status says so in the audit trail"

    def announced(self, enrolment_id: UUID) -> list[dict[str, Any]]:
        """What other systems hear of the enrolment's status, in turn."""
        changes = status_changes(map(entry_in, self.trail))
        return [each for each in changes if each["enrolment_id"] == str(enrolment_id)]
