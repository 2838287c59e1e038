"""How many people a trial needs, as tables for a terminal and as a picture."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rich import box
from rich.table import Table

from evaluation.power import Needed, diluted, needed, orders_needed
from evaluation.power_picture import powers
from evaluation.report.words import count, percent
from evaluation.statistics.values import NotEstimable
from trial.errors import RejectedError

if TYPE_CHECKING:
    import argparse

SHARES: Final = (1.5, 1.0, 0.75, 0.5)
"""The effects in the table, as multiples of the given one."""


def effect(wanted: argparse.Namespace) -> float:
    """The whole intervention arm's risk: people whose texts never arrive have control's."""
    if not 0 < wanted.alpha < 1 or not 0 < wanted.power < 1 or not wanted.control:
        raise RejectedError("alpha, power and the risk without texts must be above 0")
    if wanted.intervention >= wanted.control:
        raise RejectedError("the risk with texts must be below the risk without")
    return diluted(wanted.control, wanted.intervention, undelivered=wanted.undelivered)


def tables(wanted: argparse.Namespace) -> list[Table]:
    """People in each arm, and orders to enrol, for the given effect and for others."""
    risk = effect(wanted)
    table = Table(
        *("Risks", "Normal", "Fleiss", "Exact", "Both arms", "Orders"),
        box=box.SIMPLE_HEAD,
    )
    for column in table.columns[1:]:
        column.justify = "right"
    for share in SHARES:
        other = wanted.control - share * (wanted.control - risk)
        if other < 0:
            continue
        found = needed(wanted.control, other, alpha=wanted.alpha, power=wanted.power)
        if isinstance(found, Needed):
            style = "bold" if share == 1 else None
            table.add_row(*_row(wanted, other, found), style=style)
    return [table]


def _row(wanted: argparse.Namespace, risk: float, found: Needed) -> tuple[str, ...]:
    orders = orders_needed(found.fleiss, never_randomised=wanted.without_number)
    return (
        f"{percent(wanted.control)} v {percent(risk)}",
        count(found.normal),
        count(found.fleiss),
        "beyond reach" if isinstance(found.exact, NotEstimable) else count(found.exact),
        count(2 * found.fleiss),
        count(orders),
    )


def notes(wanted: argparse.Namespace) -> list[str]:
    """How to read the table."""
    text = f"""\
People in each arm at {percent(wanted.power, 0)} power, two-sided alpha {wanted.alpha:g}: by the \
normal approximation, by Fleiss with correction for continuity, and for Fisher's exact test.
Both arms together, and orders to enrol, follow Fleiss; \
{percent(wanted.without_number, 0)} of orders never reach randomisation.
With {percent(wanted.undelivered, 0)} of people getting no text, a risk of \
{percent(wanted.intervention)} becomes {percent(effect(wanted))} in the arm as a whole."""
    return text.splitlines()


def picture(wanted: argparse.Namespace) -> str:
    """The curves as an SVG file."""
    return powers(wanted.control, effect(wanted), alpha=wanted.alpha, power=wanted.power) + "\n"
