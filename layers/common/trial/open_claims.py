"""
How long after its claim a text may still go out: sending obeys it, and safety actions wait it out.

Sending claims a reminder, then calls SNS once. It abandons a request that has not begun within
`BEGIN_WITHIN` of the claim, and the SNS client times out. A function that stores an end, a pause or
the like and then waits `OUTLASTED` therefore answers when no earlier claim can still go out. The
wait does not depend on reminders, so it is the same for a person in control.
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
    """Wait. Less than `OUTLASTED` is safe only where texts go without delay, as on an emulator."""
    sleep(seconds)
