"""The switch of the whole trial's sending."""

from datetime import datetime, timedelta
from typing import Final, Literal

from trial.aws.acts import Key
from trial.records.record import Versioned


class Switch(Versioned):
    """Whether the whole trial's sending is paused, why, and who decided it."""

    kind: Literal["switch"] = "switch"
    paused: bool
    reason: str
    by: str
    at: datetime


_INSTANT: Final = timedelta(microseconds=1)


def switched_at(known: Switch | None, now: datetime) -> datetime:
    """
    The time of a change of the switch: now, or just after the last change if that is later.

    Clocks differ. So the trail's last entry about the switch always agrees with the table.
    """
    return max(now, known.at + _INSTANT) if known else now


SWITCH_KEY = Key("switch", "sending")

PROOF_KEY = Key("proof", "stopped_at")
"""The key of the place after which the nightly proof continues."""
