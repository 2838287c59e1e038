"""
Where digests and events go: a topic for people, a bus for other systems.

The event's schema is `events/outward/follow-up-overdue.schema.json`. It is blinded, like the routes
of enrolment.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from trial.errors import UnavailableError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mypy_boto3_events import EventBridgeClient
    from mypy_boto3_sns import SNSClient

    from digest.digest import Digest
    from trial.records.waiting import Waiting

SOURCE = "dvpo-reminders"
MOST_ENTRIES = 10
"""Events that one request to EventBridge takes."""


class Topic:
    """The digests' topic. Subscribers filter by `superintendent` and `force`."""

    def __init__(self, client: SNSClient, arn: str) -> None:
        self._client, self._arn = client, arn

    def publish(self, digest: Digest) -> None:
        """Publish one digest. Raises UnavailableError."""
        about = {"superintendent": digest.superintendent, "force": digest.force}
        try:
            self._client.publish(
                TopicArn=self._arn,
                Subject=digest.subject,
                Message=digest.text,
                MessageAttributes={
                    name: {"DataType": "String", "StringValue": value}
                    for name, value in about.items()
                },
            )
        except (BotoCoreError, ClientError) as error:
            raise UnavailableError("a digest was not published") from error


class Bus:
    """The bus on which other systems hear of the trial."""

    def __init__(self, client: EventBridgeClient, name: str) -> None:
        self._client, self._name = client, name

    def follow_ups_overdue(self, overdue: Iterable[Waiting], min_days_left: int) -> None:
        """One event for each. Raises UnavailableError."""
        details = [_overdue(each, min_days_left) for each in overdue]
        for some in _batches(details):
            try:
                answer = self._client.put_events(
                    Entries=[
                        {
                            "EventBusName": self._name,
                            "Source": SOURCE,
                            "DetailType": "FollowUpOverdue",
                            "Detail": json.dumps(detail),
                        }
                        for detail in some
                    ]
                )
            except (BotoCoreError, ClientError) as error:
                raise UnavailableError("events were not taken") from error
            if answer["FailedEntryCount"]:
                raise UnavailableError("some events were not taken")


def _overdue(each: Waiting, min_days_left: int) -> dict[str, Any]:
    missing, last_chance = each.missing_now, each.last_chance(min_days_left)
    assert missing  # noqa: S101 - who is overdue has a report with a day
    assert missing.follow_up_on  # noqa: S101
    return {
        "enrolment_id": str(each.enrolment_id),
        "reference": each.order.reference,
        "force": each.order.force,
        "superintendent": each.order.authorising_superintendent,
        "reason": missing.reason,
        "follow_up_on": missing.follow_up_on.isoformat(),
        "follow_up_by": missing.follow_up_by,
        "last_chance_on": last_chance and last_chance.isoformat(),
    }


def _batches(details: list[dict[str, Any]]) -> list[list[dict[str, Any]]]:
    return [details[at : at + MOST_ENTRIES] for at in range(0, len(details), MOST_ENTRIES)]
