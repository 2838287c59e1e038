"""A deployment in memory, whose calls wait for their turn, and what must hold of it."""

from __future__ import annotations

import io
import logging
from collections import Counter
from contextlib import ExitStack, contextmanager, redirect_stdout
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
import time_machine
from boto3.dynamodb.types import TypeDeserializer

from allocation import allocate
from audit.chain import Entry
from commands.audit.agreement import TableFacts, disagreements
from commands.audit.trail import Trail
from tests.proofs.interleavings.turns import EVERYTHING, PUBLISH, WAIT, Op
from trial import open_claims, retry
from trial.aws import clients as aws_clients
from trial.aws.table import Key
from trial.open_claims import OUTLASTED
from trial.records.audit import Audit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from uuid import UUID

    from tests.proofs.interleavings.turns import Turns
    from tests.support.memory import Memory

_plain = TypeDeserializer().deserialize
_CLOCK = frozenset({"clock"})
_TABLE = ("batch_get_item", "query", "transact_write_items")
_SCHEDULER = ("create_schedule", "get_schedule", "delete_schedule", "paginate")


class Breach(AssertionError):  # noqa: N818 - what must never be
    """Something that must never be is so."""


class Gated:
    """A client whose calls wait for their turn."""

    def __init__(self, client: Any, world: World) -> None:
        self._client, self._world = client, world

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._client, name)
        if name not in (*_TABLE, *_SCHEDULER, "publish"):
            return method

        def call(**request: Any) -> Any:
            answer = self._world.gate(_op(name, request), lambda: method(**request))
            if name == "transact_write_items":  # how long its answer takes, a wait may outlast
                self._world.gate(Op("answer", reads=_CLOCK), lambda: None)
            return answer

        return call

    def get_paginator(self, _: str) -> Gated:
        return self


def _op(name: str, request: dict[str, Any]) -> Op:
    """What a call touches: partitions of the table, schedules by name, or everything."""
    match name:
        case "batch_get_item":
            ((_, wanted),) = request["RequestItems"].items()
            return Op("read", reads=frozenset(_partition(key) for key in wanted["Keys"]))
        case "query":
            value = request["KeyConditionExpression"].split()[2]
            one = frozenset([request["ExpressionAttributeValues"][value]["S"]])
            return Op("query", reads=EVERYTHING if "IndexName" in request else one)
        case "transact_write_items":
            return _write(request["TransactItems"])
        case "publish":
            return Op(PUBLISH, writes=EVERYTHING)
        case "paginate":
            return Op("list schedules", reads=EVERYTHING)
    touched = frozenset([f"schedule {request['Name']}"])
    return Op(name, reads=touched) if name == "get_schedule" else Op(name, writes=touched)


def _write(transaction: list[dict[str, Any]]) -> Op:
    acts = [(kind, each) for act in transaction for kind, each in act.items()]
    keys = [(kind, _partition(each.get("Item") or each["Key"])) for kind, each in acts]
    return Op(
        "write",
        reads=frozenset(key for kind, key in keys if kind == "ConditionCheck"),
        writes=frozenset(key for kind, key in keys if kind != "ConditionCheck"),
    )


def _partition(key: dict[str, Any]) -> str:
    return str(key["pk"]["S"])


class World:
    """One moment of a deployment, at which two things happen at once."""

    def __init__(self, memory: Memory, now: datetime) -> None:
        self.memory = memory
        self.now = now
        self.events: list[tuple[str, str]] = []
        """What was seen from outside, in order: texts by number, and answers by act."""
        self.turns: Turns | None = None
        self._clock: time_machine.Traveller | None = None

    def copied(self) -> World:
        """Another at the same moment."""
        twin = World(self.memory.copied(), self.now)
        twin.memory.texts = list(self.memory.texts)  # their ids are counted
        return twin

    def gate(self, op: Op, perform: Callable[[], Any]) -> Any:
        return self.turns.gate(op, perform) if self.turns else perform()

    def publish(self, **text: Any) -> dict[str, Any]:
        self.events.append(("text", text["PhoneNumber"]))
        return self.memory.publish(**text)

    def wait(self, seconds: float) -> None:
        """Whoever waits lets time pass for all."""

        def passes() -> None:
            self.move_to(self.now + timedelta(seconds=seconds))

        self.gate(Op(WAIT, writes=_CLOCK), passes)

    def move_to(self, moment: datetime) -> None:
        self.now = moment
        if self._clock:
            self._clock.move_to(moment)

    @contextmanager
    def lived_in(self) -> Iterator[None]:
        """The functions have these clients, and this clock."""
        with ExitStack() as stack:
            stack.enter_context(self.memory.lived_in())
            patch = stack.enter_context(pytest.MonkeyPatch.context())
            for name, client in (
                ("dynamodb", self.memory.dynamo),
                ("scheduler", self.memory.scheduler),
                ("sns", self),
            ):
                gated = Gated(client, self)
                patch.setattr(aws_clients, name, lambda gated=gated: gated)
            patch.setenv("OUTLAST_CLAIMS_SECONDS", str(OUTLASTED.total_seconds()))
            patch.setattr(open_claims, "sleep", self.wait)
            for patient in (allocate.allocate, retry.on_contention):
                patch.setitem(patient.__kwdefaults__ or {}, "pause", lambda _: None)
            self._clock = stack.enter_context(time_machine.travel(self.now, tick=False))
            stack.enter_context(redirect_stdout(io.StringIO()))
            logging.disable(logging.CRITICAL)
            yield
        self._clock = None

    def items(self) -> Iterator[tuple[Key, dict[str, Any]]]:
        for raw in self.memory.dynamo.items():
            item = {name: _plain(value) for name, value in raw.items()}
            yield Key(item["pk"], item["sk"]), item

    def check(self, *people: UUID) -> None:
        """Whatever has happened: one text a day, and table, trail and schedules agree."""
        texts = Counter(number for what, number in self.events if what == "text")
        if texts and max(texts.values()) > 1:
            raise Breach("two texts of one day to one number")
        entries, facts = [], TableFacts()
        for key, item in self.items():
            if item["kind"] == "audit":
                own = {name: each for name, each in item.items() if name not in ("pk", "sk")}
                entries.append(Entry.of(key, Audit.of(own)))
            elif item["kind"] in ("allocation", "reminder", "enrolment"):
                facts.add(item)
        for found in disagreements(Trail.of(entries), facts, until=self.now):
            raise Breach(f"{found.fault}: {found.where}")
        for ident in people:
            self._schedules_follow(ident)

    def _schedules_follow(self, ident: UUID) -> None:
        """Exactly one schedule for each reminder that is to come, at its time; no other."""
        file = self.memory.file(ident)
        wanted = {
            each.number: each.due_at.replace(microsecond=0)
            for each in file.reminders
            if each.state in ("planned", "scheduled") and each.due_at > self.now
        }
        found = {number: at for number, at in file.schedules.items() if at > self.now}
        if found != wanted:
            raise Breach(f"schedules {sorted(found)}, where {sorted(wanted)} are to come")
