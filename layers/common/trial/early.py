"""
Work for a first event that is done while Lambda starts a process.

Until then a process has a whole processor, and afterwards, with 512 MB, 0.29 of one: whatever a
first event would do is billed at more than three times the time (docs/decisions.md, on cold starts,
has the sources). Elsewhere nothing is done early, so that to import a handler does nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from trial.config import started_by_lambda

if TYPE_CHECKING:
    from collections.abc import Callable


def early(*work: Callable[[], object]) -> None:
    """Do what is cached, such as making clients and reading the protocol, before a first event."""
    if started_by_lambda():
        for each in work:
            each()
