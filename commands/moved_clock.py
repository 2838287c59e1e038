"""
Makes a process live at a moved time: real time plus the seconds that a file holds.

A copy of this file goes into the emulator's environment, where a `.pth` line calls `follow` at
the start of the emulator and of every function process. It therefore imports little.
"""

import os
from contextlib import suppress

import time_machine

VARIABLE = "DVPO_CLOCK_FILE"
NANOSECONDS = 1_000_000_000


def follow(path: str) -> time_machine.travel:
    """
    Start to live at the moved time; `.stop()` on what is returned ends it.

    The file is looked at whenever the time is asked for, not now and then by a thread: as soon as
    it is written, every process agrees on the time, so none signs a request at an old one.
    Monotonic clocks and sleeps stay real.
    """
    journey = time_machine.travel(0)
    traveller = journey.start()
    real_ns = time_machine.escape_hatch.time.time_ns
    offset, seen = 0, None

    def moved_ns() -> int:
        nonlocal offset, seen
        # No file, or one just being written: the last offset stands.
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
