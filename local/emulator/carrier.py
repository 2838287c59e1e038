"""
Plays the carrier: writes SNS's delivery logs for the texts that the emulator has taken.

It runs until interrupted. Only the seed and the message id decide which texts fail and which
receipts come late or twice. The emulator does not record when it took a text, so delays count from
when this command first sees it: let it look often while the clock walks.
"""

import argparse
import json
import sys
import time
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any, Self

from botocore.exceptions import BotoCoreError

from commands import moved_clock
from commands.arguments import described
from commands.deployed_stack import DeployedStack, LocalStack
from local.emulator import emulator
from trial.protocol.alphabet import size

if TYPE_CHECKING:
    from mypy_boto3_logs import CloudWatchLogsClient

DELIVERED, UNDELIVERED = "DeliveryLogs", "DeliveryFailureLogs"
STREAM = "carrier"
MEMORY = f"{emulator.TEMPORARY.name}/carrier.json"
LOOK_SECONDS = 0.2
USD_A_PART = 0.0421
SOON_MS = 300, 2000
LATE_MS = 3_600_000, 72 * 3_600_000
AGAIN_MS = 60_000, 6 * 3_600_000
FAILURES = (
    "Phone is currently unreachable/unavailable",
    "Unknown error attempting to reach phone",
    "Phone has blocked SMS",
    "Blocked as spam by phone carrier",
    "The carrier has words that nobody has listed",
)


@dataclass(frozen=True)
class Habits:
    """The shares of texts that fail, and of receipts that come late (1 to 72 hours) or twice."""

    failures: float = 0.05
    late: float = 0.1
    repeated: float = 0.05
    seed: int = 1


@dataclass(frozen=True)
class DeliveryLogLine:
    """A line of a delivery log, the log's name in the template, and when the line is due."""

    due_ms: int
    log: str
    message: str


def lines(text: dict[str, Any], habits: Habits, seen_at: datetime) -> list[DeliveryLogLine]:
    """The lines that SNS logs about a text: one line, or the same line twice."""
    chance = Random(f"{habits.seed}|{text['MessageId']}")  # noqa: S311 - must be reproducible
    # All are drawn every time, so that a change of one share does not affect the others.
    fails, late, repeated = (
        chance.random() < share for share in (habits.failures, habits.late, habits.repeated)
    )
    soon_ms, late_ms, again_ms = (chance.randint(*span) for span in (SOON_MS, LATE_MS, AGAIN_MS))
    words = chance.choice(FAILURES)
    parts = size(text["Message"]).parts
    sent_at = seen_at.astimezone(UTC)
    entry = {
        "notification": {
            "messageId": text["MessageId"],
            "timestamp": f"{sent_at:%Y-%m-%d %H:%M:%S}.{sent_at.microsecond // 1000:03}",
        },
        "delivery": {
            "phoneCarrier": "A Carrier",
            "mnc": 10,
            "numberOfMessageParts": parts,
            "destination": text["PhoneNumber"],
            "priceInUSD": round(parts * USD_A_PART, 5),
            "smsType": "Transactional",
            "mcc": 234,
            "providerResponse": words if fails else "Message has been accepted by phone",
            "dwellTimeMs": soon_ms // 2,
            "dwellTimeMsUntilDeviceAck": late_ms if late else soon_ms,
        },
        "status": "FAILURE" if fails else "SUCCESS",
    }
    log, message = UNDELIVERED if fails else DELIVERED, json.dumps(entry)
    first_ms = round(sent_at.timestamp() * 1000) + (late_ms if late else 0)
    first = DeliveryLogLine(first_ms, log, message)
    return [first, DeliveryLogLine(first_ms + again_ms, log, message)] if repeated else [first]


class Carrier:
    """A carrier whose memory outlasts the process, for as long as its emulator runs."""

    def __init__(
        self, logs: "CloudWatchLogsClient", names: dict[str, str], habits: Habits, memory: Path
    ) -> None:
        self._logs = logs
        self._names = names
        self._habits = habits
        self._memory = memory
        known = json.loads(memory.read_text()) if memory.exists() else {"seen": [], "waiting": []}
        self._seen = set(known["seen"])
        self._waiting = [DeliveryLogLine(**line) for line in known["waiting"]]

    @classmethod
    def of(cls, stack: LocalStack, habits: Habits) -> Self:
        """The carrier of a stack that is up. Follow its clock first."""
        deployed = DeployedStack.local(stack)
        memory = Path(stack.clock_file).parent / MEMORY  # deleted with its emulator
        return cls(deployed.client("logs"), deployed.ids, habits, memory)

    @property
    def waiting(self) -> int:
        """How many lines are still to be logged."""
        return len(self._waiting)

    def answer(self, texts: Iterable[dict[str, Any]], now: datetime) -> int:
        """Take the new ones of these texts and log the lines due now; returns how many."""
        new = [text for text in texts if text["MessageId"] not in self._seen]
        waiting = [
            *self._waiting,
            *(line for text in new for line in lines(text, self._habits, now)),
        ]
        now_ms = round(now.timestamp() * 1000)
        due = [line for line in waiting if line.due_ms <= now_ms]
        for log in sorted({line.log for line in due}):
            self._write(log, [line.message for line in due if line.log == log], now_ms)
        if new or due:
            self._seen |= {text["MessageId"] for text in new}
            self._waiting = [line for line in waiting if line.due_ms > now_ms]
            self._remember()
        return len(due)

    def _write(self, log: str, messages: list[str], now_ms: int) -> None:
        group = self._names[log]
        with suppress(self._logs.exceptions.ResourceAlreadyExistsException):
            self._logs.create_log_stream(logGroupName=group, logStreamName=STREAM)
        self._logs.put_log_events(
            logGroupName=group,
            logStreamName=STREAM,
            logEvents=[{"timestamp": now_ms, "message": message} for message in messages],
        )

    def _remember(self) -> None:
        known = {"seen": sorted(self._seen), "waiting": [asdict(line) for line in self._waiting]}
        emulator.write(self._memory, json.dumps(known))


def share(text: str) -> float:
    """A number from 0 to 1."""
    if not 0 <= (number := float(text)) <= 1:
        raise argparse.ArgumentTypeError("say which share, from 0 to 1")
    return number


def options() -> argparse.Namespace:
    """The parsed command line."""
    parser = described("python -m local.emulator.carrier", __doc__)
    habits = Habits()
    for name, what in {
        "failures": "share of texts that do not arrive",
        "late": "share of receipts that come 1 to 72 hours late",
        "repeated": "share of receipts that come twice",
    }.items():
        default = getattr(habits, name)
        parser.add_argument(
            f"--{name}", type=share, default=default, help=f"{what}; default: {default}"
        )
    parser.add_argument("--seed", type=int, default=habits.seed, help="default: 1")
    return parser.parse_args()


def main() -> None:
    """Answer until interrupted."""
    given = options()
    stack = LocalStack.load()
    moved_clock.follow(stack.clock_file)
    habits = Habits(given.failures, given.late, given.repeated, given.seed)
    try:
        carrier = Carrier.of(stack, habits)
        answered = 0
        with suppress(KeyboardInterrupt):
            while True:
                answered += carrier.answer(emulator.texts(stack.port), datetime.now(UTC))
                time.sleep(LOOK_SECONDS)
    except (OSError, BotoCoreError) as error:
        sys.exit(f"The emulator does not answer ({error}): see {emulator.LOG}")
    print(f"Receipts logged: {answered}; to come later: {carrier.waiting}.")


if __name__ == "__main__":
    main()
