"""
A protocol's texts, for reading aloud: each filled in, with its size and price.

Approvers see here who gets which text: by type of order, theme, conditions and language.
"""

from collections.abc import Iterator
from itertools import groupby
from typing import Final

from trial.codes import Language
from trial.protocol.alphabet import size
from trial.protocol.days import assigned, planned_days
from trial.protocol.orders import Choice, EvenTimetable, OrderType
from trial.protocol.settings import Protocol, Wording
from trial.protocol.wording import filled, longest_values

_LENGTHS: Final = (3, 7, 14, 28, 84, 180, 365, 730)
"""Lengths in days for which to show the timetable of a type without a maximum length."""


def aloud(protocol: Protocol) -> Iterator[str]:
    """The lines: for each type its timetables, then its texts in each language."""
    for name, order_type in protocol.orders.items():
        yield f"{name}: {order_type.title}"
        yield ""
        yield from timetables(order_type)
        for language, wordings in protocol.wordings.items():
            yield ""
            yield f"{name}, texts in {language}:"
            for plan in order_type.themes:
                for place, base in enumerate(plan.wording, start=1):
                    turn = f", turn {place}" if len(plan.wording) > 1 else ""
                    for key, suits in _variants(order_type, base).items():
                        yield ""
                        yield f"{plan.theme}{turn} ({key}): {'; or '.join(suits)}"
                        yield from _text(protocol, language, wordings[key])
        yield ""


def timetables(order_type: OrderType) -> Iterator[str]:
    """The themes for each length of order; lengths with the same themes share a line."""
    lengths = [
        days for days in _lengths(order_type) if days is None or not order_type.why_not_days(days)
    ]
    for themes, group in groupby(lengths, key=lambda days: _themes(order_type, days)):
        first, *others = group
        last = others[-1] if others else first
        which = "without an end" if first is None else f"{first} days"
        if last not in (None, first):
            which = f"{first} to {last} days"
        yield f"  {which}: {len(themes)} texts: {', '.join(themes)}"


def _lengths(order_type: OrderType) -> tuple[int | None, ...]:
    if isinstance(order_type.timetable, EvenTimetable) and order_type.longest_days:
        return tuple(range(order_type.shortest_days, order_type.longest_days + 1))
    return (*_LENGTHS, None) if order_type.open_ended else _LENGTHS


def _themes(order_type: OrderType, days: int | None) -> tuple[str, ...]:
    return tuple(each.theme for each in assigned(planned_days(order_type, days), order_type))


def _variants(order_type: OrderType, base: str) -> dict[str, list[str]]:
    """The wordings of a base, each with the orders that it suits; the first that suits is used."""
    suits: dict[str, list[str]] = {}
    for choice in order_type.variants.get(base, (Choice(wording=base),)):
        suits.setdefault(choice.wording, []).append(_orders(choice))
    return suits


def _orders(choice: Choice) -> str:
    ends = {None: "any order", True: "with an end", False: "without an end"}[choice.ends]
    return f"{ends}, with {' and '.join(choice.needs)}" if choice.needs else ends


def _text(protocol: Protocol, language: Language, wording: Wording) -> Iterator[str]:
    text = filled(wording.text, longest_values(protocol, language))
    how = size(text)
    price = how.parts * protocol.costs.text_part_pence.value
    parts = "1 part" if how.parts == 1 else f"{how.parts} parts"
    yield f"    {text}"
    yield f"    {how.units}, {parts}, {price:.1f} p{_standing(wording)}"


def _standing(wording: Wording) -> str:
    made = "a machine's draft" if wording.machine_draft else "a draft"
    return f"; {made}: lacks {', '.join(wording.lacks)}" if wording.draft else ""
