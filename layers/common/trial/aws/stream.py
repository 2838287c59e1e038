"""Reading the table's stream: an announcement says where to look, never what is true now."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from aws_lambda_powertools import Logger
from pydantic import ValidationError

from trial.aws.attributes import plain
from trial.errors import RejectedError
from trial.metrics import Metric, emit
from trial.records.record import Record

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

logger = Logger()

R = TypeVar("R", bound=Record)


def each_record(
    event: Mapping[str, Any], handle: Callable[[Mapping[str, Any]], None]
) -> dict[str, Any]:
    """
    Handle every record of a batch; the answer reports those that failed, so that they return.

    Whatever a record raises ends here, for it must not keep the next from being handled. So does
    Powertools' batch utility, but to import it takes as long as all the rest of a cold start's
    own code: it brings a model for every source of events.
    """
    failed = []
    for record in event["Records"]:
        number = record["dynamodb"]["SequenceNumber"]
        try:
            handle(record)
        except Exception:
            logger.exception("record not handled", sequence_number=number)
            failed.append({"itemIdentifier": number})
    if failed:
        # To Lambda this invocation is a success: its errors would not show it.
        emit(Metric.RECORD_FAILED, len(failed))
    return {"batchItemFailures": failed}


def announced(record: Mapping[str, Any], kind: type[R]) -> R:
    """The record in a stream record's new image. Raises RejectedError if it is not one."""
    image = plain(record["dynamodb"].get("NewImage") or {})
    try:
        return kind.of({k: v for k, v in image.items() if k not in ("pk", "sk")})
    except ValidationError as error:
        # Without its cause: what the image held is personal.
        message = f"a stream record is not of this kind: {error.error_count()} faults"
        raise RejectedError(message) from None
