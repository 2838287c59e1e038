"""Finds faults in a trial's allocations by comparing the table with the key."""

from __future__ import annotations

from collections import Counter, defaultdict
from enum import StrEnum
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

from commands.audit.allocation_evidence import Block, Sequence, blocks_of
from trial.codes import Arm
from trial.records.allocation import Allocation, Cursor
from trial.rehearsal import real_trial

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from collections.abc import Set as AbstractSet
    from uuid import UUID

    from commands.audit.allocation_evidence import EnrolmentEvidence, Evidence
    from commands.audit.trail import RecordedDraw
    from trial.protocol.settings import Protocol

    Derive = Callable[[Protocol, Sequence, int], tuple[Arm, ...]]


class AllocationFault(StrEnum):
    """The kinds of fault."""

    UNREADABLE = "not the item that its key names"
    MISMATCH = "arm differs from the key's"
    NO_SUCH_SLOT = "no such slot"
    USED_TWICE = "slot used twice"
    GAP = "slots skipped"
    UNBALANCED = "block not balanced"
    REDESIGNED = "design changed inside a block"
    OUT_OF_ORDER = "slot drawn before the slot that precedes it"
    TRAIL_MISMATCH = "arm in the audit trail differs from the key's"
    ANOTHER_PERSON = "enrolment of another person or trial than was drawn, by the audit trail"
    CURSOR = "cursor does not follow the last slot"
    PROTOCOL = "protocol not known"
    OTHER_TRIAL = "drawn in another trial than enrolled in"
    STRATUM = "stratum not of the order"
    SLOT_AND_REPEAT = "repeat with a slot, or first without one"
    DRAWN_TWICE = "person drawn twice"
    NO_FIRST = "repeat of nothing"
    REPEAT_ARM = "repeat in another arm"
    TWO_ALLOCATIONS = "enrolment with two allocations"
    NO_ENROLMENT = "allocation without its enrolment"
    NO_ALLOCATION = "allocated, but no allocation"
    TIME = "enrolment with another time of allocation"
    CONTROL_REMINDED = "reminders in control, or without an allocation"
    NO_REMINDERS = "no reminders in intervention"
    PLANNED_OTHERWISE = "reminders under a different protocol from its allocation"

    def at(self, where: str, detail: str = "") -> AllocationFinding:
        """This kind of fault at a place."""
        return AllocationFinding(self, where, detail)


class AllocationFinding(NamedTuple):
    """One fault. It identifies people only by their enrolment's id."""

    fault: AllocationFault
    where: str
    detail: str = ""


def findings(
    evidence: Evidence, *, protocols: Mapping[str, Protocol], derive: Derive
) -> list[AllocationFinding]:
    """
    Every fault, in no particular order.

    `protocols` are the agreed ones by SHA-256. `derive` returns a block's arms from the key.
    """
    blocks = blocks_of(evidence, protocols)
    enrolments = {each.enrolment_id: each for each in evidence.enrolments}
    return [
        *(AllocationFault.UNREADABLE.at(where) for where in evidence.unreadable),
        *_each(evidence.allocations, enrolments, protocols),
        *_lost(evidence),
        *_people(evidence.allocations, enrolments),
        *_reminders(evidence.allocations, evidence.reminded),
        *_planned_otherwise(evidence.allocations, evidence.planned),
        *(
            finding
            for sequence in {*blocks, *evidence.cursors}
            for finding in _sequence(
                sequence,
                blocks.get(sequence, {}),
                evidence.cursors.get(sequence, Cursor()),
                protocols,
                derive,
            )
        ),
    ]


def _each(
    allocations: Iterable[Allocation],
    enrolments: Mapping[UUID, EnrolmentEvidence],
    protocols: Mapping[str, Protocol],
) -> Iterator[AllocationFinding]:
    """Faults of an allocation against its enrolment and its protocol."""
    for each in allocations:
        where = f"enrolment {each.enrolment_id}"
        if (each.block is None) != each.repeat or (each.position is None) != each.repeat:
            yield AllocationFault.SLOT_AND_REPEAT.at(where)
        protocol = protocols.get(each.protocol_sha256)
        if protocol is None or protocol.version != each.protocol:
            stamp = f"{each.protocol}, SHA-256 {each.protocol_sha256}"
            yield AllocationFault.PROTOCOL.at(where, stamp)
        enrolled = enrolments.get(each.enrolment_id)
        if enrolled is None:
            yield AllocationFault.NO_ENROLMENT.at(where)
            continue
        if enrolled.allocated_at != each.allocated_at:
            times = f"{enrolled.allocated_at}, not {each.allocated_at}"
            yield AllocationFault.TIME.at(where, times)
        if protocol and protocol.trial != real_trial(enrolled.trial):
            trials = f"{enrolled.trial}, drawn in {protocol.trial}"
            yield AllocationFault.OTHER_TRIAL.at(where, trials)
        # A correction or a variation may change the length, and never the stratum once it is
        # eligible: of corrections across strata `corrected_across_strata` tells.
        if protocol and enrolled.as_drawn:
            # Baselines are not for the auditor to see: the stratum of those is as it was fixed.
            possible = {
                stratum.id
                for stratum in protocol.strata
                for days in enrolled.lengths
                if stratum.holds_order(enrolled.order_type, days)
            }
            if each.stratum not in possible & {enrolled.stratum or each.stratum}:
                days = " or ".join(str(each or "endless") for each in enrolled.lengths)
                detail = f"{days} days, drawn in {each.stratum}"
                yield AllocationFault.STRATUM.at(where, detail)


def corrected_across_strata(evidence: Evidence) -> list[str]:
    """Whose dates were corrected into another stratum, before or after the draw, one a line."""
    return sorted(
        f"enrolment {each.enrolment_id}: {' -> '.join(each.strata)}"
        for each in evidence.enrolments
        if each.strata
    )


def _lost(evidence: Evidence) -> Iterator[AllocationFinding]:
    """Enrolments without their allocation, or with more than one."""
    allocated = Counter(each.enrolment_id for each in evidence.allocations)
    for enrolment_id, count in allocated.items():
        if count > 1:
            yield AllocationFault.TWO_ALLOCATIONS.at(f"enrolment {enrolment_id}")
    for each in evidence.enrolments:
        if each.allocated_at and each.enrolment_id not in allocated:
            yield AllocationFault.NO_ALLOCATION.at(f"enrolment {each.enrolment_id}")


def _people(
    allocations: Iterable[Allocation], enrolments: Mapping[UUID, EnrolmentEvidence]
) -> Iterator[AllocationFinding]:
    """Everybody is drawn once in each trial, and keeps the arm there."""
    by_person: dict[tuple[str, str], list[Allocation]] = defaultdict(list)
    for each in allocations:
        if enrolled := enrolments.get(each.enrolment_id):
            by_person[enrolled.trial, enrolled.person_hash].append(each)
    for theirs in by_person.values():
        firsts = [each for each in theirs if not each.repeat]
        first = min(firsts, key=lambda each: each.allocated_at, default=None)
        for each in theirs:
            where = f"enrolment {each.enrolment_id}"
            if first is None:
                yield AllocationFault.NO_FIRST.at(where)
            elif each.repeat and each.arm is not first.arm:
                yield AllocationFault.REPEAT_ARM.at(where, f"the first is {first.enrolment_id}")
            elif not each.repeat and each is not first:
                yield AllocationFault.DRAWN_TWICE.at(where, f"the first is {first.enrolment_id}")


def _reminders(
    allocations: Iterable[Allocation], reminded: AbstractSet[UUID]
) -> Iterator[AllocationFinding]:
    """Faults against the rule that only intervention has reminders."""
    treated = {each.enrolment_id for each in allocations if each.arm is Arm.INTERVENTION}
    for enrolment_id in reminded - treated:
        yield AllocationFault.CONTROL_REMINDED.at(f"enrolment {enrolment_id}")
    for enrolment_id in treated - reminded:
        yield AllocationFault.NO_REMINDERS.at(f"enrolment {enrolment_id}")


def _planned_otherwise(
    allocations: Iterable[Allocation], planned: AbstractSet[tuple[UUID, str]]
) -> Iterator[AllocationFinding]:
    drawn_under = {each.enrolment_id: each.protocol_sha256 for each in allocations}
    for enrolment_id, sha256 in planned:
        if drawn_under.get(enrolment_id, sha256) != sha256:
            yield AllocationFault.PLANNED_OTHERWISE.at(f"enrolment {enrolment_id}")


def _sequence(
    sequence: Sequence,
    blocks: Mapping[int, Block],
    cursor: Cursor,
    protocols: Mapping[str, Protocol],
    derive: Derive,
) -> Iterator[AllocationFinding]:
    """Faults of a sequence: blocks are filled in turn, as the key says, up to the cursor."""
    following = (0, 0)
    last = max(blocks, default=None)
    yield from _out_of_order(sequence, blocks)
    for skipped in _gaps(blocks, end=last or 0):
        yield AllocationFault.GAP.at(f"{sequence}, block {skipped}", "no allocation")
    for number, filled in blocks.items():
        where = f"{sequence}, block {number}"
        used = [protocols[e.protocol_sha256] for taken in filled.values() for e in taken]
        protocol = used[0]
        if number < 0:
            yield AllocationFault.NO_SUCH_SLOT.at(where)
        if any(_design(each) != _design(protocol) for each in used):
            yield AllocationFault.REDESIGNED.at(where)
        arms = derive(protocol, sequence, number)
        end = len(arms) if number != last else max(filled) + 1
        if number == last:
            following = (number, end) if end < len(arms) else (number + 1, 0)
        yield from _block(where, filled, arms, end, protocol)
    if (cursor.block, cursor.position) != following:
        block, position = following
        yield AllocationFault.CURSOR.at(
            str(sequence),
            f"at block {cursor.block}, position {cursor.position}; "
            f"the next free slot is at block {block}, position {position}",
        )


def _out_of_order(sequence: Sequence, blocks: Mapping[int, Block]) -> Iterator[AllocationFinding]:
    """Slots drawn earlier than the one before, which reveals that two were exchanged."""
    slots = [
        each
        for _, block in sorted(blocks.items())
        for _, taken in sorted(block.items())
        for each in taken
    ]
    for one, following in pairwise(slots):
        if following.allocated_at <= one.allocated_at:
            where = f"{sequence}, block {following.block}, position {following.position}"
            detail = f"{following.enrolment_id}, not after {one.enrolment_id}"
            yield AllocationFault.OUT_OF_ORDER.at(where, detail)


def drawn_for_others(
    drawn: Iterable[RecordedDraw], enrolments: Iterable[EnrolmentEvidence]
) -> Iterator[AllocationFinding]:
    """Enrolments that the table gives to another person or trial than the audit trail's draw."""
    stored = {each.enrolment_id: (each.person_hash, each.trial) for each in enrolments}
    for each in drawn:
        theirs = each.slot.person_hash, each.slot.trial
        if stored.get(each.enrolment_id, theirs) != theirs:
            yield AllocationFault.ANOTHER_PERSON.at(f"enrolment {each.enrolment_id}")


def trail_findings(
    drawn: Iterable[RecordedDraw], *, protocols: Mapping[str, Protocol], derive: Derive
) -> Iterator[AllocationFinding]:
    """Draws in the audit trail that differ from the key."""
    arms: dict[tuple[str, Sequence, int], tuple[Arm, ...]] = {}
    for each in drawn:
        slot = each.slot
        protocol = protocols.get(slot.protocol_sha256)
        if protocol is None or slot.block is None or slot.position is None:
            continue
        sequence = Sequence(slot.trial, slot.stratum)
        place = (protocol.sha256, sequence, slot.block)
        if place not in arms:
            arms[place] = derive(protocol, sequence, slot.block)
        derived = arms[place][slot.position : slot.position + 1]
        if derived != (slot.arm,):
            where = f"{sequence}, block {slot.block}"
            detail = f"{each.enrolment_id} is {slot.arm}, the key gives {derived or 'no slot'}"
            yield AllocationFault.TRAIL_MISMATCH.at(f"{where}, position {slot.position}", detail)


def _block(
    where: str, filled: Block, arms: tuple[Arm, ...], end: int, protocol: Protocol
) -> Iterator[AllocationFinding]:
    for skipped in _gaps(filled, end=end):
        yield AllocationFault.GAP.at(f"{where}, position {skipped}", "no allocation")
    for position, taken in filled.items():
        at = f"{where}, position {position}"
        ids = ", ".join(str(each.enrolment_id) for each in taken)
        if len(taken) > 1:
            yield AllocationFault.USED_TWICE.at(at, ids)
        if not 0 <= position < len(arms):
            yield AllocationFault.NO_SUCH_SLOT.at(at, ids)
            continue
        for each in taken:
            if each.arm is not arms[position]:
                detail = f"{each.enrolment_id} is {each.arm}, the key gives {arms[position]}"
                yield AllocationFault.MISMATCH.at(at, detail)
    if len(filled) >= len(arms):  # independent of the key: the ratio alone
        stored = Counter(each.arm for taken in filled.values() for each in taken)
        shares = sum(protocol.arms.values())
        if any(n * stored.total() != stored[arm] * shares for arm, n in protocol.arms.items()):
            yield AllocationFault.UNBALANCED.at(where)


def _design(protocol: Protocol) -> tuple[object, ...]:
    """The settings that determine how a MAC becomes a block."""
    return sorted(protocol.block_sizes), sorted(protocol.arms.items())


def _gaps(used: Iterable[int], *, end: int) -> Iterator[str]:
    """The numbers missing from 0 to end - 1, as ranges, so that a forged one cannot fill memory."""
    expected = 0
    for number in sorted({*used, end}):
        if number > expected:
            yield str(expected) if number == expected + 1 else f"{expected} to {number - 1}"
        expected = max(expected, number + 1)
