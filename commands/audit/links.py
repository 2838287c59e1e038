"""Reads the exported audit trail's links from their bucket, from the first to the newest."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

from audit.chain import FOLDER, number_of, path_of
from commands.audit.audit_findings import Chain, TrailFault, TrailFinding, of_versions

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from rich.progress import Progress

_TOGETHER = 16  # links that are fetched at the same time
_IN_A_BATCH = 100


@dataclass(frozen=True)
class Links:
    """The bucket of one trail. Only the first version of each link is trusted."""

    s3: S3Client
    bucket: str

    def walk(
        self, progress: Progress, *, noted: tuple[int, str] | None = None
    ) -> tuple[Chain, list[TrailFinding]]:
        """The whole chain, and its faults; `noted` is a link as noted earlier."""
        chain = Chain()
        versions, wrong = self._versions()
        numbers = list(versions)
        walking = progress.add_task("Walking links", total=len(numbers))
        with ThreadPoolExecutor(_TOGETHER) as pool:
            for start in range(0, len(numbers), _IN_A_BATCH):
                some = numbers[start : start + _IN_A_BATCH]
                contents = pool.map(self._link, some, [versions[number] for number in some])
                for number, content in zip(some, contents, strict=True):
                    remembered = noted[1] if noted and noted[0] == number else None
                    chain.add(number, content, noted=remembered)
                    progress.advance(walking)
        if noted and noted[0] not in versions:
            wrong.append(TrailFault.NOT_AS_NOTED.at(path_of(noted[0])))
        return chain, [*wrong, *chain.findings]

    def _versions(self) -> tuple[dict[int, str], list[TrailFinding]]:
        """The first version of every link, by its number; and faults of the versions."""
        first: dict[str, str] = {}
        versions: Counter[str] = Counter()
        deleted: list[str] = []
        pages = self.s3.get_paginator("list_object_versions")
        for page in pages.paginate(Bucket=self.bucket, Prefix=FOLDER):
            deleted += [each["Key"] for each in page.get("DeleteMarkers", [])]
            for version in page.get("Versions", []):  # of each path the newest first
                first[version["Key"]] = version["VersionId"]
                versions[version["Key"]] += 1
        wrong = list(of_versions(versions, deleted))
        numbers: dict[int, str] = {}
        for path, of_first in first.items():
            try:
                numbers[number_of(path)] = of_first
            except ValueError:
                wrong.append(TrailFault.STRANGE.at(path))
        return dict(sorted(numbers.items())), wrong

    def _link(self, number: int, version: str) -> bytes:
        answer = self.s3.get_object(Bucket=self.bucket, Key=path_of(number), VersionId=version)
        return answer["Body"].read()
