"""Schedules reminders when the table's stream announces an allocated enrolment."""

from __future__ import annotations

from trial.log import logger

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from scheduling.converge import converge
from scheduling.store import SchedulingStore
from trial.aws import clients
from trial.aws.schedules import Schedules
from trial.aws.stream import announced, each_record
from trial.aws.table import Table
from trial.config import SchedulingSettings, settings
from trial.metrics import Metric, emit
from trial.records.enrolment import Enrolment

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aws_lambda_powertools.utilities.typing import LambdaContext


@logger.inject_lambda_context(clear_state=True)
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:  # noqa: ARG001
    """Handle the announced enrolments; report failed records, so that only they are retried."""
    return each_record(event, handle_record)


def handle_record(record: Mapping[str, Any]) -> None:
    """Make the schedules of one enrolment match the table."""
    enrolment_id = announced(record, Enrolment).enrolment_id
    chosen = settings(SchedulingSettings)
    converged = converge(
        enrolment_id,
        store=SchedulingStore(Table(clients.dynamodb(), chosen.table_name)),
        schedules=Schedules(clients.scheduler(), chosen),
        now=datetime.now(UTC),
    )
    if converged.scheduled:
        emit(Metric.REMINDER_SCHEDULED, converged.scheduled)
    for reason, count in converged.suppressed.items():
        emit(Metric.REMINDER_SUPPRESSED, count, reason=reason)
    logger.info("schedules follow the table", enrolment_id=str(enrolment_id))
