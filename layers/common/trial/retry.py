"""Retries after another writer changed the same records first."""

from __future__ import annotations

import random
import time
from typing import TYPE_CHECKING, TypeVar

from trial.errors import ContendedError

if TYPE_CHECKING:
    from collections.abc import Callable

R = TypeVar("R")

TRIES = 8


def on_contention(
    attempt: Callable[[], R],
    *,
    tries: int = TRIES,
    longest_pause: float = 0.2,
    pause: Callable[[float], None] = time.sleep,
) -> R:
    """
    The result of the attempt, which must read afresh each time.

    Makes at most so many attempts with random pauses of growing length between them, at most
    `longest_pause` seconds, then raises the last ContendedError.
    """
    for tried in range(1, tries):
        try:
            return attempt()
        except ContendedError:
            longest = longest_pause * min(tried / TRIES, 1)
            pause(random.uniform(0, longest))  # noqa: S311 - jitter
    return attempt()
