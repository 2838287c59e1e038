"""Serves upstream's routes: orders, numbers, service, ends, outcomes. None of them reads an arm."""

from __future__ import annotations

from trial.log import logger

from typing import TYPE_CHECKING, Any

from enrolment.admitting import admitted
from enrolment.context import resume_follow_ups
from enrolment.routes import router
from trial.api.resolver import answered, resolver
from trial.aws import clients
from trial.config import EnrolmentSettings, settings
from trial.early import early
from trial.metrics import Metric, emit
from trial.protocol.load import load

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext

early(clients.dynamodb, clients.kms, lambda: load(settings(EnrolmentSettings).protocol))

app = resolver(router)

TO_FINISH_MS = 5_000
"""The time that the slowest step of a follow-up takes."""


@logger.inject_lambda_context(clear_state=True)
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Answer a request, finish earlier requests' follow-ups, or admit an order for a live panel."""
    if event.get("follow_up"):
        left = resume_follow_ups(lambda: context.get_remaining_time_in_millis() > TO_FINISH_MS)
        logger.info("followed up", left=left)
        if left:
            emit(Metric.GAP_FOUND, left, kind="not_followed_up")
        return {"left": left}
    if "admit" in event:
        return dict(admitted(event["admit"]))
    return answered(app, event, context)
