"""
The daily digest, fired by EventBridge Scheduler: each superintendent hears who waits.

If it fails half-way it is made anew: hearing twice is better than not hearing.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools import Logger

from digest.digest import by_superintendent
from digest.outward import Topic, follow_up_overdue
from digest.store import DigestStore
from trial.aws import clients
from trial.aws.bus import Bus
from trial.aws.table import Table
from trial.config import DigestSettings, settings
from trial.protocol.load import load

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext

logger = Logger()


@logger.inject_lambda_context(clear_state=True)
def lambda_handler(_: dict[str, Any], __: LambdaContext) -> dict[str, int]:
    """Tell each superintendent of the orders that wait, and other systems of what is overdue."""
    chosen = settings(DigestSettings)
    store = DigestStore(Table(clients.dynamodb(), chosen.table_name))
    topic, bus = Topic(clients.sns(), chosen.topic_arn), Bus(clients.events(), chosen.event_bus)
    now = datetime.now(UTC)
    protocol = load(chosen.protocol)
    today, least = protocol.place.date_at(now), protocol.eligibility.min_days_left
    waiting = [each for each in store.waiting() if each.still_helps(today, least)]
    digests = by_superintendent(waiting, today, least)
    for digest in digests:
        store.log_disclosed([each.enrolment_id for each in digest.told], now)
        topic.publish(digest)
    overdue = [follow_up_overdue(each, least) for each in waiting if each.overdue(today, least)]
    bus.publish("FollowUpOverdue", overdue)
    counts = {"digests": len(digests), "waiting": len(waiting), "overdue": len(overdue)}
    logger.info("digests published", counts=counts)
    return counts
