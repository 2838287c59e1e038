"""3. The arms at enrolment. No p-values: the randomisation makes any difference chance."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from evaluation.groups import UNKNOWN, grouped_by_arm
from evaluation.report.parts import Method, Section
from evaluation.report.words import HIDDEN, capital, count, named, number, percent, plural
from trial.codes import Instrument

if TYPE_CHECKING:
    import pandas as pd

    from evaluation.cohort import Cohort
    from evaluation.groups import Grouping

CODES: Final = (
    *("force", "stratum", "age_band", "sex", "ethnicity_group", "conditions"),
    *("prior_incidents", "risk_grade", "first_order"),
)
AMOUNTS: Final = {
    "days": "Length of order, days",
    "days_to_service": "Days from order to service",
    "days_to_enrolment": "Days from order to enrolment",
    "days_to_allocation": "Days from enrolment to allocation",
}
YES: Final = {
    "number_at_enrolment": "Phone number known at enrolment",
    "no_eviction": "Eviction forbidden",
    "notice_breached": "Breach of the notice before allocation",
}
METHOD = Method(
    "Baseline table without tests",
    "CONSORT 2025, item 25: Hopewell and others (2025), https://doi.org/10.1136/bmj-2024-081123; "
    "Senn (1994), https://doi.org/10.1002/sim.4780131703",
)


def section(cohort: Cohort) -> Section:
    """Each characteristic by arm."""
    found = Section("baseline", "The arms at enrolment", consort="25", methods=[METHOD])
    arms = {arm: cohort.arm(arm) for arm in cohort.extract.arms}
    groupings = {name: grouped_by_arm(cohort.people, name, cohort) for name in CODES}
    found.figures = {
        arm: {"people": len(people), **_figures(people, cohort, groupings)}
        for arm, people in arms.items()
    }
    for name in YES:  # hidden in one arm, a count could be had from that of both together
        if any(found.figures[arm][name] is None for arm in arms):
            for arm in arms:
                found.figures[arm][name] = None
    if cohort.people.empty:
        found.say("Nobody has been randomised yet.")
        return found
    rows: list[tuple[str, ...]] = []
    for name, grouping in groupings.items():
        rows.append((named(name), "", ""))
        each = [found.figures[arm][name] for arm in arms]
        if not grouping.has_groups:
            only = grouping.titles[0] if grouping.titles else "not stated"
            rows.append((f"\N{EN SPACE}{only}, or too few to show separately", "all", "all"))
            continue
        rows += [
            (f"\N{EN SPACE}{title}", *(_cell(arm[title], len(people)) for arm, people in
             zip(each, arms.values(), strict=True)))
            for title in each[0]
        ]  # fmt: skip
        found.departures += grouping.unplanned
    rows += [
        (f"{label}, mean (SD)", *(_spread(found.figures[arm][name]) for arm in arms))
        for name, label in AMOUNTS.items()
    ]
    for name, label in YES.items():
        cells = (_cell(found.figures[arm][name], len(people)) for arm, people in arms.items())
        rows.append((label, *cells))
    sizes = [f"{capital(named(arm))} (n = {count(len(people))})" for arm, people in arms.items()]
    found.table(
        "Characteristics at enrolment, by arm",
        ("Characteristic", *sizes),
        rows,
        "Figures are people, with percentages of their arm, unless stated otherwise. A group with "
        f"fewer than {plural(cohort.extract.minimum, 'person', 'people')} in an arm is merged "
        "with another.",
    )
    return found


def _figures(
    people: pd.DataFrame, cohort: Cohort, groupings: dict[str, Grouping]
) -> dict[str, Any]:
    minimum = cohort.extract.minimum
    found: dict[str, Any] = {}
    for name, grouping in groupings.items():
        theirs = grouping.groups[people.index]
        found[name] = {title: int((theirs == title).sum()) for title in grouping.titles}
        if grouping.unknown:
            found[name][UNKNOWN.get(name, "not known")] = int(theirs.isna().sum())
    for name in AMOUNTS:
        values = people[name].astype("float64").dropna()
        found[name] = {
            "mean": float(values.mean()) if len(values) else None,
            "sd": float(values.std()) if len(values) > 1 else None,
        }
    outcomes = cohort.extract.outcomes
    notice = outcomes[
        (outcomes["instrument"] == Instrument.DVPN) & (outcomes["days_from_allocation"] < 0)
    ]
    yes = {
        "number_at_enrolment": people["number_at_enrolment"].fillna(value=False).sum(),
        "no_eviction": people["no_eviction"].fillna(value=False).sum(),
        "notice_breached": people["person"].isin(notice["person"]).sum(),
    }
    for name, n in yes.items():
        hide = any(0 < part < minimum for part in (int(n), len(people) - int(n)))
        found[name] = None if hide else int(n)
    return found


def _cell(n: int | None, whole: int) -> str:
    if n is None:
        return HIDDEN
    return f"{count(n)} ({percent(n / whole)})" if whole else "nobody"


def _spread(values: dict[str, float | None]) -> str:
    if values["mean"] is None:
        return "nobody"
    return (
        f"{number(values['mean'])} ({number(values['sd'])})"
        if values["sd"] is not None
        else number(values["mean"])
    )
