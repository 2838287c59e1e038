"""What the demo shows of missing numbers: the worklist, and a superintendent's digest."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from commands.deployed_stack import DeployedStack

if TYPE_CHECKING:
    from datetime import datetime

    from commands.deployed_stack import LocalStack

QUEUE = "demo-digests"
RETENTION_SECONDS = 14 * 86_400
"""The longest that SQS keeps a message. In the demo's last days nobody waits, so none comes."""


@dataclass(frozen=True)
class NumberFound:
    """A number found, and the length of the worklist before and after."""

    reference: str
    at: datetime
    before: int
    after: int


@dataclass(frozen=True)
class Digests:
    """A superintendent's subscription to the daily digests, with a queue as the mailbox."""

    superintendent: str
    queue_url: str
    stack: DeployedStack

    def last(self) -> str:
        """The last digest received; empty if none was."""
        queue, text, at = self.stack.client("sqs"), "", ""
        while messages := queue.receive_message(
            QueueUrl=self.queue_url, MaxNumberOfMessages=10, VisibilityTimeout=3600
        ).get("Messages"):
            for message in messages:
                digest = json.loads(message["Body"])
                if digest["Timestamp"] >= at:
                    text, at = f"{digest['Subject']}\n\n{digest['Message']}", digest["Timestamp"]
        return text


def subscribe(running: LocalStack, superintendent: str) -> Digests:
    """Subscribe a superintendent as the runbook says: by a filter on the name in their orders."""
    stack = DeployedStack.local(running)
    queue = stack.client("sqs")
    kept = {"MessageRetentionPeriod": str(RETENTION_SECONDS)}
    url = queue.create_queue(QueueName=QUEUE, Attributes=kept)["QueueUrl"]
    asked = queue.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
    arn, topic = asked["Attributes"]["QueueArn"], running.outputs["DigestTopicArn"]
    allowed = {
        "Effect": "Allow",
        "Principal": {"Service": "sns.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": arn,
        "Condition": {"ArnEquals": {"aws:SourceArn": topic}},
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": allowed})
    queue.set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy})
    stack.client("sns").subscribe(
        TopicArn=topic,
        Protocol="sqs",
        Endpoint=arn,
        Attributes={"FilterPolicy": json.dumps({"superintendent": [superintendent]})},
    )
    return Digests(superintendent, url, stack)
