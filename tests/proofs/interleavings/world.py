"""A deployment in memory at a moment, and what must hold of it."""

import re
from collections import Counter
from collections.abc import Hashable, Iterator
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from boto3.dynamodb.types import TypeDeserializer

from audit.chain import ExportedEntry
from commands.audit.agreement import TableFacts, disagreements
from commands.audit.trail import Trail
from tests.proofs.interleavings.turns import PendingCall
from tests.support.memory import Memory
from trial.aws.table import Key
from trial.records.audit import AuditEntry

_plain = TypeDeserializer().deserialize


class Breach(AssertionError):  # noqa: N818 - what must never be
    """A rule is broken."""


def alike(held: object) -> int:
    """An equal number for states that differ only in an audit entry's random token."""
    return hash(re.sub(r"#[0-9a-f]{8}'", "#'", repr(held)))


class SmallWorld:
    """One moment of a deployment, at which several things happen at once."""

    def __init__(self, memory: Memory, now: datetime) -> None:
        self.memory = memory
        self.now = now
        self.events: list[tuple[str, str]] = []
        """The outside view, in order: texts by number, and answers by act."""
        self._hashes: dict[int, tuple[object, int]] = {}

    def copied(self) -> "SmallWorld":
        """Another at the same moment."""
        twin = SmallWorld(self.memory.copied(), self.now)
        twin.memory.texts = list(self.memory.texts)  # their ids are counted
        twin.memory.stream = self.memory.stream.copy()
        twin.events = list(self.events)
        twin._hashes = self._hashes
        return twin

    @property
    def state(self) -> Hashable:
        """Everything that AWS holds, the time, and the outside view."""
        images = [each["dynamodb"]["NewImage"] for each in self.memory.stream]
        return (
            frozenset(map(self._hash, self.memory.dynamo.items())),
            frozenset(map(self._hash, self.memory.scheduler.schedules.values())),
            (self.now, *map(self._hash, images), *self.events, len(self.memory.texts)),
        )

    def _hash(self, item: object) -> int:
        """Items and schedules are replaced, never changed: each is looked at once."""
        known = self._hashes.get(id(item))
        if known is None:
            known = self._hashes[id(item)] = item, alike(item)  # kept, so that its id stays its own
        return known[1]

    def perform(self, call: PendingCall) -> Any:
        """Let one call happen. Raises what the service would."""
        match call.client, call.method:
            case "clock", "wait":
                self.now += timedelta(seconds=call.request["seconds"])
            case "sns", _:
                self.events.append(("text", call.request["PhoneNumber"]))
                return self.memory.publish(**call.request)
            case "dynamodb" | "scheduler", _:
                return getattr(self.client(call.client), call.method)(**call.request)
        return None

    def client(self, name: str) -> Any:
        """A client of this deployment's."""
        return {"dynamodb": self.memory.dynamo, "scheduler": self.memory.scheduler}[name]

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
                entries.append(ExportedEntry.of(key, AuditEntry.of(own)))
            else:
                facts.add(item)
        for found in disagreements(Trail.of(entries), facts, until=self.now):
            raise Breach(f"{found.fault}: {found.where}")
        for ident in people:
            self._schedules_follow(ident)

    def _schedules_follow(self, ident: UUID) -> None:
        """Exactly one schedule for each remaining reminder, at its time, and no others."""
        file = self.memory.file(ident)
        wanted = {
            each.number: each.due_at.replace(microsecond=0)
            for each in file.reminders
            if each.state in ("planned", "scheduled") and each.due_at > self.now
        }
        found = {number: at for number, at in file.schedules.items() if at > self.now}
        if found != wanted:
            raise Breach(f"schedules {sorted(found)}, where {sorted(wanted)} are to come")
