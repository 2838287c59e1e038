"""
Makes a process follow a moved clock: real time plus the seconds in a file.

A copy of this file is installed in the emulator's environment, where a `.pth` line calls `follow`
when the emulator or a function process starts. It therefore imports little.
"""

import os
from contextlib import suppress

import time_machine

VARIABLE = "DVPO_CLOCK_FILE"
NANOSECONDS = 1_000_000_000


def follow(path: str) -> time_machine.travel:
    """
    Follow the moved clock from now on; `.stop()` on the result ends it.

    Every look at the clock checks the file, instead of a thread that checks it now and then: as
    soon as the file is written, all processes agree on the time, and none signs a request at an old
    one. Monotonic clocks and sleeps stay real.
    """
    journey = time_machine.travel(0)
    traveller = journey.start()
    real_ns = time_machine.escape_hatch.time.time_ns
    offset, seen = 0, None

    def moved_ns() -> int:
        nonlocal offset, seen
        # No file, or one just being written: keep the last offset.
        with suppress(OSError, ValueError):
            status = os.stat(path)  # noqa: PTH116 - pathlib would triple the cost of every clock
            written = (status.st_mtime_ns, status.st_ino, status.st_size)
            if written != seen:
                with open(path, encoding="ascii") as file:  # noqa: PTH123 - as above
                    offset = round(float(file.read()) * NANOSECONDS)
                seen = written
        return real_ns() + offset

    traveller.time_ns = moved_ns  # type: ignore[method-assign]
    return journey
