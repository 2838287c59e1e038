"""The bucket of the audit trail, in which nothing is ever overwritten."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Final, NamedTuple

from botocore.exceptions import ClientError

from audit.chain import FOLDER, number_of, path_of, read, sha256
from trial.errors import ContendedError, RejectedError

if TYPE_CHECKING:
    from datetime import datetime

    from mypy_boto3_s3 import S3Client

    from trial.aws.table import Key

# The link exists; and: another writer is creating it at this moment.
_TAKEN: Final = frozenset({"PreconditionFailed", "ConditionalRequestConflict"})


class KnownLink(NamedTuple):
    """The cached facts of a written link, which never change."""

    etag: str
    written_at: datetime | None
    """None if the object has a link's name but is no link. It then has no keys either."""
    sha256: str
    keys: frozenset[Key]


class AuditStore:
    """Operations on the bucket, with a cache of the links read."""

    def __init__(self, client: S3Client, bucket: str) -> None:
        self._client = client
        self._bucket = bucket
        self._known: dict[int, KnownLink] = {}

    def newest(self, *, before: int | None = None) -> int:
        """
        The number of the newest link, or of the newest one `before` a number; 0 if there is none.

        Skips objects that are no links, except one under the name of the next link. Nobody can
        remove that one, so the chain continues after it.
        """
        after = path_of(before) if before else ""
        while True:
            answer = self._client.list_objects_v2(
                Bucket=self._bucket, Prefix=FOLDER, MaxKeys=1, StartAfter=after
            )
            if not (found := answer.get("Contents")):
                return 0
            after = found[0]["Key"]
            with suppress(ValueError):
                number = number_of(after)
                if number in self._known and self._known[number].etag != found[0]["ETag"]:
                    self._known.clear()  # the bucket has been replaced
                link = self.known(number)
                if (link and link.written_at) or number == 1 or self.known(number - 1):
                    return number

    def link(self, number: int) -> bytes:
        """A link's bytes."""
        return self._read(number)[0]

    def _read(self, number: int) -> tuple[bytes, str]:
        answer = self._client.get_object(Bucket=self._bucket, Key=path_of(number))
        return answer["Body"].read(), answer["ETag"]

    def known(self, number: int) -> KnownLink | None:
        """The cached facts of a link, which is read only once; None if there is no such link."""
        if number not in self._known:
            try:
                self._remember(number, *self._read(number))
            except ClientError as error:
                if error.response["Error"]["Code"] == "NoSuchKey":
                    return None
                raise
        return self._known[number]

    def _remember(self, number: int, content: bytes, etag: str) -> None:
        try:
            link = read(content)
        except RejectedError:
            self._known[number] = KnownLink(etag, None, sha256(content), frozenset())
            return
        keys = frozenset(entry.key for entry in link.entries)
        self._known[number] = KnownLink(etag, link.written_at, sha256(content), keys)

    def append(self, number: int, link: bytes) -> None:
        """Write a new link. Raises ContendedError if the number is taken."""
        try:
            answer = self._client.put_object(
                Bucket=self._bucket,
                Key=path_of(number),
                Body=link,
                ContentType="application/json",
                ChecksumAlgorithm="SHA256",  # required by a bucket with Object Lock
                IfNoneMatch="*",
            )
        except ClientError as error:
            if error.response["Error"]["Code"] in _TAKEN:
                raise ContendedError("somebody else has written this link") from error
            raise
        self._remember(number, link, answer["ETag"])
