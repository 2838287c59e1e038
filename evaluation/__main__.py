"""
The analyst's commands over a research extract.

`python -m evaluation report EXTRACT` makes the report. `power` calculates how many people a trial
needs, `timetable` lists when an order's reminders go, and `parquet` writes Parquet files.
"""

import argparse
import sys
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from rich import box
from rich.console import Console
from rich.progress import track
from rich.table import Table

from evaluation import package, pool
from evaluation.cohort import SumsError
from trial.errors import RejectedError
from trial.protocol import load as protocols
from trial.protocol.days import assigned, planned_days


def _report(wanted: argparse.Namespace) -> None:
    # Statistics take seconds to import: `--help` and the other commands do without.
    from evaluation.report.make import Step, refusal, report  # noqa: PLC0415
    from evaluation.report.page import Interim, as_json, html  # noqa: PLC0415
    from evaluation.report.registered import read  # noqa: PLC0415

    console = Console(stderr=True)

    def shown(steps: list[Step]) -> Any:  # noqa: ANN401  what rich.progress gives
        return track(steps, "Working", console=console, disable=not console.is_terminal)

    extract = pool.read_all(wanted.extracts)
    interim = Interim(wanted.interim, datetime.now(UTC)) if wanted.interim else None
    deposits = [read(path) for path in wanted.registration]
    made = report(extract, interim=interim, deposits=deposits, track=shown)
    _write(wanted.output, html(made))
    if wanted.json:
        _write(wanted.json, as_json(made))
    if refused := refusal(extract, made.interim):
        console.print(f"Results by arm: {refused[:1].lower()}{refused[1:]}", highlight=False)
    if wanted.interim and not made.interim:
        console.print("--interim: not needed for this extract, or of no use; not noted.")


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    Console().print(path, highlight=False, soft_wrap=True)


def _power(wanted: argparse.Namespace) -> None:
    from evaluation import power_tables  # noqa: PLC0415

    console = Console()
    console.print(*power_tables.tables(wanted))
    console.print(power_tables.notes(wanted), highlight=False)
    if wanted.output:
        _write(wanted.output, power_tables.picture(wanted))


def _timetable(wanted: argparse.Namespace) -> None:
    protocol = protocols.load(wanted.protocol)
    type_ = wanted.type or next(iter(protocol.orders))
    order_type = protocol.order_type(type_)
    if problem := order_type.why_not_days(wanted.days):
        raise RejectedError(f"--days {problem} ({type_})")
    table = Table("Text", "Day", "Date", "Theme", box=box.SIMPLE_HEAD)
    for number, each in enumerate(assigned(planned_days(order_type, wanted.days), order_type), 1):
        on = wanted.made_on + timedelta(days=each.day)
        table.add_row(str(number), str(each.day), f"{on:%a %d %b %Y}", each.theme.replace("_", " "))
    console = Console()
    console.print(table)
    window = protocol.window
    console.print(
        f"Day 0 is the day of the order. Each text goes between {window.opens:%H:%M} and "
        f"{window.closes:%H:%M} local time ({protocol.place.zone}); "
        "the minute differs from person to person.",
        highlight=False,
    )


def _parquet(wanted: argparse.Namespace) -> None:
    extract = package.read(wanted.extract)
    wanted.output.mkdir(parents=True, exist_ok=True)
    for name in package.RESOURCES[extract.form]:
        path = wanted.output / f"{name}.parquet"
        getattr(extract, name).to_parquet(path, engine="pyarrow", index=False)
        Console().print(path, highlight=False, soft_wrap=True)


def parsed(arguments: Sequence[str] | None) -> argparse.Namespace:
    """The command line, or its help."""
    parser = argparse.ArgumentParser(
        prog="python -m evaluation", description="The analyst's commands over a research extract."
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    _add_report(_command(commands, "report", _report, "make the report on an extract"))
    _add_power(_command(commands, "power", _power, "compute how many people a trial needs"))
    add = _command(commands, "timetable", _timetable, "show on which days texts go").add_argument
    add("--type", help="of order; default: the protocol's first")
    add("--days", type=int, help="its length, first and last day counted; default: without an end")
    add("--made-on", type=_day, required=True, metavar="DATE", help="its first day: 2027-03-01")
    versions = protocols.versions()
    add("--protocol", choices=versions, default=versions[-1], help="default: %(default)s")
    add = _command(commands, "parquet", _parquet, "turn an extract into Parquet files").add_argument
    add("extract", type=Path, metavar="EXTRACT", help="folder or zip file with datapackage.json")
    add("-o", dest="output", type=Path, required=True, metavar="DIR", help="where the files go")
    return parser.parse_args(arguments)


def _command(
    commands: Any,  # noqa: ANN401  argparse keeps its type to itself
    name: str,
    run: Callable[[argparse.Namespace], None],
    purpose: str,
) -> argparse.ArgumentParser:
    command: argparse.ArgumentParser = commands.add_parser(
        name, help=purpose, description=f"{purpose[:1].upper()}{purpose[1:]}."
    )
    command.set_defaults(run=run)
    return command


def _add_report(command: argparse.ArgumentParser) -> None:
    add = command.add_argument
    add(
        "extracts",
        type=Path,
        nargs="+",
        metavar="EXTRACT",
        help="folder or zip file with datapackage.json; several, one a force, are analysed as one",
    )
    add(
        *("-o", "--output"),
        type=Path,
        default=Path("report.html"),
        metavar="FILE",
        help="where the page goes (default: %(default)s)",
    )
    add(
        "--registration",
        type=Path,
        nargs="+",
        default=[],
        metavar="FILE",
        help="registration.json of the deposit, of each force that has its own key",
    )
    add("--json", type=Path, metavar="FILE", help="where the same figures go as JSON")
    add(
        "--interim",
        type=_reason,
        metavar="REASON",
        help="show results by arm before the protocol's lock date; the reason and the time are "
        "printed on the report",
    )


def _add_power(command: argparse.ArgumentParser) -> None:
    protocol = protocols.load(protocols.versions()[-1])
    plan, types = protocol.analysis, protocol.orders.values()
    longest = max((each.longest_days or 0) + each.follow_up_days for each in types)
    command.set_defaults(follow_up_days=longest)
    planned = plan.recruitment.model_dump() if plan.recruitment else {}
    flags: list[tuple[str, Any, str, str, Callable[[str], Any]]] = [
        ("--control", plan.planned_risk_control, "risk without texts", "SHARE", _share),
        ("--intervention", plan.planned_risk_intervention, "risk with texts", "SHARE", _share),
        ("--alpha", plan.alpha, "error of the first kind, two-sided", "SHARE", _share),
        ("--power", plan.power, "chance of showing the difference", "SHARE", _share),
        ("--undelivered", 0.0, "share of people whose texts never arrive", "SHARE", _share),
    ]
    for flag, name, purpose, metavar, of in (
        ("--without-number", "without_number", "share of orders never randomised", "SHARE", _share),
        ("--repeats", "repeats", "share of orders of somebody already in it", "SHARE", _share),
        ("--forces", "forces", "how many forces take part", "NUMBER", _whole),
        ("--orders", "orders_a_year", "orders of each force in a year", "NUMBER", _whole),
        ("--first-day", "first_day", "first day of enrolment", "DATE", _day),
    ):
        flags.append((flag, planned.get(name), purpose, metavar, of))
    for flag, default, purpose, metavar, kind in flags:
        command.add_argument(
            flag,
            type=kind,
            default=default,
            required=default is None,
            metavar=metavar,
            help=f"{purpose} (default: {'none' if default is None else default})",
        )
    command.add_argument(
        "-o", "--output", type=Path, metavar="FILE", help="draw the curves, as SVG"
    )


def _share(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1
    if not 0 <= value < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no number from 0 to below 1, like 0.28")
    return value


def _whole(text: str) -> int:
    if not text.isdecimal() or not int(text):
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number from 1")
    return int(text)


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no date like 2027-03-01") from None


def _reason(text: str) -> str:
    if not text.strip():
        raise argparse.ArgumentTypeError("an interim look needs a reason in words")
    return text.strip()


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command; exit with the reasons if the extract cannot be used."""
    wanted = parsed(arguments)
    try:
        wanted.run(wanted)
    except (package.PackageError, SumsError, RejectedError) as error:
        sys.exit(str(error))
    except OSError as error:
        sys.exit(f"{error.filename}: {error.strerror}")


if __name__ == "__main__":
    main()
