"""Command-line arguments that several commands share."""

import argparse
import re
from datetime import timedelta

_UNITS = {"d": "days", "h": "hours", "m": "minutes", "s": "seconds"}


def span(text: str) -> timedelta:
    """Days, hours, minutes and seconds, as in 2d or 1d12h."""
    if not re.fullmatch(r"(\d+[dhms])+", text):
        raise argparse.ArgumentTypeError("give a duration: 2d, 36h, 90m, 30s or 1d12h")
    parts = re.findall(r"(\d+)([dhms])", text)
    return sum((timedelta(**{_UNITS[unit]: int(n)}) for n, unit in parts), timedelta())
