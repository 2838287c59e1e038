"""Reading the table's stream: an announcement says where to look, never what is true now."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from pydantic import ValidationError

from trial.errors import RejectedError
from trial.records import Record

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.data_classes.dynamo_db_stream_event import DynamoDBRecord

R = TypeVar("R", bound=Record)


def announced(record: DynamoDBRecord, kind: type[R]) -> R:
    """The record in a stream record's new image. Raises RejectedError if it is not one."""
    image = record.dynamodb.new_image if record.dynamodb else None
    try:
        return kind.of({k: v for k, v in (image or {}).items() if k not in ("pk", "sk")})
    except ValidationError as error:
        # Without its cause: what the image held is personal.
        message = f"a stream record is not of this kind: {error.error_count()} faults"
        raise RejectedError(message) from None
