"""
The AWS clients, each made once per process when first needed.

Only SNS is special: it has no idempotency token for a text, so one call must be one HTTP
request. Everything else may be retried by the SDK: their writes are conditional or named. They are
botocore's, and the same that boto3 would make: to import boto3 as well takes a fifth of a cold
start.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, cast

import botocore
from botocore.config import Config
from botocore.session import Session

from trial.open_claims import CONNECT_TIMEOUT, READ_TIMEOUT

if TYPE_CHECKING:
    from botocore.client import BaseClient
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_kms import KMSClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_scheduler import EventBridgeSchedulerClient
    from mypy_boto3_sns import SNSClient

_PATIENT = Config(
    connect_timeout=2, read_timeout=5, retries={"mode": "standard", "total_max_attempts": 4}
)
_ONCE = Config(
    connect_timeout=CONNECT_TIMEOUT,
    read_timeout=READ_TIMEOUT,
    retries={"total_max_attempts": 1},
)


LOWEST_BOTOCORE = (1, 35, 69)
"""
The first with all that is asked of it here: `IfMatch` where an object is put (November 2024).

It comes with Lambda's runtime, and AWS decides which. docs/decisions.md says why it is not pinned.
"""


class OldRuntimeError(Exception):
    """The runtime's botocore lacks what the code needs. No request has been made."""


@cache
def _session() -> Session:
    if tuple(int(each) for each in botocore.__version__.split(".")[:3]) < LOWEST_BOTOCORE:
        lowest = ".".join(str(each) for each in LOWEST_BOTOCORE)
        raise OldRuntimeError(
            f"botocore is {botocore.__version__}, and {lowest} or later is needed: update the "
            "function's runtime, or add botocore to the layer"
        )
    return Session()


def _client(service: str, config: Config) -> BaseClient:
    return _session().create_client(service, config=config)


@cache
def dynamodb() -> DynamoDBClient:
    """The table's client."""
    return cast("DynamoDBClient", _client("dynamodb", _PATIENT))


@cache
def kms() -> KMSClient:
    """The client for message authentication codes."""
    return cast("KMSClient", _client("kms", _PATIENT))


@cache
def s3() -> S3Client:
    """The client for the buckets: of the research extract, and of the audit trail."""
    return cast("S3Client", _client("s3", _PATIENT))


@cache
def scheduler() -> EventBridgeSchedulerClient:
    """The client for one-off schedules."""
    return cast("EventBridgeSchedulerClient", _client("scheduler", _PATIENT))


@cache
def sns() -> SNSClient:
    """The client for texts: it never repeats a request by itself."""
    return cast("SNSClient", _client("sns", _ONCE))
