"""Adds entries to the chain: each once, even with repeats and concurrent invocations."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from audit.chain import new_link, sha256
from trial.retry import on_contention

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from audit.chain import ExportedEntry
    from audit.store import AuditStore
    from trial.aws.table import Key

CLOCKS_DIFFER: Final = timedelta(minutes=1)
STREAM_REMEMBERS: Final = timedelta(hours=25)
"""The stream retries no record older than 24 hours."""

_LONGEST_PAUSE: Final = 0.3  # seconds


def export(
    entries: Sequence[ExportedEntry],
    *,
    store: AuditStore,
    now: datetime,
    pause: Callable[[float], None] = time.sleep,
) -> int:
    """
    Write the entries that the chain lacks as one link; returns how many there were.

    Safe to repeat and to interrupt: no link is older than the entries in it, so looking back to an
    entry's time shows whether it was exported. A process reads each link only once, so a backlog
    costs one read per link. The next link can be written only once: the loser of a race looks
    again. Raises ContendedError if others kept winning.
    """

    def attempt() -> int:
        newest = store.newest()
        known = _exported(newest, store, since=_oldest(entries, now))
        new = [entry for entry in entries if entry.key not in known]
        if new:
            last = store.known(newest) if newest else None
            previous = last.sha256 if last else sha256(None)
            link = new_link(newest + 1, new, previous=previous, written_at=now)
            store.append(newest + 1, link)
        return len(new)

    return on_contention(attempt, longest_pause=_LONGEST_PAUSE, pause=pause)


def _oldest(entries: Sequence[ExportedEntry], now: datetime) -> datetime:
    """The earliest time at which one of these entries may have been exported."""
    first = min(entry.at for entry in entries)
    return max(first, now - STREAM_REMEMBERS) - CLOCKS_DIFFER


def _exported(newest: int, store: AuditStore, *, since: datetime) -> set[Key]:
    """The table keys of the entries in all links since then."""
    found: set[Key] = set()
    number = newest
    while number:
        link = store.known(number)
        if link is None:  # somebody removed it, or the newest one has an invented number
            number = store.newest(before=number)
            continue
        if link.written_at and link.written_at < since:
            break
        found |= link.keys
        number -= 1
    return found
