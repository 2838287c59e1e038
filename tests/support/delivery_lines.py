"""Lines of SNS's delivery logs, and how CloudWatch Logs brings them."""

import base64
import gzip
import json
from datetime import timedelta
from typing import Any

from receipts.handler import lambda_handler
from tests.support.samples import MORNING
from tests.support.steps import CONTEXT

STRANGER = "+447700900999"


def line(
    message_id: str,
    *,
    words: str | None = None,
    after: timedelta = timedelta(seconds=2),
    number: str = STRANGER,
) -> str:
    """A delivery or, with the carrier's words, a failure, so long after it was sent."""
    return json.dumps(
        {
            "notification": {"messageId": message_id, "timestamp": f"{MORNING:%F %T}.250"},
            "delivery": {
                "destination": number,
                "numberOfMessageParts": 1,
                "priceInUSD": 0.0421 if words is None else 0.05,
                "providerResponse": words or "Delivered",
                "dwellTimeMsUntilDeviceAck": after // timedelta(milliseconds=1),
            },
            "status": "FAILURE" if words else "SUCCESS",
        }
    )


def bring(*lines: str, message_type: str = "DATA_MESSAGE") -> None:
    """The lines in one batch, as CloudWatch Logs brings them."""
    batch = {
        "messageType": message_type,
        "owner": "123456789012",
        "logGroup": "sns/eu-west-2/123456789012/DirectPublishToPhoneNumber",
        "logStream": "5b8f2c1e",
        "subscriptionFilters": ["receipts"],
        "logEvents": [
            {"id": f"event {place}", "timestamp": MORNING.timestamp() * 1000, "message": text}
            for place, text in enumerate(lines)
        ],
    }
    lambda_handler(packed(batch), CONTEXT)


def packed(batch: object) -> dict[str, Any]:
    """The event in which CloudWatch Logs brings a batch."""
    data = base64.b64encode(gzip.compress(json.dumps(batch).encode())).decode()
    return {"awslogs": {"data": data}}


def unpacked(event: dict[str, Any]) -> Any:
    """The batch in such an event, and its only line."""
    batch = json.loads(gzip.decompress(base64.b64decode(event["awslogs"]["data"])))
    return batch, json.loads(batch["logEvents"][0]["message"])
