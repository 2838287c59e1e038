"""What operations do for the whole trial: the switch, the suppression list, the counts."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from enrolment.answers import FlowOut, MissingCount, MissingNumbersOut
from enrolment.enrol import keyed
from trial.codes import EndReason, MissingReason, Reason, Status
from trial.records import Audit, SuppressedNumber, Switch
from trial.retry import on_contention

if TYPE_CHECKING:
    from enrolment.change import RequestContext
    from enrolment.wire import SuppressionIn, SwitchIn


def set_switch(given: SwitchIn, context: RequestContext) -> Switch:
    """Pause or resume the whole trial's sending. Safe to repeat."""

    def attempt() -> Switch:
        known = context.store.switch()
        if known and (known.paused, known.reason, known.by) == (
            given.paused,
            given.reason,
            given.by,
        ):
            return known
        switch = Switch(**given.model_dump(), at=context.now, version=known.version if known else 0)
        what = "sending_paused" if given.paused else "sending_resumed"
        context.store.keep_switch(switch, Audit(at=context.now, what=what, by=context.by))
        return switch

    return on_contention(attempt)


def suppress(given: SuppressionIn, context: RequestContext) -> tuple[SuppressedNumber, bool]:
    """The number's entry in the suppression list, and whether it is new. Only its hash is kept."""
    number_hash = keyed(context.identity, "number", given.number)

    def attempt() -> tuple[SuppressedNumber, bool]:
        known = context.store.number(number_hash)
        if known.suppressed:
            return known.suppressed, False
        entry = SuppressedNumber(reason=given.reason, by=given.by, at=context.now)
        context.store.keep_number(
            number_hash,
            known.model_copy(update={"suppressed": entry}),
            Audit(at=context.now, what="number_suppressed", by=context.by),
        )
        return entry, True

    return on_contention(attempt)


def flow(context: RequestContext) -> FlowOut:
    """Where every enrolment of the trial stands, pooled over the arms."""
    counted = [row["counted"] for row in context.store.counted(context.protocol.trial)]
    statuses = Counter(each["status"] for each in counted)
    reasons = Counter(reason for each in counted for reason in each["reasons"])
    ends = Counter(each["end"] for each in counted if each["end"])
    return FlowOut(
        enrolled=len(counted),
        by_status={status: statuses[status] for status in Status},
        by_reason={reason: reasons[reason] for reason in Reason},
        randomised=sum(each["allocated"] for each in counted),
        ended={reason: ends[reason] for reason in EndReason},
    )


def missing_numbers(context: RequestContext) -> MissingNumbersOut:
    """Who had no number when enrolled, by month, superintendent and reason; who was found."""
    rows = context.store.counted(context.protocol.trial)
    lacking = [(row["month"], row["counted"]) for row in rows if row["counted"]["missing"]]
    missing: Counter[tuple[str, str, str]] = Counter()
    found: Counter[tuple[str, str, str]] = Counter()
    for month, each in lacking:
        cell = (month, each["superintendent"], each["missing"])
        missing[cell] += 1
        found[cell] += each["found"]
    reasons = Counter(each["missing"] for _, each in lacking)
    how = Counter(each["resolved_how"] for _, each in lacking if each["resolved_how"])
    return MissingNumbersOut(
        enrolled=len(rows),
        missing=len(lacking),
        found=found.total(),
        by_reason={reason: reasons[reason] for reason in MissingReason},
        resolved_how=dict(how),
        counts=tuple(
            MissingCount(
                month=cell[0],
                superintendent=cell[1],
                reason=MissingReason(cell[2]),
                missing=missing[cell],
                found=found[cell],
            )
            for cell in sorted(missing)
        ),
    )
