"""Sends a reminder: EventBridge Scheduler invokes this once per reminder."""

from __future__ import annotations

from trial.log import logger

from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID  # noqa: TC003 - pydantic reads the annotation

from aws_lambda_powertools.metrics import MetricUnit
from pydantic import Field

from sending.gateway import Gateway, NotSentError
from sending.send import SendResult, send
from sending.store import SendingStore
from trial.aws import clients
from trial.aws.kms import SealKey
from trial.aws.table import Table
from trial.codes import Model
from trial.config import SendingSettings, settings
from trial.early import early
from trial.metrics import Metric, emit
from trial.protocol.load import CURRENT, load
from trial.protocol.wording import Sender

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext

    from sending.send import Result

early(clients.dynamodb, clients.kms, clients.sns, partial(load, CURRENT))


_METRICS = {
    SendResult.SENT: Metric.REMINDER_SENT,
    SendResult.FAILED: Metric.REMINDER_FAILED,
    SendResult.UNSURE: Metric.REMINDER_UNSURE,
}


_GRAVE = (SendResult.UNSURE, SendResult.FAILED, SendResult.CAPPED)


class Firing(Model):
    """A schedule's event: which reminder is due. Ids only."""

    enrolment_id: UUID
    number: Annotated[int, Field(ge=1)]


@logger.inject_lambda_context(clear_state=True)
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:  # noqa: ARG001
    """
    Send one reminder. On an error Lambda retries twice, then dead-letters the event.

    An event with a rehearsal is about nobody: it sends a marked text to the staff phone.
    """
    chosen = settings(SendingSettings)
    gateway = Gateway(clients.sns(), chosen.sender_id)
    sender = Sender(force=chosen.force_name, contact=chosen.force_contact)
    if "rehearsal" in event:
        # Imported late: reminders do not need it.
        from sending.rehearse import Rehearsal, rehearse  # noqa: PLC0415

        asked = Rehearsal.model_validate(event["rehearsal"])
        return rehearse(asked, sender=sender, gateway=gateway, staff_phone=chosen.staff_phone)
    firing = Firing.model_validate(event)
    logger.append_keys(enrolment_id=str(firing.enrolment_id), reminder=firing.number)
    try:
        result = send(
            firing.enrolment_id,
            firing.number,
            store=SendingStore(
                Table(clients.dynamodb(), chosen.table_name), texts_per_day=chosen.texts_per_day
            ),
            gateway=gateway,
            sealing=SealKey(clients.kms(), chosen.sealing_key_id),
            sender=sender,
            drafts=not chosen.on_aws,
            clock=partial(datetime.now, UTC),
        )
    except NotSentError:
        emit(Metric.REMINDER_DUE)  # so that the alarm "nothing sent" notices a permanent refusal
        raise
    log = logger.error if result.outcome in _GRAVE else logger.info
    log("reminder handled", outcome=result.outcome, reason=result.reason)
    _emit(result)
    return {"outcome": result.outcome}


def _emit(result: Result) -> None:
    if result.outcome in (SendResult.NOTHING_TO_DO, SendResult.NOT_DUE):
        return
    emit(Metric.REMINDER_DUE)
    if result.outcome is SendResult.SUPPRESSED:
        emit(Metric.REMINDER_SUPPRESSED, reason=result.reason or "")
    elif metric := _METRICS.get(result.outcome):
        emit(metric)
    if result.late is not None:
        emit(Metric.SECONDS_LATE, result.late.total_seconds(), unit=MetricUnit.Seconds)
