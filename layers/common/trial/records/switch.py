"""The switch of the whole trial's sending."""

from datetime import datetime
from typing import Literal

from trial.aws.acts import Key
from trial.records.record import Versioned


class Switch(Versioned):
    """Whether the whole trial's sending is paused, why, and who decided it."""

    kind: Literal["switch"] = "switch"
    paused: bool
    reason: str
    by: str
    at: datetime


SWITCH_KEY = Key("switch", "sending")

PROOF_KEY = Key("proof", "stopped_at")
"""The key of the place after which the nightly proof continues."""
