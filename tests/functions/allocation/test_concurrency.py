"""Draws fill every slot once and in turn under any interruption: an auditor finds nothing."""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from datetime import timedelta
from functools import partial
from random import Random
from threading import Barrier, RLock, local
from typing import Any
from uuid import UUID

import pytest
import time_machine
from botocore.exceptions import ReadTimeoutError

from allocation.allocate import Drawn
from allocation.allocate import allocate as draw
from allocation.handler import handle_record, lambda_handler
from allocation.store import AllocationStore
from commands.audit.allocation_evidence import Evidence
from commands.audit.allocation_findings import findings
from commands.audit.allocation_sources import scanned
from commands.audit.verify_allocations import derivation
from tests.support.faults import counting, meddling, raising
from tests.support.fixture_protocol import AGREED
from tests.support.life import QUASHED, send_change
from tests.support.samples import MORNING, TABLE
from tests.support.steps import CONTEXT, allocate, announcement, call, enrol, failures, stream
from tests.support.table import allocation_of, change_enrolment, enrolment_of, everything, keep
from trial.aws import clients
from trial.aws.kms import MacKey
from trial.aws.table import Table
from trial.codes import Reason, Status
from trial.errors import ContendedError
from trial.protocol.settings import RepeatPolicy
from trial.records.enrolment import Enrolment, enrolment_key
from trial.records.person import Person, person_key
from trial.settlement import follow_up

BEFORE_WRITE, AFTER_WRITE = (
    f"{moment}-call.dynamodb.TransactWriteItems" for moment in ("before", "after")
)
TIMED_OUT = ReadTimeoutError(endpoint_url="https://dynamodb")
TRIES, LONGEST_PAUSE = 8, 0.4


@pytest.fixture
def audited(cloud: dict[str, str]) -> Callable[[], int]:
    """How many allocations there are, once an auditor has found nothing wrong with them."""

    def audit() -> int:
        evidence = Evidence()
        for item in scanned(clients.dynamodb(), TABLE):
            evidence.add(item)
        derive = derivation(MacKey(clients.kms(), cloud["ALLOCATION_KEY_ID"]))
        assert findings(evidence, protocols={AGREED.sha256: AGREED}, derive=derive) == []
        return len(evidence.allocations)

    return audit


@pytest.fixture
def patient(cloud: dict[str, str]) -> Callable[..., Drawn | None]:
    """The use case, with the pauses that it is given."""
    return partial(
        draw,
        store=AllocationStore(Table(clients.dynamodb(), TABLE)),
        sequence=MacKey(clients.kms(), cloud["ALLOCATION_KEY_ID"]),
        protocol=AGREED,
        clock=lambda: MORNING,
    )


@contextmanager
def overtaken(by: Iterable[UUID]) -> Iterator[None]:
    """Just before each write of a draw another person is drawn, while there are more."""
    others, busy = iter(by), False

    def overtake(**_: Any) -> None:
        nonlocal busy
        if not busy:
            busy = True
            if other := next(others, None):
                handle_record(announcement(enrolment_key(other)))
            busy = False

    events = clients.dynamodb().meta.events
    events.register(BEFORE_WRITE, overtake)
    try:
        yield
    finally:
        events.unregister(BEFORE_WRITE, overtake)
    assert next(others, None) is None


def test_a_contended_draw_is_retried_after_growing_random_pauses(
    patient: Callable[..., Drawn | None], audited: Callable[[], int]
) -> None:
    slow, *fast = [enrol(serial) for serial in range(1, TRIES + 1)]
    pauses: list[float] = []
    with overtaken(by=fast):
        assert patient(enrolment_of(slow), pause=pauses.append) == Drawn(Status.ALLOCATED)
    assert len(pauses) == len(set(pauses)) == TRIES - 1
    limits = [LONGEST_PAUSE * tried / TRIES for tried in range(1, TRIES)]
    assert all(0 <= pause < limit for pause, limit in zip(pauses, limits, strict=True))
    assert audited() == TRIES


def test_a_draw_that_is_contended_too_often_is_retried_later_and_uses_no_slot(
    patient: Callable[..., Drawn | None], audited: Callable[[], int]
) -> None:
    slow, *fast = [enrol(serial) for serial in range(1, TRIES + 2)]
    with overtaken(by=fast), pytest.raises(ContendedError):
        patient(enrolment_of(slow), pause=lambda _: None)
    assert audited() == len(fast)
    assert failures(allocate(slow)) == []
    assert audited() == len(fast) + 1


def test_nobody_is_drawn_twice_if_every_write_s_answer_is_lost(audited: Callable[[], int]) -> None:
    people = [enrol(serial) for serial in range(1, 21)]
    with meddling(clients.dynamodb(), AFTER_WRITE, raising(TIMED_OUT), times=len(people)):
        for start in range(0, len(people), 10):
            assert len(failures(allocate(*people[start : start + 10]))) == 10
    before = everything()
    assert failures(allocate(*people)) == []
    assert everything() == before
    assert audited() == len(people)


def test_a_request_repeated_by_the_sdk_draws_once(audited: Callable[[], int]) -> None:
    """The fake ignores the idempotency token: the conditions make the repeat harmless."""
    ident = enrol()
    events, requests = clients.dynamodb().meta.events, []

    def repeat(**_: Any) -> Any:
        requests.append("sent")
        return 0 if len(requests) == 1 else None  # to wait, in seconds

    events.register_first("needs-retry.dynamodb.TransactWriteItems", repeat)
    try:
        assert failures(allocate(ident)) == []
    finally:
        events.unregister("needs-retry.dynamodb.TransactWriteItems", repeat)
    assert len(requests) == 2
    assert audited() == 1


@pytest.mark.parametrize("seed", range(3))
def test_records_delivered_twice_and_out_of_order_draw_everybody_once(
    audited: Callable[[], int], seed: int
) -> None:
    people = [enrol(serial) for serial in range(1, 16)]
    records = [announcement(enrolment_key(ident), n) for n, ident in enumerate(people)] * 2
    Random(seed).shuffle(records)  # noqa: S311 - the same order each time
    for start in range(0, len(records), 10):
        assert failures(lambda_handler(stream(*records[start : start + 10]), CONTEXT)) == []
    assert audited() == len(people)


def two_orders_that_both_say_that_they_are_eligible() -> tuple[UUID, UUID]:
    person = {"person_id": "A1234BC"}
    first = enrol(1, respondent=person)
    second = enrol(2, respondent=person, order={"expires_on": "2026-12-28"})  # another cursor
    change_enrolment(second, status=Status.ELIGIBLE, reasons=(), stratum="15-28")
    return first, second


@pytest.mark.parametrize("slower", [0, 1])
def test_of_two_simultaneous_orders_of_one_person_the_first_is_drawn(
    audited: Callable[[], int], slower: int
) -> None:
    orders = two_orders_that_both_say_that_they_are_eligible()
    with overtaken(by=[orders[1 - slower]]):
        assert failures(allocate(orders[slower])) == []
    assert not allocation_of(orders[0]).repeat
    left_out = enrolment_of(orders[1])
    assert (left_out.status, left_out.reasons) == (
        Status.INELIGIBLE,
        (Reason.ALREADY_IN_TRIAL,),
    )
    assert audited() == 1


def test_an_order_that_replaces_one_about_to_be_drawn_is_the_only_one_drawn(
    audited: Callable[[], int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also while the one that loses the place has not been settled yet."""
    person = {"person_id": "A1234BC"}
    first = enrol(1, respondent=person, order={"served_on": None})
    second = enrol(2, respondent=person, order={"expires_on": "2026-12-28"})  # another cursor
    monkeypatch.setattr(follow_up, "LONGEST", -1)

    def overtake() -> None:
        served = {"served_on": "2026-12-01"}
        assert send_change(first, "service", served).status == 200
        assert failures(allocate(first)) == []

    with meddling(clients.dynamodb(), BEFORE_WRITE, overtake):
        assert failures(allocate(second)) == []
    assert enrolment_of(first).status is Status.ALLOCATED
    assert enrolment_of(second).reasons == (Reason.ALREADY_IN_TRIAL,)
    assert audited() == 1


def test_repeat_orders_use_no_slot_under_contention(
    patient: Callable[..., Drawn | None], audited: Callable[[], int]
) -> None:
    first, second = two_orders_that_both_say_that_they_are_eligible()
    assert failures(allocate(first)) == []
    assert send_change(first, "end", QUASHED).status == 200
    assert enrolment_of(second).status is Status.ELIGIBLE
    without = AGREED.model_copy(update={"repeat_policy": RepeatPolicy.EXCLUDE})
    drawn = patient(enrolment_of(second), protocol=without, pause=lambda _: None)
    assert drawn == Drawn(Status.INELIGIBLE, Reason.ALREADY_IN_TRIAL)
    assert audited() == 1


@pytest.mark.parametrize(
    ("meanwhile", "reason"),
    [
        (lambda: enrol(9, protected_numbers=["+447700900001"]), Reason.UNSAFE_NUMBER),
        (
            lambda: call(
                "POST",
                "/suppressions",
                {"number": "+447700900001", "reason": "wrong_number", "by": "PC-1"},
            ),
            Reason.SUPPRESSED_NUMBER,
        ),
    ],
    ids=["protected", "suppressed"],
)
def test_a_person_whose_number_becomes_unsafe_during_the_draw_is_not_drawn(
    audited: Callable[[], int], meanwhile: Callable[[], Any], reason: Reason
) -> None:
    """Also if the act that ruled it out has not updated this enrolment yet."""
    ident = enrol(1)
    eligible = enrolment_of(ident)

    def ruled_out() -> None:
        meanwhile()
        keep(enrolment_key(ident), eligible)

    with meddling(clients.dynamodb(), BEFORE_WRITE, ruled_out):
        assert failures(allocate(ident)) == []
    assert (enrolment_of(ident).status, enrolment_of(ident).reasons) == (Status.WAITING, (reason,))
    assert audited() == 0


def test_an_order_that_becomes_too_late_before_the_draw_is_left_out_with_an_audit_entry(
    clock: time_machine.Traveller, audited: Callable[[], int]
) -> None:
    ident = enrol()
    clock.move_to(MORNING + timedelta(days=12))
    assert failures(allocate(ident)) == []
    history = call("GET", f"/enrolments/{ident}").body["history"]
    assert [(entry["what"], entry["by"]) for entry in history][1:] == [("excluded", "allocation")]
    assert audited() == 0


def test_an_allocation_stands_even_if_nothing_else_records_it(
    patient: Callable[..., Drawn | None],
) -> None:
    """An enrolment without reminders uses it; existing reminders stop a second plan."""
    for serial in range(1, 7):
        ident = enrol(serial)
        person = person_key(enrolment_of(ident).person_hash)
        forgotten = Person.of(everything()[person])
        allocate(ident)
        first = allocation_of(ident)
        keep(person, forgotten)
        change_enrolment(ident, status=Status.ELIGIBLE, allocated_at=None)
        with suppress(ContendedError):
            patient(enrolment_of(ident), pause=lambda _: None)
        assert allocation_of(ident) == first
        assert sum("slot" in item for item in everything().values()) == serial


@contextmanager
def one_call_at_a_time() -> Iterator[None]:
    """As DynamoDB does each call whole, which the one in memory does only for a single thread."""
    lock, events = RLock(), clients.dynamodb().meta.events

    def begin(**_: Any) -> None:
        lock.acquire()

    def end(**_: Any) -> None:
        lock.release()

    events.register("before-call.dynamodb", begin)
    events.register("after-call.dynamodb", end)
    events.register("after-call-error.dynamodb", end)
    try:
        yield
    finally:
        events.unregister("before-call.dynamodb", begin)
        events.unregister("after-call.dynamodb", end)
        events.unregister("after-call-error.dynamodb", end)


@contextmanager
def all_at_once(threads: int) -> Iterator[None]:
    """So many draws have all read before the first of them writes."""
    barrier, me = Barrier(threads, timeout=60), local()

    def wait(**_: Any) -> None:
        if not hasattr(me, "waited"):
            me.waited = True
            barrier.wait()

    events = clients.kms().meta.events
    events.register("before-call.kms.GenerateMac", wait)
    try:
        yield
    finally:
        events.unregister("before-call.kms.GenerateMac", wait)


def test_eight_simultaneous_draws_fill_each_slot_once(
    patient: Callable[..., Drawn | None], audited: Callable[[], int]
) -> None:
    people = [enrolment_of(enrol(serial)) for serial in range(1, 9)]

    def bring_until_done(announced: Enrolment) -> Drawn | None:
        for _ in people:  # a draw fails only because another succeeded
            with suppress(ContendedError):
                return patient(announced, pause=lambda _: None)
        raise AssertionError("contended more often than there are people")

    with (
        one_call_at_a_time(),
        all_at_once(len(people)),
        counting(clients.dynamodb(), "dynamodb.TransactWriteItems") as writes,
        ThreadPoolExecutor(len(people)) as pool,
    ):
        assert set(pool.map(bring_until_done, people)) == {Drawn(Status.ALLOCATED)}
    assert len(writes) >= 2 * len(people) - 1  # all but one were too late at first
    assert audited() == len(people)
