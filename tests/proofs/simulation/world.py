"""
One seed's world: a clock that jumps, an agenda, and the functions with AWS around them.

Single-threaded, but interleaved: at each AWS call of a function the world may let something else
happen first, mostly a life event. So what a function has read may be stale when it writes, as with
many functions at once.
"""

from __future__ import annotations

import heapq
import logging
import os
from collections import Counter
from contextlib import contextmanager, nullcontext, redirect_stdout
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import count
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any

import pytest
import time_machine
from aws_lambda_powertools import single_metric
from aws_lambda_powertools.event_handler.api_gateway import BaseRouter
from botocore.exceptions import BotoCoreError, ClientError, ReadTimeoutError

from allocation import allocate
from allocation import handler as allocation
from audit import export
from audit import handler as audit
from digest import handler as digest
from disclosure import handler as disclosure
from enrolment import handler as enrolment
from operations import handler as operations
from receipts import handler as receipts
from reconciliation import handler as reconciliation
from scheduling import handler as scheduling
from sending import handler as sending
from tests.proofs.simulation.cloud import refusal
from tests.proofs.simulation.conversion import converting_once, typed, untyped
from tests.proofs.simulation.faults import CALLS, TRANSACTIONS, Fault, Weather
from tests.proofs.simulation.model import TrialModel, Violation
from tests.support.fixture_protocol import VERSION
from tests.support.steps import UNHURRIED
from trial import config, metrics, open_claims, retry
from trial.aws import attributes, stream, table
from trial.aws import clients as aws_clients
from trial.errors import TrialError
from trial.open_claims import OUTLASTED
from trial.protocol import load as protocols

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from contextlib import AbstractContextManager
    from uuid import UUID

FUNCTIONS: dict[str, Any] = {
    "allocation": allocation,
    "audit": audit,
    "digest": digest,
    "disclosure": disclosure,
    "enrolment": enrolment,
    "operations": operations,
    "receipts": receipts,
    "reconciliation": reconciliation,
    "scheduling": scheduling,
    "sending": sending,
}
SETTINGS = {
    "POWERTOOLS_METRICS_NAMESPACE": "DvpoReminders",
    "TABLE_NAME": "trial",
    "PROTOCOL": VERSION,
    "ALLOCATION_KEY_ID": "allocation",
    "SCHEDULING_FUNCTION": "scheduling",
    "IDENTITY_KEY_ID": "identity",
    "SEALING_KEY_ID": "sealing",
    "TEXTS_PER_DAY": "500",
    "ORDERS_PER_DAY": "1000",
    "TAKES_ORDERS": "true",
    "OUTLAST_CLAIMS_SECONDS": "0",
    "FORCE_NAME": "Durham Police",
    "FORCE_CONTACT": "101",
    "SENDER_ID": "Police",
    "STAFF_PHONE": "",
    "ON_AWS": "true",
    "USD_TO_GBP": "0.75",
    "AUDIT_BUCKET": "audit",
    "TOPIC_ARN": "arn:aws:sns:eu-west-2:123456789012:digests",
    "EVENT_BUS": "outward",
    "SCHEDULE_GROUP": "reminders",
    "SCHEDULE_PREFIX": "dvpo",
    "SCHEDULE_ROLE_ARN": "arn:aws:iam::123456789012:role/fire",
    "SCHEDULE_TARGET_ARN": "arn:aws:lambda:eu-west-2:123456789012:function:sending",
    "SCHEDULE_DEAD_LETTER_ARN": "arn:aws:sqs:eu-west-2:123456789012:failures",
}
_REDEPLOYED = ("PROTOCOL", "TAKES_ORDERS")
_CODES = {
    "dynamodb": ("ThrottlingException", "InternalServerError"),
    "events": ("ThrottlingException", "InternalException"),
    "kms": ("ThrottlingException", "KMSInternalException"),
    "lambda": ("TooManyRequestsException", "ServiceException"),
    "s3": ("SlowDown", "InternalError"),
    "sns": ("Throttling", "InternalError"),
    "scheduler": ("ThrottlingException", "InternalServerException"),
}
_WRITTEN: set[tuple[Any, ...]] = set()
"""The kinds of metrics that this process has written."""
_DEEPEST = 3  # how many functions may be in mid-call at once
_TICK = timedelta(microseconds=1)  # no two invocations begin at the same moment
_SLOW = timedelta(seconds=1)  # how long a call may take


class Crash(BaseException):
    """The function's process is gone: nothing of it runs any more, not even an `except`."""


class Failed(Exception):  # noqa: N818 - of the simulated function, not of ours
    """An invocation failed in a way in which functions may fail."""


@dataclass
class Invocation:
    """One run of a function: which one it is, on whose account, how many calls it has made."""

    serial: int
    function: str
    label: str
    about: UUID | None
    reminder: int
    opened: str
    """The version of the protocol whose trial is open by its settings; none if it is closed."""
    calls: int = 0


class World:
    """The clock, the agenda, the weather, and the running of functions."""

    def __init__(self, seed: int, start: datetime) -> None:
        self.rng = Random(f"simulation {seed}")  # noqa: S311 - to be repeated, not to be secret
        self.weather = Weather(self.rng)
        self.now = start
        self.model = TrialModel()
        self.faults: Counter[Fault] = Counter()
        self.counted: Counter[str] = Counter()
        self.trace: list[tuple[datetime, int, str]] = []
        self.seen: set[UUID] = set()
        """The enrolments whose trouble has reached an alarm or a failure queue."""
        self.poisoned: set[UUID] = set()
        self.orders_per_day = 1000
        self.deployed: dict[str, dict[str, str]] = {}
        """The settings of functions where they are not, or no longer, the first ones."""
        self.stack: list[Invocation] = []
        self.meddle: Callable[[UUID | None], None] = lambda _: None
        self.script: Callable[[Invocation, str], Fault | None] = lambda *_: None
        self._agenda: list[tuple[datetime, int, str, Callable[[], None]]] = []
        self._serial = count()
        self._clock: time_machine.Traveller | None = None
        self._shown = start

    # --- time --------------------------------------------------------------------------------

    def at(self, moment: datetime, what: str, act: Callable[[], None]) -> None:
        """Put something on the agenda; without a label, it is not in the trace."""
        heapq.heappush(self._agenda, (moment, next(self._serial), what, act))

    def after(self, seconds: float, what: str, act: Callable[[], None]) -> None:
        self.at(self.now + timedelta(seconds=round(seconds, 3)), what, act)

    def step(self) -> None:
        """Let the next thing on the agenda happen."""
        moment, _, what, act = heapq.heappop(self._agenda)
        self.now = max(self.now, moment)
        if what:
            self.counted["events"] += 1
            self.note(what)
        act()

    def run(self, until: datetime) -> None:
        while self._agenda and self._agenda[0][0] <= until:
            self.step()

    def _show(self) -> None:
        """Let the functions' clocks show what time it is."""
        if self._clock and self.now != self._shown:
            self._clock.shift(self.now - self._shown)  # unlike move_to, it leaves the zone alone
            self._shown = self.now

    def note(self, what: str) -> None:
        self.trace.append((self.now, len(self.stack), what))

    # --- functions ---------------------------------------------------------------------------

    def invoke(
        self,
        function: str,
        event: object,
        *,
        label: str = "",
        about: UUID | None = None,
        reminder: int = 0,
    ) -> Any:
        """Run a handler. Raises Failed where Lambda would see an error, or nothing at all."""
        self.counted["invocations"] += 1
        self.now += _TICK
        self._show()
        serial, own = self.counted["invocations"], self.deployed.get(function, {})
        closed = own.get("TAKES_ORDERS") == "false"
        opened = "" if closed else own.get("PROTOCOL", VERSION)
        self.stack.append(Invocation(serial, function, label or function, about, reminder, opened))
        try:
            with _as_deployed(own), _own_environment(module := FUNCTIONS[function]) as raised:
                answer = module.lambda_handler(event, UNHURRIED)
                _expect(raised)
                return answer
        except Crash:
            raise Failed from None
        except (TrialError, ClientError, BotoCoreError) as error:
            self.note(f"{function} raised {type(error).__name__}: {error}")
            raise Failed from error
        except Exception as error:
            raise Violation(f"{function} failed as no fault makes it fail: {error!r}") from error
        finally:
            self.stack.pop()

    def gate(
        self,
        operation: str,
        perform: Callable[[], dict[str, Any]],
        about: UUID | None = None,
        acts: int = 0,
    ) -> dict[str, Any]:
        """One AWS call and its answer, with the number of acts in its transaction."""
        invocation = self.stack[-1]
        invocation.about = about or invocation.about
        self.in_between()
        fault = self.befalls(operation, TRANSACTIONS if acts else CALLS)
        if invocation.about in self.poisoned and invocation.label in ("allocation", "scheduling"):
            fault = Fault.SERVER_ERROR
        if fault:
            _raise_before_the_call(fault, operation, acts)
        answer = perform()
        self.in_between()
        if fault is Fault.ANSWER_LOST:
            raise ReadTimeoutError(endpoint_url="simulated")
        if fault is Fault.CRASH_AFTER:
            raise Crash
        return answer

    def befalls(self, operation: str, chances: dict[Fault, float]) -> Fault | None:
        """The fault that strikes this call of the running function, if one does."""
        invocation = self.stack[-1]
        invocation.calls += 1
        fault = self.script(invocation, operation) or self.weather.pick(chances)
        if fault:
            self.faults[fault] += 1
        self.note(f"{operation}{f': {fault}' if fault else ''}")
        return fault

    def strikes(self, fault: Fault) -> bool:
        if struck := self.weather.strikes(fault):
            self.faults[fault] += 1
            self.note(f"{fault}")
        return struck

    def in_between(self) -> None:
        """Let something else happen before the running function goes on."""
        if len(self.stack) < _DEEPEST and self.weather.strikes(Fault.IN_BETWEEN):
            self.faults[Fault.IN_BETWEEN] += 1
            self.meddle(self.stack[-1].about)
            until = self.now + _SLOW
            while self._agenda and self._agenda[0][0] <= until:
                self.step()
            self._show()

    def pass_by(self, seconds: float) -> None:
        """While the running function waits, whatever is on the agenda happens."""
        until = self.now + timedelta(seconds=seconds)
        self.run(until)
        self.now = max(self.now, until)
        self._show()

    @contextmanager
    def lived_in(self, clients: Mapping[str, object], folder: Path) -> Iterator[None]:
        """The functions use this world's clients, clock, settings and protocols."""
        with (
            pytest.MonkeyPatch.context() as patch,
            time_machine.travel(self.now, tick=False) as clock,
            Path(os.devnull).open("w") as nowhere,
            redirect_stdout(nowhere),  # metrics are printed
        ):
            patch.setattr(protocols, "FOLDER", folder)
            for name, client in clients.items():
                patch.setattr(aws_clients, name, lambda client=client: client)
            for name, value in SETTINGS.items():
                patch.setenv(name, value)
            patch.setenv("ORDERS_PER_DAY", str(self.orders_per_day))
            patch.setenv("OUTLAST_CLAIMS_SECONDS", str(OUTLASTED.total_seconds()))
            patch.setattr(open_claims, "sleep", self.pass_by)
            patch.setattr("commands.repair.restore.sleep", lambda _: None)  # nothing is in flight
            patch.setattr(metrics, "single_metric", _each_kind_once)
            for module in (attributes, table):
                patch.setattr(module, "typed", typed)
            patch.setattr(attributes, "_untyped", untyped)
            plain = converting_once()
            for module in (stream, table):
                patch.setattr(module, "plain", plain)
            for patient in (allocate.allocate, retry.on_contention, export.export):
                patch.setitem(patient.__kwdefaults__ or {}, "pause", lambda _: None)
            logging.disable(logging.CRITICAL)
            config.settings.cache_clear()
            self._clock = clock
            try:
                yield
            finally:
                self._clock = None
                config.settings.cache_clear()
                FUNCTIONS["audit"]._store.cache_clear()  # noqa: SLF001 - it holds this world
                logging.disable(logging.NOTSET)


def _raise_before_the_call(fault: Fault, operation: str, acts: int) -> None:
    """Raise what the fault does before the call; some strike only after it."""
    throttled, broken = _CODES[operation.partition(".")[0]]
    match fault:
        case Fault.CRASH_BEFORE:
            raise Crash
        case Fault.THROTTLED:
            raise refusal(throttled)
        case Fault.SERVER_ERROR:
            raise refusal(broken, 500)
        case Fault.TIMEOUT:
            raise ReadTimeoutError(endpoint_url="simulated")
        case Fault.CONFLICT:
            reasons = [{"Code": "TransactionConflict"}, *[{"Code": "None"}] * (acts - 1)]
            raise refusal("TransactionCanceledException", CancellationReasons=reasons)


def _each_kind_once(**metric: Any) -> AbstractContextManager[object]:
    """A metric's context; of its kind only the first is written, since nobody reads them here."""
    kind = metric["name"], *sorted(metric["default_dimensions"].items())
    if kind in _WRITTEN:
        return nullcontext()
    _WRITTEN.add(kind)
    return single_metric(**metric)


@contextmanager
def _as_deployed(own: dict[str, str]) -> Iterator[None]:
    """With the settings that the function has by now; other functions may have others."""
    others = {name: os.environ[name] for name in _REDEPLOYED}
    wanted = {name: own.get(name, SETTINGS[name]) for name in _REDEPLOYED}
    if wanted == others:
        yield
        return
    os.environ.update(wanted)
    config.settings.cache_clear()
    try:
        yield
    finally:
        os.environ.update(others)
        config.settings.cache_clear()


@contextmanager
def _own_environment(module: Any) -> Iterator[list[Exception]]:
    """What Powertools keeps per process is each invocation's own; and what records raise."""
    kept = {name: BaseRouter.__dict__.get(name) for name in ("current_event", "lambda_context")}
    raised: list[Exception] = []
    handle: Any = getattr(module, "handle_record", None)

    def handle_record(record: object) -> None:
        try:
            handle(record)
        except Exception as error:
            raised.append(error)
            raise

    if handle:
        module.handle_record = handle_record
    try:
        yield raised
    finally:
        if handle:
            module.handle_record = handle
        for name, value in kept.items():
            setattr(BaseRouter, name, value)


def _expect(raised: list[Exception]) -> None:
    """Let no fault of the code hide among the records that a batch reports as failed."""
    for error in raised:
        if not isinstance(error, (TrialError, ClientError, BotoCoreError)):
            raise error
