"""
Does work that a first event needs while Lambda is still starting the process.

Until then a process has a whole processor. Afterwards its memory decides its share: 0.29 of one
with 512 MB, 0.14 with 256. So the same work takes more than three times as long in a first event
(docs/decisions.md, on cold starts, has the sources). Elsewhere nothing is done early: importing a
handler has no effect.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from trial.config import started_by_lambda

if TYPE_CHECKING:
    from collections.abc import Callable


def early(*work: Callable[[], object]) -> None:
    """On Lambda, do this work now. Its results are cached, as clients and the protocol are."""
    if started_by_lambda():
        for each in work:
            each()
