"""
Writes the research extract: every enrolment once, in parts that are stored as it goes on.

A run is one extract under a name. It reads the table, which takes one invocation or more. Then it
publishes a package for each trial, in each form: first the files that the package names, last
`datapackage.json`. So a reader who starts from `datapackage.json` never sees half an extract. A
published package never changes.
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
"""The most enrolments that are in memory together."""

TOO_OLD: Final = timedelta(hours=2)
"""A reading describes one night: one that is unfinished for this long starts from the beginning."""


class Became(StrEnum):
    """The state of a run after an invocation."""

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
    Continue a run until time runs out. Safe to repeat, and to stop anywhere.

    `protocols` has one for each trial, the open trial's last. The open trial's package is published
    last, even if it is empty, and completes the run. Raises ContendedError if another invocation is
    working on the same run.
    """
    open_trial = protocols[-1].trial
    if store.published(run, open_trial) == set(Form):
        return Became.PUBLISHED_BEFORE
    names = {each.trial: Pseudonyms.of(each.trial, research) for each in protocols}
    progress = _read(run, store, protocols, names, now, in_time)
    for protocol in protocols:
        anybody = protocol.trial == open_trial or progress.counts.get(protocol.trial)
        if progress.all_read and (not anybody or store.published(run, protocol.trial) == set(Form)):
            continue  # takes no time, so that each invocation continues where the last one stopped
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
    """Read on until everything is read or time runs out; returns the progress."""
    progress, seen = store.progress(run)
    hashes = {each.trial: each.sha256 for each in protocols}
    if progress is None or _outdated(progress, hashes, now):
        progress = Progress(extracted_at=now, protocols=hashes)
    files = store.files(after=progress.last)
    while not progress.all_read and in_time():
        batch = list(islice(files, IN_A_PART))
        parts, counts = dict(progress.parts), dict(progress.counts)
        for protocol in protocols:
            made = list(
                _rows([file for _, file in batch], protocol, names[protocol.trial], progress)
            )
            if made:
                kept = store.keep_part(run, made)
                parts[protocol.trial] = (*parts.get(protocol.trial, ()), kept)
            cells = Counter(cell(row) for row in made if isinstance(row, EnrolmentRow))
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


def _rows(
    files: Iterable[File], protocol: Protocol, names: Pseudonyms, progress: Progress
) -> Iterator[Row | Allocated | Reported]:
    """A trial's rows about these orders; about another trial's orders, only the outcomes."""
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
