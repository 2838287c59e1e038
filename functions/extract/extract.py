"""
Writing the research extract: every enrolment once, in parts that are kept as it goes on.

A run is one extract under a name. It reads the table, which takes one invocation or more, and
then publishes a package for each trial, in each form: all that the package names first,
`datapackage.json` last. So whoever takes only what a `datapackage.json` names never sees half an
extract, and a package that is published is never changed.
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
from extract.columns.enrolments import EnrolmentRow
from extract.package import write
from extract.progress import Progress
from extract.pseudonyms import Pseudonyms
from extract.rows import reported, rows
from trial.protocol.load import path_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from datetime import datetime

    from extract.columns.base import Row
    from extract.people import Allocated, Reported
    from extract.rows import File
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
    protocols: Sequence[Protocol],
    research: MacKey,
    now: datetime,
    in_time: Callable[[], bool],
) -> Became:
    """
    Go on with a run as far as the time goes. Safe to repeat, and to stop anywhere.

    `protocols` has one for each trial. The last one's, the open trial's, is published last, and
    whether or not there is anybody in it: then the run is whole. Raises ContendedError if another
    invocation is at the same run.
    """
    open_trial = protocols[-1].trial
    if store.published(run, open_trial) == set(Form):
        return Became.PUBLISHED_BEFORE
    names = {each.trial: Pseudonyms.of(each.trial, research) for each in protocols}
    progress = _read(run, store, protocols, names, now, in_time)
    for protocol in protocols:
        anybody = protocol.trial == open_trial or progress.counts.get(protocol.trial)
        if progress.all_read and (not anybody or store.published(run, protocol.trial) == set(Form)):
            continue  # takes no time, so that each invocation goes on from where the last one was
        if not (progress.all_read and in_time()):
            return Became.UNFINISHED
        _publish(run, store, protocol, names[protocol.trial], progress)
    return Became.PUBLISHED


def _publish(
    run: str, store: ExtractStore, protocol: Protocol, names: Pseudonyms, progress: Progress
) -> None:
    parts = progress.parts.get(protocol.trial, ())
    published = store.published(run, protocol.trial)
    with TemporaryDirectory() as folder:
        write(
            Path(folder),
            store.people(parts).completed(store.rows(parts)),
            protocol=path_of(protocol.version),
            extracted_at=progress.extracted_at,
            counts=progress.counts.get(protocol.trial, {}),
            labels=names.labels,
        )
        for form in Form:
            if form not in published:
                store.publish(run, protocol.trial, form, Path(folder, form))


def _read(
    run: str,
    store: ExtractStore,
    protocols: Sequence[Protocol],
    names: Mapping[str, Pseudonyms],
    now: datetime,
    in_time: Callable[[], bool],
) -> Progress:
    """How far the run has come once all is read, or the time is out."""
    progress, seen = store.progress(run)
    hashes = {each.trial: each.sha256 for each in protocols}
    if progress is None or _outdated(progress, hashes, now):
        progress = Progress(extracted_at=now, protocols=hashes)
    files = store.files(after=progress.last)
    while not progress.all_read and in_time():
        batch = list(islice(files, IN_A_PART))
        parts, counts = dict(progress.parts), dict(progress.counts)
        for protocol in protocols:
            told = list(
                _told([file for _, file in batch], protocol, names[protocol.trial], progress)
            )
            if told:
                kept = store.keep_part(run, told)
                parts[protocol.trial] = (*parts.get(protocol.trial, ()), kept)
            cells = Counter(cell(row) for row in told if isinstance(row, EnrolmentRow))
            counts[protocol.trial] = dict(Counter(counts.get(protocol.trial, {})) + cells)
        progress = progress.model_copy(
            update={
                "parts": parts,
                "counts": counts,
                "last": batch[-1][0] if batch else progress.last,
                "all_read": len(batch) < IN_A_PART,
            }
        )
        seen = store.keep_progress(run, progress, seen=seen)
    return progress


def _told(
    files: Iterable[File], protocol: Protocol, names: Pseudonyms, progress: Progress
) -> Iterator[Row | Allocated | Reported]:
    """What a trial's extract has of these orders: of another trial's, what happened to whom."""
    for file in files:
        if file.enrolment.trial == protocol.trial:
            yield from rows(
                file, protocol=protocol, names=names, extracted_at=progress.extracted_at
            )
        else:
            yield from reported(file, names=names, place=protocol.place, under=None)


def _outdated(progress: Progress, hashes: Mapping[str, str], now: datetime) -> bool:
    if progress.protocols != hashes:
        return True
    return not progress.all_read and now - progress.extracted_at > TOO_OLD
