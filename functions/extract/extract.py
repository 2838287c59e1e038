"""
Writing the research extract: every enrolment once, in parts that are kept as it goes on.

A run is one extract under a name. It reads the table, which takes one invocation or more, and
then publishes each form: all that the package names first, `datapackage.json` last. So whoever
takes only what a `datapackage.json` names never sees half an extract, and a run that is published
is never changed.
"""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from enum import StrEnum
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Final

from extract.cells import cell
from extract.codes import Form
from extract.package import write
from extract.progress import Progress
from extract.pseudonyms import Pseudonyms
from extract.rows import rows
from extract.schema import EnrolmentRow
from trial.protocol.load import path_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from extract.store import ExtractStore
    from trial.aws.kms import MacKey
    from trial.protocol.settings import Protocol

IN_A_PART: Final = 500
"""Enrolments that are in memory together."""

TOO_OLD: Final = timedelta(hours=2)
"""A reading tells how things stood on one night: one half done for so long is begun anew."""


class Became(StrEnum):
    """What an invocation made of a run."""

    PUBLISHED = "published"
    PUBLISHED_BEFORE = "published_before"
    UNFINISHED = "unfinished"


def extract(
    run: str,
    *,
    store: ExtractStore,
    protocol: Protocol,
    research: MacKey,
    now: datetime,
    in_time: Callable[[], bool],
) -> Became:
    """
    Go on with a run as far as the time goes. Safe to repeat, and to stop anywhere.

    Raises ContendedError if another invocation is at the same run.
    """
    published = store.published(run)
    if published == set(Form):
        return Became.PUBLISHED_BEFORE
    names = Pseudonyms.of(protocol.trial, research)
    progress = _read(run, store, protocol, names, now, in_time)
    if not (progress.all_read and in_time()):
        return Became.UNFINISHED
    with TemporaryDirectory() as folder:
        write(
            Path(folder),
            store.rows(progress.parts),
            protocol=path_of(protocol.version),
            extracted_at=progress.extracted_at,
            counts=progress.counts,
            labels=names.labels,
        )
        for form in Form:
            if form not in published:
                store.publish(run, form, Path(folder, form))
    return Became.PUBLISHED


def _read(
    run: str,
    store: ExtractStore,
    protocol: Protocol,
    names: Pseudonyms,
    now: datetime,
    in_time: Callable[[], bool],
) -> Progress:
    """How far the run has come once all is read, or the time is out."""
    progress, seen = store.progress(run)
    if progress is None or _outdated(progress, protocol, now):
        progress = Progress(extracted_at=now, protocol_sha256=protocol.sha256)
    files = store.files(after=progress.last)
    while not progress.all_read and in_time():
        batch = list(islice(files, IN_A_PART))
        told = [
            row
            for _, file in batch
            if file.enrolment.trial == protocol.trial
            for row in rows(
                file, protocol=protocol, names=names, extracted_at=progress.extracted_at
            )
        ]
        counts = Counter(progress.counts)
        counts.update(cell(row) for row in told if isinstance(row, EnrolmentRow))
        progress = progress.model_copy(
            update={
                "parts": (*progress.parts, *([store.keep_part(run, told)] if told else [])),
                "counts": dict(counts),
                "last": batch[-1][0] if batch else progress.last,
                "all_read": len(batch) < IN_A_PART,
            }
        )
        seen = store.keep_progress(run, progress, seen=seen)
    return progress


def _outdated(progress: Progress, protocol: Protocol, now: datetime) -> bool:
    if progress.protocol_sha256 != protocol.sha256:
        return True
    return not progress.all_read and now - progress.extracted_at > TOO_OLD
