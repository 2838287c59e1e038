"""Reconciliation. EventBridge Scheduler invokes it hourly for gaps and nightly for the proof."""

from __future__ import annotations

from trial.log import logger

from collections import Counter
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Literal

from reconciliation.findings import Gap
from reconciliation.prove import prove
from reconciliation.reconcile import reconcile
from reconciliation.store import ReconciliationStore
from trial.aws import clients
from trial.aws.schedules import Schedules
from trial.aws.table import Table
from trial.codes import Model
from trial.config import ReconciliationSettings, settings
from trial.metrics import Metric, emit
from trial.protocol.load import load

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aws_lambda_powertools.utilities.typing import LambdaContext

    from reconciliation.findings import GapFinding
    from trial.protocol.settings import Protocol


TO_FINISH_MS = 30_000
"""The most time that the slowest look and the report take together."""

_FOR_A_PERSON = frozenset(
    {
        Gap.UNKNOWN,
        Gap.NOT_ENTITLED,
        Gap.STRANGE_SCHEDULE,
        Gap.STRAY_TEXT,
        Gap.NOT_RECONCILED,
    }
)


class ReconciliationRequest(Model):
    """A schedule's request: the proof if it says so, else the gaps."""

    proof: Literal["control"] | None = None


@logger.inject_lambda_context(clear_state=True)
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Look for gaps and close them until time runs out; the next run continues."""
    ask = ReconciliationRequest.model_validate(event)
    chosen = settings(ReconciliationSettings)
    store = ReconciliationStore(Table(clients.dynamodb(), chosen.table_name))
    schedules = Schedules(clients.scheduler(), chosen)
    now, protocol = datetime.now(UTC), load(chosen.protocol)
    if ask.proof:
        return _prove(store, schedules, protocol, context, now)
    switch = store.switch()
    emit(Metric.SENDING_PAUSED, int(bool(switch and switch.paused)))
    emit(Metric.FOLLOW_UPS_OVERDUE, _overdue(store, protocol, now))
    looking = reconcile(store=store, schedules=schedules, switch=switch, now=now)
    report = _report(looking, "gaps", context)
    if report["finished"] and store.proof_stopped_at():
        _prove(store, schedules, protocol, context, now)
    return report


def _prove(
    store: ReconciliationStore,
    schedules: Schedules,
    protocol: Protocol,
    context: LambdaContext,
    now: datetime,
) -> dict[str, Any]:
    """Continue the proof from where the last run stopped. If cut short, the next hour continues."""
    last = began = store.proof_stopped_at()
    today = protocol.place.date_at(now)

    def looking() -> Iterator[GapFinding]:
        nonlocal last
        found = prove(store=store, schedules=schedules, today=today, now=now, after=began)
        for place, each in found:
            last = place
            yield each

    report = _report(looking(), "proof", context)
    stopped = "" if report["finished"] else last
    if stopped != began:
        store.keep_proof_stopped_at(stopped)
    return report


def _overdue(store: ReconciliationStore, protocol: Protocol, now: datetime) -> int:
    """How many follow-ups about a missing number are overdue."""
    today, least = protocol.place.date_at(now), protocol.eligibility.min_days_left
    return sum(each.overdue(today, least) for each in store.waiting())


def _report(looking: Iterator[GapFinding], work: str, context: LambdaContext) -> dict[str, Any]:
    """Log every gap, count each kind, and report whether the run finished."""
    gaps: Counter[Gap] = Counter()
    suppressed: Counter[str] = Counter()
    looked_at, finished = 0, True
    for found in looking:
        looked_at += 1
        if found.gap:
            gaps[found.gap] += 1
            if found.gap is Gap.NOT_SENT:
                suppressed[found.reason or ""] += 1
            log = logger.error if found.gap in _FOR_A_PERSON else logger.warning
            log(
                "gap found",
                gap=found.gap,
                reason=found.reason,
                enrolment_id=str(found.enrolment_id) if found.enrolment_id else None,
                reminder=found.number,
            )
        if context.get_remaining_time_in_millis() < TO_FINISH_MS:
            finished = False
            break
    for gap, count in gaps.items():
        emit(Metric.GAP_FOUND, count, kind=gap)
    for reason, count in suppressed.items():
        emit(Metric.REMINDER_SUPPRESSED, count, reason=reason)
    done = Metric.RECONCILIATION_COMPLETED if finished else Metric.RECONCILIATION_CUT_SHORT
    emit(done, kind=work)
    message = "reconciled" if finished else "cut short: the next run continues"
    logger.info(message, work=work, looked_at=looked_at, gaps=dict(gaps))
    return {"looked_at": looked_at, "finished": finished, "gaps": dict(gaps)}
