"""
The exported audit trail: links that hold entries and the hash of the link before.

The hash covers a link's bytes, so a change of one byte breaks the next link. Names count down, so
that a listing begins with the newest link.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Final

from pydantic import AwareDatetime, ValidationError

from trial.aws.table import Key
from trial.codes import Model, Status, Why
from trial.errors import RejectedError
from trial.records.allocation import DrawnSlot  # noqa: TC001 - pydantic reads it

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from trial.records.audit import AuditEntry

FOLDER: Final = "links/"
_LAST: Final = 999_999_999_999
_MOST: Final = _LAST // 2
"""No trail has so many links: a name with a greater number would leave no room for the next."""
_NOTHING: Final = hashlib.sha256(b"").hexdigest()


class ExportedEntry(Model):
    """One entry of the audit trail, and its key in the table."""

    pk: str
    sk: str
    at: AwareDatetime
    what: str
    why: Why
    by: str
    slot: DrawnSlot | None = None
    seal_sha256: str | None = None
    outcome_sha256: str | None = None
    status: Status | None = None
    version: int | None = None

    @classmethod
    def of(cls, key: Key, audit: AuditEntry) -> ExportedEntry:
        """The entry under a key."""
        held = {name: getattr(audit, name) for name in cls.model_fields if name not in ("pk", "sk")}
        return cls(pk=key.pk, sk=key.sk, **held)

    @property
    def key(self) -> Key:
        """Its key in the table."""
        return Key(self.pk, self.sk)


class Link(Model):
    """Some entries, and the SHA-256 of the link before (of no bytes for the first link)."""

    number: int
    written_at: AwareDatetime
    previous: str
    entries: tuple[ExportedEntry, ...]


def path_of(number: int) -> str:
    """The path of a link; the first has number 1."""
    return f"{FOLDER}{_LAST - number:012}.json"


def number_of(path: str) -> int:
    """The number of the link at a path. Raises ValueError if the path cannot be a link's."""
    number = _LAST - int(path.removeprefix(FOLDER).removesuffix(".json"))
    if path != path_of(number) or not 0 < number <= _MOST:
        raise ValueError("not the path of a link")
    return number


def sha256(link: bytes | None) -> str:
    """The hash by which the next link refers to this one; None before the first."""
    return hashlib.sha256(link).hexdigest() if link is not None else _NOTHING


def new_link(
    number: int, entries: Iterable[ExportedEntry], *, previous: str, written_at: datetime
) -> bytes:
    """The bytes of a new link after the one with this SHA-256."""
    link = Link(number=number, written_at=written_at, previous=previous, entries=tuple(entries))
    return link.model_dump_json(indent=1, exclude_none=True).encode()


def read(link: bytes) -> Link:
    """The link in these bytes. Raises RejectedError if there is none."""
    try:
        return Link.model_validate_json(link)
    except ValidationError as error:
        raise RejectedError(f"not a link: {error.error_count()} faults") from None
