"""
The AWS clients, each made once per process when first needed.

Only SNS is special: it has no idempotency token for a text, so one call must be one HTTP
request. Everything else may be retried by the SDK: their writes are conditional or named.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import boto3
from botocore.config import Config

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_kms import KMSClient
    from mypy_boto3_scheduler import EventBridgeSchedulerClient
    from mypy_boto3_sns import SNSClient

_PATIENT = Config(
    connect_timeout=2, read_timeout=5, retries={"mode": "standard", "total_max_attempts": 4}
)
_ONCE = Config(connect_timeout=2, read_timeout=8, retries={"total_max_attempts": 1})


@cache
def dynamodb() -> DynamoDBClient:
    """The table's client."""
    return boto3.client("dynamodb", config=_PATIENT)


@cache
def kms() -> KMSClient:
    """The client for message authentication codes."""
    return boto3.client("kms", config=_PATIENT)


@cache
def scheduler() -> EventBridgeSchedulerClient:
    """The client for one-off schedules."""
    return boto3.client("scheduler", config=_PATIENT)


@cache
def sns() -> SNSClient:
    """The client for texts: it never repeats a request by itself."""
    return boto3.client("sns", config=_ONCE)
