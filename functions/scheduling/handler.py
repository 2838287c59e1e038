"""Makes schedules match the table when allocation hands over an allocated or ended enrolment."""

from __future__ import annotations

from trial.log import logger

from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any
from uuid import UUID  # noqa: TC003 - pydantic reads the annotation

from scheduling.converge import converge
from scheduling.store import SchedulingStore
from trial.aws import clients
from trial.aws.schedules import Schedules
from trial.aws.table import Table
from trial.codes import Model
from trial.config import SchedulingSettings, settings
from trial.early import early
from trial.metrics import Metric, emit
from trial.protocol.load import CURRENT, load
from trial.retry import on_contention

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext

early(clients.dynamodb, clients.scheduler, partial(load, CURRENT))


class HandedOver(Model):
    """The event: whose schedules may no longer match the table."""

    enrolment_id: UUID


@logger.inject_lambda_context(clear_state=True)
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> None:  # noqa: ARG001
    """Make one enrolment's schedules match. On an error Lambda retries twice, then dead-letters."""
    enrolment_id = HandedOver.model_validate(event).enrolment_id
    chosen = settings(SchedulingSettings)
    store = SchedulingStore(Table(clients.dynamodb(), chosen.table_name))
    schedules = Schedules(clients.scheduler(), chosen)
    converged = on_contention(  # Lambda's own retry would be a minute later
        lambda: converge(enrolment_id, store=store, schedules=schedules, now=datetime.now(UTC))
    )
    if converged.scheduled:
        emit(Metric.REMINDER_SCHEDULED, converged.scheduled)
    for reason, count in converged.suppressed.items():
        emit(Metric.REMINDER_SUPPRESSED, count, reason=reason)
    logger.info("schedules follow the table", enrolment_id=str(enrolment_id))
