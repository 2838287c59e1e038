"""
What brings events to the functions: stream, schedules, asynchronous retries, phones.

Each is wired as the template says, and does what the real one is known to do.
"""

from __future__ import annotations

import base64
import gzip
import json
import zlib
from collections import deque
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache, partial
from typing import TYPE_CHECKING, Any
from uuid import UUID

from botocore.exceptions import EndpointConnectionError, ReadTimeoutError
from samtranslator.yaml_helper import yaml_parse

from tests.proofs.simulation.cloud import owner, refusal
from tests.proofs.simulation.faults import TEXTS, Fault
from tests.proofs.simulation.model import Violation
from tests.proofs.simulation.world import Crash, Failed
from tests.support.samples import ROOT, sample

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.proofs.simulation.cloud import Scheduler
    from tests.proofs.simulation.conditions import Item
    from tests.proofs.simulation.world import World

_SHARDS = 2
_TRIMMED = timedelta(hours=24)
_LONG = timedelta(hours=6)  # for one bad record to hold up others
_HISTORY = 12  # records that a replay goes back
_TURNED_AWAY = {
    Fault.TEXT_THROTTLED: (("Throttling", 400), ("Throttling", 429)),
    Fault.TEXT_FORBIDDEN: (("AuthorizationError", 403), ("ExpiredToken", 403)),
}


@cache
def functions() -> dict[str, dict[str, Any]]:
    """The template's functions, by the folder of their handler."""
    resources = yaml_parse((ROOT / "infra" / "template.yaml").read_text())["Resources"].values()
    found = (each["Properties"] for each in resources if each["Type"].endswith("::Function"))
    return {each["Handler"].partition(".")[0]: each for each in found}


def stream_readers(world: World) -> list[Reader]:
    """The roles that the template lets read the table's stream."""
    return [
        Reader(world, function, event["Properties"])
        for function, made in functions().items()
        for event in made.get("Events", {}).values()
        if event["Type"] == "DynamoDB"
    ]


@dataclass
class Shard:
    """The records of one shard that a reader has yet to process, the oldest first."""

    left: deque[dict[str, Any]] = field(default_factory=deque)
    done: deque[dict[str, Any]] = field(default_factory=lambda: deque(maxlen=_HISTORY))
    again: list[dict[str, Any]] = field(default_factory=list)
    most: int = 0
    tries: int = 0
    waiting: bool = False


class Reader:
    """One event source mapping: filter, batches, checkpoints, bisection, retries, dead letters."""

    def __init__(self, world: World, function: str, mapping: dict[str, Any]) -> None:
        self._world = world
        self._function = function
        self._mapping = mapping
        patterns = mapping["FilterCriteria"]["Filters"]
        self._patterns = [_matching(json.loads(each["Pattern"])) for each in patterns]
        self._shards = [Shard(most=mapping["BatchSize"]) for _ in range(_SHARDS)]

    def announce(self, record: dict[str, Any]) -> None:
        if any(matches(record) for matches in self._patterns):
            pk = record["dynamodb"]["Keys"]["pk"]["S"]
            shard = self._shards[zlib.crc32(pk.encode()) % _SHARDS]
            shard.left.append(record)
            self._poll(shard, self._world.rng.choice((0, 0.2, 1)))

    def _poll(self, shard: Shard, seconds: float) -> None:
        if not shard.waiting and shard.left:
            shard.waiting = True
            self._world.after(seconds, f"{self._function} reads", partial(self._read, shard))

    def _read(self, shard: Shard) -> None:
        while shard.left and (age := self._world.now - _at(shard.left[0])) > self._oldest:
            gone = shard.left.popleft()
            if age <= _TRIMMED:  # otherwise the stream no longer holds it, and nothing reports it
                self._give_up([gone])
        batch = [shard.left[each] for each in range(min(shard.most, len(shard.left)))]
        wait = 0.0
        if batch and (done := self._taken(batch)) < len(batch):
            wait = self._again(shard, batch, done)
        elif batch:
            self._checkpoint(shard, len(batch))
            self._replay(shard)
        shard.waiting = False
        self._poll(shard, wait)

    @property
    def _oldest(self) -> timedelta:
        return min(timedelta(seconds=self._mapping.get("MaximumRecordAgeInSeconds", 1e6)), _TRIMMED)

    def _taken(self, batch: list[dict[str, Any]]) -> int:
        """How many records of the batch were processed, up to the first failure."""
        try:
            answer = self._world.invoke(self._function, {"Records": batch})
        except Failed:
            return -1
        if "ReportBatchItemFailures" not in self._mapping.get("FunctionResponseTypes", ()):
            return len(batch)
        failed = {each["itemIdentifier"] for each in answer["batchItemFailures"]}
        numbers = [each["dynamodb"]["SequenceNumber"] for each in batch]
        return next((place for place, each in enumerate(numbers) if each in failed), len(batch))

    def _again(self, shard: Shard, batch: list[dict[str, Any]], done: int) -> float:
        """Retry failed records later, in smaller batches; finally give up."""
        self._checkpoint(shard, max(done, 0))
        left = len(batch) - max(done, 0)
        if left > 1 and self._mapping.get("BisectBatchOnFunctionError"):
            shard.most = (left + 1) // 2
            return 1
        shard.tries += 1
        most = self._mapping.get("MaximumRetryAttempts", -1)
        if 0 <= most < shard.tries:
            self._give_up([shard.left.popleft() for _ in range(left)])
            shard.tries, shard.most = 0, self._mapping["BatchSize"]
            return 0
        return min(2.0 ** min(shard.tries, 6), 60)

    def _checkpoint(self, shard: Shard, count: int) -> None:
        for _ in range(count):
            record = shard.left.popleft()
            held_up = self._world.now - _at(record) > _LONG and record not in shard.again
            if held_up and _ident(record) not in self._world.poisoned:
                raise Violation("no record is held up for long by another")
            shard.done.append(record)
        if count:
            shard.tries, shard.most = 0, self._mapping["BatchSize"]

    def _replay(self, shard: Shard) -> None:
        if self._world.strikes(Fault.REPLAYED):
            now = self._world.now
            again = [each for each in shard.done if now - _at(each) < self._oldest]
            if self._world.strikes(Fault.REORDERED):
                self._world.rng.shuffle(again)
            shard.done.clear()
            shard.again += again
            shard.left.extendleft(reversed(again))

    def _give_up(self, records: list[dict[str, Any]]) -> None:
        self._world.note(f"{self._function} gives up {len(records)} records")
        if "OnFailure" in self._mapping.get("DestinationConfig", {}):
            self._world.seen.update(map(_ident, records))


def _matching(pattern: Any) -> Callable[[Any], bool]:
    """A filter's pattern, prepared: only what the template uses, where `exists` is true."""
    if isinstance(pattern, dict):
        fields = [(name, _matching(wanted)) for name, wanted in pattern.items()]
        return lambda value: (
            isinstance(value, dict)
            and all(name in value and matches(value[name]) for name, matches in fields)
        )
    exact = [each for each in pattern if not isinstance(each, dict)]
    prefixes = tuple(each.get("prefix", "") for each in pattern if isinstance(each, dict))
    return lambda value: value in exact or str(value).startswith(prefixes)


def _at(record: dict[str, Any]) -> datetime:
    return datetime.fromtimestamp(record["dynamodb"]["ApproximateCreationDateTime"], UTC)


def _ident(record: dict[str, Any]) -> UUID:
    return owner(record["dynamodb"]["Keys"]["pk"]["S"])


def stream_record(serial: int, old: Item | None, new: Item | None, now: datetime) -> dict[str, Any]:
    """How the stream announces a change."""
    known = new or old or {}
    name = "REMOVE" if new is None else "INSERT" if old is None else "MODIFY"
    changed = {
        "ApproximateCreationDateTime": now.timestamp(),
        "Keys": {"pk": known["pk"], "sk": known["sk"]},
        "SequenceNumber": f"{serial:021}",
        "StreamViewType": "NEW_IMAGE",
    }
    return {
        "eventID": f"{serial:032x}",
        "eventName": name,
        "eventSource": "aws:dynamodb",
        "dynamodb": changed | ({"NewImage": new} if new else {}),
    }


class Lambda:
    """Asynchronous invocations: more tries after one and two minutes, then a dead letter."""

    def __init__(self, world: World) -> None:
        self._world = world

    def invoke(self, function: str, event: dict[str, Any], attempt: int = 1) -> Any:
        """Invoke once, and again after a failure; nobody gets the answer."""
        told = functions()[function].get("EventInvokeConfig", {})
        about = {}
        if "enrolment_id" in event:
            about = {"about": UUID(event["enrolment_id"]), "reminder": event.get("number", 0)}
        try:
            return self._world.invoke(function, event, **about)
        except Failed:
            if attempt <= told.get("MaximumRetryAttempts", 2):
                again = partial(self.invoke, function, event, attempt + 1)
                self._world.after(60 * attempt, f"{function} tries again", again)
            elif "OnFailure" in told.get("DestinationConfig", {}):
                self._world.note(f"{function} leaves a dead letter")
                self._world.seen.update(filter(None, [about.get("about")]))
            return None


@dataclass
class Background:
    """How one function starts another: at least once, soon as a rule, and in any order."""

    world: World
    run: Lambda

    def invoke(self, **request: Any) -> dict[str, Any]:
        event = json.loads(request["Payload"])
        kept = partial(self._kept, request["FunctionName"], event)
        return self.world.gate("lambda.Invoke", kept, UUID(event["enrolment_id"]))

    def _kept(self, function: str, event: dict[str, Any]) -> dict[str, Any]:
        world = self.world
        for _ in range(1 + world.strikes(Fault.STARTED_TWICE)):
            late = world.strikes(Fault.STARTED_LATE)
            wait = world.rng.uniform(60, 6 * 3600) if late else world.rng.choice((0, 0.1, 2))
            world.after(wait, f"{function} starts", partial(self.run.invoke, function, event))
        return {"StatusCode": 202}


class Clockwork:
    """EventBridge Scheduler: at least once, to the minute, sometimes much later."""

    def __init__(self, world: World, scheduler: Scheduler, run: Lambda) -> None:
        self._world, self._scheduler, self._run = world, scheduler, run

    def created(self, name: str, at: datetime) -> None:
        rng = self._world.rng
        late = rng.uniform(0, 60)
        if self._world.strikes(Fault.FIRED_LATE):
            late = rng.choice((rng.uniform(60, 3600), rng.uniform(3600, 86400)))
        schedule = self._scheduler.schedules[name]
        self._world.at(
            at + timedelta(seconds=round(late, 3)),
            f"{name} fires",
            partial(self._fire, name, schedule),
        )

    def _fire(self, name: str, schedule: dict[str, Any]) -> None:
        world, target = self._world, schedule["Target"]
        event = json.loads(target["Input"])
        if self._scheduler.schedules.get(name) is not schedule:
            if not world.strikes(Fault.FIRED_DELETED):
                return
        else:  # it is deleted once it has completed, and keeps its name until then
            completed = partial(self._complete, name, schedule)
            world.after(world.rng.choice((0, 30, 90)), f"{name} is gone", completed)
            if world.strikes(Fault.FIRING_LOST):
                if "DeadLetterConfig" in target:
                    world.seen.add(UUID(event["enrolment_id"]))
                return
        if world.strikes(Fault.FIRED_TWICE):
            again = partial(self._run.invoke, "sending", event)
            world.after(world.rng.choice((0, 0, 0, 0.5, 90, 4000)), f"{name} fires again", again)
        self._run.invoke("sending", event)

    def _complete(self, name: str, schedule: dict[str, Any]) -> None:
        if self._scheduler.schedules.get(name) is schedule:
            del self._scheduler.schedules[name]


@dataclass
class Phones:
    """SNS and the carriers: the result of a text, and the time of its receipt."""

    world: World
    run: Lambda
    digests: Callable[[dict[str, Any]], dict[str, Any]] = lambda _: {}
    texts: int = 0
    logged: list[dict[str, Any]] = field(default_factory=list)
    """The receipts in the delivery logs."""
    opted_out: set[str] = field(default_factory=set)

    def publish(self, **request: Any) -> dict[str, Any]:
        if "TopicArn" in request:
            return self.world.gate("sns.Publish", partial(self.digests, request))
        return self._text(request)

    def _text(self, request: dict[str, Any]) -> dict[str, Any]:
        world, invocation = self.world, self.world.stack[-1]
        assert invocation.about
        reminder = invocation.about, invocation.reminder
        fault = world.befalls("sns.Publish", TEXTS)
        if fault is Fault.CRASH_BEFORE:
            raise Crash
        if fault is Fault.TEXT_UNREACHABLE:
            raise EndpointConnectionError(endpoint_url="simulated")
        world.model.handed_over(*reminder, request["PhoneNumber"], request["Message"])
        if fault in (Fault.TEXT_THROTTLED, Fault.TEXT_FORBIDDEN):
            world.model.turned_away(*reminder)
            code, status = world.rng.choice(_TURNED_AWAY[fault])
            raise refusal(code, status)
        if final := self._final(fault, request["PhoneNumber"]):
            raise refusal(final)
        if fault is not Fault.TEXT_ERROR or world.rng.random() < 0.5:
            self.texts += 1
            message_id = f"message-{self.texts}"
            if fault is not Fault.TEXT_SILENT:
                self._carried(message_id, request["PhoneNumber"])
        if fault is Fault.TEXT_ERROR:
            raise refusal("InternalError", 500)
        if fault is Fault.TEXT_TIMEOUT:
            raise ReadTimeoutError(endpoint_url="simulated")
        world.in_between()
        if fault is Fault.CRASH_AFTER:
            raise Crash
        return {"MessageId": message_id}

    def _log(self, event: dict[str, Any]) -> None:
        log = json.loads(gzip.decompress(base64.b64decode(event["awslogs"]["data"])))
        at = int(self.world.now.timestamp() * 1000)
        self.logged += [
            {"eventId": each["id"], "timestamp": at, "message": each["message"]}
            for each in log["logEvents"]
        ]

    def _final(self, fault: Fault | None, number: str) -> str | None:
        """
        The code with which SNS refuses a text for good, if it does.

        SNS accepts most texts to a number that opted out, and reports the opt-out in its log.
        """
        if fault is Fault.TEXT_REFUSED:
            return "InvalidParameter"
        knows = number in self.opted_out and self.world.rng.random() < 0.3
        return "OptedOut" if knows else None

    def _carried(self, message_id: str, number: str) -> None:
        world = self.world
        if world.strikes(Fault.OPTED_OUT):
            self.opted_out.add(number)
        if world.strikes(Fault.RECEIPT_MISSING):
            return
        wait = world.rng.uniform(0.5, 120)
        if world.strikes(Fault.RECEIPT_LATE):
            wait = world.rng.uniform(3600, 90 * 3600)
        words = "Phone has blocked SMS" if world.rng.random() > 0.9 else None
        if number in self.opted_out:
            words = f"{number} is opted out"
        event = logged(message_id, number, world.now, words=words)
        world.after(wait, "", partial(self._log, event))
        for _ in range(1 + world.strikes(Fault.RECEIPT_TWICE)):
            bring = partial(self.run.invoke, "receipts", event)
            world.after(wait, f"receipt of {message_id}", bring)


def logged(message_id: str, number: str, now: datetime, *, words: str | None) -> dict[str, Any]:
    """The sample event of a receipt for this text: delivered, or the carrier's words why not."""
    event = sample(f"receipts-{'undelivered' if words else 'delivered'}")
    log = json.loads(gzip.decompress(base64.b64decode(event["awslogs"]["data"])))
    entry = log["logEvents"][0]
    line = json.loads(entry["message"])
    line["notification"] = {"messageId": message_id, "timestamp": f"{now:%Y-%m-%d %H:%M:%S}.000"}
    line["delivery"]["destination"] = number
    if words:
        line["delivery"]["providerResponse"] = words
    log["logEvents"] = [
        entry | {"message": json.dumps(line), "timestamp": int(now.timestamp() * 1000)}
    ]
    return {"awslogs": {"data": base64.b64encode(gzip.compress(json.dumps(log).encode())).decode()}}
