"""
Lists the orders that wait for somebody to act, most often for a number: the oldest follow-up first.

On this machine, or on AWS with the shell's credentials.
"""

import argparse
import csv
import sys
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, TextIO
from urllib.parse import urlencode

from rich.console import Console
from rich.table import Table
from rich.text import Text

from commands.api import Api
from commands.arguments import add_protocol
from commands.deployed_stack import add_arguments
from trial.protocol.load import load

NARROWING = ("status", "reason", "superintendent", "follow_up_before")
COLUMNS = (
    *("force", "reference", "status", "reasons", "missing_reason", "recorded_by", "since"),
    *("superintendent", "follow_up_on", "follow_up_by", "last_chance_on", "days_left"),
    "enrolment_id",
)
_SOON = 3  # days
_LATE = "bold red"


def waiting(api: Api, **narrowing: str | None) -> Iterator[dict[str, Any]]:
    """Every waiting order, page by page. `narrowing` filters them as the route does."""
    query = {name: value for name, value in narrowing.items() if value}
    while True:
        page = api.call("GET", "/enrolments?" + urlencode(query)).accepted().body
        yield from page["enrolments"]
        if not page["cursor"]:
            return
        query["cursor"] = page["cursor"]


def row(each: dict[str, Any], today: date) -> dict[str, str]:
    """A waiting order, by the names of the columns. Days left count today."""
    missing = each["missing"] or {}
    last_chance = each["last_chance_on"]
    values = {
        **each,
        "reasons": " ".join(each["reasons"]),
        **{name: missing.get(name) for name in ("recorded_by", "follow_up_on", "follow_up_by")},
        "missing_reason": missing.get("reason"),
        "days_left": last_chance and (date.fromisoformat(last_chance) - today).days + 1,
    }
    return {name: "" if values[name] is None else str(values[name]) for name in COLUMNS}


def table(rows: Sequence[dict[str, str]], today: date) -> Table:
    """The rows as a table for a terminal. Overdue and last-minute orders are in red."""
    drawn = Table(box=None, header_style="bold", padding=(0, 2, 0, 0))
    for name in ("order", "follow up", "days"):
        drawn.add_column(name, no_wrap=True)
    for name in ("why", "authorised by"):
        drawn.add_column(name, overflow="fold")
    for each in rows:
        overdue = bool(each["follow_up_on"]) and each["follow_up_on"] < today.isoformat()
        left = each["days_left"]  # none of an order without an end
        soon = bool(left) and int(left) <= _SOON
        drawn.add_row(
            Text(f"{each['force']}/{each['reference']}"),
            Text(each["follow_up_on"] or "none", _LATE if overdue else ""),
            Text(left or "no end", _LATE if soon else ""),
            Text(each["missing_reason"] or each["reasons"]),
            Text(each["superintendent"]),
        )
    return drawn


def write(rows: Sequence[dict[str, str]], to: TextIO) -> None:
    """Write the rows as CSV, for a spreadsheet."""
    writer = csv.DictWriter(to, COLUMNS)
    writer.writeheader()
    writer.writerows(rows)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; the exit code."""
    parser = argparse.ArgumentParser(prog="make worklist ARGS=...", description=__doc__)
    parser.add_argument("--status", help="waiting or allocated")
    parser.add_argument("--reason", help="what the order waits for, or why there is no number")
    parser.add_argument("--superintendent", help="who authorised the order")
    parser.add_argument("--follow-up-before", metavar="DATE", help="such as 2026-12-05")
    parser.add_argument("--csv", type=Path, metavar="FILE", help="write it; - prints it")
    add_protocol(parser)
    add_arguments(parser)
    given = parser.parse_args(arguments)
    return show(Api.named_by(given), given)


def show(api: Api, given: argparse.Namespace) -> int:
    """Print the waiting orders, or write them as CSV; the exit code."""
    today = load(given.protocol).place.date_at(datetime.now(UTC))
    found = waiting(api, **{name: getattr(given, name) for name in NARROWING})
    rows = [row(each, today) for each in found]
    if given.csv and str(given.csv) != "-":
        with given.csv.open("w", newline="", encoding="utf-8-sig") as file:  # as Excel reads it
            write(rows, file)
        print(f"{given.csv}: {_count(rows)}")
    elif given.csv:
        write(rows, sys.stdout)
    else:
        console = Console(highlight=False)
        if rows:
            console.print(table(rows, today))
        print(_count(rows))
    return 0


def _count(rows: Sequence[dict[str, str]]) -> str:
    return f"{len(rows) or 'No'} {'orders are' if len(rows) > 1 else 'order is'} waiting."


if __name__ == "__main__":
    sys.exit(main())
