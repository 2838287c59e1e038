"""Allocation, announced by the table's stream: an enrolment became eligible."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools import Logger

from allocation.allocate import allocate
from allocation.store import AllocationStore
from trial import aws
from trial.config import AllocationSettings, settings
from trial.facts import Fact, tell
from trial.keys import MacKey
from trial.model import Status
from trial.protocol.load import load
from trial.records import Enrolment
from trial.stream import announced, each_record
from trial.table import Table

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aws_lambda_powertools.utilities.typing import LambdaContext

logger = Logger()


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
