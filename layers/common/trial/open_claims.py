"""
How long a claimed text may still go out: sending keeps to it, and safety acts wait it out.

Sending claims a reminder, then asks SNS once. A request that has not begun `BEGIN_WITHIN` of the
claim is abandoned, and SNS's client gives up after its own limits. So whoever stores an end, a
pause or the like and then waits `OUTLASTED` answers when no earlier claim can still go out. The
wait needs no look at reminders, and is as long for a person in control.
"""

from datetime import timedelta
from time import sleep
from typing import Final

BEGIN_WITHIN: Final = timedelta(seconds=1)
CONNECT_TIMEOUT: Final = 1  # seconds
READ_TIMEOUT: Final = 3  # seconds
_MARGIN: Final = timedelta(seconds=0.5)

OUTLASTED: Final = BEGIN_WITHIN + timedelta(seconds=CONNECT_TIMEOUT + READ_TIMEOUT) + _MARGIN


def outlast_claims(seconds: float) -> None:
    """Wait; less than `OUTLASTED` only where texts go without delay, as on an emulator."""
    sleep(seconds)
