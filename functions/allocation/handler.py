"""Allocation, announced by the table's stream: an enrolment became eligible."""

from __future__ import annotations

from trial.log import logger

from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from allocation.allocate import allocate
from allocation.store import AllocationStore
from trial.aws import clients
from trial.aws.kms import MacKey
from trial.aws.stream import announced, each_record
from trial.aws.table import Table
from trial.codes import Status
from trial.config import AllocationSettings, settings
from trial.metrics import Metric, emit
from trial.protocol.load import load
from trial.records.enrolment import Enrolment

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aws_lambda_powertools.utilities.typing import LambdaContext


@logger.inject_lambda_context(clear_state=True)
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:  # noqa: ARG001
    """Allocate whom the records announce; report those that failed, so that only they return."""
    return each_record(event, handle_record)


def handle_record(record: Mapping[str, Any]) -> None:
    """Allocate one enrolment."""
    enrolment = announced(record, Enrolment)
    chosen = settings(AllocationSettings)
    protocol = load(chosen.protocol)
    drawn = allocate(
        enrolment,
        store=AllocationStore(Table(clients.dynamodb(), chosen.table_name)),
        sequence=MacKey(clients.kms(), chosen.allocation_key_id),
        protocol=protocol,
        clock=partial(datetime.now, UTC),
    )
    if drawn is None:
        return
    if drawn.status is Status.ALLOCATED:
        emit(Metric.ENROLMENT_ALLOCATED)
    else:
        waits = drawn.status is Status.WAITING
        emit(
            Metric.ENROLMENT_WAITING if waits else Metric.ENROLMENT_INELIGIBLE,
            reason=drawn.reason or "",
        )
    logger.info("enrolment drawn", enrolment_id=str(enrolment.enrolment_id), status=drawn.status)
