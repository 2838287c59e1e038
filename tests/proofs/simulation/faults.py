"""The possible faults, and how often each occurs in one world: its weather."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from random import Random


class Fault(StrEnum):
    """Every kind of fault that the services are known to have."""

    # Any call of AWS
    THROTTLED = "call throttled"
    SERVER_ERROR = "call answered 500"
    TIMEOUT = "call never arrived"
    ANSWER_LOST = "answer lost after the call was done"
    CRASH_BEFORE = "crash before a call"
    CRASH_AFTER = "crash after a call"
    CONFLICT = "transaction conflict"
    SHORT_ANSWER = "keys or items left for another call"
    IN_BETWEEN = "others acted in mid-call"
    # EventBridge Scheduler and Lambda's asynchronous invocations
    STARTED_TWICE = "function started twice"
    STARTED_LATE = "function started late"
    FIRED_TWICE = "schedule fired twice"
    FIRED_LATE = "schedule fired late"
    FIRING_LOST = "schedule lost to its dead letters"
    FIRED_DELETED = "schedule fired after deletion"
    # The table's stream
    REPLAYED = "stream replayed"
    REORDERED = "stream replayed out of order"
    POISONED = "record that always fails"
    # SNS and the carriers
    TEXT_UNREACHABLE = "provider not reached"
    TEXT_THROTTLED = "provider answered 429"
    TEXT_ERROR = "provider answered 500"
    TEXT_TIMEOUT = "provider accepted, then timed out"
    TEXT_FORBIDDEN = "provider answered 403"
    TEXT_REFUSED = "provider refused"
    TEXT_SILENT = "opted out, silently"
    OPTED_OUT = "opted out, as the carrier reports"
    RECEIPT_LATE = "receipt late"
    RECEIPT_MISSING = "receipt missing"
    RECEIPT_TWICE = "receipt twice"
    # Upstream
    ASKED_AGAIN = "request repeated much later"


CALLS = {
    Fault.THROTTLED: 0.004,
    Fault.SERVER_ERROR: 0.004,
    Fault.TIMEOUT: 0.003,
    Fault.ANSWER_LOST: 0.004,
    Fault.CRASH_BEFORE: 0.003,
    Fault.CRASH_AFTER: 0.005,
}
TRANSACTIONS = CALLS | {Fault.CONFLICT: 0.01}
TEXTS = {
    Fault.CRASH_BEFORE: 0.01,
    Fault.TEXT_UNREACHABLE: 0.03,
    Fault.TEXT_THROTTLED: 0.03,
    Fault.TEXT_ERROR: 0.03,
    Fault.TEXT_TIMEOUT: 0.03,
    Fault.TEXT_FORBIDDEN: 0.02,
    Fault.TEXT_REFUSED: 0.02,
    Fault.TEXT_SILENT: 0.02,
    Fault.CRASH_AFTER: 0.02,
}
OTHERS = {
    Fault.SHORT_ANSWER: 0.02,
    Fault.IN_BETWEEN: 0.05,
    Fault.STARTED_TWICE: 0.05,
    Fault.STARTED_LATE: 0.03,
    Fault.FIRED_TWICE: 0.1,
    Fault.FIRED_LATE: 0.04,
    Fault.FIRING_LOST: 0.02,
    Fault.FIRED_DELETED: 0.2,
    Fault.REPLAYED: 0.05,
    Fault.REORDERED: 0.03,
    Fault.POISONED: 0.02,
    Fault.OPTED_OUT: 0.03,
    Fault.RECEIPT_LATE: 0.05,
    Fault.RECEIPT_MISSING: 0.05,
    Fault.RECEIPT_TWICE: 0.05,
    Fault.ASKED_AGAIN: 0.1,
}


class Weather:
    """How likely each fault is: most worlds lack some kinds and have much of others."""

    def __init__(self, rng: Random) -> None:
        self._rng = rng
        self.calm = rng.random() < 0.1
        self._factor = {fault: 0 if self.calm else rng.choice((0, 1, 1, 5)) for fault in Fault}

    def strikes(self, fault: Fault) -> bool:
        return self._rng.random() - OTHERS[fault] * self._factor[fault] < 0

    def pick(self, chances: dict[Fault, float]) -> Fault | None:
        """One of these faults, or most often none."""
        left = self._rng.random()
        for fault, chance in chances.items():
            left -= chance * self._factor[fault]
            if left < 0:
                return fault
        return None

    def clears(self) -> None:
        """From now on there are no faults."""
        self._factor = dict.fromkeys(Fault, 0)
