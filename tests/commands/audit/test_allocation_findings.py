"""An auditor finds whatever is wrong with the allocations, and nothing where nothing is."""

import hmac
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid5

import pytest

from allocation.randomisation import block, message
from commands.audit.allocation_evidence import EnrolmentEvidence, Evidence, Sequence
from commands.audit.allocation_findings import AllocationFault, findings
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
NO_SLOT = {AllocationFault.NO_SUCH_SLOT, AllocationFault.OUT_OF_ORDER}
SHORT, LONG = Sequence(AGREED.trial, "14"), Sequence(AGREED.trial, "15-28")


def derive(protocol: Protocol, sequence: Sequence, number: int) -> tuple[Arm, ...]:
    mac = hmac.digest(
        b"key", message(trial=sequence.trial, stratum=sequence.stratum, block=number), "sha256"
    )
    return block(mac, sizes=protocol.block_sizes, ratio=protocol.arms)


def person(number: int) -> UUID:
    return uuid5(UUID(int=0), str(number))


class Trial:
    """A trial in which all is well, until somebody spoils it."""

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
        return allocation

    def at(self, block: int, position: int) -> int:
        """The index of whoever has this slot in the long stratum."""
        slots = [(a.stratum, a.block, a.position) for a in self.evidence.allocations]
        return slots.index(("15-28", block, position))

    def change(self, index: int, **changes: Any) -> None:
        """Change an allocation, and keep its reminders as its arm would have them."""
        changed = self.evidence.allocations[index].model_copy(update=changes)
        self.evidence.allocations[index] = changed
        if "arm" in changes:
            self.evidence.reminded ^= {changed.enrolment_id}

    def change_enrolment(self, index: int, **changes: Any) -> None:
        changed = self.evidence.enrolments[index].model_copy(update=changes)
        self.evidence.enrolments[index] = changed

    def in_arm(self, arm: Arm) -> Allocation:
        return next(each for each in self.evidence.allocations if each.arm is arm)

    def faults(self) -> set[AllocationFault]:
        found = findings(self.evidence, protocols=PROTOCOLS, derive=derive)
        return {finding.fault for finding in found}


def other(arm: Arm) -> Arm:
    return Arm.CONTROL if arm is Arm.INTERVENTION else Arm.INTERVENTION


@pytest.fixture
def trial() -> Trial:
    return Trial(60)


@pytest.mark.parametrize("people", [0, 1, 2, 3, 5, 8, 13, 40, 41, 42, 43])
def test_a_clean_trial_gives_nothing(people: int) -> None:
    assert Trial(people).faults() == set()


def test_rehearsals_are_verified_in_a_sequence_of_their_own(trial: Trial) -> None:
    rehearsed = Sequence(rehearsal_of(AGREED.trial), LONG.stratum)
    for _ in range(5):
        drawn = trial.draw(rehearsed)
    assert trial.faults() == set()
    trial.change(trial.evidence.allocations.index(drawn), arm=other(drawn.arm))
    assert AllocationFault.MISMATCH in trial.faults()


def test_an_allocation_hidden_among_the_rehearsals_leaves_its_slot_open(trial: Trial) -> None:
    trial.change_enrolment(trial.at(0, 1), trial=rehearsal_of(AGREED.trial))
    assert AllocationFault.GAP in trial.faults()


def test_repeats_in_the_first_arm_are_well(trial: Trial) -> None:
    for arm in Arm:
        trial.repeat(trial.in_arm(arm))
    assert trial.faults() == set()


def flip_an_arm(trial: Trial) -> None:
    index = trial.at(0, 0)
    trial.change(index, arm=other(trial.evidence.allocations[index].arm))


def swap_two_arms_of_a_block(trial: Trial) -> None:
    arms = derive(AGREED, LONG, 0)
    mine, theirs = trial.at(0, 0), trial.at(0, arms.index(other(arms[0])))
    flipped = [other(trial.evidence.allocations[index].arm) for index in (mine, theirs)]
    trial.change(mine, arm=flipped[0])
    trial.change(theirs, arm=flipped[1])


def flip_an_arm_of_the_last_block(trial: Trial) -> None:
    trial.draw(LONG)
    while trial.evidence.cursors[LONG].position == 0:
        trial.draw(LONG)
    index = len(trial.evidence.allocations) - 1
    trial.change(index, arm=other(trial.evidence.allocations[index].arm))


def exchange_two_slots(trial: Trial) -> None:
    """Each of two people in other arms gets what the other has, but for the time."""
    arms = derive(AGREED, LONG, 0)
    places = trial.at(0, 0), trial.at(0, arms.index(other(arms[0])))
    slots = [trial.evidence.allocations[index] for index in places]
    for index, slot in zip(places, reversed(slots), strict=True):
        trial.change(index, arm=slot.arm, position=slot.position)


def drop(trial: Trial, index: int) -> None:
    gone = trial.evidence.allocations.pop(index)
    trial.evidence.enrolments.pop(index)
    trial.evidence.reminded.discard(gone.enrolment_id)


def drop_a_slot(trial: Trial) -> None:
    drop(trial, trial.at(1, 0))


def drop_a_block(trial: Trial) -> None:
    for position in range(len(derive(AGREED, LONG, 1))):
        drop(trial, trial.at(1, position))


def drop_the_last_slot(trial: Trial) -> None:
    trial.draw(LONG)
    drop(trial, len(trial.evidence.allocations) - 1)


def use_a_slot_twice(trial: Trial) -> None:
    arms, slot = derive(AGREED, LONG, 0), trial.evidence.allocations[trial.at(0, 0)]
    trial.keep(LONG, arms[0], block=slot.block, position=slot.position)


def go_past_the_end_of_a_block(trial: Trial) -> None:
    end = len(derive(AGREED, LONG, 0))
    trial.keep(LONG, Arm.CONTROL, block=0, position=end)


def use_a_slot_before_the_first(trial: Trial) -> None:
    trial.keep(LONG, Arm.CONTROL, block=0, position=-1)


def use_a_block_before_the_first(trial: Trial) -> None:
    trial.keep(LONG, derive(AGREED, LONG, -1)[0], block=-1, position=0)


def use_a_block_far_away(trial: Trial) -> None:
    trial.keep(LONG, derive(AGREED, LONG, 10**12)[0], block=10**12, position=0)


def change_the_design(trial: Trial) -> None:
    """The arm is as by the first design, so nothing else tells."""
    trial.change(trial.at(0, 1), protocol_sha256=LATER.sha256)


def move_the_cursor(trial: Trial) -> None:
    cursor = trial.evidence.cursors[LONG]
    trial.evidence.cursors[LONG] = cursor.model_copy(update={"position": cursor.position + 1})


def lose_the_cursor(trial: Trial) -> None:
    del trial.evidence.cursors[LONG]


def leave_a_cursor_without_people(trial: Trial) -> None:
    trial.evidence.cursors[Sequence("another", "14")] = Cursor(block=1)


def stamp_an_unknown_protocol(trial: Trial) -> None:
    trial.change(trial.at(0, 0), protocol_sha256="unknown")


def stamp_another_version(trial: Trial) -> None:
    trial.change(trial.at(0, 0), protocol="fixture-2")


def enrol_in_another_trial(trial: Trial) -> None:
    trial.change_enrolment(0, trial="dvpo-2030")


def draw_from_the_wrong_stratum(trial: Trial) -> None:
    trial.change_enrolment(0, days=28 if trial.evidence.enrolments[0].days == 14 else 14)


def draw_from_another_stratum_than_was_fixed(trial: Trial) -> None:
    """Of the order's length too, but of other people: the baselines are not for the auditor."""
    trial.change_enrolment(0, stratum="15-28-high")


def repeat_in_the_other_arm(trial: Trial) -> None:
    first = trial.in_arm(Arm.CONTROL)
    trial.repeat(first, arm=Arm.INTERVENTION)


def draw_somebody_twice(trial: Trial) -> None:
    trial.change_enrolment(1, person_hash=trial.evidence.enrolments[0].person_hash)


def repeat_nothing(trial: Trial) -> None:
    trial.keep(SHORT, Arm.CONTROL, repeat=True)


def give_a_repeat_a_slot(trial: Trial) -> None:
    repeat = trial.repeat(trial.in_arm(Arm.CONTROL))
    trial.change(trial.evidence.allocations.index(repeat), position=0)


def draw_without_a_slot(trial: Trial) -> None:
    trial.keep(SHORT, Arm.CONTROL)


def draw_without_a_position(trial: Trial) -> None:
    trial.keep(SHORT, Arm.CONTROL, block=0)


def draw_without_a_block(trial: Trial) -> None:
    trial.keep(SHORT, Arm.CONTROL, position=0)


def list_an_allocation_twice(trial: Trial) -> None:
    repeat = trial.repeat(trial.in_arm(Arm.CONTROL))
    trial.evidence.allocations.append(repeat)


def lose_an_enrolment(trial: Trial) -> None:
    trial.evidence.enrolments.pop(0)


def lose_an_allocation(trial: Trial) -> None:
    repeat = trial.repeat(trial.in_arm(Arm.CONTROL))
    trial.evidence.allocations.remove(repeat)


def forget_the_time(trial: Trial) -> None:
    trial.change_enrolment(0, allocated_at=None)


def change_the_time(trial: Trial) -> None:
    trial.change(0, allocated_at=BEGAN - timedelta(days=1))


def remind_control(trial: Trial) -> None:
    trial.evidence.reminded.add(trial.in_arm(Arm.CONTROL).enrolment_id)


def remind_somebody_never_drawn(trial: Trial) -> None:
    trial.evidence.reminded.add(UUID(int=1))


def text_control(trial: Trial) -> None:
    sent = Message(enrolment_id=trial.in_arm(Arm.CONTROL).enrolment_id, number=1)
    trial.evidence.add({"pk": "message#1", "sk": "message", **sent.item()})


def remind_nobody(trial: Trial) -> None:
    trial.evidence.reminded.clear()


def store_what_cannot_be_read(trial: Trial) -> None:
    trial.evidence.add({"pk": "allocation#1", "sk": "allocation", "kind": "allocation"})


def store_an_allocation_under_another_key(trial: Trial) -> None:
    trial.evidence.add(item(allocation_key(person(1)), trial.evidence.allocations[0].item()))


def store_an_enrolment_under_another_key(trial: Trial) -> None:
    enrolled = trial.evidence.enrolments[0].model_dump(mode="json", exclude={"days", "varied"})
    dates = {"order": {"made_on": "2026-12-01", "expires_on": "2026-12-14"}}
    stored = {"kind": "enrolment", **enrolled, **dates}
    trial.evidence.add(item(enrolment_key(person(0)), stored))
    assert trial.faults() == set()
    trial.evidence.add(item(enrolment_key(person(1)), stored))


def item(key: Key, attributes: dict[str, Any]) -> dict[str, Any]:
    return {"pk": key.pk, "sk": key.sk, **attributes}


@pytest.mark.parametrize(
    ("spoil", "faults"),
    [
        (flip_an_arm, {AllocationFault.MISMATCH, AllocationFault.UNBALANCED}),
        (swap_two_arms_of_a_block, {AllocationFault.MISMATCH}),
        (flip_an_arm_of_the_last_block, {AllocationFault.MISMATCH}),
        (drop_a_slot, {AllocationFault.GAP}),
        (drop_a_block, {AllocationFault.GAP}),
        (drop_the_last_slot, {AllocationFault.CURSOR}),
        (
            use_a_slot_twice,
            {AllocationFault.USED_TWICE, AllocationFault.UNBALANCED, AllocationFault.OUT_OF_ORDER},
        ),
        (go_past_the_end_of_a_block, NO_SLOT | {AllocationFault.UNBALANCED}),
        (use_a_slot_before_the_first, NO_SLOT | {AllocationFault.UNBALANCED}),
        (use_a_block_before_the_first, NO_SLOT | {AllocationFault.GAP}),
        (exchange_two_slots, {AllocationFault.OUT_OF_ORDER}),
        (use_a_block_far_away, {AllocationFault.GAP, AllocationFault.CURSOR}),
        (change_the_design, {AllocationFault.REDESIGNED}),
        (move_the_cursor, {AllocationFault.CURSOR}),
        (lose_the_cursor, {AllocationFault.CURSOR}),
        (leave_a_cursor_without_people, {AllocationFault.CURSOR}),
        (stamp_an_unknown_protocol, {AllocationFault.PROTOCOL, AllocationFault.GAP}),
        (stamp_another_version, {AllocationFault.PROTOCOL}),
        (enrol_in_another_trial, {AllocationFault.OTHER_TRIAL}),
        (draw_from_the_wrong_stratum, {AllocationFault.STRATUM}),
        (draw_from_another_stratum_than_was_fixed, {AllocationFault.STRATUM}),
        (repeat_in_the_other_arm, {AllocationFault.REPEAT_ARM}),
        (draw_somebody_twice, {AllocationFault.DRAWN_TWICE}),
        (repeat_nothing, {AllocationFault.NO_FIRST}),
        (give_a_repeat_a_slot, {AllocationFault.SLOT_AND_REPEAT}),
        (draw_without_a_slot, {AllocationFault.SLOT_AND_REPEAT}),
        (draw_without_a_position, {AllocationFault.SLOT_AND_REPEAT}),
        (draw_without_a_block, {AllocationFault.SLOT_AND_REPEAT}),
        (list_an_allocation_twice, {AllocationFault.TWO_ALLOCATIONS}),
        (lose_an_enrolment, {AllocationFault.NO_ENROLMENT}),
        (lose_an_allocation, {AllocationFault.NO_ALLOCATION}),
        (forget_the_time, {AllocationFault.TIME}),
        (change_the_time, {AllocationFault.TIME}),
        (remind_control, {AllocationFault.CONTROL_REMINDED}),
        (remind_somebody_never_drawn, {AllocationFault.CONTROL_REMINDED}),
        (text_control, {AllocationFault.CONTROL_REMINDED}),
        (remind_nobody, {AllocationFault.NO_REMINDERS}),
        (store_what_cannot_be_read, {AllocationFault.UNREADABLE}),
        (store_an_allocation_under_another_key, {AllocationFault.UNREADABLE}),
        (store_an_enrolment_under_another_key, {AllocationFault.UNREADABLE}),
    ],
)
def test_a_fault_is_found(
    trial: Trial, spoil: Callable[[Trial], None], faults: set[AllocationFault]
) -> None:
    spoil(trial)
    assert trial.faults() == faults


def test_dates_corrected_after_the_draw_leave_the_stratum(trial: Trial) -> None:
    draw_from_the_wrong_stratum(trial)
    trial.change_enrolment(0, dates_changed_at=BEGAN)
    assert trial.faults() == set()


def test_the_length_of_a_varied_order_is_compared_as_it_was_when_it_was_drawn(
    trial: Trial,
) -> None:
    was = trial.evidence.enrolments[0]
    assert was.allocated_at
    later = was.allocated_at + timedelta(days=1), was.allocated_at + timedelta(days=9)
    other = 28 if was.days == 14 else 14
    trial.change_enrolment(0, varied=((later[0], was.days), (later[1], other)), days=None)
    assert trial.faults() == set()
    trial.change_enrolment(0, varied=((later[0], other), (later[1], was.days)), days=was.days)
    assert trial.faults() == {AllocationFault.STRATUM}


def test_an_order_varied_before_it_was_drawn_may_be_of_either_stratum(trial: Trial) -> None:
    was = trial.evidence.enrolments[0]
    assert was.allocated_at
    before = was.allocated_at - timedelta(hours=1)
    other = 28 if was.days == 14 else 14
    trial.change_enrolment(0, varied=((before, was.days),), days=other)
    assert trial.faults() == set()
    trial.change_enrolment(0, varied=((before, None),), days=other)
    assert trial.faults() == {AllocationFault.STRATUM}
