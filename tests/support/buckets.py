"""Buckets in the region that the tests deploy to."""

from typing import Any

from tests.support.samples import REGION
from trial.aws import clients


def make_bucket(name: str, *, locked: bool = False) -> None:
    """A bucket; if it is locked, its objects are kept for ten years, as the audit trail's are."""
    place: Any = {"LocationConstraint": REGION}
    clients.s3().create_bucket(
        Bucket=name, CreateBucketConfiguration=place, ObjectLockEnabledForBucket=locked
    )
    if locked:
        rule: Any = {"DefaultRetention": {"Mode": "GOVERNANCE", "Days": 3653}}
        clients.s3().put_object_lock_configuration(
            Bucket=name, ObjectLockConfiguration={"ObjectLockEnabled": "Enabled", "Rule": rule}
        )
