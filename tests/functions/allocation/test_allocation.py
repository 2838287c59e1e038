"""Allocation by its handler: each eligible enrolment once, in the next slot, whatever happens."""

import hmac
from collections import defaultdict
from contextlib import suppress
from datetime import timedelta
from io import StringIO
from itertools import count, islice, pairwise
from typing import Any
from uuid import UUID

import pytest
from time_machine import Traveller

from allocation.allocate import allocate as draw
from allocation.handler import handle_record
from allocation.handler import lambda_handler as handler
from allocation.randomisation import block, message
from allocation.store import AllocationStore
from tests.support.faults import counting, meddling, raising, refusal
from tests.support.fixture_protocol import AGREED
from tests.support.life import corrected, send_change
from tests.support.samples import MORNING, sample
from tests.support.steps import (
    CONTEXT,
    allocate,
    announcement,
    call,
    enrol,
    failures,
    post,
    someone_in,
    stream,
)
from tests.support.table import (
    allocation_of,
    change_enrolment,
    enrolment_of,
    everything,
    found,
    identifiers_of,
    keep,
    reminders_of,
)
from trial.aws import clients
from trial.aws.kms import MacKey
from trial.aws.table import Table
from trial.codes import Arm, Reason, ReminderState, Status
from trial.errors import ContendedError
from trial.records.allocation import Allocation, Cursor, cursor_key
from trial.records.enrolment import enrolment_key

pytestmark = pytest.mark.usefixtures("cloud")

WRITE = "before-call.dynamodb.TransactWriteItems"
SHORT, LONG = cursor_key(AGREED.trial, "14"), cursor_key(AGREED.trial, "15-28")
THREE_WEEKS = {"expires_on": "2026-12-21"}
LATER = {"made_on": "2026-12-15", "expires_on": "2026-12-28", "served_on": "2026-12-15"}


def slot(enrolment_id: UUID) -> tuple[int | None, int | None]:
    allocation = allocation_of(enrolment_id)
    return allocation.block, allocation.position


def slots_filled() -> list[tuple[int | None, int | None]]:
    kept = [Allocation.of(item) for item in everything().values() if item["kind"] == "allocation"]
    return sorted((each.block, each.position) for each in kept)


def drawn_directly(enrolment_id: UUID) -> None:
    """Draw as another invocation would, during the current one."""
    handle_record(announcement(enrolment_key(enrolment_id)))


# Drawn


def test_an_eligible_enrolment_is_allocated_under_the_protocol() -> None:
    ident = enrol()
    assert failures(allocate(ident)) == []
    assert enrolment_of(ident).status is Status.ALLOCATED
    allocation = allocation_of(ident)
    assert (allocation.stratum, allocation.block, allocation.position) == ("14", 0, 0)
    assert (allocation.protocol, allocation.protocol_sha256) == (AGREED.version, AGREED.sha256)
    assert allocation.allocated_at == MORNING
    assert not allocation.repeat


def test_sixty_people_fill_every_slot_in_turn_and_every_block_is_balanced() -> None:
    everybody = [enrol(serial) for serial in range(1, 61)]
    for first in range(0, 60, 10):
        assert failures(allocate(*everybody[first : first + 10])) == []

    blocks: dict[int, list[Arm]] = defaultdict(list)
    for ident in everybody:
        allocation = allocation_of(ident)
        assert allocation.block is not None
        assert allocation.position == len(blocks[allocation.block])
        blocks[allocation.block].append(allocation.arm)
    assert list(blocks) == list(range(len(blocks)))
    for number, arms in blocks.items():
        mac = hmac.digest(
            b"allocation", message(trial=AGREED.trial, stratum="14", block=number), "sha256"
        )
        derived = block(mac, sizes=AGREED.block_sizes, ratio=AGREED.arms)
        assert tuple(arms) == derived[: len(arms)]
        if number < len(blocks) - 1:
            assert len(arms) in {2, 4, 6}
            assert arms.count(Arm.CONTROL) * 2 == len(arms)


def test_each_stratum_has_its_own_sequence() -> None:
    short, long, shorter, longer = (
        enrol(1),
        enrol(2, order=THREE_WEEKS),
        enrol(3),
        enrol(4, order={"expires_on": "2026-12-28"}),
    )
    allocate(short, long, shorter, longer)
    assert [allocation_of(ident).stratum for ident in (short, long, shorter, longer)] == [
        "14",
        "15-28",
        "14",
        "15-28",
    ]
    assert slot(short) == slot(long) == (0, 0)


@pytest.mark.parametrize(("days", "dose"), [(14, 7), (21, 10), (28, 13)])
def test_intervention_gets_its_timetable_in_the_draw_s_transaction(days: int, dose: int) -> None:
    last_day = f"2026-12-{days:02}"
    ident = someone_in(Arm.INTERVENTION, order={"expires_on": last_day})
    reminders = reminders_of(ident)
    assert [reminder.number for reminder in reminders] == list(range(1, dose + 1))
    assert all(reminder.protocol_sha256 == AGREED.sha256 for reminder in reminders)


def test_the_arm_is_shown_on_its_own_route_only() -> None:
    ident = someone_in(Arm.CONTROL)
    shown = call("GET", f"/allocations/{ident}").body
    assert (shown["arm"], shown["reminders"]) == ("control", [])
    assert "control" not in call("GET", f"/enrolments/{ident}").text


# Once


def test_a_redelivery_changes_nothing() -> None:
    ident = enrol()
    record = announcement(enrolment_key(ident))
    handler(stream(record), CONTEXT)
    before = everything()
    assert failures(handler(stream(record, record), CONTEXT)) == []
    assert everything() == before


def test_an_enrolment_that_occurs_twice_in_a_batch_is_drawn_once() -> None:
    ident = enrol()
    assert failures(allocate(ident, ident)) == []
    assert slots_filled() == [(0, 0)]


def test_an_answer_lost_after_the_write_leaves_one_allocation() -> None:
    ident = enrol()
    record = announcement(enrolment_key(ident), 7)
    lost = raising(refusal("InternalServerError", status=500))
    with meddling(clients.dynamodb(), "after-call.dynamodb.TransactWriteItems", lost):
        assert failures(handler(stream(record), CONTEXT)) == [f"{7:021}"]
    before = everything()
    assert failures(handler(stream(record), CONTEXT)) == []
    assert everything() == before
    assert slots_filled() == [(0, 0)]


def test_of_two_simultaneous_draws_of_one_enrolment_the_first_stands() -> None:
    ident = enrol()
    with meddling(clients.dynamodb(), WRITE, lambda: drawn_directly(ident)):
        assert failures(allocate(ident)) == []
    assert slots_filled() == [(0, 0)]


@pytest.mark.parametrize("before", [0, 1])
@pytest.mark.parametrize("rivals", [1, 3])
def test_a_draw_that_loses_its_slot_takes_the_next_one(before: int, rivals: int) -> None:
    others = (enrol(serial) for serial in count(2))
    for other in islice(others, before):
        allocate(other)
    ident = enrol(1)

    def overtake() -> None:
        for other in islice(others, rivals):
            drawn_directly(other)

    with meddling(clients.dynamodb(), WRITE, overtake):
        assert failures(allocate(ident)) == []
    filled = slots_filled()
    assert len(filled) == len(set(filled)) == before + rivals + 1
    following = Cursor.of(found(SHORT))
    assert (following.block, following.position) not in filled
    assert_no_slot_is_skipped(filled)


def assert_no_slot_is_skipped(filled: list[tuple[int | None, int | None]]) -> None:
    for number in {number for number, _ in filled}:
        positions = [position for of, position in filled if of == number]
        assert positions == list(range(len(positions)))


def test_slots_are_numbered_in_the_order_of_their_draws_whatever_a_clock_says(
    clock: Traveller,
) -> None:
    drawn = []
    for serial, minutes in enumerate((0, -3, 0, 2, 1), start=1):
        ident = enrol(serial)
        clock.move_to(MORNING + timedelta(minutes=minutes))
        allocate(ident)
        drawn.append(allocation_of(ident))
        assert enrolment_of(ident).allocated_at == drawn[-1].allocated_at
    slots = sorted(drawn, key=lambda each: (each.block, each.position))
    times = [each.allocated_at for each in slots]
    assert slots == drawn
    assert all(one < following for one, following in pairwise(times))


@pytest.mark.parametrize("arm", Arm)
def test_an_allocation_is_never_drawn_again_even_if_its_enrolment_says_so(arm: Arm) -> None:
    ident = someone_in(arm)
    first, cursor = allocation_of(ident), found(SHORT)
    change_enrolment(ident, status=Status.ELIGIBLE, allocated_at=None)
    with suppress(ContendedError):  # who has no reminders takes up what is there
        draw(
            enrolment_of(ident),
            store=AllocationStore(Table(clients.dynamodb(), "trial")),
            sequence=MacKey(clients.kms(), "unused: the person has an arm"),
            protocol=AGREED,
            clock=lambda: MORNING,
            pause=lambda _: None,
        )
    assert allocation_of(ident) == first
    assert found(SHORT) == cursor


@pytest.mark.parametrize("arm", Arm)
def test_a_person_keeps_the_arm_and_uses_no_second_slot(arm: Arm, clock: Traveller) -> None:
    first = someone_in(arm)
    cursor = found(SHORT)
    person_id = identifiers_of(first)["person_id"]
    clock.move_to(MORNING + timedelta(days=14))
    again = enrol(900, order=LATER, respondent={"person_id": person_id})
    with counting(clients.kms(), "kms.GenerateMac") as draws:
        assert failures(allocate(again)) == []
    allocation = allocation_of(again)
    assert (allocation.arm, allocation.repeat) == (arm, True)
    assert (allocation.block, allocation.position) == (None, None)
    assert (found(SHORT), draws) == (cursor, [])
    assert len(reminders_of(again)) == (7 if arm is Arm.INTERVENTION else 0)


# Decided before the draw


def test_a_person_who_is_no_longer_eligible_is_left_out_before_any_draw(clock: Traveller) -> None:
    ident = enrol()
    record = announcement(enrolment_key(ident))
    clock.move_to(MORNING + timedelta(days=12))
    with counting(clients.kms(), "kms.GenerateMac") as draws:
        assert failures(handler(stream(record), CONTEXT)) == []
    left_out = enrolment_of(ident)
    assert (left_out.status, left_out.reasons) == (Status.INELIGIBLE, (Reason.TOO_LATE,))
    assert draws == []
    assert SHORT not in everything()


@pytest.mark.parametrize("status", [Status.WAITING, Status.INELIGIBLE, Status.ENDED])
def test_the_stored_enrolment_decides_and_not_the_announced_one(status: Status) -> None:
    ident = enrol()
    record = announcement(enrolment_key(ident))
    change_enrolment(ident, status=status)
    before = everything()
    assert failures(handler(stream(record), CONTEXT)) == []
    assert everything() == before


def test_an_enrolment_that_ends_before_the_write_is_not_allocated() -> None:
    ident = enrol()
    with meddling(clients.dynamodb(), WRITE, lambda: change_enrolment(ident, status=Status.ENDED)):
        assert failures(allocate(ident)) == []
    assert enrolment_of(ident).status is Status.ENDED
    assert slots_filled() == []
    assert SHORT not in everything()


def test_a_corrected_order_is_drawn_in_the_stratum_in_which_it_became_eligible() -> None:
    ident = enrol()
    record = announcement(enrolment_key(ident))
    assert send_change(ident, "order", corrected(expires_on="2026-12-21")).status == 200
    assert failures(handler(stream(record), CONTEXT)) == []
    assert allocation_of(ident).stratum == "14"
    assert LONG not in everything()
    assert SHORT in everything()


def test_a_correction_across_strata_leaves_a_trace_for_the_auditor() -> None:
    ident = enrol(mobile={"missing_reason": "refused"}, order={"expires_on": "2026-12-28"})
    assert send_change(ident, "order", corrected()).status == 200
    assert enrolment_of(ident).strata == ("15-28", "14")
    assert send_change(ident, "mobile", {"number": "+447700900123"}).status == 200
    allocate(ident)
    assert allocation_of(ident).stratum == "14"


def test_a_change_of_design_within_a_block_is_refused() -> None:
    begun = Cursor(block=4, position=1, design="of another protocol")
    keep(SHORT, begun)
    ident = enrol()
    assert failures(allocate(ident)) == [f"{1:021}"]
    assert enrolment_of(ident).status is Status.ELIGIBLE
    assert slots_filled() == []
    assert Cursor.of(found(SHORT)) == begun


def test_a_new_design_may_begin_with_a_new_block() -> None:
    keep(SHORT, Cursor(block=4, position=0, design="of another protocol"))
    ident = enrol()
    assert failures(allocate(ident)) == []
    assert slot(ident) == (4, 0)


# Faults


@pytest.mark.parametrize(
    "broken",
    [
        {"NewImage": {}},
        {"NewImage": {"kind": {"S": "enrolment"}, "status": {"S": "eligible"}}},
        {"NewImage": {"Ford Prefect, +447700900321": {"S": "+447700900321"}}},
        {"NewImage": None},
    ],
    ids=["empty", "torn", "strange", "none"],
)
def test_only_the_invalid_record_of_a_batch_is_retried(
    broken: dict[str, Any], log: StringIO
) -> None:
    bad = sample("stream-eligible")["Records"][0]
    bad["dynamodb"] |= broken | {"SequenceNumber": f"{2:021}"}
    first, last = enrol(1), enrol(2)
    records = announcement(enrolment_key(first), 1), bad, announcement(enrolment_key(last), 3)
    assert failures(handler(stream(*records), CONTEXT)) == [f"{2:021}"]
    assert slots_filled() == [(0, 0), slot(last)]
    assert "a stored item cannot be read" in log.getvalue()
    assert "900321" not in log.getvalue()


def test_while_the_key_is_unavailable_nobody_is_allocated() -> None:
    ident = enrol()
    with meddling(
        clients.kms(), "before-call.kms.GenerateMac", raising(refusal("ThrottlingException"))
    ):
        assert failures(allocate(ident)) == [f"{1:021}"]
    assert slots_filled() == []
    assert failures(allocate(ident)) == []
    assert slots_filled() == [(0, 0)]


def test_a_crash_before_the_write_burns_no_slot() -> None:
    ident, other = enrol(1), enrol(2)
    with meddling(clients.dynamodb(), WRITE, raising(MemoryError())):
        assert failures(allocate(ident)) == [f"{1:021}"]
    allocate(other)
    assert slots_filled() == [(0, 0)]


# Never disclosed


def test_neither_the_arm_nor_anything_personal_is_logged(log: StringIO) -> None:
    someone_in(Arm.CONTROL, first=100)
    someone_in(Arm.INTERVENTION, first=200)
    told = log.getvalue()
    assert "allocated" in told
    for secret in ("control", "intervention", "+447700900", "2003/", "1990-05-01"):
        assert secret not in told


def test_neither_the_mac_nor_later_slots_are_stored() -> None:
    ident = enrol()
    allocate(ident)
    mac = hmac.digest(b"allocation", message(trial=AGREED.trial, stratum="14", block=0), "sha256")
    assert mac.hex() not in str(everything())
    assert set(found(SHORT)) == {"kind", "block", "position", "design", "drawn_at"}


def test_the_sample_stream_record_matches_a_stored_allocated_order() -> None:
    post(sample("api-enrol")["body"])
    (record,) = sample("stream-allocated")["Records"]
    ident = UUID(record["dynamodb"]["NewImage"]["enrolment_id"]["S"])
    allocate(ident)
    stored = announcement(enrolment_key(ident))["dynamodb"]["NewImage"]
    assert record["dynamodb"]["NewImage"].keys() == stored.keys()
    assert record["dynamodb"]["NewImage"]["status"] == stored["status"]


def test_reminders_start_in_the_state_planned() -> None:
    states = {each.state for each in reminders_of(someone_in(Arm.INTERVENTION))}
    assert states == {ReminderState.PLANNED}
