"""Reads the table's stream: a record says which item changed, not what that item is now."""

from __future__ import annotations

from trial.log import logger

from typing import TYPE_CHECKING, Any, TypeVar

from trial.aws.attributes import plain
from trial.metrics import Metric, emit
from trial.records.record import Record

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


R = TypeVar("R", bound=Record)


def each_record(
    event: Mapping[str, Any], handle: Callable[[Mapping[str, Any]], None]
) -> dict[str, Any]:
    """
    Handle every record of a batch; the answer reports failures, so that Lambda retries them.

    Every exception is caught, so that one record's failure does not stop the next. Powertools'
    batch utility does the same, but importing it doubles the time that a cold start spends on our
    own code, because it loads a model for every event source.
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
        # Lambda counts this invocation as a success, so its Errors metric would not show it.
        emit(Metric.RECORD_FAILED, len(failed))
    return {"batchItemFailures": failed}


def announced(record: Mapping[str, Any], kind: type[R]) -> R:
    """The record in a stream record's new image. Raises UnreadableError if it is not one."""
    image = plain(record["dynamodb"].get("NewImage") or {})
    return kind.of({k: v for k, v in image.items() if k not in ("pk", "sk")})
