"""The gaps between what should have happened and what did, and how to look for one."""

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
    """The kinds of gap, each with what reconciliation does about it."""

    NOT_SCHEDULED = "not_scheduled"  # due soon without a schedule: scheduled
    NOT_FIRED = "not_fired"  # due, and its schedule did not fire: scheduled again
    NOT_SENT = "not_sent"  # too late to send: suppressed, with the reason
    FOUND_SENT = "found_sent"  # its result was unknown, and a stray receipt shows it was sent
    UNKNOWN = "unknown"  # claimed, with no sign whether it was sent: a person must find out
    UNCONFIRMED = "unconfirmed"  # sent, and no receipt arrived
    STRAY_SCHEDULE = "stray_schedule"  # a schedule without an open reminder: removed
    NOT_ENTITLED = "not_entitled"  # a reminder, text or schedule outside the intervention arm
    STRANGE_SCHEDULE = "strange_schedule"  # an unknown form of name: a person must look
    STRAY_TEXT = "stray_text"  # a text to a known number without a reminder: a person must look
    NOT_DRAWN = "not_drawn"  # eligible, and not allocated: announced again
    NOT_RECONCILED = "not_reconciled"  # the look failed: the next run tries again


@dataclass(frozen=True, slots=True)
class GapFinding:
    """The result of one look: the gap, if there is one, and its reason."""

    enrolment_id: UUID | None
    number: int | None
    gap: Gap | None
    reason: str | None


STRANGE_KEY = GapFinding(None, None, Gap.NOT_RECONCILED, "an index lists an invalid key")
"""An index lists an item that is neither a reminder nor an order. The other items are checked."""

Look: TypeAlias = "Gap | tuple[Gap, str] | None"


def finding(enrolment_id: UUID | None, number: int | None, look: Callable[[], Look]) -> GapFinding:
    """The result of a look. A failed look is a finding too, so that the next look still runs."""
    try:
        found = look()
    except TrialError as error:
        found = Gap.NOT_RECONCILED, str(error)
    except ClientError as error:
        found = Gap.NOT_RECONCILED, error.response["Error"]["Code"]
    gap, reason = found if isinstance(found, tuple) else (found, None)
    return GapFinding(enrolment_id, number, gap, reason)
