"""
The bus on which other systems hear of the trial.

Each event has a schema in docs/events, and is blinded like the routes of enrolment.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from trial.errors import UnavailableError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mypy_boto3_events import EventBridgeClient

SOURCE = "dvpo-reminders"
MOST_ENTRIES = 10
"""Events that one request to EventBridge takes."""


class Bus:
    """An event bus."""

    def __init__(self, client: EventBridgeClient, name: str) -> None:
        self._client, self._name = client, name

    def publish(self, detail_type: str, details: Sequence[Mapping[str, Any]]) -> None:
        """One event for each. Raises UnavailableError: then some may have been published."""
        for at in range(0, len(details), MOST_ENTRIES):
            try:
                answer = self._client.put_events(
                    Entries=[
                        {
                            "EventBusName": self._name,
                            "Source": SOURCE,
                            "DetailType": detail_type,
                            "Detail": json.dumps(detail),
                        }
                        for detail in details[at : at + MOST_ENTRIES]
                    ]
                )
            except ClientError as error:
                code = error.response["Error"]["Code"]
                raise UnavailableError(f"EventBridge answered {code}") from None
            except BotoCoreError as error:
                name = type(error).__name__
                raise UnavailableError(f"EventBridge gave no answer: {name}") from None
            if answer["FailedEntryCount"]:
                raise UnavailableError("some events were not taken")
