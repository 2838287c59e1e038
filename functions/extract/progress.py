"""The progress of a run, stored after each part, so that the next invocation can continue."""

from datetime import datetime

from pydantic import Field

from trial.aws.acts import Key
from trial.codes import Model


class Progress(Model):
    """
    A run so far, by the id of each trial.

    `parts` hold every enrolment up to and including that of `last`. `counts` are the enrolments in
    each cell; a trial without counts has no enrolment.
    """

    extracted_at: datetime
    protocols: dict[str, str]
    parts: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    counts: dict[str, dict[str, int]] = Field(default_factory=dict)
    last: Key | None = None
    all_read: bool = False
