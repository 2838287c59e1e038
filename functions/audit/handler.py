"""Exports the audit entries that the table's stream brings: each batch is one link of the chain."""

from __future__ import annotations

from trial.log import logger

from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING, Any

from audit.chain import ExportedEntry
from audit.export import export
from audit.store import AuditStore
from trial.aws import clients
from trial.aws.attributes import plain
from trial.aws.stream import announced, each_record
from trial.aws.table import Key
from trial.config import AuditSettings, settings
from trial.early import early
from trial.metrics import Metric, emit
from trial.records.audit import AuditEntry

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aws_lambda_powertools.utilities.typing import LambdaContext
    from mypy_boto3_s3 import S3Client

early(clients.s3)


@logger.inject_lambda_context(clear_state=True)
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:  # noqa: ARG001
    """Export the announced entries as one link; report the records that hold no entry."""
    entries: list[ExportedEntry] = []
    answer = each_record(event, lambda record: entries.append(entry_in(record)))
    chosen = settings(AuditSettings)
    # On failure all records are retried, and entries already in the chain are skipped.
    store = _store(clients.s3(), chosen.audit_bucket)
    exported = export(entries, store=store, now=datetime.now(UTC)) if entries else 0
    if exported:
        emit(Metric.AUDIT_EXPORTED, exported)
    logger.info("audit trail exported", entries=exported, repeated=len(entries) - exported)
    return answer


@cache
def _store(client: S3Client, bucket: str) -> AuditStore:
    """One store for all invocations of a process, because it caches the links."""
    return AuditStore(client, bucket)


def entry_in(record: Mapping[str, Any]) -> ExportedEntry:
    """The entry in a stream record. Raises RejectedError if there is none."""
    audit = announced(record, AuditEntry)
    return ExportedEntry.of(Key(**plain(record["dynamodb"]["Keys"])), audit)
