"""What can be amiss between what should have happened and what did, and finding it out."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, TypeAlias

from botocore.exceptions import ClientError

from trial.errors import TrialError

if TYPE_CHECKING:
    from collections.abc import Callable
    from uuid import UUID


class Gap(StrEnum):
    """What was amiss, and what was done about it."""

    NOT_SCHEDULED = "not_scheduled"  # soon due without its schedule: given one
    NOT_FIRED = "not_fired"  # due, and nobody came: fired again
    NOT_SENT = "not_sent"  # too late for it now: suppressed, with the reason
    FOUND_SENT = "found_sent"  # left unsettled, and a stray receipt tells that it was sent
    UNKNOWN = "unknown"  # left claimed, and nothing tells: for a person to find out
    UNCONFIRMED = "unconfirmed"  # sent, and no receipt came
    STRAY_SCHEDULE = "stray_schedule"  # a schedule of no open reminder: removed
    NOT_ENTITLED = "not_entitled"  # something is there for whom there must be nothing
    STRANGE_SCHEDULE = "strange_schedule"  # of a name that we give none: for a person
    STRAY_TEXT = "stray_text"  # a text to a number of ours that no reminder was: for a person
    NOT_DRAWN = "not_drawn"  # eligible, and not allocated: announced again
    NOT_RECONCILED = "not_reconciled"  # could not be looked at: the next run tries again


@dataclass(frozen=True, slots=True)
class GapFinding:
    """One thing looked at: what was amiss with it, if anything was, and why."""

    enrolment_id: UUID | None
    number: int | None
    gap: Gap | None
    reason: str | None


Look: TypeAlias = "Gap | tuple[Gap, str] | None"


def finding(enrolment_id: UUID | None, number: int | None, look: Callable[[], Look]) -> GapFinding:
    """What a look finds. One that fails is a finding too: it must not keep the next from it."""
    try:
        found = look()
    except TrialError as error:
        found = Gap.NOT_RECONCILED, str(error)
    except ClientError as error:
        found = Gap.NOT_RECONCILED, error.response["Error"]["Code"]
    gap, reason = found if isinstance(found, tuple) else (found, None)
    return GapFinding(enrolment_id, number, gap, reason)
