"""Draws the arm of an eligible enrolment, once."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple

from allocation.randomisation import block, message
from allocation.store import DrawKeys
from trial.codes import Status
from trial.errors import ContendedError, RejectedError
from trial.planning import timetable_of
from trial.protocol.load import of_trial
from trial.records.allocation import Allocation, Cursor
from trial.records.audit import AuditEntry
from trial.retry import on_contention
from trial.settlement.follow_up import follow_up
from trial.settlement.settle import ChangeContext, settle
from trial.settlement.standing import with_derived_status

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from allocation.store import AllocationStore, DrawFacts
    from trial.aws.kms import MacKey
    from trial.codes import Reason
    from trial.protocol.settings import Protocol
    from trial.records.enrolment import Enrolment

_LONGEST_PAUSE = 0.4  # seconds


class Drawn(NamedTuple):
    """An enrolment's status after the attempt to draw it, and why it was not drawn, if so."""

    status: Status
    reason: Reason | None = None


def allocate(
    announced: Enrolment,
    *,
    store: AllocationStore,
    sequence: MacKey,
    protocol: Protocol,
    clock: Callable[[], datetime],
    pause: Callable[[float], None] = time.sleep,
) -> Drawn | None:
    """
    Allocate an enrolment in its own trial, or record why it can no longer be allocated.

    Safe to repeat: the first allocation stands. `announced` only says where to look; the stored
    enrolment decides. Returns what it stored, None if there was nothing to do. Under contention
    it reads again after a random pause, a bounded number of times. Only the transaction that
    fills a slot uses it.
    """
    protocol = of_trial(announced.trial, protocol)
    latest = announced

    def attempt() -> Drawn | None:
        nonlocal latest
        keys = _keys(latest, protocol)
        facts = store.facts(keys)
        enrolment = facts.enrolment
        if enrolment is None or enrolment.status is not Status.ELIGIBLE or enrolment.erased_at:
            return None
        latest = enrolment
        if _keys(enrolment, protocol) != keys:
            raise ContendedError("the enrolment has changed since it was announced")
        now = _after(facts.cursor, clock())
        at = ChangeContext(store=store.settlement, protocol=protocol, by="allocation", now=now)
        return _decide(enrolment, facts, keys.stratum, store, sequence, at)

    return on_contention(attempt, longest_pause=_LONGEST_PAUSE, pause=pause)


def _keys(enrolment: Enrolment, protocol: Protocol) -> DrawKeys:
    return DrawKeys(
        enrolment_id=enrolment.enrolment_id,
        person_hash=enrolment.person_hash,
        trial=protocol.trial,
        number_hash=enrolment.mobile.number_hash,
        stratum=enrolment.stratum or enrolment.stratum_in(protocol),
    )


def _after(cursor: Cursor | None, now: datetime) -> datetime:
    """The time of a draw: later than the stratum's last, even if its clock was ahead of ours."""
    if cursor is None or cursor.drawn_at is None:
        return now
    return max(now, cursor.drawn_at + timedelta(microseconds=1))


def _decide(
    enrolment: Enrolment,
    facts: DrawFacts,
    stratum: str,
    store: AllocationStore,
    sequence: MacKey,
    at: ChangeContext,
) -> Drawn | None:
    """Draw it if it is still eligible; otherwise store its new status and follow that up."""
    protocol, now, today = at.protocol, at.now, at.today
    standing = with_derived_status(
        enrolment, facts.around, protocol=protocol, today=today
    ).enrolment
    if standing.status is not Status.ELIGIBLE:
        excluded = settle(enrolment.enrolment_id, at, what="excluded")
        follow_up(excluded, at, time_is_left=lambda: True)
        after = excluded.after
        return Drawn(after.status, next(iter(after.reasons), None))
    allocation, following = _draw(enrolment, facts, stratum, store, sequence, protocol, now)
    allocated = standing.model_copy(update={"allocated_at": allocation.allocated_at})
    drawn = with_derived_status(allocated, facts.around, protocol=protocol, today=today)
    first = {enrolment.trial: enrolment.enrolment_id} | drawn.person.allocated
    store.keep_allocation(
        allocation,
        drawn=replace(drawn, person=drawn.person.model_copy(update={"allocated": first})),
        seen=facts,
        following=following,
        restored=facts.allocation is not None,
        timetable=timetable_of(enrolment, allocation, start=allocation.allocated_at),
        audit=AuditEntry(
            at=now,
            what="allocated",
            by="allocation",
            status=Status.ALLOCATED,
            version=enrolment.version + 1,
        ),
    )
    return Drawn(Status.ALLOCATED)


def _draw(
    enrolment: Enrolment,
    facts: DrawFacts,
    stratum: str,
    store: AllocationStore,
    sequence: MacKey,
    protocol: Protocol,
    now: datetime,
) -> tuple[Allocation, Cursor | None]:
    """The next slot of the stratum, or the arm that the person has already."""
    common = {
        "enrolment_id": enrolment.enrolment_id,
        "stratum": stratum,
        "allocated_at": now,
        "protocol": protocol.version,
        "protocol_sha256": protocol.sha256,
    }
    if facts.allocation:
        return facts.allocation, None  # it was drawn: the table was restored since
    if known := facts.around.person.allocated.get(enrolment.trial):
        first = store.first_allocation(known)
        return Allocation(**common, arm=first.arm, repeat=True), None
    design = design_of(protocol)
    cursor = facts.cursor or Cursor()
    if cursor.position and cursor.design != design:
        raise RejectedError("the block design changed inside a block: finish it as it was begun")
    mac = sequence.mac(message(trial=protocol.trial, stratum=stratum, block=cursor.block))
    arms = block(mac, sizes=protocol.block_sizes, ratio=protocol.arms)
    following = (
        Cursor(block=cursor.block, position=cursor.position + 1, design=design, drawn_at=now)
        if cursor.position + 1 < len(arms)
        else Cursor(block=cursor.block + 1, design=design, drawn_at=now)
    )
    allocation = Allocation(
        **common, arm=arms[cursor.position], block=cursor.block, position=cursor.position
    )
    return allocation, following


def design_of(protocol: Protocol) -> str:
    """The settings that turn a MAC into a block: changing them would change a block in use."""
    shares = ",".join(f"{arm}={share}" for arm, share in sorted(protocol.arms.items()))
    return f"{shares} in {sorted(protocol.block_sizes)}"
