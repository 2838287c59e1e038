"""
Passes SNS's delivery logs of the last days to the receipts function again.

For receipts that the function could not process: they hold numbers, so they go to no queue but stay
in the logs. A repeated receipt does no harm, since a known one changes nothing. The command shows
no receipt's content. On the local stack, or anywhere with --stack-name.
"""

import base64
import gzip
import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError
from rich.progress import track

from commands.arguments import described, span
from commands.deployed_stack import DeployedStack, add_arguments

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient
    from mypy_boto3_logs import CloudWatchLogsClient

LOGS = "DeliveryLogs", "DeliveryFailureLogs"
BATCH = 50
FOUR_DAYS = timedelta(days=4)  # a receipt may be 72 hours late


@dataclass(frozen=True)
class DeliveryLogs:
    """The delivery logs of a deployed stack, with the clients to read them."""

    ids: dict[str, str]
    logs: "CloudWatchLogsClient"
    functions: "LambdaClient"

    def batches(self, since: datetime) -> Iterator[dict[str, Any]]:
        """The log entries since then, in batches as a subscription delivers them."""
        for name in LOGS:
            group = self.ids[name]
            pages = self.logs.get_paginator("filter_log_events").paginate(
                logGroupName=group, startTime=round(since.timestamp() * 1000)
            )
            entries = (
                {"id": each["eventId"], "timestamp": each["timestamp"], "message": each["message"]}
                for page in pages
                for each in page["events"]
            )
            while batch := list(islice(entries, BATCH)):
                yield brought(group, batch)

    def deliver(self, event: dict[str, Any]) -> bool:
        """Invoke the function; returns whether it handled the whole batch."""
        answer = self.functions.invoke(
            FunctionName=self.ids["ReceiptsFunction"], Payload=json.dumps(event)
        )
        return "FunctionError" not in answer


def brought(group: str, entries: list[dict[str, Any]]) -> dict[str, Any]:
    """Log entries in the envelope of a subscription."""
    said = {
        "messageType": "DATA_MESSAGE",
        "owner": "",
        "logGroup": group,
        "logStream": "",
        "subscriptionFilters": [],
        "logEvents": entries,
    }
    packed = gzip.compress(json.dumps(said).encode())
    return {"awslogs": {"data": base64.b64encode(packed).decode()}}


def main() -> None:
    """Process the logs again."""
    parser = described("python -m commands.repair.redrive_receipts", __doc__)
    parser.add_argument(
        "--since", type=span, default=FOUR_DAYS, metavar="SPAN", help="how far back; default: 4d"
    )
    add_arguments(parser)
    given = parser.parse_args()
    try:
        stack = DeployedStack.named_by(given)
        place = DeliveryLogs(stack.ids, stack.client("logs"), stack.client("lambda"))
        batches = list(place.batches(datetime.now(UTC) - given.since))
        failed = sum(not place.deliver(event) for event in track(batches, "Reading again"))
    except (BotoCoreError, ClientError) as error:
        sys.exit(f"Interrupted, which does no harm: {error}")
    print(f"Batches of up to {BATCH} receipts read: {len(batches)}; not fully handled: {failed}.")
    if failed:
        sys.exit("The function's log names each receipt that it could not handle.")


if __name__ == "__main__":
    main()
