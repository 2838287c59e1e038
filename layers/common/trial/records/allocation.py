"""An enrolment's arm, and the sequence from which it is drawn."""

from datetime import datetime
from typing import Literal
from uuid import UUID

from trial.aws.acts import Key
from trial.codes import Arm
from trial.records.enrolment import enrolment_partition
from trial.records.record import Record


class Allocation(Record):
    """An enrolment's arm, and where in the sequence it stands. Never changed."""

    kind: Literal["allocation"] = "allocation"
    enrolment_id: UUID
    arm: Arm
    stratum: str
    block: int | None = None
    position: int | None = None
    allocated_at: datetime
    protocol: str
    protocol_sha256: str
    repeat: bool = False


class Cursor(Record):
    """The next free slot of a stratum: block and position, both from 0, and the block's design."""

    kind: Literal["cursor"] = "cursor"
    block: int = 0
    position: int = 0
    design: str = ""


def allocation_key(enrolment_id: UUID) -> Key:
    """Where an enrolment's allocation is."""
    return Key(enrolment_partition(enrolment_id), "ALLOCATION")


def cursor_key(trial: str, stratum: str) -> Key:
    """Where a stratum's cursor is."""
    return Key(f"STRATUM#{trial}#{stratum}", "CURSOR")
