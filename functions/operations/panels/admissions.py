"""Asks enrolment to admit an order after a click, because only enrolment changes enrolments."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from trial.errors import UnavailableError

if TYPE_CHECKING:
    from uuid import UUID

    from mypy_boto3_lambda import LambdaClient


class Admissions:
    """Calls enrolment's function on behalf of one invocation of this function."""

    def __init__(self, client: LambdaClient, function: str, invocation: str) -> None:
        self._client, self._function, self._invocation = client, function, invocation

    def admit(self, enrolment_id: UUID, by: str) -> str | None:
        """Admit an order; returns why it cannot be admitted, if so. Raises UnavailableError."""
        asked = {"enrolment_id": str(enrolment_id), "by": by, "invocation": self._invocation}
        try:
            answer = self._client.invoke(
                FunctionName=self._function, Payload=json.dumps({"admit": asked})
            )
        except (BotoCoreError, ClientError) as error:
            raise UnavailableError("enrolment was not reached") from error
        if "FunctionError" in answer:
            raise UnavailableError("enrolment failed")
        refused: str | None = json.load(answer["Payload"]).get("refused")
        return refused
