"""The bucket of the audit trail: nothing in it is ever written twice."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from botocore.exceptions import ClientError

from audit.chain import FOLDER, number_of, path_of
from trial.errors import ContendedError

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

# It is there; and: somebody else is writing it at this moment.
_TAKEN: Final = frozenset({"PreconditionFailed", "ConditionalRequestConflict"})


class AuditStore:
    """Speaks intent to the bucket."""

    def __init__(self, client: S3Client, bucket: str) -> None:
        self._client = client
        self._bucket = bucket

    def newest(self) -> int:
        """The number of the newest link; 0 before the first."""
        found = self._client.list_objects_v2(Bucket=self._bucket, Prefix=FOLDER, MaxKeys=1)
        return number_of(found["Contents"][0]["Key"]) if found.get("Contents") else 0

    def link(self, number: int) -> bytes:
        """A link's bytes."""
        answer = self._client.get_object(Bucket=self._bucket, Key=path_of(number))
        return answer["Body"].read()

    def append(self, number: int, link: bytes) -> None:
        """Keep a new link. Raises ContendedError if there is one of that number."""
        try:
            self._client.put_object(
                Bucket=self._bucket,
                Key=path_of(number),
                Body=link,
                ContentType="application/json",
                ChecksumAlgorithm="SHA256",  # a bucket with a lock asks for one
                IfNoneMatch="*",
            )
        except ClientError as error:
            if error.response["Error"]["Code"] in _TAKEN:
                raise ContendedError("somebody else has written this link") from error
            raise
