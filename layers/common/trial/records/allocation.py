"""An enrolment's arm, and the sequence from which it is drawn."""

from datetime import datetime
from typing import Literal, Self
from uuid import UUID

from pydantic import AwareDatetime

from trial.aws.acts import Key
from trial.codes import Arm, Model
from trial.records.record import Record


class Allocation(Record):
    """
    An enrolment's arm, and its slot in the sequence. It never changes.

    After a restore it also holds which texts had been claimed by then, and when (`claimed`).
    """

    kind: Literal["allocation"] = "allocation"
    enrolment_id: UUID
    arm: Arm
    stratum: str
    block: int | None = None
    position: int | None = None
    allocated_at: AwareDatetime
    protocol: str
    protocol_sha256: str
    repeat: bool = False
    claimed: dict[int, datetime] | None = None


class DrawnSlot(Model):
    """
    What the audit trail holds of an allocation: codes and keyed ids, from which it can be restored.

    The time of the draw is the audit entry's time.
    """

    arm: Arm
    trial: str
    stratum: str
    block: int | None = None
    position: int | None = None
    protocol: str
    protocol_sha256: str
    repeat: bool = False
    person_hash: str

    @classmethod
    def of(cls, allocation: Allocation, *, trial: str, person_hash: str) -> Self:
        """The slot of a person's allocation in a trial."""
        own = allocation.model_dump(exclude={"kind", "enrolment_id", "allocated_at", "claimed"})
        return cls(**own, trial=trial, person_hash=person_hash)


class Cursor(Record):
    """
    The next free slot of a stratum: block and position, both from 0, and the block's design.

    `drawn_at` is when the last slot was drawn. The next draw gets a later time, whatever a clock
    says: the order of slots is the order of times, so that nobody can swap two people unnoticed.
    """

    kind: Literal["cursor"] = "cursor"
    block: int = 0
    position: int = 0
    design: str = ""
    drawn_at: datetime | None = None


def allocation_partition(enrolment_id: UUID) -> str:
    """The partition of an enrolment's allocation and reminders, which reveals the arm."""
    return f"allocation#{enrolment_id}"


def allocation_key(enrolment_id: UUID) -> Key:
    """The key of an enrolment's allocation."""
    return Key(allocation_partition(enrolment_id), "allocation")


def cursor_key(trial: str, stratum: str) -> Key:
    """The key of a stratum's cursor."""
    return Key(f"cursor#{trial}#{stratum}", "cursor")
