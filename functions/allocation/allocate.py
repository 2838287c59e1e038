"""Drawing the arm of an eligible enrolment, once."""

from __future__ import annotations

import random
import time
from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple

from allocation.randomisation import block, message
from trial.codes import Status
from trial.eligibility import assess
from trial.errors import ContendedError, RejectedError
from trial.planning import planned_reminders
from trial.protocol.load import of_trial
from trial.protocol.local_time import local_date
from trial.protocol.settings import RepeatPolicy
from trial.records.allocation import Allocation, Cursor
from trial.records.audit import Audit

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from allocation.store import AllocationStore, DrawFacts
    from trial.aws.kms import MacKey
    from trial.codes import Reason
    from trial.protocol.settings import Protocol
    from trial.records.enrolment import Enrolment

_TRIES = 8
_LONGEST_PAUSE = 0.4  # seconds


class Drawn(NamedTuple):
    """Where an enrolment stands after its draw, and why, if it could not be drawn after all."""

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
    Allocate an enrolment in its own trial, or record why it can no longer be.

    Safe to repeat: the first allocation stands. `announced` only says where to look; what is
    stored decides. Returns what it stored, None if there was nothing to do. Under
    contention it reads again after a random pause, a bounded number of times, and no slot is
    used until the transaction that fills it.
    """
    protocol = of_trial(announced.trial, protocol)
    stratum = protocol.stratum_of(announced.order.type, announced.order.days)
    for attempt in range(_TRIES):
        facts = store.facts(announced.enrolment_id, announced.person_hash, protocol.trial, stratum)
        enrolment = facts.enrolment
        if enrolment is None or enrolment.status is not Status.ELIGIBLE:
            return None
        if (actual := protocol.stratum_of(enrolment.order.type, enrolment.order.days)) != stratum:
            stratum = actual  # the dates were corrected after the announcement
            continue
        try:
            now = _after(facts.cursor, clock())
            return _decide(enrolment, facts, stratum, store, sequence, protocol, now)
        except ContendedError:
            pause(random.uniform(0, _LONGEST_PAUSE * (attempt + 1) / _TRIES))  # noqa: S311 - jitter
    raise ContendedError("the draw was contended too often; the stream will bring it again")


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
    protocol: Protocol,
    now: datetime,
) -> Drawn | None:
    today = local_date(now)
    if enrolment.erased_at:
        return None  # its order has long run out
    status, reasons = assess(
        order=enrolment.order,
        respondent=enrolment.respondent,
        mobile=enrolment.mobile,
        # Decided at enrolment, and this order holds its place since; but a repeat can be told
        # only now for sure.
        another_live_order=facts.person.allocated.get(enrolment.trial)
        not in (None, enrolment.enrolment_id)
        and protocol.repeat_policy is RepeatPolicy.EXCLUDE,
        held_over_daily_limit=enrolment.held_over_daily_limit,
        today=today,
        min_days_left=protocol.eligibility.min_days_left,
    )
    if status is not Status.ELIGIBLE:
        audit = Audit(at=now, what="excluded", by="allocation")
        store.keep_exclusion(enrolment, status, reasons[0], audit)
        return Drawn(status, reasons[0])
    allocation, following = _draw(enrolment, facts, stratum, store, sequence, protocol, now)
    store.keep_allocation(
        allocation,
        enrolment=enrolment,
        person=facts.person,
        seen=facts.cursor,
        following=following,
        restored=facts.allocation is not None,
        reminders=planned_reminders(enrolment, allocation, start=allocation.allocated_at),
        audit=Audit(at=now, what="allocated", by="allocation"),
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
    if known := facts.person.allocated.get(enrolment.trial):
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
    """What a MAC becomes a block by: a change of it would change a block already begun."""
    shares = ",".join(f"{arm}={share}" for arm, share in sorted(protocol.arms.items()))
    return f"{shares} in {sorted(protocol.block_sizes)}"
