"""
Posts a made-up order, made and served today, to the stack on this machine.

Each number stands for a different person; the same number is always the same person.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

from commands import moved_clock
from commands.api import Api
from commands.deployed_stack import ROOT, LocalStack
from commands.staff.call import shown
from local.emulator.clock import settle
from trial.identity import pnc_id
from trial.protocol.load import load

EXAMPLE = ROOT / "events" / "api-enrol.json"
DAYS = 14


def an_order(
    number: int, today: date, *, type_: str = "dvpo", days: int | None = DAYS
) -> dict[str, Any]:
    """The example order, made today about the person with this number, 0 to 999."""
    body: dict[str, Any] = json.loads(json.loads(EXAMPLE.read_text())["body"])
    body["order"] |= {
        "type": type_,
        "reference": f"{type_.upper()}-{today:%Y}-{number:06}",
        "made_on": today.isoformat(),
        "served_on": today.isoformat(),
        "expires_on": (today + timedelta(days=days - 1)).isoformat() if days else None,
    }
    body["respondent"]["person_id"] = pnc_id(today.year, number)
    body["mobile"] = {"number": f"+447700900{number:03}"}
    return body


def main(arguments: Sequence[str] | None = None) -> int:
    """Post the order, and wait until all resulting work is done."""
    parser = argparse.ArgumentParser(prog="python -m local.emulator.order", description=__doc__)
    parser.add_argument("number", type=int, nargs="?", default=1, help="0 to 999; default: 1")
    parser.add_argument("--type", help="as the protocol names it; default: its first")
    parser.add_argument("--days", type=int, default=DAYS, help="0: without an end; default: 14")
    given = parser.parse_args(arguments)
    if given.number not in range(1000):
        parser.error("an order's number is from 0 to 999")
    stack = LocalStack.load()
    moved_clock.follow(stack.clock_file)
    protocol = load(stack.protocol)
    today = protocol.place.date_at(datetime.now(UTC))
    type_ = given.type or next(iter(protocol.orders))
    order = an_order(given.number, today, type_=type_, days=given.days or None)
    answer = Api.local(stack).call("POST", "/enrolments", order)
    settle(stack.port)
    return shown(answer)


if __name__ == "__main__":
    sys.exit(main())
