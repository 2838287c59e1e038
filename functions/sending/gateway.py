"""
Hands one text to SNS, and reports exactly what is known about its fate.

SNS has no idempotency token for a text, so each call makes one HTTP request. A failure is one of
three: the text was not sent, it never will be, or nobody can tell. Only an answer about the number
or the text is final for that text; a permission that we lack is not.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectTimeoutError,
    EndpointConnectionError,
    NoCredentialsError,
)
from botocore.parsers import ResponseParserError

from trial.errors import RejectedError, TrialError, UnavailableError

if TYPE_CHECKING:
    from mypy_boto3_sns import SNSClient

# Answers about the number or the text itself. Every other refusal concerns the request (our rights,
# signature, token or rate), which can be fixed, and the text is tried again.
# https://docs.aws.amazon.com/sns/latest/api/API_Publish.html#API_Publish_Errors
_OPTED_OUT = frozenset({"OptedOut", "OptedOutException"})
_FINAL = frozenset(
    {
        "InvalidParameter",
        "InvalidParameterException",
        "InvalidParameterValue",
        "ParameterValueInvalid",
        *_OPTED_OUT,
    }
)
_THROTTLED = frozenset(
    {
        "RequestLimitExceeded",
        "Throttled",
        "ThrottledException",
        "Throttling",
        "ThrottlingException",
        "TooManyRequestsException",
    }
)
_BAD_REQUEST, _REQUEST_TIMEOUT, _SERVER_ERROR = 400, 408, 500


class NotSentError(UnavailableError):
    """The text was certainly not sent: the request did not arrive, or was rejected."""


class RefusedError(RejectedError):
    """
    The text was certainly not sent and never will be. `code` is the provider's.

    SNS usually takes a text to a number that opted out, and reports the opt-out in its delivery
    log (https://github.com/cds-snc/notification-api/pull/2207); an answer may report it, too.
    """

    def __init__(self, code: str) -> None:
        self.code = code
        self.opted_out = code in _OPTED_OUT
        super().__init__(f"the provider refused: {code}")


class UnsureError(TrialError):
    """The text may or may not have been sent. It must not be sent again."""


@dataclass(frozen=True, slots=True)
class Gateway:
    """Sends texts under one sender's name. The client must make one request per call."""

    client: SNSClient
    sender_id: str

    def publish(self, number: str, text: str) -> str:
        """Send one text to a number in E.164 form; returns the provider's message id."""
        try:
            answer = self.client.publish(
                PhoneNumber=number,
                Message=text,
                MessageAttributes={
                    "AWS.SNS.SMS.SenderID": {"DataType": "String", "StringValue": self.sender_id},
                    "AWS.SNS.SMS.SMSType": {"DataType": "String", "StringValue": "Transactional"},
                },
            )
        except ClientError as error:
            # Never chained: the provider's message may repeat the number.
            raise _translated(error) from None
        except (EndpointConnectionError, ConnectTimeoutError, NoCredentialsError):
            raise NotSentError("the provider was not reached") from None
        except (BotoCoreError, ResponseParserError):
            raise UnsureError("the provider gave no answer") from None
        return answer["MessageId"]


def _translated(error: ClientError) -> TrialError:
    code = error.response["Error"]["Code"]
    status = error.response["ResponseMetadata"]["HTTPStatusCode"]
    if status == _BAD_REQUEST and code in _FINAL:
        return RefusedError(code)
    refused = _BAD_REQUEST <= status < _SERVER_ERROR and status != _REQUEST_TIMEOUT
    if refused or code in _THROTTLED:
        return NotSentError(f"the provider answered {code}")
    return UnsureError(f"the provider answered {status}")
