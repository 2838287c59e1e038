"""
Imports a file of orders, for a force whose own system does not post them.

The file is CSV, as a spreadsheet saves it, with one order per line. Numbers and dates may be in
everyday form: each is converted, and shown before anything is sent. A line that the contract
refuses is shown with the reason; the others are sent. It may be stopped and run again: no order is
enrolled twice. On this machine, or on AWS with the shell's credentials.
"""

from __future__ import annotations

import sys
import time
from collections import Counter
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError
from pydantic import ValidationError
from rich.console import Console
from rich.progress import track
from rich.table import Table
from rich.text import Text

from commands.api import Api
from commands.arguments import add_protocol, described
from commands.deployed_stack import add_arguments
from commands.staff import columns, order_file
from enrolment.limits import check_enrolment
from enrolment.wire import EnrolmentIn
from trial.api.problems import FieldError, field_problems
from trial.protocol.load import load

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from datetime import date

    from commands.api import Answer
    from commands.staff.order_file import SpreadsheetRow
    from trial.protocol.settings import Protocol

TEMPLATE = Path("orders.csv")
_SHOWN = 20  # lines of converted values
_TRIES, _PAUSE = 6, 2.0
_BUSY = {HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE}


@dataclass(frozen=True)
class Checked:
    """A line, its request, and its faults."""

    row: SpreadsheetRow
    request: dict[str, Any]
    wrong: tuple[str, ...]


def check(rows: Iterable[SpreadsheetRow], today: date, protocol: Protocol) -> list[Checked]:
    """Check each line against the contract before anything is sent."""
    checked: list[Checked] = []
    first: dict[tuple[Any, Any], int] = {}
    for row in rows:
        request = columns.request(row.cells, protocol.place.country)
        wrong = [row.wrong] if row.wrong else list(refusals(request, today, protocol))
        wrong += columns.rounded(row.cells)
        order = request["order"]
        line = first.setdefault((order.get("force"), order.get("reference")), row.line)
        if line != row.line:
            wrong.append(f"reference: is in line {line} too")
        checked.append(Checked(row, request, tuple(wrong)))
    return checked


def refusals(request: dict[str, Any], today: date, protocol: Protocol) -> Iterator[str]:
    """The reasons for which the API would refuse a request, in its own words."""
    try:
        given = EnrolmentIn.model_validate(request)
        check_enrolment(given, today, protocol)
    except ValidationError as error:
        yield from (_named(each.field, each.message) for each in field_problems(error.errors()))
    except FieldError as error:
        yield _named(error.field, str(error))


def _named(field: str, message: str) -> str:
    """A refusal that names the column instead of the field."""
    part, _, name = field.partition(".")
    return f"{name if part in columns.PARTS else field}: {message}"


def readings(checked: Iterable[Checked], country: str) -> list[tuple[str, ...]]:
    """The converted values: line, column, as written, as sent."""
    return [
        (str(each.row.line), name, written, taken)
        for each in checked
        for name, (written, taken) in columns.readings(each.row.cells, country).items()
    ]


def sent(api: Api, request: dict[str, Any], pause: Callable[[float], None]) -> Answer:
    """The API's answer to an order; retries while the API is busy or unreachable."""
    for tried in range(1, _TRIES):
        try:
            answer = api.call("POST", "/enrolments", request)
            if answer.status not in _BUSY:
                return answer
            pause(answer.retry_after or _PAUSE)
        except BotoCoreError:
            pause(_PAUSE * tried)
    return api.call("POST", "/enrolments", request)


def send(
    api: Api,
    checked: Iterable[Checked],
    console: Console,
    pause: Callable[[float], None] = time.sleep,
) -> tuple[Counter[str], list[Checked]]:
    """Send the orders; returns the counts by status, and the orders that the API refused."""
    became: Counter[str] = Counter()
    refused = []
    right = [each for each in checked if not each.wrong]
    for each in track(right, "Sending", console=console, disable=not console.is_terminal):
        answer = sent(api, each.request, pause)
        if answer.status == HTTPStatus.FORBIDDEN:
            sys.exit("\n".join(["The API refuses these credentials:", *answer.reasons]))
        if answer.refused:
            refused.append(replace(each, wrong=tuple(answer.reasons)))
        else:
            known = answer.status == HTTPStatus.OK
            became["taken before" if known else answer.body["status"]] += 1
    return became, refused


def faults(wrong: Iterable[Checked]) -> Table:
    """The refused lines, and why."""
    table = Table("line", "order", "why", box=None, header_style="bold")
    for each in sorted(wrong, key=lambda each: each.row.line):
        order = each.request["order"]
        name = f"{order.get('force', '?')}/{order.get('reference', '?')}"
        for message in each.wrong:
            table.add_row(str(each.row.line), Text(name), Text(message))
    return table


def options(arguments: Sequence[str] | None) -> argparse.Namespace:
    """The parsed command line."""
    parser = described("make import FILE=orders.csv", __doc__)
    parser.add_argument("file", type=Path, nargs="?", default=TEMPLATE, help="default: orders.csv")
    parser.add_argument(
        "--template", action="store_true", help="write an empty file to fill in, and stop"
    )
    parser.add_argument("--dry-run", action="store_true", help="check and show, and send nothing")
    parser.add_argument("--all", action="store_true", help="show every converted value")
    parser.add_argument("--yes", action="store_true", help="do not ask before sending")
    add_protocol(parser)
    add_arguments(parser)
    return parser.parse_args(arguments)


def show(taken: Sequence[tuple[str, ...]], console: Console, *, most: int) -> None:
    """Show the converted values before anything is sent."""
    if not taken:
        return
    table = Table("line", "column", "written", "taken as", box=None, header_style="bold")
    for each in taken[:most]:
        table.add_row(*map(Text, each))
    console.print(table)
    if len(taken) > most:
        console.print(f"... and {len(taken) - most} more: ARGS=--all shows them.")


def run(given: argparse.Namespace, console: Console, api: Api | None) -> int:
    """Check, show, ask and send (nothing without an API); returns the exit code."""
    protocol = load(given.protocol)
    today = protocol.place.date_at(datetime.now(UTC))
    checked = check(order_file.rows(given.file), today, protocol)
    taken = readings(checked, protocol.place.country)
    show(taken, console, most=len(taken) if given.all else _SHOWN)
    wrong = [each for each in checked if each.wrong]
    right = len(checked) - len(wrong)
    if api is None:
        console.print(f"{right} of {len(checked)} orders may be sent. Nothing was sent.")
    elif right and (given.yes or not sys.stdin.isatty() or _agreed(right)):
        became, refused = send(api, checked, console)
        wrong += refused
        counts = ", ".join(f"{count} {name}" for name, count in sorted(became.items()))
        console.print(f"{became.total()} of {len(checked)} orders are taken: {counts or 'none'}.")
    if wrong:
        console.print(f"{len(wrong)} are not; correct these lines, and run it again:")
        console.print(faults(wrong))
    return int(bool(wrong))


def _agreed(orders: int) -> bool:
    return input(f"Send {orders} orders? [y/N] ").strip().casefold() == "y"


def main(arguments: Sequence[str] | None = None) -> int:
    """Import the file that the command line names."""
    given = options(arguments)
    if given.template:
        order_file.write_template(given.file, load(given.protocol).place.date_at(datetime.now(UTC)))
        print(f"Wrote {given.file}. Fill it in, then: make import FILE={given.file}")
        return 0
    try:
        api = None if given.dry_run else Api.named_by(given)  # which sets the clock, too
        return run(given, Console(highlight=False), api)
    except (KeyboardInterrupt, BotoCoreError) as error:
        why = "Stopped" if isinstance(error, KeyboardInterrupt) else f"Stopped: {error}"
        sys.exit(f"{why}. Run it again to continue: no order is taken twice.")


if __name__ == "__main__":
    sys.exit(main())
