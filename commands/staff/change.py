"""
Reports a change to one order: a number, its service, an end or an outcome.

For staff who have the court's papers but no system that reports them. Numbers, dates and times may
be in everyday form: each is converted, and shown before anything is sent. On this machine, or on
AWS with the shell's credentials.
"""

from __future__ import annotations

import argparse
import sys
from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeAlias
from urllib.parse import urlencode

from commands.api import Api
from commands.arguments import add_protocol
from commands.deployed_stack import add_arguments
from commands.staff import as_written as read
from trial.codes import OutcomeType
from trial.protocol.load import load

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

Body: TypeAlias = "Callable[[argparse.Namespace], tuple[str, dict[str, Any]]]"

METHODS = {
    "mobile": "PUT",
    "service": "PUT",
    "end": "POST",
    "resume": "POST",
    "admit": "POST",
    "outcomes": "POST",
}
"""The routes under an enrolment."""


def order(text: str) -> tuple[str, str]:
    """A force and a reference, which may itself contain slashes."""
    force, slash, reference = text.partition("/")
    if not (force and slash and reference):
        raise argparse.ArgumentTypeError("write force/reference, as in durham/DVPO-2026-000123")
    return read.slug(force), read.capital(reference)


def number(given: argparse.Namespace) -> tuple[str, dict[str, Any]]:
    """A found or changed number, or the reason why there is none."""
    body = {
        "number": given.number and read.number(given.number, load(given.protocol).place.country),
        "source": given.source and read.code(given.source),
        "missing_reason": given.missing and read.code(given.missing),
        "recorded_by": given.by,
        "follow_up_on": given.follow_up and read.day(given.follow_up),
        "follow_up_by": given.follow_up_by,
        "resolved_how": given.how,
    }
    return "mobile", body


def served(given: argparse.Namespace) -> tuple[str, dict[str, Any]]:
    """The order was served."""
    return "service", {"served_on": read.day(given.on)}


def end(given: argparse.Namespace) -> tuple[str, dict[str, Any]]:
    """No further text may go."""
    return "end", {"reason": read.code(given.reason), "at": moment(given), "by": given.by}


def resume(given: argparse.Namespace) -> tuple[str, dict[str, Any]]:
    """Out of custody again."""
    return "resume", {"at": moment(given), "by": given.by}


def admit(given: argparse.Namespace) -> tuple[str, dict[str, Any]]:
    """Admit an order held over the day's limit."""
    return "admit", {"by": given.by}


def outcome(given: argparse.Namespace) -> tuple[str, dict[str, Any]]:
    """Report an outcome, such as an arrest, or a harm."""
    kind, occurred_at = read.code(given.type), moment(given)
    return "outcomes", {
        # The same outcome reported again has the same id, so it is not counted twice.
        "outcome_id": given.id or f"{kind}-{_in_utc(occurred_at)}".replace(":", "-"),
        "type": kind,
        "instrument": given.instrument and read.code(given.instrument),
        "kind": given.kind and read.code(given.kind),
        "occurred_at": occurred_at,
        "reference": given.crime,
    }


def _in_utc(at: str) -> str:
    """A time with an offset as that time in UTC; any other text as it is."""
    with suppress(ValueError):
        return f"{datetime.fromisoformat(at).astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
    return at


def moment(given: argparse.Namespace) -> str:
    """When it happened; default: now."""
    if given.at:
        return read.moment(given.at, load(given.protocol).place.tz)
    return f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"


def options(arguments: Sequence[str] | None) -> argparse.Namespace:
    """The parsed command line."""
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("order", type=order, help="force/reference: durham/DVPO-2026-000123")
    common.add_argument("--yes", action="store_true", help="do not ask before sending")
    add_protocol(common)
    add_arguments(common)
    moments = argparse.ArgumentParser(add_help=False)
    moments.add_argument("--at", metavar="TIME", help="such as '1/12/2026 9:30'; default: now")

    parser = argparse.ArgumentParser(prog="python -m commands.staff.change", description=__doc__)
    what = parser.add_subparsers(
        required=True, metavar="number | served | end | resume | admit | outcome"
    )

    def reporting(body: Body, *parents: argparse.ArgumentParser) -> argparse.ArgumentParser:
        about, above = body.__doc__, [common, *parents]
        each = what.add_parser(body.__name__, help=about, description=about, parents=above)
        each.set_defaults(body=body)
        return each

    each = reporting(number)
    each.add_argument("number", nargs="?", help="such as '07700 900123'")
    each.add_argument("--missing", metavar="REASON", help="why there is none: seized_evidence")
    each.add_argument("--follow-up", metavar="DATE", help="the day to ask again")
    each.add_argument("--follow-up-by", metavar="WHO", help="who asks again")
    each.add_argument("--source", help="where it came from: custody_record, probation ...")
    each.add_argument("--how", help="how it was found: property_returned")
    each.add_argument("--by", help="who reports it")

    reporting(served).add_argument("on", metavar="DATE", help="such as 1/12/2026")

    each = reporting(end, moments)
    each.add_argument("reason", help="such as in_custody, quashed, safety_stop")
    each.add_argument("--by", required=True, help="who reports it")

    reporting(resume, moments).add_argument("--by", required=True, help="who reports it")

    reporting(admit).add_argument("--by", required=True, help="who has checked it")

    each = reporting(outcome)
    # Without a time of its own, an outcome reported again a minute later would be another one.
    each.add_argument("--at", metavar="TIME", required=True, help="such as '1/12/2026 9:30'")
    each.add_argument("type", help=f"one of: {', '.join(OutcomeType)}")
    each.add_argument("--instrument", help="what it was against: dvpo, dvpn, bail ...")
    each.add_argument("--kind", help="of a harm: wrong_recipient, disclosure, complaint ...")
    each.add_argument("--crime", metavar="REFERENCE", help="the crime's own reference")
    each.add_argument("--id", help="the outcome's id; default: its type and time")
    return parser.parse_args(arguments)


def find(api: Api, force: str, reference: str) -> str:
    """The enrolment id of an order; exits if it is not enrolled."""
    asked = urlencode({"force": force, "reference": reference})
    return str(api.call("GET", f"/orders?{asked}").accepted().body["enrolment_id"])


def run(given: argparse.Namespace, api: Api) -> int:
    """Show the request, send it, and show the order's new status; returns the exit code."""
    what, fields = given.body(given)
    body = {name: value for name, value in fields.items() if value}
    print(f"{'/'.join(given.order)}: {what}")
    for name, value in body.items():
        print(f"  {name}: {value}")
    ident = find(api, *given.order)
    if sys.stdin.isatty() and not given.yes and input("Send it? [y/N] ").casefold() != "y":
        print("Nothing was sent.")
        return 1
    answer = api.call(METHODS[what], f"/enrolments/{ident}/{what}", body).accepted()
    status = answer.body.get("status")
    because = " ".join(answer.body.get("reasons") or [])
    print(f"Done: {status} {because}".rstrip() if status else "Done.")
    return 0


def main(arguments: Sequence[str] | None = None) -> int:
    """Report the change that the command line describes."""
    given = options(arguments)
    return run(given, Api.named_by(given))


if __name__ == "__main__":
    sys.exit(main())
