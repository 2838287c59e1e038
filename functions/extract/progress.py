"""How far a run has come: written after each part, so that the next invocation can go on."""

from datetime import datetime

from pydantic import Field

from trial.aws.table import Key
from trial.codes import Model


class Progress(Model):
    """A run so far. `parts` hold every enrolment up to and including the one of `last`."""

    extracted_at: datetime
    protocol_sha256: str
    parts: tuple[str, ...] = ()
    counts: dict[str, int] = Field(default_factory=dict)
    last: Key | None = None
    all_read: bool = False
