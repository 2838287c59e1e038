"""Finds faults in an exported audit trail, alone and against the table. Pure."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

from pydantic import ValidationError

from audit.chain import ExportedEntry, Link, path_of, read, sha256
from trial.errors import RejectedError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from datetime import datetime
    from typing import Any

    from trial.aws.table import Key

PATIENCE = timedelta(minutes=10)
"""How long an entry may take from the table into the chain, including retries."""


class TrailFault(StrEnum):
    """The kinds of fault."""

    NO_LOCK = "the bucket does not lock what it holds"
    LINK_MISSING = "a link is missing"
    LINK_REMOVED = "a link is marked as deleted"
    LINK_REWRITTEN = "a link was overwritten"
    LINK_UNREADABLE = "not a link"
    STRANGE = "an object among the links has no link's name"
    LINK_OLDER = "an entry is later than the link that holds it"
    CHAIN_BROKEN = "the next link does not continue this link"
    NOT_AS_NOTED = "the link differs from the hash noted earlier"
    TOLD_TWICE = "an entry is in two links, and they differ"
    NOT_EXPORTED = "an entry of the table is in no link"
    NOT_IN_TABLE = "an exported entry is not in the table"
    DIFFERENT = "an entry in the table differs from its export"
    NO_ENTRY = "an item stored as an entry is not an entry"

    def at(self, where: str) -> TrailFinding:
        """This kind of fault at a place."""
        return TrailFinding(self, where)


class TrailFinding(NamedTuple):
    """One fault, and its place."""

    fault: TrailFault
    where: str


@dataclass
class Chain:
    """The content of all links, read from the first to the newest."""

    newest: int = 0
    newest_sha256: str = sha256(None)
    entries: dict[Key, ExportedEntry] = field(default_factory=dict)
    places: dict[Key, str] = field(default_factory=dict)
    findings: list[TrailFinding] = field(default_factory=list)

    def add(self, number: int, content: bytes, *, noted: str | None = None) -> None:
        """Add the next link; `noted` is its hash as somebody noted it earlier."""
        path = path_of(number)
        try:
            link = read(content)
        except RejectedError:
            link = None
        if link is None and number > self.newest + 1:
            self.findings.append(TrailFault.STRANGE.at(path))  # nothing before it, nothing in it
            return
        # As a range, so that a link with a made-up number cannot exhaust memory.
        if number > self.newest + 1:
            lost = dict.fromkeys([path_of(self.newest + 1), path_of(number - 1)])
            self.findings.append(TrailFault.LINK_MISSING.at(" to ".join(lost)))
        if noted not in (None, sha256(content)):
            self.findings.append(TrailFault.NOT_AS_NOTED.at(path))
        follows = number == self.newest + 1
        before, self.newest, self.newest_sha256 = self.newest_sha256, number, sha256(content)
        if link is None:
            self.findings.append(TrailFault.LINK_UNREADABLE.at(path))
            return
        if link.number != number:
            self.findings.append(TrailFault.LINK_UNREADABLE.at(path))
        if follows and link.previous != before:
            self.findings.append(TrailFault.CHAIN_BROKEN.at(path_of(number - 1)))
        self._take(link, path)

    def _take(self, link: Link, path: str) -> None:
        for place, entry in enumerate(link.entries, start=1):
            where = f"{path}, entry {place}"
            if self.entries.setdefault(entry.key, entry) != entry:
                self.findings.append(TrailFault.TOLD_TWICE.at(f"{where}: {_named(entry.key)}"))
            self.places.setdefault(entry.key, where)
            if entry.at > link.written_at + PATIENCE:
                self.findings.append(TrailFault.LINK_OLDER.at(f"{where}: {_named(entry.key)}"))


def on_its_way(at: datetime, until: datetime) -> bool:
    """Whether what happened then may not be in the trail yet, which was read `PATIENCE` after."""
    return until < at <= until + 2 * PATIENCE


def entries_of(stored: Mapping[Key, Mapping[str, Any]]) -> Iterator[ExportedEntry]:
    """The entries in the table's items; skips invalid ones, which `compared` reports."""
    for item in stored.values():
        with suppress(ValidationError):
            yield _entry(item)


def _entry(item: Mapping[str, Any]) -> ExportedEntry:
    return ExportedEntry.model_validate({name: item[name] for name in item if name != "kind"})


def compared(
    chain: Chain, stored: Mapping[Key, Mapping[str, Any]], *, since: datetime
) -> Iterator[TrailFinding]:
    """
    Compares the chain with the table's entries, which must be read after it.

    `since` is when reading the chain began: recent entries may not have been exported by then.
    """
    for key, item in stored.items():
        try:
            entry = _entry(item)
        except ValidationError:
            yield TrailFault.NO_ENTRY.at(_named(key))
            continue
        exported = chain.entries.get(key)
        if exported is None and not on_its_way(entry.at, since - PATIENCE):
            yield TrailFault.NOT_EXPORTED.at(_named(key))
        if exported is not None and exported != entry:
            yield TrailFault.DIFFERENT.at(f"{_named(key)} ({chain.places[key]})")
    for key in chain.entries.keys() - stored.keys():
        yield TrailFault.NOT_IN_TABLE.at(f"{_named(key)} ({chain.places[key]})")


def of_versions(versions: Mapping[str, int], deleted: Iterable[str]) -> Iterator[TrailFinding]:
    """Faults in the bucket's versions: paths with several versions or with a delete marker."""
    for path, count in versions.items():
        if count > 1:
            yield TrailFault.LINK_REWRITTEN.at(path)
    for path in deleted:
        yield TrailFault.LINK_REMOVED.at(path)


def _named(key: Key) -> str:
    return f"{key.pk} {key.sk}"
