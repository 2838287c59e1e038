"""Command-line arguments that several commands share."""

import re
from argparse import ArgumentParser, ArgumentTypeError, HelpFormatter, RawDescriptionHelpFormatter
from datetime import timedelta

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


def span(text: str) -> timedelta:
    """Days, hours, minutes and seconds, as in 2d or 1d12h."""
    if not re.fullmatch(r"(\d+[dhms])+", text):
        raise ArgumentTypeError("give a duration: 2d, 36h, 90m, 30s or 1d12h")
    parts = re.findall(r"(\d+)([dhms])", text)
    return sum((timedelta(**{_UNITS[unit]: int(n)}) for n, unit in parts), timedelta())
