"""Runs the functions one at a time, and routes their AWS calls."""

import io
import logging
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, redirect_stdout
from datetime import datetime
from types import SimpleNamespace
from typing import Any, NamedTuple

import pytest
import time_machine

from allocation import allocate
from tests.proofs.interleavings.turns import EVERYTHING, PUBLISH, WAIT, Op, PendingCall
from tests.proofs.interleavings.world import Breach, SmallWorld
from trial import open_claims, retry
from trial.aws import clients as aws_clients
from trial.errors import TrialError
from trial.open_claims import OUTLASTED

_CLOCK = frozenset({"clock"})
_TABLE = ("batch_get_item", "query", "transact_write_items")
_SCHEDULER = ("create_schedule", "get_schedule", "delete_schedule", "paginate")


class CallResult(NamedTuple):
    """The answer to a call, or its refusal, and its time."""

    what: Any
    at: datetime
    to: Op


class NextCall(BaseException):
    """An act has come to a call that has no answer yet."""

    def __init__(self, call: PendingCall) -> None:
        self.call = call
        super().__init__()


class Gated:
    """A client whose calls go to the stage."""

    def __init__(self, name: str, stage: "Stage") -> None:
        self._name, self._stage = name, stage

    def __getattr__(self, method: str) -> Any:
        if method not in (*_TABLE, *_SCHEDULER, "publish"):
            return getattr(self._stage.world.client(self._name), method)

        def call(**request: Any) -> Any:
            answer = self._stage.gate(
                PendingCall(self._name, method, request, _op(method, request))
            )
            if method == "transact_write_items":  # how long its answer takes, a wait may outlast
                self._stage.gate(PendingCall("clock", "answer", {}, Op("answer", reads=_CLOCK)))
            return answer

        return call

    def get_paginator(self, _: str) -> "Gated":
        return self


class Stage:
    """
    Routes the functions' calls: to a world or, while one act runs alone, to its earlier answers.

    Between two calls an act knows nothing but its answers and the time. So it is run again up to
    its next call and stopped there; no other act needs a thread.
    """

    def __init__(self, world: SmallWorld) -> None:
        self.world = world
        self._answers: deque[CallResult] | None = None
        self._stopped: NextCall | None = None
        self._clock: time_machine.Traveller | None = None

    def next_call(
        self, act: Callable[[], str], begun: datetime, answers: Sequence[CallResult]
    ) -> PendingCall | str:
        """The next call of an act with these answers, or its result."""
        self._answers, self._stopped = deque(answers), None
        self._move_to(begun)
        try:
            came_to = act()
        except TrialError as error:
            came_to = type(error).__name__
        except NextCall:
            came_to = ""
        finally:
            self._answers = None
        return self._stopped.call if self._stopped else came_to

    def gate(self, call: PendingCall) -> Any:
        if self._answers is None:  # no act runs: the world finishes its work
            answer = self.world.perform(call)
            self._move_to(self.world.now)
            return answer
        if self._stopped or not self._answers:
            self._stopped = self._stopped or NextCall(call)
            raise self._stopped
        said = self._answers.popleft()
        if said.to != call.op:
            raise Breach(f"an act does not do again what it did: {call.op}, was {said.to}")
        self._move_to(said.at)
        if isinstance(said.what, Exception):
            raise said.what.with_traceback(None)
        return said.what

    def _hand_over(self, **request: Any) -> Any:
        """Hand nothing over while acts run, because they may run again: `drain` does it."""
        return self.world.memory.invoke(**request) if self._answers is None else {}

    def _wait(self, seconds: float) -> None:
        """A wait lets time pass for all."""
        self.gate(PendingCall("clock", "wait", {"seconds": seconds}, Op(WAIT, writes=_CLOCK)))

    def _move_to(self, moment: datetime) -> None:
        if self._clock:
            self._clock.move_to(moment)

    def set_to(self, world: SmallWorld) -> None:
        """The functions live in this world now."""
        self.world = world
        self._move_to(world.now)

    @contextmanager
    def lived_in(self) -> Iterator[None]:
        """The functions have these clients, and this clock."""
        with ExitStack() as stack:
            stack.enter_context(self.world.memory.lived_in())
            patch = stack.enter_context(pytest.MonkeyPatch.context())
            for name in ("dynamodb", "scheduler", "sns"):
                gated = Gated(name, self)
                patch.setattr(aws_clients, name, lambda gated=gated: gated)
            patch.setattr(
                aws_clients, "background", lambda: SimpleNamespace(invoke=self._hand_over)
            )
            patch.setenv("OUTLAST_CLAIMS_SECONDS", str(OUTLASTED.total_seconds()))
            patch.setattr(open_claims, "sleep", self._wait)
            for patient in (allocate.allocate, retry.on_contention):
                patch.setitem(patient.__kwdefaults__ or {}, "pause", lambda _: None)
            self._clock = stack.enter_context(time_machine.travel(self.world.now, tick=False))
            stack.enter_context(redirect_stdout(io.StringIO()))
            logging.disable(logging.CRITICAL)
            yield
        self._clock = None


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
