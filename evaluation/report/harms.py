"""Harms by arm: everything reported as a harm, whatever its cause."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from evaluation.cohort import ByArm, by_arm, happened
from evaluation.report.differences import cells
from evaluation.report.parts import Method, Section
from evaluation.report.words import count, estimate_text, events_of, level, ratio
from evaluation.statistics.proportions import risk_difference
from evaluation.statistics.rates import rate_ratio
from evaluation.statistics.values import NotEstimable
from extract.labels import label
from trial.codes import EndReason, Harm, OutcomeType
from trial.protocol.plan import Endpoint

if TYPE_CHECKING:
    import pandas as pd

    from evaluation.cohort import Cohort

METHODS: Final = [
    Method(
        "Harms: people and events, by arm, without tests",
        "CONSORT Harms 2022: Junqueira and others (2023), BMJ 381:e073725, "
        "https://doi.org/10.1136/bmj-2022-073725",
    ),
]
_STOPS: Final = (EndReason.WRONG_NUMBER, EndReason.SAFETY_STOP, EndReason.OBJECTION_UPHELD)


def section(cohort: Cohort) -> Section:
    """People with each kind of harm, events, and orders stopped because of texts."""
    plan = cohort.extract.protocol.analysis
    found = Section("harms", "Harms", consort="7, 15, 21a, 27", methods=METHODS)
    people = cohort.people.assign(treated=cohort.people["arm"] == cohort.extract.arms[1])
    outcomes = cohort.extract.outcomes
    harms = outcomes[
        (outcomes["type"] == OutcomeType.HARM) & (outcomes["days_from_allocation"] >= 0)
    ]
    rows: list[tuple[str, ...]] = []
    found.figures = {"kinds": {}, "stopped": {}}
    for kind in Harm:
        counts = _people(people, set(harms.loc[harms["harm"] == kind, "person"]))
        events = _events(people, harms[harms["harm"] == kind])
        found.figures["kinds"][kind.value] = {"people": counts, "events": events}
        rows.append(_row(label(kind), counts, events, plan.alpha))
    counts, events = _people(people, set(harms["person"])), _events(people, harms)
    found.figures["any"] = {
        "people": counts,
        "events": events,
        "risk_difference": risk_difference(*counts, alpha=plan.alpha),
    }
    rows.append(_row("Any harm", counts, events, plan.alpha))
    for reason in _STOPS:
        stopped = people[people["end_reason"] == reason]
        counts = _people(people, set(stopped["person"]))
        found.figures["stopped"][reason.value] = counts
        stop = f"Texts stopped: {label(reason).lower()}"
        rows.append((stop, events_of(counts.intervention), events_of(counts.control), "", ""))
    found.say(
        "Forces report harms as a separate type of outcome: a text that reached the wrong person, "
        "a disclosure, a complaint, a threat and others. A force that texts somebody hears of "
        "harms that it would not hear of in control. The arms therefore differ in how harms are "
        "found."
    )
    found.table(
        "Harms from allocation on",
        ("Harm", "With texts", "Without", "Events (with; without)", "Difference, points"),
        rows,
        "People with at least one such harm, of everybody randomised, for as long as each was "
        "followed. Harms under repeat orders count. Intervals are "
        f"{level(plan.alpha)} (Newcombe). No test is made, because harms are too few for one.",
    )
    _rate(found, cohort, people)
    return found


def _people(people: pd.DataFrame, harmed: set[str]) -> ByArm:
    return by_arm(people.assign(event=people["person"].isin(harmed)))


def _events(people: pd.DataFrame, harms: pd.DataFrame) -> dict[str, int]:
    arms = people.set_index("person")["treated"]
    treated = harms["person"].map(arms).dropna().astype(bool)
    return {"intervention": int(treated.sum()), "control": int((~treated).sum())}


def _row(name: str, counts: ByArm, events: dict[str, int], alpha: float) -> tuple[str, ...]:
    treated, control, difference = cells(counts, alpha)
    both = f"{count(events['intervention'])}; {count(events['control'])}"
    return name, treated, control, both, difference


def _rate(found: Section, cohort: Cohort, people: pd.DataFrame) -> None:
    """The number of harms in each arm, for as long as the protocol follows an order."""
    days = max(each.follow_up_days for each in cohort.extract.protocol.orders.values())
    harm = Endpoint(title="Any harm", types=(OutcomeType.HARM,), days=days)
    seen = happened(cohort.extract, people, harm)
    rates = rate_ratio(
        events=seen["count"],
        days=seen["at_risk"],
        treated=people["treated"],
        alpha=cohort.extract.protocol.analysis.alpha,
    )
    found.figures["rate"] = rates
    if isinstance(rates, NotEstimable) or isinstance(rates.ratio, NotEstimable):
        return
    found.say(
        f"Over {days} days, the rate of harms per person-year with texts is "
        f"{estimate_text(rates.ratio, ratio)} times the rate without."
    )
