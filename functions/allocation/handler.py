"""Allocation, announced by the table's stream: an enrolment became eligible."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.batch import (
    BatchProcessor,
    EventType,
    process_partial_response,
)

from allocation.allocate import allocate
from allocation.store import AllocationStore
from trial import aws
from trial.config import AllocationSettings, settings
from trial.facts import Fact, tell
from trial.mac import MacKey
from trial.model import Status
from trial.protocol import load
from trial.records import Enrolment
from trial.stream import announced
from trial.table import Table

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.batch.types import PartialItemFailureResponse
    from aws_lambda_powertools.utilities.data_classes.dynamo_db_stream_event import DynamoDBRecord
    from aws_lambda_powertools.utilities.typing import LambdaContext

logger = Logger()
processor = BatchProcessor(
    event_type=EventType.DynamoDBStreams,
    raise_on_entire_batch_failure=False,
    logger=logger,  # type: ignore[arg-type]  # it is no logging.Logger, but all that is asked for
)


@logger.inject_lambda_context(clear_state=True)
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> PartialItemFailureResponse:
    """Allocate whom the records announce; report those that failed, so that only they return."""
    return process_partial_response(
        event=event, record_handler=handle_record, processor=processor, context=context
    )


def handle_record(record: DynamoDBRecord) -> None:
    """Allocate one enrolment."""
    enrolment = announced(record, Enrolment)
    chosen = settings(AllocationSettings)
    protocol = load(chosen.protocol)
    drawn = allocate(
        enrolment,
        store=AllocationStore(Table(aws.dynamodb(), chosen.table_name), protocol.trial),
        sequence=MacKey(aws.kms(), chosen.allocation_key_id),
        protocol=protocol,
        now=datetime.now(UTC),
    )
    if drawn is None:
        return
    if drawn.status is Status.ALLOCATED:
        tell(Fact.ENROLMENT_ALLOCATED)
    else:
        waits = drawn.status is Status.WAITING
        tell(
            Fact.ENROLMENT_WAITING if waits else Fact.ENROLMENT_INELIGIBLE,
            reason=drawn.reason or "",
        )
    logger.info("enrolment drawn", enrolment_id=str(enrolment.enrolment_id), status=drawn.status)
