"""
Converts what people write in spreadsheets and on command lines to the contract's canonical forms.

Each function returns input that it cannot read unchanged, so that the contract refuses it.
"""

import re
from contextlib import suppress
from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

import phonenumbers

# The parser would turn letters into digits and drop an extension.
_NUMBER = re.compile(r"[0-9+() ./\u00a0\-]+")
_WITH_A_FRACTION = re.compile(r"^(\+?[0-9]{9,})\.0$")  # as a spreadsheet saves a number
_DATES = [f"%d{mark}{month}{mark}%Y" for mark in "/.- " for month in ("%m", "%b", "%B")]
_MIDNIGHT = re.compile(r"[ T]00:00(:00)?$")
_TIME = re.compile(r"(?P<date>.+?)[ T]+(?P<hour>[0-9]{1,2}):(?P<minute>[0-9]{2})")
_YES, _NO = {"yes", "y", "true", "1"}, {"no", "n", "false", "0"}


def text(written: str) -> str:
    """Text without surrounding spaces."""
    return " ".join(written.split())


def number(written: str, country: str) -> str:
    """A phone number in E.164 form: that country's (ISO 3166) unless it has another's code."""
    given = _WITH_A_FRACTION.sub(r"\1", text(written))
    if not _NUMBER.fullmatch(given):
        return given
    try:
        parsed = phonenumbers.parse(given, country)
    except phonenumbers.NumberParseException:
        return given
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)


def day(written: str) -> str:
    """A date as YYYY-MM-DD: 1/12/2026 is the first of December. A year takes four digits."""
    given = _MIDNIGHT.sub("", text(written))
    for form in _DATES:
        with suppress(ValueError):
            return datetime.strptime(given, form).replace(tzinfo=UTC).date().isoformat()
    return given


def moment(written: str, zone: ZoneInfo) -> str:
    """A time as RFC 3339 in UTC. A time without an offset is a local time of the zone."""
    given = text(written)
    if found := _TIME.fullmatch(given):
        with suppress(ValueError):
            at = time(int(found["hour"]), int(found["minute"]))
            local = datetime.combine(date.fromisoformat(day(found["date"])), at, zone)
            if local.utcoffset() != local.replace(fold=1).utcoffset():
                return given  # the clocks changed: that local time exists twice, or not at all
            return f"{local.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
    return given


def code(written: str) -> str:
    """A code of the contract: Seized evidence is seized_evidence."""
    # Letters beyond a to z stay, so that the contract refuses them: removal would change the code.
    parted = re.sub(r"[\W_]+", "_", written).strip("_")
    return parted.lower() if parted.isascii() else parted


def capital(written: str) -> str:
    """A code in capitals."""
    given = text(written)
    return given.upper() if given.isascii() else given  # some letters have the capitals of others


def slug(written: str) -> str:
    """A force's short name: West Midlands is west-midlands."""
    return code(written).replace("_", "-")


def several(written: str) -> list[str]:
    """The entries of a cell that holds several, separated by semicolons or line breaks."""
    return [each for each in map(text, re.split(r"[;\n]", written)) if each]


def numbers(written: str, country: str) -> list[str]:
    """Several phone numbers."""
    return [number(each, country) for each in several(written)]


def codes(written: str) -> list[str]:
    """Several codes, which commas may separate too."""
    return [code(each) for each in several(written.replace(",", ";"))]


def whole(written: str) -> int | str:
    """A whole number."""
    given = text(written)
    return int(given) if re.fullmatch(r"[0-9]{1,9}", given) else given


def yes_or_no(written: str) -> bool | str:
    """Yes or no."""
    given = text(written)
    return given.casefold() in _YES if given.casefold() in _YES | _NO else given
