"""
Sends each superintendent a daily digest of waiting orders. EventBridge Scheduler invokes it.

If it fails half-way, it runs again from the start: a digest sent twice is better than none.
"""

from __future__ import annotations

from trial.log import logger

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

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


@logger.inject_lambda_context(clear_state=True)
def lambda_handler(_: dict[str, Any], __: LambdaContext) -> dict[str, int]:
    """Send each superintendent a digest of waiting orders, and announce overdue follow-ups."""
    chosen = settings(DigestSettings)
    store = DigestStore(Table(clients.dynamodb(), chosen.table_name))
    topic, bus = Topic(clients.sns(), chosen.topic_arn), Bus(clients.events(), chosen.event_bus)
    now = datetime.now(UTC)
    protocol = load(chosen.protocol)
    today, least = protocol.place.date_at(now), protocol.eligibility.min_days_left
    waiting = [each for each in store.waiting() if each.still_helps(today, least)]
    digests = by_superintendent(waiting, today, least)
    for digest in digests:
        store.log_disclosed([each.enrolment_id for each in digest.named], now)
        topic.publish(digest)
    overdue = [follow_up_overdue(each, least) for each in waiting if each.overdue(today, least)]
    bus.publish("FollowUpOverdue", overdue)
    counts = {"digests": len(digests), "waiting": len(waiting), "overdue": len(overdue)}
    logger.info("digests published", counts=counts)
    return counts
