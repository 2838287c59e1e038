"""An auditor finds every fault in the allocations, and none in a correct trial."""

import hmac
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid5

import pytest

from allocation.randomisation import block, message
from commands.audit.allocation_evidence import EnrolmentEvidence, Evidence, Sequence
from commands.audit.allocation_findings import AllocationFault as Fault
from commands.audit.allocation_findings import findings
from tests.support.fixture_protocol import AGREED
from trial.aws.table import Key
from trial.codes import Arm
from trial.protocol.settings import Protocol
from trial.records.allocation import Allocation, Cursor, allocation_key
from trial.records.enrolment import enrolment_key
from trial.records.receipt import Message
from trial.rehearsal import rehearsal_of

LATER = AGREED.model_copy(update={"sha256": "later", "block_sizes": (4,)})
PROTOCOLS = {each.sha256: each for each in (AGREED, LATER)}
BEGAN = datetime(2026, 12, 1, 9, 30, tzinfo=UTC)
NO_SLOT = {Fault.NO_SUCH_SLOT, Fault.OUT_OF_ORDER}
SHORT, LONG = Sequence(AGREED.trial, "14"), Sequence(AGREED.trial, "15-28")


def derive(protocol: Protocol, sequence: Sequence, number: int) -> tuple[Arm, ...]:
    mac = hmac.digest(
        b"key", message(trial=sequence.trial, stratum=sequence.stratum, block=number), "sha256"
    )
    return block(mac, sizes=protocol.block_sizes, ratio=protocol.arms)


def person(number: int) -> UUID:
    return uuid5(UUID(int=0), str(number))


class AllocatedTrial:
    """A correct trial, until a test changes it."""

    def __init__(self, people: int) -> None:
        self.evidence = Evidence()
        for number in range(people):
            self.draw(LONG if number % 3 else SHORT)

    def draw(self, sequence: Sequence) -> Allocation:
        cursor = self.evidence.cursors.get(sequence, Cursor())
        arms = derive(AGREED, sequence, cursor.block)
        ended = cursor.position + 1 == len(arms)
        self.evidence.cursors[sequence] = (
            Cursor(block=cursor.block + 1)
            if ended
            else Cursor(block=cursor.block, position=cursor.position + 1)
        )
        return self.keep(
            sequence, arms[cursor.position], block=cursor.block, position=cursor.position
        )

    def repeat(self, first: Allocation, arm: Arm | None = None) -> Allocation:
        (known,) = (e for e in self.evidence.enrolments if e.enrolment_id == first.enrolment_id)
        return self.keep(SHORT, arm or first.arm, person_hash=known.person_hash, repeat=True)

    def keep(
        self, sequence: Sequence, arm: Arm, person_hash: str | None = None, **more: Any
    ) -> Allocation:
        number = len(self.evidence.allocations)
        at = BEGAN + timedelta(hours=number)
        allocation = Allocation(
            enrolment_id=person(number),
            arm=arm,
            stratum=sequence.stratum,
            allocated_at=at,
            protocol=AGREED.version,
            protocol_sha256=AGREED.sha256,
            **more,
        )
        enrolled = EnrolmentEvidence(
            enrolment_id=person(number),
            trial=sequence.trial,
            person_hash=person_hash or f"person {number}",
            days=14 if sequence is SHORT else 28,
            allocated_at=at,
        )
        self.evidence.allocations.append(allocation)
        self.evidence.enrolments.append(enrolled)
        if arm is Arm.INTERVENTION:
            self.evidence.reminded.add(allocation.enrolment_id)
            self.evidence.planned.add((allocation.enrolment_id, AGREED.sha256))
        return allocation

    def at(self, block: int, position: int) -> int:
        """The index of the enrolment with this slot in the long stratum."""
        slots = [(a.stratum, a.block, a.position) for a in self.evidence.allocations]
        return slots.index(("15-28", block, position))

    def change(self, index: int, **changes: Any) -> None:
        """Change an allocation, and keep its reminders as its arm would have them."""
        changed = self.evidence.allocations[index].model_copy(update=changes)
        self.evidence.allocations[index] = changed
        if "arm" in changes:
            self.evidence.reminded ^= {changed.enrolment_id}

    def flip(self, index: int) -> None:
        self.change(index, arm=other(self.evidence.allocations[index].arm))

    def change_enrolment(self, index: int, **changes: Any) -> None:
        changed = self.evidence.enrolments[index].model_copy(update=changes)
        self.evidence.enrolments[index] = changed

    def in_arm(self, arm: Arm) -> Allocation:
        return next(each for each in self.evidence.allocations if each.arm is arm)

    def faults(self) -> set[Fault]:
        found = findings(self.evidence, protocols=PROTOCOLS, derive=derive)
        return {finding.fault for finding in found}


def other(arm: Arm) -> Arm:
    return Arm.CONTROL if arm is Arm.INTERVENTION else Arm.INTERVENTION


@pytest.fixture
def trial() -> AllocatedTrial:
    return AllocatedTrial(60)


@pytest.mark.parametrize("people", [0, 1, 2, 3, 5, 8, 13, 40, 41, 42, 43])
def test_a_clean_trial_has_no_findings(people: int) -> None:
    assert AllocatedTrial(people).faults() == set()


def test_rehearsals_are_verified_in_a_sequence_of_their_own(trial: AllocatedTrial) -> None:
    rehearsed = Sequence(rehearsal_of(AGREED.trial), LONG.stratum)
    for _ in range(5):
        drawn = trial.draw(rehearsed)
    assert trial.faults() == set()
    trial.flip(trial.evidence.allocations.index(drawn))
    assert Fault.MISMATCH in trial.faults()


def test_an_allocation_hidden_among_the_rehearsals_leaves_its_slot_open(
    trial: AllocatedTrial,
) -> None:
    trial.change_enrolment(trial.at(0, 1), trial=rehearsal_of(AGREED.trial))
    assert Fault.GAP in trial.faults()


def test_a_repeat_in_the_arm_of_the_first_order_is_no_finding(trial: AllocatedTrial) -> None:
    for arm in Arm:
        trial.repeat(trial.in_arm(arm))
    assert trial.faults() == set()


def swap_two_arms_of_a_block(trial: AllocatedTrial) -> None:
    arms = derive(AGREED, LONG, 0)
    trial.flip(trial.at(0, 0))
    trial.flip(trial.at(0, arms.index(other(arms[0]))))


def flip_an_arm_of_the_last_block(trial: AllocatedTrial) -> None:
    trial.draw(LONG)
    while trial.evidence.cursors[LONG].position == 0:
        trial.draw(LONG)
    trial.flip(-1)


def exchange_two_slots(trial: AllocatedTrial) -> None:
    """Exchange the slots of two people in different arms, except the times."""
    arms = derive(AGREED, LONG, 0)
    places = trial.at(0, 0), trial.at(0, arms.index(other(arms[0])))
    slots = [trial.evidence.allocations[index] for index in places]
    for index, slot in zip(places, reversed(slots), strict=True):
        trial.change(index, arm=slot.arm, position=slot.position)


def drop(trial: AllocatedTrial, index: int) -> None:
    gone = trial.evidence.allocations.pop(index)
    trial.evidence.enrolments.pop(index)
    trial.evidence.reminded.discard(gone.enrolment_id)


def drop_a_block(trial: AllocatedTrial) -> None:
    for position in range(len(derive(AGREED, LONG, 1))):
        drop(trial, trial.at(1, position))


def drop_the_last_slot(trial: AllocatedTrial) -> None:
    trial.draw(LONG)
    drop(trial, -1)


def move_the_cursor(trial: AllocatedTrial) -> None:
    cursor = trial.evidence.cursors[LONG]
    trial.evidence.cursors[LONG] = cursor.model_copy(update={"position": cursor.position + 1})


def draw_from_the_wrong_stratum(trial: AllocatedTrial) -> None:
    trial.change_enrolment(0, days=28 if trial.evidence.enrolments[0].days == 14 else 14)


def draw_somebody_twice(trial: AllocatedTrial) -> None:
    trial.change_enrolment(1, person_hash=trial.evidence.enrolments[0].person_hash)


def give_a_repeat_a_slot(trial: AllocatedTrial) -> None:
    repeat = trial.repeat(trial.in_arm(Arm.CONTROL))
    trial.change(trial.evidence.allocations.index(repeat), position=0)


def text_control(trial: AllocatedTrial) -> None:
    sent = Message(enrolment_id=trial.in_arm(Arm.CONTROL).enrolment_id, number=1)
    trial.evidence.add({"pk": "message#1", "sk": "message", **sent.item()})


def store_an_enrolment_under_another_key(trial: AllocatedTrial) -> None:
    enrolled = trial.evidence.enrolments[0].model_dump(mode="json", exclude={"days", "varied"})
    dates = {"order": {"made_on": "2026-12-01", "expires_on": "2026-12-14"}}
    stored = {"kind": "enrolment", **enrolled, **dates}
    trial.evidence.add(item(enrolment_key(person(0)), stored))
    assert trial.faults() == set()
    trial.evidence.add(item(enrolment_key(person(1)), stored))


def item(key: Key, attributes: dict[str, Any]) -> dict[str, Any]:
    return {"pk": key.pk, "sk": key.sk, **attributes}


SPOILT: dict[str, tuple[Callable[[AllocatedTrial], object], set[Fault]]] = {
    "an arm is flipped": (lambda t: t.flip(t.at(0, 0)), {Fault.MISMATCH, Fault.UNBALANCED}),
    "two arms of a block are swapped": (swap_two_arms_of_a_block, {Fault.MISMATCH}),
    "an arm of the last block is flipped": (flip_an_arm_of_the_last_block, {Fault.MISMATCH}),
    "a slot is dropped": (lambda t: drop(t, t.at(1, 0)), {Fault.GAP}),
    "a block is dropped": (drop_a_block, {Fault.GAP}),
    "the last slot is dropped": (drop_the_last_slot, {Fault.CURSOR}),
    "a slot is used twice": (
        lambda t: t.keep(LONG, derive(AGREED, LONG, 0)[0], block=0, position=0),
        {Fault.USED_TWICE, Fault.UNBALANCED, Fault.OUT_OF_ORDER},
    ),
    "a slot is past the end of its block": (
        lambda t: t.keep(LONG, Arm.CONTROL, block=0, position=len(derive(AGREED, LONG, 0))),
        NO_SLOT | {Fault.UNBALANCED},
    ),
    "a slot is before the first of its block": (
        lambda t: t.keep(LONG, Arm.CONTROL, block=0, position=-1),
        NO_SLOT | {Fault.UNBALANCED},
    ),
    "a block is before the first": (
        lambda t: t.keep(LONG, derive(AGREED, LONG, -1)[0], block=-1, position=0),
        NO_SLOT | {Fault.GAP},
    ),
    "a block is far away": (
        lambda t: t.keep(LONG, derive(AGREED, LONG, 10**12)[0], block=10**12, position=0),
        {Fault.GAP, Fault.CURSOR},
    ),
    "two slots are exchanged": (exchange_two_slots, {Fault.OUT_OF_ORDER}),
    "the design changes, though the arm is as by the first": (
        lambda t: t.change(t.at(0, 1), protocol_sha256=LATER.sha256),
        {Fault.REDESIGNED, Fault.PLANNED_OTHERWISE},
    ),
    "the cursor is moved": (move_the_cursor, {Fault.CURSOR}),
    "the cursor is lost": (lambda t: t.evidence.cursors.pop(LONG), {Fault.CURSOR}),
    "a cursor has no people": (
        lambda t: t.evidence.cursors.update({Sequence("another", "14"): Cursor(block=1)}),
        {Fault.CURSOR},
    ),
    "the protocol is unknown": (
        lambda t: t.change(t.at(0, 0), protocol_sha256="unknown"),
        {Fault.PROTOCOL, Fault.GAP},
    ),
    "the version is another": (
        lambda t: t.change(t.at(0, 0), protocol="fixture-2"),
        {Fault.PROTOCOL},
    ),
    "the trial is another": (
        lambda t: t.change_enrolment(0, trial="dvpo-2030"),
        {Fault.OTHER_TRIAL},
    ),
    "the stratum is of another length": (draw_from_the_wrong_stratum, {Fault.STRATUM}),
    # Of the order's length, but of other people: the auditor does not see the baselines.
    "the stratum is not the one that was fixed": (
        lambda t: t.change_enrolment(0, stratum="15-28-high"),
        {Fault.STRATUM},
    ),
    "a repeat is in the other arm": (
        lambda t: t.repeat(t.in_arm(Arm.CONTROL), arm=Arm.INTERVENTION),
        {Fault.REPEAT_ARM},
    ),
    "somebody is drawn twice": (draw_somebody_twice, {Fault.DRAWN_TWICE}),
    "a repeat repeats nothing": (
        lambda t: t.keep(SHORT, Arm.CONTROL, repeat=True),
        {Fault.NO_FIRST},
    ),
    "a repeat has a slot": (give_a_repeat_a_slot, {Fault.SLOT_AND_REPEAT}),
    "a draw has no slot": (lambda t: t.keep(SHORT, Arm.CONTROL), {Fault.SLOT_AND_REPEAT}),
    "a draw has no position": (
        lambda t: t.keep(SHORT, Arm.CONTROL, block=0),
        {Fault.SLOT_AND_REPEAT},
    ),
    "a draw has no block": (
        lambda t: t.keep(SHORT, Arm.CONTROL, position=0),
        {Fault.SLOT_AND_REPEAT},
    ),
    "an allocation is listed twice": (
        lambda t: t.evidence.allocations.append(t.repeat(t.in_arm(Arm.CONTROL))),
        {Fault.TWO_ALLOCATIONS},
    ),
    "an enrolment is lost": (lambda t: t.evidence.enrolments.pop(0), {Fault.NO_ENROLMENT}),
    "an allocation is lost": (
        lambda t: t.evidence.allocations.remove(t.repeat(t.in_arm(Arm.CONTROL))),
        {Fault.NO_ALLOCATION},
    ),
    "the time is forgotten": (lambda t: t.change_enrolment(0, allocated_at=None), {Fault.TIME}),
    "the time is changed": (
        lambda t: t.change(0, allocated_at=BEGAN - timedelta(days=1)),
        {Fault.TIME},
    ),
    "control has reminders": (
        lambda t: t.evidence.reminded.add(t.in_arm(Arm.CONTROL).enrolment_id),
        {Fault.CONTROL_REMINDED},
    ),
    "somebody never drawn has reminders": (
        lambda t: t.evidence.reminded.add(UUID(int=1)),
        {Fault.CONTROL_REMINDED},
    ),
    "control is texted": (text_control, {Fault.CONTROL_REMINDED}),
    "nobody has reminders": (lambda t: t.evidence.reminded.clear(), {Fault.NO_REMINDERS}),
    "reminders follow another protocol": (
        lambda t: t.evidence.planned.add((t.in_arm(Arm.INTERVENTION).enrolment_id, "0" * 64)),
        {Fault.PLANNED_OTHERWISE},
    ),
    "an item cannot be read": (
        lambda t: t.evidence.add({"pk": "allocation#1", "sk": "allocation", "kind": "allocation"}),
        {Fault.UNREADABLE},
    ),
    "an allocation is under another key": (
        lambda t: t.evidence.add(item(allocation_key(person(1)), t.evidence.allocations[0].item())),
        {Fault.UNREADABLE},
    ),
    "an enrolment is under another key": (store_an_enrolment_under_another_key, {Fault.UNREADABLE}),
}


@pytest.mark.parametrize(("spoil", "faults"), SPOILT.values(), ids=SPOILT)
def test_each_fault_is_found(
    trial: AllocatedTrial, spoil: Callable[[AllocatedTrial], object], faults: set[Fault]
) -> None:
    spoil(trial)
    assert trial.faults() == faults


def test_dates_corrected_after_the_draw_do_not_change_the_stratum(trial: AllocatedTrial) -> None:
    draw_from_the_wrong_stratum(trial)
    trial.change_enrolment(0, dates_changed_at=BEGAN)
    assert trial.faults() == set()


def test_the_length_of_a_varied_order_is_compared_as_it_was_when_it_was_drawn(
    trial: AllocatedTrial,
) -> None:
    was = trial.evidence.enrolments[0]
    assert was.allocated_at
    later = was.allocated_at + timedelta(days=1), was.allocated_at + timedelta(days=9)
    other = 28 if was.days == 14 else 14
    trial.change_enrolment(0, varied=((later[0], was.days), (later[1], other)), days=None)
    assert trial.faults() == set()
    trial.change_enrolment(0, varied=((later[0], other), (later[1], was.days)), days=was.days)
    assert trial.faults() == {Fault.STRATUM}


def test_an_order_varied_before_it_was_drawn_may_be_of_either_stratum(
    trial: AllocatedTrial,
) -> None:
    was = trial.evidence.enrolments[0]
    assert was.allocated_at
    before = was.allocated_at - timedelta(hours=1)
    other = 28 if was.days == 14 else 14
    trial.change_enrolment(0, varied=((before, was.days),), days=other)
    assert trial.faults() == set()
    trial.change_enrolment(0, varied=((before, None),), days=other)
    assert trial.faults() == {Fault.STRATUM}
