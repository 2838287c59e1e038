"""The audit trail."""

from datetime import datetime
from hashlib import sha256
from secrets import token_hex
from typing import Any, ClassVar, Literal
from uuid import UUID

from trial.aws.acts import Key
from trial.codes import Status, Why
from trial.records.allocation import DrawnSlot
from trial.records.record import Record

TEXTS = "text#"
"""The prefix of the sort keys of entries about texts."""

_HISTORY = "history#"

RESTORED = "restored"
"""The name of a change by a restore: an order from the copy, or a fact recovered about it."""

TAKE_A_NUMBER_IN = frozenset({"enrolled", "mobile_changed", RESTORED})
"""The changes whose audit entry holds the number's seal."""

_WHY = {
    "enrolled": Why.COLLECTION,
    "outcome_reported": Why.COLLECTION,
    "collected": Why.COLLECTION,
    "consulted": Why.CONSULTATION,
    "disclosed": Why.DISCLOSURE,
    "number_protected": Why.COMBINATION,
    "number_shared": Why.COMBINATION,
    "erased": Why.ERASURE,
}


class AuditEntry(Record):
    """
    One thing done to an enrolment's data: when, what and by whom. It never holds the data.

    For a draw it holds the slot. For a new number it holds the SHA-256 of the seal, which reveals
    nothing: with it, the trail can prove whether the table holds the seal that was stored then. For
    an outcome it holds the SHA-256 of its key, which proves that none was removed or moved. For a
    change of status it holds the new status, which is then announced. `version` is the
    enrolment's after the change, and shows which of two changes was stored last.
    """

    derived: ClassVar[frozenset[str]] = frozenset({"why"})
    kind: Literal["audit"] = "audit"
    at: datetime
    what: str
    by: str
    slot: DrawnSlot | None = None
    seal_sha256: str | None = None
    outcome_sha256: str | None = None
    status: Status | None = None
    version: int | None = None

    @property
    def why(self) -> Why:
        """The kind of processing, from the last word of `what`."""
        return _WHY.get(self.what.rpartition(" ")[2], Why.ALTERATION)

    def item(self) -> dict[str, Any]:
        """What to store, with its kind of processing."""
        return super().item() | {"why": self.why}


def history_partition(enrolment_id: UUID) -> str:
    """The partition of an enrolment's history: the entries that do not reveal an arm."""
    return f"{_HISTORY}{enrolment_id}"


def enrolment_of_history(partition: str) -> str | None:
    """The id of the enrolment whose history a partition is; None if it is not a history."""
    return partition.removeprefix(_HISTORY) if partition.startswith(_HISTORY) else None


def audit_partition(about: UUID | str) -> str:
    """The partition of all other entries about an enrolment, or about something else."""
    return f"audit#{about}"


def history_key(enrolment_id: UUID, entry: AuditEntry) -> Key:
    """The key of a new entry of an enrolment's history, in order of time."""
    return Key(history_partition(enrolment_id), _place(entry))


def audit_key(about: UUID | str, entry: AuditEntry) -> Key:
    """The key of any other new entry, in order of time; entries about texts are separate."""
    texts = TEXTS if entry.what.startswith("text ") else ""
    return Key(audit_partition(about), f"{texts}{_place(entry)}")


def key_sha256(key: Key) -> str:
    """The hash by which the trail names a stored item."""
    return sha256(f"{key.pk} {key.sk}".encode()).hexdigest()


def _place(entry: AuditEntry) -> str:
    # The random part keeps two equal entries of the same microsecond apart.
    return f"{entry.at.isoformat()}#{entry.what}#{token_hex(4)}"
