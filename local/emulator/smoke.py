"""Tries the stack on this machine from end to end, and walks its clock instead of waiting."""

import sys
from datetime import datetime, timedelta
from pathlib import Path

from commands.api import Api
from commands.deploy.smoke import options, run
from commands.deployed_stack import LocalStack
from local.emulator.clock import Clock

_AFTER = timedelta(seconds=1)


def main() -> None:
    """Try it."""
    given = options(None)
    stack = LocalStack.load()
    clock = Clock(Path(stack.clock_file))

    def walk(until: datetime) -> None:
        for _ in clock.walk(max(until, clock.now()) + _AFTER, stack.port):
            pass

    sys.exit(run(given, Api.named_by(given), walk, longest_wait=timedelta(days=2)))


if __name__ == "__main__":
    main()
