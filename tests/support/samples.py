"""
Sample events, and orders that differ from the sample.

Everybody here is made up. Numbers are of 07700 900000 to 900999, which are nobody's.
"""

import json
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from trial.identity import pnc_id

LONDON = ZoneInfo("Europe/London")
ROOT = Path(__file__).parents[2]
EVENTS = ROOT / "events"
REGION, ACCOUNT = "eu-west-2", "123456789012"
TABLE = "trial"

MORNING = datetime(2026, 12, 1, 9, 30, tzinfo=UTC)
"""When tests begin: the first day of the orders made here, inside the sending window."""


LATER = {"made_on": "2026-12-15", "expires_on": "2026-12-28", "served_on": "2026-12-15"}
"""The dates of an order that is made the day after those made here have run out."""


def sample(name: str) -> dict[str, Any]:
    """One of the sample events."""
    event: dict[str, Any] = json.loads(_text(name))
    return event


@cache
def _text(name: str) -> str:
    return (EVENTS / f"{name}.json").read_text()


def order(serial: int = 123, **changes: Any) -> dict[str, Any]:
    """
    A valid enrolment: each serial, from 0 to 999, is another order, person and number.

    `order` and `respondent` are changed field by field; anything else is replaced.
    """
    made: dict[str, Any] = json.loads(sample("api-enrol")["body"])
    made["order"]["reference"] = f"DVPO-2026-{serial:06}"
    made["respondent"]["person_id"] = pnc_id(2003, serial)
    made["mobile"] = {"number": f"+447700900{serial:03}"}
    made["protected_numbers"] = []
    for name in ("order", "respondent"):
        made[name] |= changes.pop(name, {})
    return made | changes
