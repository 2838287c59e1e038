"""Counts of the whole trial, pooled over the arms."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from operations.answers import FlowOut, MissingCount, MissingNumbersOut
from trial.codes import EndReason, MissingReason, Reason, Status

if TYPE_CHECKING:
    from operations.store import OperationsStore


def flow(store: OperationsStore, trial: str) -> FlowOut:
    """How many enrolments of the trial have each status, pooled over the arms."""
    counted = [row["counted"] for row in store.counted(trial)]
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


def missing_numbers(store: OperationsStore, trial: str) -> MissingNumbersOut:
    """Numbers missing at enrolment, and found since, by month, superintendent and reason."""
    rows = store.counted(trial)
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
        enrolled_by_month=dict(sorted(Counter(row["month"] for row in rows).items())),
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
