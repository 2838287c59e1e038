"""Processes receipts from CloudWatch Logs' subscriptions to SNS's two delivery logs."""

from __future__ import annotations

from trial.log import logger

import base64
import gzip
import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools.metrics import MetricUnit

from receipts.delivery_log import read
from receipts.keep import Kept, keep
from receipts.store import ReceiptStore
from trial.aws import clients
from trial.aws.kms import MacKey
from trial.aws.table import Table
from trial.codes import ReminderState
from trial.config import ReceiptsSettings, settings
from trial.early import early
from trial.errors import TrialError, UnavailableError
from trial.metrics import Metric, emit

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aws_lambda_powertools.utilities.typing import LambdaContext

    from trial.records.receipt import Receipt

early(clients.dynamodb, clients.kms)


@logger.inject_lambda_context(clear_state=True)
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> None:  # noqa: ARG001
    """Keep every receipt that can be kept; then fail if any could not, so that all are retried."""
    batch = json.loads(gzip.decompress(base64.b64decode(event["awslogs"]["data"])))
    if batch["messageType"] != "DATA_MESSAGE":
        return  # a new subscription only tests whether the function answers
    failed = 0
    for entry in batch["logEvents"]:
        try:
            keep_entry(entry)
        except TrialError:
            # The line's position, not its content, which holds a number.
            logger.exception(
                "receipt not kept", log_stream=batch["logStream"], log_event=entry["id"]
            )
            failed += 1
    if failed:
        raise UnavailableError(f"{failed} of {len(batch['logEvents'])} receipts were not kept")


def keep_entry(entry: Mapping[str, Any]) -> None:
    """Keep one receipt."""
    chosen = settings(ReceiptsSettings)
    addressed = read(
        entry["message"],
        logged_at=datetime.fromtimestamp(entry["timestamp"] / 1000, UTC),
        usd_to_gbp=chosen.usd_to_gbp,
    )
    kept = keep(
        addressed,
        store=ReceiptStore(Table(clients.dynamodb(), chosen.table_name)),
        identity=MacKey(clients.kms(), chosen.identity_key_id),
        now=datetime.now(UTC),
    )
    receipt = addressed.receipt
    _emit(kept, receipt)
    log = logger.warning if kept is Kept.STRAY else logger.info
    log("receipt kept", message_id=receipt.message_id, kept=kept, state=receipt.state)


def _emit(kept: Kept, receipt: Receipt) -> None:
    if kept in (Kept.NOTHING_NEW, Kept.NOT_OURS):
        return
    if receipt.parts:
        emit(Metric.TEXT_PARTS, receipt.parts)
    if receipt.price_pence:
        emit(Metric.TEXT_PENCE, float(receipt.price_pence), unit=MetricUnit.NoUnit)
    if kept is Kept.STRAY:
        emit(Metric.STRAY_RECEIPT)
    elif receipt.state is ReminderState.DELIVERED:
        emit(Metric.REMINDER_DELIVERED)
    else:
        emit(Metric.REMINDER_UNDELIVERED, reason=receipt.reason or "")
