"""Erases data that is due. EventBridge Scheduler invokes it a few times every night."""

from __future__ import annotations

from trial.log import logger

from collections import Counter
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from retention.erase import erase
from retention.store import RetentionStore
from trial.aws import clients
from trial.aws.table import Table
from trial.codes import Retained
from trial.config import RetentionSettings, settings
from trial.metrics import Metric, emit
from trial.protocol.load import load

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext


TO_FINISH_MS = 30_000
"""The most time that the slowest erasure and the report take together."""

_METRICS = {
    Retained.IDENTIFIERS: Metric.IDENTIFIERS_ERASED,
    Retained.TRIAL_DATA: Metric.TRIAL_DATA_ERASED,
    Retained.STRAY_RECEIPTS: Metric.STRAY_RECEIPTS_ERASED,
    Retained.IDLE_NUMBERS: Metric.IDLE_NUMBERS_ERASED,
    Retained.OPT_OUTS: Metric.OPT_OUTS_ERASED,
}


@logger.inject_lambda_context(clear_state=True)
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:  # noqa: ARG001
    """Erase what is due until time runs out; the next run continues."""
    chosen = settings(RetentionSettings)
    now, protocol = datetime.now(UTC), load(chosen.protocol)
    erased: Counter[Retained] = Counter()
    failed, finished = 0, True
    for each in erase(
        store=RetentionStore(Table(clients.dynamodb(), chosen.table_name)),
        opened=protocol,
        today=protocol.place.date_at(now),
        now=now,
    ):
        ident = str(each.enrolment_id) if each.enrolment_id else None
        if each.failure:
            failed += 1
            logger.error("not erased", reason=each.failure, enrolment_id=ident, what=each.retained)
        elif each.erased:
            erased[each.retained] += 1
            logger.info("erased", enrolment_id=ident, what=each.retained)
        if context.get_remaining_time_in_millis() < TO_FINISH_MS:
            finished = False
            break
    for retained, count in erased.items():
        emit(_METRICS[retained], count)
    if failed:
        emit(Metric.ERASURE_FAILED, failed)
    if not finished:
        emit(Metric.RETENTION_CUT_SHORT)
    elif not failed:
        emit(Metric.RETENTION_COMPLETED)
    return {"erased": dict(erased), "failed": failed, "finished": finished}
