"""
Acts on the table's stream: `handle_record` says what each record leads to.

It is one of the stream's two readers; the other exports the audit trail.
"""

from __future__ import annotations

from trial.log import logger

from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from allocation.allocate import allocate
from allocation.announce import status_change
from allocation.hand_over import hand_over
from allocation.store import AllocationStore
from trial.aws import clients
from trial.aws.bus import Bus
from trial.aws.kms import MacKey
from trial.aws.stream import announced, each_record
from trial.aws.table import Table
from trial.codes import Status
from trial.config import AllocationSettings, settings
from trial.early import early
from trial.metrics import Metric, emit
from trial.protocol.load import load
from trial.records.audit import AuditEntry, enrolment_of_history
from trial.records.enrolment import Enrolment

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aws_lambda_powertools.utilities.typing import LambdaContext

early(clients.dynamodb, clients.kms, lambda: load(settings(AllocationSettings).protocol))


@logger.inject_lambda_context(clear_state=True)
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:  # noqa: ARG001
    """Handle each record; report those that failed, so that only those are retried."""
    return each_record(event, handle_record)


def handle_record(record: Mapping[str, Any]) -> None:
    """
    Draw an eligible enrolment; hand one that was allocated or has ended over to scheduling.

    A history entry with a new status is announced on the bus. Whatever fails is retried by the
    stream, and all of it is safe to repeat.
    """
    chosen = settings(AllocationSettings)
    if ident := enrolment_of_history(record["dynamodb"]["Keys"]["pk"]["S"]):
        if change := status_change(ident, announced(record, AuditEntry)):
            bus = Bus(clients.events(), chosen.event_bus)
            bus.publish("EnrolmentStatusChanged", [change])
        return
    enrolment = announced(record, Enrolment)
    match enrolment.status:
        case Status.ELIGIBLE:
            _draw(enrolment, chosen)
        case Status.ALLOCATED | Status.ENDED:
            client, function = clients.background(), chosen.scheduling_function
            hand_over(enrolment.enrolment_id, client=client, function=function)


def _draw(enrolment: Enrolment, chosen: AllocationSettings) -> None:
    drawn = allocate(
        enrolment,
        store=AllocationStore(Table(clients.dynamodb(), chosen.table_name)),
        sequence=MacKey(clients.kms(), chosen.allocation_key_id),
        protocol=load(chosen.protocol),
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
