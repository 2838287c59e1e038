"""What must hold between the settings of a protocol, beyond the form of each."""

import inspect
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from contextlib import suppress
from datetime import date, datetime, time
from typing import Any, Final, NamedTuple, TypeAlias

from trial.codes import Arm
from trial.protocol import timetable
from trial.protocol.lines import Location
from trial.protocol.plan import AnalysisPlan
from trial.protocol.settings import Cadence, Longest, Stratum, ThemePlan, Window
from trial.protocol.wording import (
    ONE_PART,
    PLACEHOLDER,
    WordingError,
    filled,
    keys,
    septets,
    written,
)


class Problem(NamedTuple):
    """What is wrong, and the key it is wrong with."""

    at: Location
    reason: str


Problems: TypeAlias = Iterator[Problem]


def broken_rules(sections: Mapping[str, Any]) -> Problems:
    """Every problem that these sections show: each rule names, as parameters, those it needs."""
    for rule in _RULES:
        needs = inspect.signature(rule).parameters.keys()
        if needs <= sections.keys():
            yield from rule(**{name: sections[name] for name in needs})


def _version(version: str, stem: str) -> Problems:
    if version != stem:
        yield Problem(("version",), f"the file is named {stem}")


def _blocks(block_sizes: tuple[int, ...], arms: Mapping[Arm, int]) -> Problems:
    share = sum(arms.values())
    for size in block_sizes:
        if size % share:
            yield Problem(("block_sizes",), f"{size} is no multiple of the ratio's sum, {share}")


def _strata(strata: tuple[Stratum, ...], cadence: Cadence) -> Problems:
    for id_ in _repeated(stratum.id for stratum in strata):
        yield Problem(("strata",), f"{id_} is there twice")
    for days in range(cadence.shortest, cadence.longest + 1):
        found = [s.id for s in strata if s.min_days <= days <= s.max_days]
        if len(found) != 1:
            yield Problem(("strata",), f"{days} days in {' and '.join(found) or 'no stratum'}")


def _window(window: Window) -> Problems:
    if window.opens < time(3):
        yield Problem(("window", "opens"), "before 03:00, when clocks may change")
    opens, closes = (datetime.combine(date.min, at) for at in (window.opens, window.closes))
    if closes - opens <= timetable.MARGIN:
        yield Problem(("window", "closes"), f"not more than {timetable.MARGIN} after it opens")


def _longest(longest: Longest) -> Problems:
    for name, value in longest:
        try:
            septets(value)
        except WordingError as error:
            yield Problem(("longest", name), str(error))
    if len(longest.expiry_date) < len(example := written(date(2026, 9, 30))):
        yield Problem(("longest", "expiry_date"), f"shorter than {example}")


def _cadence(cadence: Cadence) -> Problems:
    if cadence.shortest > cadence.longest:
        yield Problem(("cadence", "shortest"), "more than longest")
    for days in range(cadence.shortest, cadence.longest + 1):
        n = timetable.reminder_count(days, cadence)
        if n < 2:  # noqa: PLR2004  the first day and the last
            yield Problem(("cadence",), f"{days} days get {n} text, not one each on first and last")
        elif len(set(timetable.reminder_days(days, cadence))) < n:
            yield Problem(("cadence",), f"{days} days get {n} texts, two of them on one day")


def _themes(themes: tuple[ThemePlan, ...]) -> Problems:
    at = ("themes",)
    present = [plan.theme for plan in themes]
    for theme in _repeated(present):
        yield Problem(at, f"{theme} is there twice")
    for rank in _repeated(plan.rank for plan in themes if plan.rank):
        yield Problem(at, f"rank {rank} is there twice")
    for place, plan in enumerate(themes):
        if plan.core == bool(plan.rank):
            yield Problem((*at, place), "either core = true or a rank")
    for place, told in ((0, "conditions"), (-1, "expiry")):
        if themes and not themes[place].core:
            yield Problem((*at, place % len(themes)), f"tells the {told}: must be in the core")


def _enough_themes(cadence: Cadence, themes: tuple[ThemePlan, ...]) -> Problems:
    core = sum(plan.core for plan in themes)
    fewest = timetable.reminder_count(cadence.shortest, cadence)
    most = timetable.reminder_count(cadence.longest, cadence)
    if core > fewest:
        yield Problem(("themes",), f"{core} in the core, but the shortest order gets {fewest}")
    if len(timetable.themes(most, themes)) < most:
        yield Problem(("themes",), f"{len(themes)} themes, but the longest order gets {most}")


def _wordings(themes: tuple[ThemePlan, ...], present: AbstractSet[str]) -> Problems:
    needed = set[str]().union(*(keys(plan.theme, plan.wording) for plan in themes))
    for key in needed - present:
        yield Problem(("wordings", key), "is missing")
    for key in present - needed:
        yield Problem(("wordings", key), "no theme uses it")


def _expiry(themes: tuple[ThemePlan, ...], texts: Mapping[str, str]) -> Problems:
    for plan in themes[-1:]:
        if "{expiry_date}" not in texts.get(plan.wording, "{expiry_date}"):
            yield Problem(("wordings", plan.wording, "text"), "must tell the {expiry_date}")


_LINK: Final = re.compile(r"\S*(?:://|[a-z0-9]\.[a-z])\S*", re.IGNORECASE)
_TELLING: Final = re.compile("domestic|violence", re.IGNORECASE)


def _texts(texts: Mapping[str, str]) -> Problems:
    for key, text in texts.items():
        at = ("wordings", key, "text")
        try:
            septets(text)
        except WordingError as error:
            yield Problem(at, str(error))
        for unknown in re.findall(r"\{[^{}]*\}?|\}", PLACEHOLDER.sub("", text)):
            yield Problem(at, f"unknown placeholder {unknown}")
        if "{force}" not in text:
            yield Problem(at, "must name the {force}")
        if link := _LINK.search(text):
            yield Problem(at, f"looks like a link: {link[0]}")
        for word in _TELLING.findall(text):
            yield Problem(at, f"others may see it: never say {word}")


def _lengths(texts: Mapping[str, str], longest: Longest) -> Problems:
    for key, text in texts.items():
        with suppress(WordingError):  # told where the character stands
            length = septets(filled(text, longest.model_dump()))
            if length > ONE_PART:
                reason = f"{length} septets at the longest values, one part has {ONE_PART}"
                yield Problem(("wordings", key, "text"), reason)


def _analysis(analysis: AnalysisPlan) -> Problems:
    at = ("analysis",)
    for look in analysis.interim_looks:
        if look >= analysis.lock_date:
            yield Problem((*at, "interim_looks"), f"{look} is not before the lock date")
    if analysis.planned_risk_intervention >= analysis.planned_risk_control:
        yield Problem((*at, "planned_risk_intervention"), "not below that of control")
    for id_ in _repeated(endpoint.id for endpoint in analysis.secondary):
        yield Problem((*at, "secondary"), f"{id_} is there twice")
    if analysis.monitoring and analysis.monitoring.benefit_p >= analysis.alpha:
        yield Problem((*at, "monitoring", "benefit_p"), "not below alpha, which is for the end")
    events = analysis.estimand.intercurrent if analysis.estimand else ()
    for event in _repeated(each.event for each in events):
        yield Problem((*at, "estimand", "intercurrent"), f"{event} is there twice")
    for code in _repeated((each.characteristic, c) for each in analysis.merges for c in each.codes):
        yield Problem((*at, "merges"), f"{code[1]} of {code[0]} is there twice")
    for name in ("adjust_for", "subgroups"):
        for characteristic in _repeated(getattr(analysis, name)):
            yield Problem((*at, name), f"{characteristic} is there twice")


def _repeated(values: Iterable[Any]) -> list[Any]:
    return [value for value, count in Counter(values).items() if count > 1]


_RULES: Final[tuple[Callable[..., Problems], ...]] = (
    _version,
    _blocks,
    _strata,
    _window,
    _longest,
    _cadence,
    _themes,
    _enough_themes,
    _wordings,
    _expiry,
    _texts,
    _lengths,
    _analysis,
)
