"""The audit trail."""

from datetime import datetime
from secrets import token_hex
from typing import Any, Literal, Self
from uuid import UUID

from trial.aws.acts import Key
from trial.codes import Status, Why
from trial.records.allocation import DrawnSlot
from trial.records.record import Record

TEXTS = "text#"
"""What the sort keys of entries about texts begin with."""

_HISTORY = "history#"

TAKE_A_NUMBER_IN = frozenset({"enrolled", "mobile_changed"})
"""What is done in the acts after which an entry has the number's seal."""

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
    One thing done to an enrolment's data: when, what and by whom. Never what it held.

    Of a draw it has the slot. Of a number taken in it has the SHA-256 of the seal, a random text
    that tells nothing: so the trail can say whether the table holds the seal that was put there.
    Of an act that changed the enrolment's status it has the new one, which is then announced.
    `version` is the enrolment's after the act: of two acts it tells which was stored last.
    """

    kind: Literal["audit"] = "audit"
    at: datetime
    what: str
    by: str
    slot: DrawnSlot | None = None
    seal_sha256: str | None = None
    status: Status | None = None
    version: int | None = None

    @property
    def why(self) -> Why:
        """Which kind of processing it was: its last word tells."""
        return _WHY.get(self.what.rpartition(" ")[2], Why.ALTERATION)

    def item(self) -> dict[str, Any]:
        """What to store, with its kind of processing."""
        return super().item() | {"why": self.why}

    @classmethod
    def of(cls, item: dict[str, Any]) -> Self:
        """The record in an item as read."""
        return super().of({name: value for name, value in item.items() if name != "why"})


def history_partition(enrolment_id: UUID) -> str:
    """The partition of an enrolment's history: those entries that tell no arm."""
    return f"{_HISTORY}{enrolment_id}"


def enrolment_of_history(partition: str) -> str | None:
    """Whose history a partition is; None if it is none."""
    return partition.removeprefix(_HISTORY) if partition.startswith(_HISTORY) else None


def audit_partition(about: UUID | str) -> str:
    """The partition of all other entries about an enrolment, or about something else."""
    return f"audit#{about}"


def history_key(enrolment_id: UUID, entry: AuditEntry) -> Key:
    """Where a new entry of an enrolment's history goes: in order of time."""
    return Key(history_partition(enrolment_id), _place(entry))


def audit_key(about: UUID | str, entry: AuditEntry) -> Key:
    """Where any other new entry goes: in order of time, those about texts apart."""
    texts = TEXTS if entry.what.startswith("text ") else ""
    return Key(audit_partition(about), f"{texts}{_place(entry)}")


def _place(entry: AuditEntry) -> str:
    # Two that are alike, to the microsecond, are still two: neither is written over the other.
    return f"{entry.at.isoformat()}#{entry.what}#{token_hex(4)}"
