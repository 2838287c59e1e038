"""What extract reads from the table, and what it stores in its bucket."""

from __future__ import annotations

import gzip
import hashlib
from collections import defaultdict
from itertools import groupby
from typing import TYPE_CHECKING, Any, BinaryIO, Final, TypeVar

from botocore.exceptions import ClientError

from extract.codes import Form
from extract.package import DESCRIPTOR
from extract.people import STAGED, People
from extract.progress import Progress
from extract.rows import File
from extract.schema import ROWS
from trial.codes import Model
from trial.errors import ContendedError, RejectedError
from trial.records.allocation import Allocation, allocation_partition
from trial.records.enrolment import Enrolment, Outcome
from trial.records.reminder import Reminder

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from mypy_boto3_s3 import S3Client

    from extract.columns.base import Row
    from extract.people import Allocated, Reported
    from trial.aws.table import Key, Table
    from trial.records.record import Record

_RECORDS: Final[dict[str, type[Record]]] = {
    "enrolment": Enrolment,
    "allocation": Allocation,
    "reminder": Reminder,
    "outcome": Outcome,
}
_PRECONDITION_FAILED: Final = 412
M = TypeVar("M", bound=Model)


class ExtractStore:
    """Extract's operations on the table and the bucket."""

    def __init__(self, table: Table, client: S3Client, bucket: str) -> None:
        self._table = table
        self._client = client
        self._bucket = bucket

    def files(self, *, after: Key | None) -> Iterator[tuple[Key, File]]:
        """
        Every enrolment, or those after a key, each with the key of its last item.

        Raises RejectedError if a stored item is not valid.
        """
        items = self._table.scan(("enrolment", "outcome"), after=after)
        for partition, group in groupby(items, key=lambda each: each[0].pk):
            if after and partition == after.pk:
                continue  # an item was added to it since it was read
            keys, found = zip(*group, strict=True)
            yield keys[-1], self._file(found)

    def _file(self, found: Iterable[Mapping[str, Any]]) -> File:
        of_kind = _of_kind(found)
        if len(of_kind["enrolment"]) != 1:
            raise RejectedError("a stored enrolment is not complete")
        (enrolment,) = of_kind["enrolment"]
        if enrolment.allocated_at:  # its allocation was stored in the same transaction
            partition = allocation_partition(enrolment.enrolment_id)
            of_kind |= _of_kind(self._table.partition(partition).values())
            if len(of_kind["allocation"]) != 1:
                raise RejectedError("an allocated enrolment has no allocation")
        return File(
            enrolment=enrolment,
            allocation=next(iter(of_kind["allocation"]), None),
            reminders=tuple(of_kind["reminder"]),
            outcomes=tuple(of_kind["outcome"]),
        )

    def progress(self, run: str) -> tuple[Progress | None, str]:
        """A run's progress and its ETag; None and an empty tag before the first."""
        try:
            answer = self._client.get_object(Bucket=self._bucket, Key=_progress_path(run))
        except ClientError as error:
            if error.response["Error"]["Code"] == "NoSuchKey":
                return None, ""
            raise
        return Progress.model_validate_json(answer["Body"].read()), answer["ETag"]

    def keep_progress(self, run: str, progress: Progress, *, seen: str) -> str:
        """Store progress; returns its ETag. Raises ContendedError if `seen` is not the latest."""
        condition = {"IfMatch": seen} if seen else {"IfNoneMatch": "*"}
        return self._put(_progress_path(run), progress.model_dump_json().encode(), **condition)

    def keep_part(self, run: str, rows: Iterable[Row | Allocated | Reported]) -> str:
        """Store a part; returns its path, a hash of its content, so that no part is overwritten."""
        lines = "".join(f"{row.resource} {row.model_dump_json()}\n" for row in rows)
        path = f"staging/{run}/{hashlib.sha256(lines.encode()).hexdigest()}.gz"
        self._put(path, gzip.compress(lines.encode(), mtime=0))
        return path

    def rows(self, parts: Iterable[str]) -> Iterator[Row]:
        """The rows of these parts, in order, with one part in memory at a time."""
        return self._kept(parts, ROWS)

    def people(self, parts: Iterable[str]) -> People:
        """The people's facts in these parts."""
        return People(self._kept(parts, STAGED))

    def _kept(self, parts: Iterable[str], kinds: Mapping[str, type[M]]) -> Iterator[M]:
        for path in parts:
            answer = self._client.get_object(Bucket=self._bucket, Key=path)
            for line in gzip.decompress(answer["Body"].read()).decode().splitlines():
                resource, _, row = line.partition(" ")
                if kind := kinds.get(resource):
                    yield kind.model_validate_json(row)

    def published(self, run: str, trial: str) -> set[Form]:
        """The forms in which a run is published for a trial."""
        return {
            form
            for form in Form
            if self._client.list_objects_v2(
                Bucket=self._bucket, Prefix=f"{form}/{trial}/{run}/{DESCRIPTOR}"
            ).get("KeyCount")
        }

    def publish(self, run: str, trial: str, form: Form, folder: Path) -> None:
        """Publish a package in one form. The descriptor is written last, which publishes it."""
        for path in sorted(folder.iterdir(), key=lambda path: (path.name == DESCRIPTOR, path)):
            with path.open("rb") as file:
                self._put(f"{form}/{trial}/{run}/{path.name}", file)

    def _put(self, path: str, body: bytes | BinaryIO, **condition: Any) -> str:  # noqa: ANN401
        try:
            answer = self._client.put_object(Bucket=self._bucket, Key=path, Body=body, **condition)
        except ClientError as error:
            if error.response["ResponseMetadata"]["HTTPStatusCode"] == _PRECONDITION_FAILED:
                raise ContendedError("somebody else writes the same extract") from error
            raise
        return answer["ETag"]


def _progress_path(run: str) -> str:
    return f"staging/{run}/progress.json"


def _of_kind(items: Iterable[Mapping[str, Any]]) -> defaultdict[str, list[Any]]:
    """The records in these items, grouped by kind. Raises UnreadableError."""
    of_kind: defaultdict[str, list[Any]] = defaultdict(list)
    for item in items:
        of_kind[item["kind"]].append(_RECORDS[item["kind"]].of(dict(item)))
    return of_kind
