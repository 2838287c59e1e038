"""How many people, orders and years a trial needs, as tables for a terminal and as a picture."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, Final

from rich import box
from rich.table import Table

from evaluation.power import Needed, detectable, diluted, needed, orders_needed
from evaluation.power_picture import SHARES, powers
from evaluation.report.words import count, number, percent
from evaluation.statistics.values import NotEstimable
from trial.errors import RejectedError

if TYPE_CHECKING:
    import argparse

FORCES: Final = (1, 2, 3, 5, 8, 12, 20, 43)
"""The numbers of forces in the table: 43 is every force in England and Wales."""

YEARS: Final = (1, 2, 3, 5)


def effect(wanted: argparse.Namespace) -> float:
    """The whole intervention arm's risk: people whose texts never arrive have control's."""
    if not 0 < wanted.alpha < 1 or not 0 < wanted.power < 1 or not wanted.control:
        raise RejectedError("alpha, power and the risk without texts must be above 0")
    if wanted.intervention >= wanted.control:
        raise RejectedError("the risk with texts must be below the risk without")
    return diluted(wanted.control, wanted.intervention, undelivered=wanted.undelivered)


def tables(wanted: argparse.Namespace) -> list[Table]:
    """People, orders and years for the given effect, and what other numbers can show."""
    risk = effect(wanted)
    return [_people(wanted, risk), *_years(wanted, risk)]


def _table(*headings: str, title: str | None = None) -> Table:
    table = Table(*headings, title=title, box=box.SIMPLE_HEAD)
    for column in table.columns[1:]:
        column.justify = "right"
    return table


def _people(wanted: argparse.Namespace, risk: float) -> Table:
    """People in each arm, and orders to enrol, for the given effect and for others."""
    table = _table("Risks", "Normal", "Fleiss", "Exact", "Both arms", "Orders")
    for share in SHARES:
        other = wanted.control - share * (wanted.control - risk)
        if other < 0:
            continue
        found = needed(wanted.control, other, alpha=wanted.alpha, power=wanted.power)
        if isinstance(found, Needed):
            exact = found.exact
            orders = orders_needed(found.fleiss, never_randomised=wanted.without_number)
            table.add_row(
                f"{percent(wanted.control)} v {percent(other)}",
                count(found.normal),
                count(found.fleiss),
                "beyond reach" if isinstance(exact, NotEstimable) else count(exact),
                count(2 * found.fleiss),
                count(orders),
                style="bold" if share == 1 else None,
            )
    return table


def people_a_year(wanted: argparse.Namespace, forces: int) -> float:
    """
    People randomised in a year by this many forces.

    Orders without a number, and repeat orders of people already randomised, add nobody.
    """
    return float(wanted.orders * forces * (1 - wanted.without_number) * (1 - wanted.repeats))


def years_needed(per_arm: int, wanted: argparse.Namespace, forces: int) -> float:
    """Years until both arms have this many people."""
    return 2 * per_arm / people_a_year(wanted, forces)


def lock_date(first_day: date, years: float, follow_up_days: int) -> date:
    """The day on which the last person's follow-up ends, counted from the order's first day."""
    return first_day + timedelta(days=round(365.25 * years) + follow_up_days)


def _years(wanted: argparse.Namespace, risk: float) -> tuple[Table, Table]:
    """Years by number of forces; then what each number of forces can show by number of years."""
    found = needed(wanted.control, risk, alpha=wanted.alpha, power=wanted.power, exactly=False)
    heading = f"Years to show {percent(wanted.control)} v {percent(risk)}"
    years = _table("Forces", "People a year", heading, "Results locked until")
    headings = (f"{each} year{'s' if each > 1 else ''}" for each in YEARS)
    can = _table("Forces", *headings, title="Highest risk with texts that would show")
    for forces in sorted({*FORCES, wanted.forces}):
        style = "bold" if forces == wanted.forces else None
        a_year = people_a_year(wanted, forces)
        if isinstance(found, Needed):
            takes = years_needed(found.fleiss, wanted, forces)
            until = f"{lock_date(wanted.first_day, takes, wanted.follow_up_days):%-d %B %Y}"
            years.add_row(str(forces), count(a_year), number(takes), until, style=style)
        shown = (_can_show(wanted, round(a_year * each / 2)) for each in YEARS)
        can.add_row(str(forces), *shown, style=style)
    return years, can


def _can_show(wanted: argparse.Namespace, per_arm: int) -> str:
    risk = detectable(
        wanted.control, per_arm=(per_arm, per_arm), alpha=wanted.alpha, power=wanted.power
    )
    return "none" if isinstance(risk, NotEstimable) else percent(risk)


def notes(wanted: argparse.Namespace) -> str:
    """How to read the tables."""
    return f"""\
People in each arm at {percent(wanted.power, 0)} power, two-sided alpha {wanted.alpha:g}: by the \
normal approximation, by Fleiss with correction for continuity, and for Fisher's exact test.
Both arms together, and orders to enrol, follow Fleiss; \
{percent(wanted.without_number, 0)} of orders never reach randomisation.
With {percent(wanted.undelivered, 0)} of people getting no text, a risk of \
{percent(wanted.intervention)} becomes {percent(effect(wanted))} in the arm as a whole.
Each force has {count(wanted.orders)} orders a year; {percent(wanted.without_number, 0)} never get \
a number, {percent(wanted.repeats, 0)} are of somebody already randomised.
Enrolment from {wanted.first_day:%-d %B %Y}; results stay locked until the last person's \
follow-up has ended. Arms of equal size, Fleiss with correction; all forces alike."""


def picture(wanted: argparse.Namespace) -> str:
    """The curves as an SVG file."""
    return powers(wanted.control, effect(wanted), alpha=wanted.alpha, power=wanted.power) + "\n"
