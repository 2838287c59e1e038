"""Writes the research extract. EventBridge Scheduler invokes it a few times every night."""

from __future__ import annotations

from trial.log import logger

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field

from extract.extract import Became, extract
from extract.store import ExtractStore
from trial.aws import clients
from trial.aws.kms import MacKey
from trial.aws.table import Table
from trial.codes import Model
from trial.config import ExtractSettings, settings
from trial.errors import ContendedError
from trial.metrics import Metric, emit
from trial.protocol.load import load, versions

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext

    from trial.protocol.settings import Protocol


TO_FINISH_MS = 120_000
"""The most time that reading a part, or writing and publishing the packages, takes."""


class ExtractRequest(Model):
    """
    Which extract to continue or to begin; without a name, that of the day (UTC).

    A name begins with a day. A published extract never changes, so another needs another name.
    """

    run: Annotated[str, Field(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}(-[0-9a-z]{1,20})?$")] | None = (
        None
    )


def of_each_trial(open_trial: Protocol) -> list[Protocol]:
    """The latest protocol of every trial, the open trial's last."""
    latest = {each.trial: each for each in map(load, versions())}
    latest.pop(open_trial.trial, None)
    return [*latest.values(), open_trial]


@logger.inject_lambda_context(clear_state=True)
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Continue the extract until time runs out; the next invocation does the rest."""
    now = datetime.now(UTC)
    run = ExtractRequest.model_validate(event).run or f"{now:%Y-%m-%d}"
    chosen = settings(ExtractSettings)
    try:
        became = extract(
            run,
            store=ExtractStore(
                Table(clients.dynamodb(), chosen.table_name), clients.s3(), chosen.extract_bucket
            ),
            protocols=of_each_trial(load(chosen.protocol)),
            research=MacKey(clients.kms(), chosen.research_key_id),
            now=now,
            in_time=lambda: context.get_remaining_time_in_millis() > TO_FINISH_MS,
        )
    except ContendedError:
        logger.warning("another invocation is working on the same extract", run=run)
        return {"run": run, "became": "left"}
    logger.info("extracted", run=run, became=became)
    if became is not Became.UNFINISHED:
        # Also if it was published before: that invocation may have died before the metric.
        emit(Metric.EXTRACT_PUBLISHED)
    return {"run": run, "became": became}
