"""Command-line arguments that several commands share."""

import re
from argparse import ArgumentParser, ArgumentTypeError, HelpFormatter, RawDescriptionHelpFormatter
from datetime import datetime, timedelta

from trial.protocol.load import CURRENT, versions

_UNITS = {"d": "days", "h": "hours", "m": "minutes", "s": "seconds"}


def described(prog: str, about: str | None, *, as_written: bool = False) -> ArgumentParser:
    """
    A parser whose help is a module's docstring: the first paragraph above, the rest below.

    `as_written` keeps its line breaks.
    """
    first, _, rest = (about or "").strip().partition("\n\n")
    layout = RawDescriptionHelpFormatter if as_written else HelpFormatter
    return ArgumentParser(prog=prog, description=first, epilog=rest, formatter_class=layout)


def add_protocol(parser: ArgumentParser) -> None:
    """Let the command line name the open trial's protocol: its zone and its country's numbers."""
    parser.add_argument(
        "--protocol",
        choices=versions(),
        default=CURRENT,
        help="the open trial's protocol; default: %(default)s",
    )


def add_stage(parser: ArgumentParser) -> None:
    """Let the command line name a deployment on AWS."""
    parser.add_argument("--stage", default="v1", help="part of the stack's name; default: v1")
    parser.add_argument("--region", default="eu-west-2", help="default: eu-west-2")


def span(text: str) -> timedelta:
    """Days, hours, minutes and seconds, as in 2d or 1d12h."""
    if not re.fullmatch(r"(\d+[dhms])+", text):
        raise ArgumentTypeError("give a duration: 2d, 36h, 90m, 30s or 1d12h")
    parts = re.findall(r"(\d+)([dhms])", text)
    return sum((timedelta(**{_UNITS[unit]: int(n)}) for n, unit in parts), timedelta())


def moment(text: str) -> datetime:
    """A time with its zone, as RFC 3339 writes it."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise ArgumentTypeError("say when: 2026-12-05T09:00:00Z") from None
    if at.tzinfo is None:
        raise ArgumentTypeError("say which zone: 2026-12-05T09:00:00Z")
    return at
