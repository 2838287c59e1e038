"""
Calls a route of the local stack, signed at the time in which the stack lives.

Prints the status and the answer; ends with 1 if the status is an error. With --order it posts a
made-up order instead, made and served today: each number is another person, and again the same.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from commands import api, moved_clock
from local.emulator.clock import settle
from local.emulator.stack import Stack
from trial.identity import pnc_id
from trial.protocol.timetable import local_date

EXAMPLE = Path(__file__).resolve().parents[2] / "events" / "api-enrol.json"
DAYS = 14
ERROR = 400


def an_order(number: int, now: datetime) -> dict[str, Any]:
    """The example of an order, made today about the person with this number, 0 to 999."""
    body: dict[str, Any] = json.loads(json.loads(EXAMPLE.read_text())["body"])
    today = local_date(now)
    body["order"] |= {
        "reference": f"DVPO-{today:%Y}-{number:06}",
        "made_on": today.isoformat(),
        "served_on": today.isoformat(),
        "expires_on": (today + timedelta(days=DAYS - 1)).isoformat(),
    }
    body["respondent"]["person_id"] = pnc_id(today.year, number)
    body["mobile"] = {"number": f"+447700900{number:03}"}
    return body


def json_text(text: str) -> dict[str, Any]:
    """A request's body, as JSON."""
    try:
        body = json.loads(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"is not JSON: {error}") from None
    if not isinstance(body, dict):
        raise argparse.ArgumentTypeError("is no JSON object")
    return body


def main(arguments: Sequence[str] | None = None) -> int:
    """Call, and print what was answered."""
    parser = argparse.ArgumentParser(prog="python -m commands.staff.call", description=__doc__)
    parser.add_argument("route", nargs="?", help="such as /reports/flow")
    parser.add_argument("--method", default="GET", choices=["GET", "POST", "PUT"])
    parser.add_argument("--body", type=json_text, help="JSON")
    parser.add_argument(
        "--order", type=int, metavar="NUMBER", help="post a made-up order, 0 to 999"
    )
    given = parser.parse_args(arguments)
    if (given.route is None) == (given.order is None):
        parser.error("give a route (ROUTE=/reports/flow), or an order's number")
    if given.order is not None and given.order not in range(1000):
        parser.error("an order's number is from 0 to 999")
    stack = Stack.load()
    moved_clock.follow(stack.clock_file)
    if given.order is None:
        answer = api.call(stack, given.method, given.route, given.body)
    else:
        answer = api.call(stack, "POST", "/enrolments", an_order(given.order, datetime.now(UTC)))
        settle(stack.port)
    print(answer.status)
    print(json.dumps(answer.body, indent=2, ensure_ascii=False))
    return int(answer.status >= ERROR)


if __name__ == "__main__":
    sys.exit(main())
