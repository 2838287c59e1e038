"""
How long after its claim a text may still go out: sending obeys it, and safety actions wait it out.

Sending notes the time of a claim, reads what may have stopped the text, claims the reminder, and
calls SNS once. It abandons a request that has not begun within `BEGIN_WITHIN` of that time, and the
SNS client times out. A function stores an end, a pause or the like and then waits `OUTLASTED`. When
it answers, every text either can no longer go out or will be stopped by what was stored. The wait
does not depend on reminders, so it is the same for a person in control.
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
