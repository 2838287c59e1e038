"""The rules between the settings of a protocol, beyond the form of each setting."""

import inspect
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import suppress
from datetime import date, datetime, time
from itertools import product
from typing import Any, Final, NamedTuple, TypeAlias
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from trial.codes import Arm, Language
from trial.protocol import order_rules, plan_rules
from trial.protocol.alphabet import WordingError, check, not_gsm, septets, strange
from trial.protocol.dates import longest_date
from trial.protocol.lines import Location, ProtocolProblem, repeated
from trial.protocol.lint import bad_style, breach_a_crime, never_said
from trial.protocol.local_time import MARGIN
from trial.protocol.orders import OrderType
from trial.protocol.plan import AnalysisPlan
from trial.protocol.settings import Longest, Place, Window
from trial.protocol.strata import VALUES, Stratum, combinations
from trial.protocol.wording import PLACEHOLDER, filled
from trial.rehearsal import is_rehearsal

Problems: TypeAlias = Iterator[ProtocolProblem]


class RawText(NamedTuple):
    """A text as in the file, even if other settings of its entry are not valid."""

    text: str
    unicode_parts: int | None


Texts: TypeAlias = Mapping[Language, Mapping[str, RawText]]

_EARLIEST: Final = time(5)


def broken_rules(sections: Mapping[str, Any]) -> Problems:
    """Every problem in these sections. Each rule's parameters name the sections it needs."""
    for rule in _RULES:
        needs = inspect.signature(rule).parameters.keys()
        if needs <= sections.keys():
            yield from rule(**{name: sections[name] for name in needs})


def _version(version: str, stem: str) -> Problems:
    if version != stem:
        yield ProtocolProblem(("version",), f"the file is named {stem}")


def _trial(trial: str) -> Problems:
    if is_rehearsal(trial):
        yield ProtocolProblem(
            ("trial",), "ends as the name of a trial's rehearsals does: choose another"
        )


def _blocks(block_sizes: tuple[int, ...], arms: Mapping[Arm, int]) -> Problems:
    share = sum(arms.values())
    for size in block_sizes:
        if size % share:
            yield ProtocolProblem(
                ("block_sizes",), f"{size} is no multiple of the ratio's sum, {share}"
            )


def _place(place: Place) -> Problems:
    try:
        ZoneInfo(place.zone)
    except (ZoneInfoNotFoundError, ValueError):
        yield ProtocolProblem(("place", "zone"), f"no such zone: {place.zone}")


def _strata(strata: tuple[Stratum, ...], orders: Mapping[str, OrderType]) -> Problems:
    for id_ in repeated(stratum.id for stratum in strata):
        yield ProtocolProblem(("strata",), f"{id_} is listed twice")
    for name, order_type in orders.items():
        for days, said in product(_lengths_to_try(strata, order_type), combinations(strata)):
            found = [each.id for each in strata if each.holds(name, days, said)]
            if len(found) != 1:
                length = f"{days} days" if days else "without an end"
                whose = "".join(
                    f", {baseline} {value}"
                    for baseline, value in said._asdict().items()
                    if any(each.named(baseline) for each in strata)
                )
                where = " and ".join(found) or "no stratum"
                yield ProtocolProblem(("strata",), f"{name} {length}{whose} in {where}")


def _lengths_to_try(strata: Iterable[Stratum], order_type: OrderType) -> Iterator[int | None]:
    """The lengths at which the stratum may change, and None if an order may have no end."""
    edges = {order_type.shortest_days, order_type.longest_days or 0}
    for each in strata:
        edges |= {each.min_days or 0, (each.min_days or 0) - 1}
        edges |= {each.max_days or 0, (each.max_days or 0) + 1}
    edges.add(max(edges) + 1)
    yield from (days for days in sorted(edges) if days > 0 and not order_type.why_not_days(days))
    if order_type.open_ended:
        yield None


def _window(window: Window) -> Problems:
    if window.opens < _EARLIEST:
        yield ProtocolProblem(
            ("window", "opens"), f"before {_EARLIEST:%H:%M}, when clocks may change"
        )
    opens, closes = (datetime.combine(date.min, at) for at in (window.opens, window.closes))
    if closes - opens <= MARGIN:
        yield ProtocolProblem(("window", "closes"), f"not more than {MARGIN} after it opens")


def _longest(longest: Longest) -> Problems:
    for name, value in longest:
        try:
            septets(value)
        except WordingError as error:
            yield ProtocolProblem(("longest", name), str(error))


def _analysis(analysis: AnalysisPlan) -> Problems:
    yield from plan_rules.broken(analysis)


def _adjusted(analysis: AnalysisPlan, strata: tuple[Stratum, ...]) -> Problems:
    if "stratum" in analysis.adjust_for:
        for name in analysis.adjust_for:
            if name in VALUES and all(len(each.named(name)) == 1 for each in strata):
                yield ProtocolProblem(
                    ("analysis", "adjust_for"), f"{name} follows from the stratum"
                )


def _follow_up(analysis: AnalysisPlan, orders: Mapping[str, OrderType]) -> Problems:
    longest = max((each.longest_days or 0) for each in orders.values())
    yield from plan_rules.locked_too_early(analysis, longest)


def _counted(analysis: AnalysisPlan, orders: Mapping[str, OrderType]) -> Problems:
    counted = analysis.primary.instruments
    for name, each in orders.items():
        if counted and each.instrument not in counted:
            why = f"leaves out {each.instrument}: no breach of a {name} would count"
            yield ProtocolProblem(("analysis", "primary", "instruments"), why)


def _orders(orders: Mapping[str, OrderType]) -> Problems:
    for name, order_type in orders.items():
        yield from order_rules.broken(("orders", name), order_type)


def _wordings(
    orders: Mapping[str, OrderType], present: Mapping[Language, Collection[str]]
) -> Problems:
    needed = set[str]().union(*(order_rules.keys(each) for each in orders.values()))
    for language, keys in present.items():
        for key in sorted(needed - set(keys)):
            yield ProtocolProblem(("wordings", language, key), "is missing")
        for key in sorted(set(keys) - needed):
            yield ProtocolProblem(("wordings", language, key), "no theme uses it")


def _texts(texts: Texts) -> Problems:
    for _, _, at, raw in _each(texts):
        for unknown in re.findall(r"\{[^{}]*\}?|\}", PLACEHOLDER.sub("", raw.text)):
            yield ProtocolProblem(at, f"unknown placeholder {unknown}")
        if "{force}" not in raw.text:
            yield ProtocolProblem(at, "must name the {force}")
        for reason in never_said(raw.text):
            yield ProtocolProblem(at, reason)
        if raw.unicode_parts is None and (found := strange(raw.text)):
            yield ProtocolProblem(at, not_gsm(found))


def _lengths(texts: Texts, longest: Longest) -> Problems:
    for language, _, at, raw in _each(texts):
        if raw.unicode_parts is None and strange(raw.text):
            continue  # reported by `_texts`
        values = longest.model_dump() | {"expiry_date": longest_date(language)}
        with suppress(KeyError):  # an unknown placeholder, reported by `_texts`
            try:
                check(filled(raw.text, values), raw.unicode_parts)
            except WordingError as error:
                yield ProtocolProblem(at, f"{error}, at the longest values")


def _last_days(texts: Texts, orders: Mapping[str, OrderType]) -> Problems:
    last = set[str]().union(*(order_rules.keys_of_last_day(each) for each in orders.values()))
    endless = set[str]().union(*(order_rules.keys_without_end(each) for each in orders.values()))
    for _, key, at, raw in _each(texts):
        says = "{expiry_date}" in raw.text
        if key in last and not says:
            yield ProtocolProblem(at, "must tell the {expiry_date}")
        if key in endless and says:
            yield ProtocolProblem(at, "may be sent for an order without an {expiry_date}")


def _breaches(texts: Texts, orders: Mapping[str, OrderType]) -> Problems:
    for name, order_type in orders.items():
        if order_type.breach == "civil_contempt":
            keys = order_rules.keys(order_type)
            for _, key, at, raw in _each(texts):
                if key in keys and (said := breach_a_crime(raw.text)):
                    yield ProtocolProblem(at, f"{said!r}: to break a {name} is no crime")


def _style(texts: Texts, may_name: tuple[str, ...], of_today: bool) -> Problems:  # noqa: FBT001
    if of_today:  # texts of the first format stay as they were agreed
        for language, _, at, raw in _each(texts):
            for reason in bad_style(raw.text, language, may_name):
                yield ProtocolProblem(at, reason)


def _each(texts: Texts) -> Iterator[tuple[Language, str, Location, RawText]]:
    for language, wordings in texts.items():
        for key, raw in wordings.items():
            yield language, key, ("wordings", language, key, "text"), raw


_RULES: Final[tuple[Callable[..., Problems], ...]] = (
    _version,
    _trial,
    _blocks,
    _place,
    _strata,
    _window,
    _longest,
    _orders,
    _wordings,
    _texts,
    _lengths,
    _last_days,
    _breaches,
    _style,
    _analysis,
    _adjusted,
    _follow_up,
    _counted,
)
