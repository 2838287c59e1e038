"""
No personal data in any log, metric, name, input, queue, traceback or error, on any path.

A person with unique details goes through the system, and everything that can fail does: every kind
of bad input on every route, every call of AWS fails in every way, with an error that repeats its
request; the stream, receipts and schedules bring invalid content. Then everything that anybody
could see is searched for these details, their hashes, and the last six digits of the numbers.
"""

import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from itertools import product
from typing import Any

import pytest
import time_machine
from time_machine import Traveller

from allocation.handler import lambda_handler as allocation
from receipts.handler import lambda_handler as receipts
from reconciliation.handler import lambda_handler as reconciliation
from scheduling.handler import lambda_handler as scheduling
from sending.handler import lambda_handler as sending
from tests.proofs.simulation.cloud import when
from tests.support import canaries
from tests.support.canaries import GOSSIP, ORDER, Sinks, faults, searched
from tests.support.delivery_lines import packed, unpacked
from tests.support.keys import mac_key
from tests.support.life import ARREST, CUSTODY, METHODS, RELEASE, corrected
from tests.support.memory import Memory
from tests.support.memory import heard as is_heard
from tests.support.samples import MORNING, sample
from tests.support.steps import UNHURRIED, Context, call, stream
from trial.identity import enrolment_id

SALT = "2"  # with which they are drawn to intervention
IDENT = enrolment_id(mac_key(f"{SALT}/identity"), "durham", ORDER[0])
NOON = MORNING.replace(hour=12)


@pytest.fixture
def sinks(clock: Traveller) -> Iterator[Sinks]:
    clock.move_to(NOON)
    with searched(SALT) as opened:
        yield opened


def send_change(what: str, told: Any) -> Callable[[Memory], Any]:
    return lambda _: call(METHODS[what], f"/enrolments/{IDENT}/{what}", told)


def ask(method: str, path: str, told: Any = None) -> Callable[[Memory], Any]:
    return lambda _: call(method, path, told)


def heard(memory: Memory) -> list[Any]:
    """Bring allocation the stream's records, and scheduling what it hands over; their answers."""
    answers: list[Any] = []
    while memory.stream or memory.handed_over:
        if memory.handed_over:
            scheduling(memory.handed_over.popleft(), Context())
        elif is_heard(record := memory.stream.popleft()):
            answers += [allocation(stream(record), Context())]
    return answers


def fired(memory: Memory) -> Any:
    """Let the first schedule fire in its time, with its own input."""
    (name, schedule) = min(memory.scheduler.schedules.items())
    del memory.scheduler.schedules[name]
    with time_machine.travel(when(schedule), tick=False):
        return sending(json.loads(schedule["Target"]["Input"]), Context())


def reconciled(asked: dict[str, Any]) -> Any:
    """A few days later, when there is much to find."""
    with time_machine.travel(NOON + timedelta(days=4), tick=False):
        return reconciliation(asked, UNHURRIED)


def receipt(number: str, **changes: Any) -> dict[str, Any]:
    log, line = unpacked(sample("receipts-delivered"))
    line["notification"]["messageId"] = "text-1"
    line["delivery"]["destination"] = number
    line["delivery"] |= {"providerResponse": f"for {number}"} | changes
    log["logEvents"][0]["message"] = json.dumps(line)
    return packed(log)


MISSING = {"missing_reason": "seized_evidence", "recorded_by": ORDER[3]}
SUPPRESSION = {"number": canaries.SUPPRESSED, "reason": "wrong_number", "by": ORDER[3]}
CHANGED = corrected() | canaries.body()["order"] | {"conditions": ["no_molestation"]}
LIFE: tuple[Callable[[Memory], Any], ...] = (
    ask("POST", "/enrolments", canaries.body() | {"mobile": MISSING}),
    send_change("mobile", {"number": canaries.FIRST, "resolved_how": "officer_visit"}),
    heard,
    heard,
    ask("GET", f"/enrolments/{IDENT}"),
    ask("GET", f"/allocations/{IDENT}"),
    fired,
    lambda _: receipts(receipt(canaries.FIRST), Context()),
    lambda _: receipts(receipt(canaries.SECOND), Context()),
    send_change("order", CHANGED),
    send_change("service", {"served_on": "2026-12-01"}),
    send_change("outcomes", ARREST | {"reference": "CRIME-77"}),
    send_change("mobile", {"number": canaries.PROTECTED}),
    send_change("mobile", {"number": canaries.SECOND}),
    heard,
    ask("POST", "/suppressions", SUPPRESSION),
    ask("PUT", "/sending", {"paused": True, "reason": "exercise", "by": ORDER[3]}),
    ask("GET", "/reports/missing-numbers"),
    fired,
    lambda _: reconciled({}),
    lambda _: reconciled({"proof": "control"}),
    send_change("end", CUSTODY),
    send_change("resume", RELEASE),
    heard,
    send_change("end", CUSTODY | {"reason": "quashed"}),
    heard,
)
"""Every report and request about them, one after another, minutes apart."""


def test_no_failing_call_reveals_a_number_or_a_name(sinks: Sinks, clock: Traveller) -> None:
    memory = Memory(SALT)
    for place, step in enumerate(LIFE):
        clock.move_to(NOON + timedelta(minutes=place))
        which = 1
        while sum(_struck(memory, step, which, way, sinks) for way in WAYS):
            which += 1
        with memory.lived_in(), sinks.open():
            sinks.attempt(lambda: step(memory))  # noqa: B023 - called at once
        sinks.schedules += memory.scheduler.schedules.items()
    assert memory.texts, "nobody was texted: the salt draws them to control"
    print(f"{sinks.errors} error paths at calls of AWS")  # noqa: T201 - shown by pytest -rP
    assert sinks.errors > 500


WAYS = tuple(product(range(len(list(faults("")))), (False, True)))
"""Which fault, and whether it comes after the call was done."""


def _struck(
    memory: Memory, step: Callable[[Memory], Any], which: int, way: tuple[int, bool], sinks: Sinks
) -> bool:
    """Whether a step has so many calls; if it has, it was done with that one failing."""
    other = memory.copied()
    other.stream.extend(memory.stream)
    other.handed_over.extend(memory.handed_over)
    other.texts = list(memory.texts)
    calls = 0

    def strike(perform: Callable[[], dict[str, Any]], *, told: str = GOSSIP) -> dict[str, Any]:
        nonlocal calls
        calls += 1
        fault, after = way
        if calls == which and not after:
            raise list(faults(told))[fault]
        answer = perform()
        if calls == which:
            raise list(faults(told))[fault]
        return answer

    other.gate = strike
    # The scheduler gets ids only, so it can return nothing else.
    other.scheduler.gate = lambda _, perform, *__: strike(perform, told="an id")
    with other.lived_in(), sinks.open(), pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            other, "publish", lambda **text: strike(lambda: Memory.publish(other, **text))
        )
        patch.setattr("time.sleep", lambda _: None)
        sinks.attempt(lambda: step(other))
    sinks.schedules += other.scheduler.schedules.items()
    return calls >= which
