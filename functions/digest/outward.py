"""What leaves the system every morning: digests for people, events for other systems."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from trial.errors import UnavailableError

if TYPE_CHECKING:
    from mypy_boto3_sns import SNSClient

    from digest.digest import Digest
    from trial.records.waiting import Waiting


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


def follow_up_overdue(each: Waiting, min_days_left: int) -> dict[str, Any]:
    """The event about an overdue follow-up; its schema is docs/events/follow-up-overdue.json."""
    missing, last_chance = each.missing_now, each.last_chance(min_days_left)
    assert missing  # noqa: S101 - an overdue follow-up has a report with a day
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
