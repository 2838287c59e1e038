"""How far a run has come: written after each part, so that the next invocation can go on."""

from datetime import datetime

from pydantic import Field

from trial.aws.acts import Key
from trial.codes import Model


class Progress(Model):
    """
    A run so far, by the id of each trial.

    `parts` hold every enrolment up to and including the one of `last`; `counts` how many there
    are in each cell, so that a trial without counts has no enrolment.
    """

    extracted_at: datetime
    protocols: dict[str, str]
    parts: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    counts: dict[str, dict[str, int]] = Field(default_factory=dict)
    last: Key | None = None
    all_read: bool = False
