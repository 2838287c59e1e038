"""The audit trail's export, announced by the table's stream: something was done to the data."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools import Logger

from audit.chain import Entry
from audit.export import export
from audit.store import AuditStore
from trial.aws import clients
from trial.aws.attributes import plain
from trial.aws.stream import announced, each_record
from trial.aws.table import Key
from trial.config import AuditSettings, settings
from trial.metrics import Metric, emit
from trial.records.audit import Audit

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aws_lambda_powertools.utilities.typing import LambdaContext
    from mypy_boto3_s3 import S3Client

logger = Logger()


@logger.inject_lambda_context(clear_state=True)
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:  # noqa: ARG001
    """Export what the records announce as one link; report those that are no entries."""
    entries: list[Entry] = []
    answer = each_record(event, lambda record: entries.append(entry_in(record)))
    bucket = settings(AuditSettings).audit_bucket
    # If it fails, all of them come again, and what is in the chain by then is left out.
    exported = (
        export(entries, store=_store(clients.s3(), bucket), now=datetime.now(UTC)) if entries else 0
    )
    if exported:
        emit(Metric.AUDIT_EXPORTED, exported)
    logger.info("audit trail exported", entries=exported, repeated=len(entries) - exported)
    return answer


@cache
def _store(client: S3Client, bucket: str) -> AuditStore:
    """One for all invocations of a process: it remembers what it has read."""
    return AuditStore(client, bucket)


def entry_in(record: Mapping[str, Any]) -> Entry:
    """The entry that a record announces. Raises RejectedError if it is none."""
    audit = announced(record, Audit)
    return Entry.of(Key(**plain(record["dynamodb"]["Keys"])), audit)
