"""Hands an enrolment over to scheduling, which alone may create and remove schedules."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from trial.errors import UnavailableError

if TYPE_CHECKING:
    from uuid import UUID

    from mypy_boto3_lambda import LambdaClient


def hand_over(enrolment_id: UUID, *, client: LambdaClient, function: str) -> None:
    """
    Make Lambda keep an event for scheduling. Raises UnavailableError if it did not.

    If scheduling fails, Lambda repeats the event and finally puts it into scheduling's failure
    queue. Scheduling reads the table, so repeated events and events out of order do no harm.
    """
    event = json.dumps({"enrolment_id": str(enrolment_id)})
    try:
        client.invoke(FunctionName=function, InvocationType="Event", Payload=event)
    except ClientError as error:
        raise UnavailableError(f"Lambda answered {error.response['Error']['Code']}") from None
    except BotoCoreError as error:
        raise UnavailableError(f"Lambda gave no answer: {type(error).__name__}") from None
