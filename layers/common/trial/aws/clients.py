"""
The AWS clients, each made once per process on first use.

SNS has no idempotency token for a text, so one call of its client makes one HTTP request. boto3 may
repeat any other call: those writes are conditional or named.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import boto3
import botocore
from botocore.config import Config

from trial.open_claims import CONNECT_TIMEOUT, READ_TIMEOUT

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_events import EventBridgeClient
    from mypy_boto3_kms import KMSClient
    from mypy_boto3_lambda import LambdaClient
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


_ONE_ANSWER = Config(connect_timeout=2, read_timeout=25, retries={"total_max_attempts": 1})

LOWEST_BOTOCORE = (1, 35, 69)
"""
The first version with everything used here: `IfMatch` in PutObject (November 2024).

Lambda's runtime supplies botocore, and AWS chooses the version. docs/decisions.md says why it is
not pinned.
"""


class OldRuntimeError(Exception):
    """The runtime's botocore lacks what the code needs. No request has been made."""


@cache
def _session() -> boto3.Session:
    if tuple(int(each) for each in botocore.__version__.split(".")[:3]) < LOWEST_BOTOCORE:
        lowest = ".".join(str(each) for each in LOWEST_BOTOCORE)
        raise OldRuntimeError(
            f"botocore is {botocore.__version__}, and {lowest} or later is needed: update the "
            "function's runtime, or add botocore to the layer"
        )
    return boto3.Session()


@cache
def background() -> LambdaClient:
    """The client by which one function starts another without waiting: repeats do no harm."""
    return _session().client("lambda", config=_PATIENT)


@cache
def dynamodb() -> DynamoDBClient:
    """The table's client."""
    return _session().client("dynamodb", config=_PATIENT)


@cache
def events() -> EventBridgeClient:
    """The client for the bus on which other systems listen."""
    return _session().client("events", config=_PATIENT)


@cache
def functions() -> LambdaClient:
    """The client by which one function calls another: once, since the caller waits for it."""
    return _session().client("lambda", config=_ONE_ANSWER)


@cache
def kms() -> KMSClient:
    """The client for message authentication codes."""
    return _session().client("kms", config=_PATIENT)


@cache
def s3() -> S3Client:
    """The client for the buckets of the research extract and the audit trail."""
    return _session().client("s3", config=_PATIENT)


@cache
def scheduler() -> EventBridgeSchedulerClient:
    """The client for one-off schedules."""
    return _session().client("scheduler", config=_PATIENT)


@cache
def sns() -> SNSClient:
    """The client for texts: it never repeats a request by itself."""
    return _session().client("sns", config=_ONCE)
