"""How many years a trial takes with a number of forces, and what a number of years can show."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, Final

from rich import box
from rich.table import Table

from evaluation.power import Needed, detectable, needed
from evaluation.report.words import count, number, percent
from evaluation.statistics.values import NotEstimable

if TYPE_CHECKING:
    import argparse

FORCES: Final = (1, 2, 3, 5, 8, 12, 20, 43)
"""The numbers of forces in the table: 43 is every force in England and Wales."""

YEARS: Final = (1, 2, 3, 5)
FOLLOW_UP: Final = timedelta(days=28 + 365)
"""From the last order's first day to the end of the longest follow-up."""


def people_a_year(wanted: argparse.Namespace, forces: int) -> float:
    """
    People randomised in a year by this many forces.

    Orders without a number, and repeat orders of people already randomised, add nobody.
    """
    return float(wanted.orders * forces * (1 - wanted.without_number) * (1 - wanted.repeats))


def years_needed(per_arm: int, wanted: argparse.Namespace, forces: int) -> float:
    """Years until both arms have this many people."""
    return 2 * per_arm / people_a_year(wanted, forces)


def lock_date(first_day: date, years: float) -> date:
    """The day on which the last person randomised has been followed for 365 days."""
    return first_day + timedelta(days=round(365.25 * years)) + FOLLOW_UP


def tables(wanted: argparse.Namespace, risk: float) -> list[Table]:
    """Years by number of forces; then what each number of forces can show by number of years."""
    found = needed(wanted.control, risk, alpha=wanted.alpha, power=wanted.power, exactly=False)
    shown = [*FORCES] if wanted.forces in FORCES else sorted([*FORCES, wanted.forces])
    heading = f"Years to show {percent(wanted.control)} v {percent(risk)}"
    years = Table("Forces", "People a year", heading, "Results locked until", box=box.SIMPLE_HEAD)
    can = Table(
        "Forces",
        *(f"{each} year{'s' if each > 1 else ''}" for each in YEARS),
        title="Highest risk with texts that would show",
        box=box.SIMPLE_HEAD,
    )
    for column in (*years.columns[1:], *can.columns[1:]):
        column.justify = "right"
    for forces in shown:
        style = "bold" if forces == wanted.forces else None
        a_year = people_a_year(wanted, forces)
        if isinstance(found, Needed):
            takes = years_needed(found.fleiss, wanted, forces)
            until = f"{lock_date(wanted.first_day, takes):%-d %B %Y}"
            years.add_row(str(forces), count(a_year), number(takes), until, style=style)
        can.add_row(
            str(forces),
            *(_can_show(wanted, round(a_year * each / 2)) for each in YEARS),
            style=style,
        )
    return [years, can]


def _can_show(wanted: argparse.Namespace, per_arm: int) -> str:
    risk = detectable(
        wanted.control, per_arm=(per_arm, per_arm), alpha=wanted.alpha, power=wanted.power
    )
    return "none" if isinstance(risk, NotEstimable) else percent(risk)


def notes(wanted: argparse.Namespace) -> list[str]:
    """How to read the tables."""
    text = f"""\
Each force has {count(wanted.orders)} orders a year; {percent(wanted.without_number, 0)} never get \
a number, {percent(wanted.repeats, 0)} are of somebody already randomised.
Enrolment from {wanted.first_day:%-d %B %Y}; results stay locked until the last person has been \
followed for 365 days. Arms of a size, Fleiss with correction; forces alike."""
    return text.splitlines()
