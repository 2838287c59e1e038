"""The rules within one type of order."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Final

from trial.protocol import days
from trial.protocol.lines import Location, ProtocolProblem, repeated
from trial.protocol.orders import Choice, EvenTimetable, OrderType, PhasedTimetable, ThemePlan

_FEWEST: Final = 2
"""The fewest texts in an even timetable: one on the first day and one on the last."""

_ROTATION: Final = 3
"""The fewest themes in a rotation: one always differs from those before and after."""


def broken(at: Location, order_type: OrderType) -> Iterator[ProtocolProblem]:
    """Every rule that this type of order breaks; `at` is where the file has it."""
    yield from _limits(at, order_type)
    yield from _themes(at, order_type)
    yield from _variants(at, order_type)
    match order_type.timetable:
        case EvenTimetable() as even:
            yield from _even(at, order_type, even)
        case PhasedTimetable() as phased:
            yield from _phases((*at, "timetable"), phased)
            yield from _milestones((*at, "timetable"), phased)
            yield from _themes_of_phases(at, order_type, phased)


def keys(order_type: OrderType) -> set[str]:
    """Every wording that such an order may need."""
    return {choice.wording for choice in _choices(order_type)}


def keys_without_end(order_type: OrderType) -> set[str]:
    """The wordings that an order without a last day may need."""
    rule = order_type.timetable
    if not order_type.open_ended or not isinstance(rule, PhasedTimetable):
        return set()
    not_from_end = {each.theme for each in rule.milestones if each.days_before_end is None}
    choices = _choices(order_type, not_from_end.union(rule.rotation))
    return {choice.wording for choice in choices if choice.ends is not True}


def keys_of_last_day(order_type: OrderType) -> set[str]:
    """The wordings of the text that goes on the last day."""
    rule = order_type.timetable
    if isinstance(rule, PhasedTimetable):
        last = {each.theme for each in rule.milestones if each.days_before_end == 0}
    else:
        last = {order_type.themes[-1].theme}
    return {choice.wording for choice in _choices(order_type, last)}


def _choices(order_type: OrderType, themes: Collection[str] | None = None) -> Iterator[Choice]:
    """The choices of wording of these themes, or of all."""
    for plan in order_type.themes:
        if themes is None or plan.theme in themes:
            for base in plan.wording:
                yield from order_type.variants.get(base, (Choice(wording=base),))


def _limits(at: Location, order_type: OrderType) -> Iterator[ProtocolProblem]:
    if order_type.longest_days and order_type.shortest_days > order_type.longest_days:
        yield ProtocolProblem((*at, "shortest_days"), "more than longest_days")
    for name in ("conditions", "always"):
        for condition in repeated(getattr(order_type, name)):
            yield ProtocolProblem((*at, name), f"{condition} is listed twice")
    for condition in set(order_type.always) - set(order_type.conditions):
        yield ProtocolProblem((*at, "always"), f"{condition} is none of its conditions")


def _themes(at: Location, order_type: OrderType) -> Iterator[ProtocolProblem]:
    for theme in repeated(plan.theme for plan in order_type.themes):
        yield ProtocolProblem((*at, "themes"), f"{theme} is listed twice")
    for base in repeated(base for plan in order_type.themes for base in plan.wording):
        yield ProtocolProblem((*at, "themes"), f"wording {base} is listed twice")


def _variants(at: Location, order_type: OrderType) -> Iterator[ProtocolProblem]:
    bases = {base for plan in order_type.themes for base in plan.wording}
    ends = (True, False) if order_type.open_ended else (True,)
    for base, choices in order_type.variants.items():
        here = (*at, "variants", base)
        if base not in bases:
            yield ProtocolProblem(here, "no theme uses it")
        for place, choice in enumerate(choices):
            for condition in set(choice.needs) - set(order_type.conditions):
                yield ProtocolProblem((*here, place), f"no such order holds {condition}")
            least = {
                *order_type.always,
                *choice.needs,
            }  # any more would suit only more of the others
            if not any(
                choice.suits(least, ends=end)
                and not any(each.suits(least, ends=end) for each in choices[:place])
                for end in ends
            ):
                yield ProtocolProblem(
                    (*here, place), "never comes to be used: those before it do for all"
                )
        for end in ends:
            if not any(each.suits(order_type.always, ends=end) for each in choices):
                yield ProtocolProblem(
                    here, f"leaves out orders {'with' if end else 'without'} an end"
                )


def _even(at: Location, order_type: OrderType, rule: EvenTimetable) -> Iterator[ProtocolProblem]:
    plans = order_type.themes
    for rank in repeated(plan.rank for plan in plans if plan.rank):
        yield ProtocolProblem((*at, "themes"), f"rank {rank} is listed twice")
    for place, plan in enumerate(plans):
        if plan.core == bool(plan.rank):
            yield ProtocolProblem((*at, "themes", place), "either core = true or a rank")
    for place, subject in ((0, "conditions"), (-1, "expiry")):
        if not plans[place].core:
            reason = f"tells the {subject}: must be in the core"
            yield ProtocolProblem((*at, "themes", place % len(plans)), reason)
    if order_type.longest_days is None or order_type.open_ended:
        yield ProtocolProblem(
            (*at, "timetable"), "an even timetable is for orders of limited length"
        )
    else:
        lengths = range(order_type.shortest_days, order_type.longest_days + 1)
        yield from _counts(at, plans, {each: days.reminder_count(each, rule) for each in lengths})
        for length in lengths:
            yield from _days((*at, "timetable"), length, rule)


def _counts(
    at: Location, plans: Sequence[ThemePlan], counts: Mapping[int, int]
) -> Iterator[ProtocolProblem]:
    """Whether the longest order has enough themes, and the core fits into the shortest."""
    core = sum(plan.core for plan in plans)
    fewest, most = min(counts.values(), default=core), max(counts.values(), default=0)
    if core > fewest:
        reason = f"{core} in the core, but the shortest order gets {fewest}"
        yield ProtocolProblem((*at, "themes"), reason)
    if len(plans) < most:
        yield ProtocolProblem(
            (*at, "themes"), f"{len(plans)} themes, but the longest order gets {most}"
        )


def _days(at: Location, length: int, rule: EvenTimetable) -> Iterator[ProtocolProblem]:
    n = days.reminder_count(length, rule)
    if n < _FEWEST:
        yield ProtocolProblem(at, f"{length} days get {n} text, not one each on first and last")
    elif len(set(days.reminder_days(length, rule))) < n:
        yield ProtocolProblem(at, f"{length} days get {n} texts, two of them on one day")


def _phases(at: Location, rule: PhasedTimetable) -> Iterator[ProtocolProblem]:
    start: int | None = 0
    for place, phase in enumerate(rule.phases):
        here = (*at, "phases", place)
        if phase.texts > phase.every_days:
            yield ProtocolProblem(
                here, f"{phase.texts} texts in {phase.every_days} days: two on one day"
            )
        if start is None:
            yield ProtocolProblem(here, "comes after a phase without an end")
        elif phase.until_day is not None and phase.until_day <= start:
            yield ProtocolProblem(here, f"ends on day {phase.until_day}, but begins on day {start}")
        start = phase.until_day
    reserved = sum(each.days_after_variation is None for each in rule.milestones)
    if rule.most_texts <= reserved:
        yield ProtocolProblem((*at, "most_texts"), f"no more than the {reserved} milestones")
    if len(set(rule.rotation)) < _ROTATION:
        yield ProtocolProblem(
            (*at, "rotation"), f"fewer than {_ROTATION} themes: one would come twice in a row"
        )


def _milestones(at: Location, rule: PhasedTimetable) -> Iterator[ProtocolProblem]:
    for place, each in enumerate(rule.milestones):
        counted = (each.day, each.days_before_end, each.days_after_variation)
        if sum(day is not None for day in counted) != 1:
            reason = "one of day, days_before_end and days_after_variation"
            yield ProtocolProblem((*at, "milestones", place), reason)
    if rule.milestones[0].day != 0:
        yield ProtocolProblem((*at, "milestones", 0), "must be on day 0: it tells the conditions")
    if not any(each.days_before_end == 0 for each in rule.milestones):
        yield ProtocolProblem((*at, "milestones"), "none is on the last day, to tell the expiry")


def _themes_of_phases(
    at: Location, order_type: OrderType, rule: PhasedTimetable
) -> Iterator[ProtocolProblem]:
    of_variation = [each.theme for each in rule.milestones if each.days_after_variation is not None]
    again = {*rule.rotation, *of_variation[:1]}  # one variation may closely follow another
    used = {*rule.rotation, *(each.theme for each in rule.milestones)}
    declared = {plan.theme: plan for plan in order_type.themes}
    for theme in sorted(used - declared.keys()):
        yield ProtocolProblem((*at, "timetable"), f"{theme} is none of its themes")
    for place, plan in enumerate(order_type.themes):
        if plan.theme not in used:
            yield ProtocolProblem((*at, "themes", place), "no milestone and no rotation uses it")
        if plan.core or plan.rank:
            yield ProtocolProblem((*at, "themes", place), "core and rank are of an even timetable")
        if plan.theme in again and len(plan.wording) == 1:
            yield ProtocolProblem(
                (*at, "themes", place), "comes again: needs a second wording in its turn"
            )
