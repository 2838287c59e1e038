"""Assembles the report: which sections are shown, in which order, and the summary above them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from evaluation.cohort import Cohort, cohort_of
from evaluation.integrity import faults
from evaluation.report import (
    adjusted,
    attrition,
    baseline,
    bayes,
    cost,
    estimand,
    fidelity,
    flow,
    forces,
    harms,
    monitoring,
    power_so_far,
    primary,
    registered,
    secondary,
    sensitivity,
    subgroups,
    survival,
    variations,
)
from evaluation.report.page import Interim, Report
from evaluation.report.parts import Section
from evaluation.report.words import count, named, of, percent, plural

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from evaluation.package import Extract
    from evaluation.report.registered import Deposit

RESULTS: Final[tuple[tuple[str, str, Callable[[Cohort], Section]], ...]] = (
    ("fidelity", "Fidelity: were the texts sent and received?", fidelity.section),
    ("primary", "Primary outcome", primary.section),
    ("forces", "Forces", forces.section),
    ("adjusted", "Stratified and adjusted estimates, and repeats", adjusted.section),
    ("survival", "Time to the first breach or arrest", survival.section),
    ("subgroups", "Subgroups", subgroups.section),
    ("secondary", "Secondary outcomes", secondary.section),
    ("harms", "Harms", harms.section),
    ("variations", "Orders varied or discharged", variations.section),
    ("sensitivity", "Sensitivity", sensitivity.section),
    ("bayes", "What a sceptic should believe", bayes.section),
    ("cost", "Costs", cost.section),
    ("monitoring", "Monitoring", monitoring.section),
)
"""Sections with results by arm, in their order."""


class Step(NamedTuple):
    """One section to make."""

    title: str
    make: Callable[[], Section]


def refusal(extract: Extract, interim: Interim | None) -> str | None:
    """Why results by arm are not shown, if they are not."""
    if wrong := faults(extract):
        return f"Not shown: the plan of this trial is in doubt. {' '.join(wrong)}"
    if extract.form == "blinded":
        return (
            "Not shown: this is the blinded form of the extract, which does not reveal which arm "
            "got texts. The unblinded form has the results, and needs a separate permission."
        )
    lock = extract.protocol.analysis.lock_date
    if extract.made_on < lock and not interim:
        return (
            f"Not shown: the extract was made before {lock:%-d %B %Y}. Until that day the protocol "
            "locks the results. To look earlier, give a reason with --interim: the report prints "
            "it at the top."
        )
    return None


def report(
    extract: Extract,
    *,
    interim: Interim | None = None,
    deposits: Sequence[Deposit] = (),
    track: Callable[[list[Step]], Any] = iter,
) -> Report:
    """
    The whole report; SumsError if the extract's people do not add up.

    `deposits` are what was registered. `track` shows progress. A reason for an interim look counts
    only if one is needed.
    """
    if refusal(extract, None) is None or refusal(extract, interim):
        interim = None
    refused = refusal(extract, interim)
    cohort = cohort_of(extract)
    steps = [
        Step("Flow", lambda: flow.section(cohort, dose_shown=refused is None)),
        Step("Missing numbers", lambda: attrition.section(cohort)),
        Step("Baseline", lambda: baseline.section(cohort)),
        Step("Registration", lambda: registered.section(cohort, deposits)),
        Step("Estimand", lambda: estimand.section(cohort)),
        *(Step(title, _result(id_, title, make, cohort, refused)) for id_, title, make in RESULTS),
        Step("Power", lambda: power_so_far.section(cohort)),
    ]
    sections = [step.make() for step in track(steps)]
    return Report(
        extract=extract,
        interim=interim,
        doubts=faults(extract),
        tiles=_tiles(sections),
        sections=sections,
        departures=list(
            dict.fromkeys(
                [
                    *_departures(cohort, interim),
                    *(departure for section in sections for departure in section.departures),
                ]
            )
        ),
    )


def _result(
    id_: str, title: str, make: Callable[[Cohort], Section], cohort: Cohort, refused: str | None
) -> Callable[[], Section]:
    return lambda: Section(id_, title, refused=refused) if refused else make(cohort)


def _departures(cohort: Cohort, interim: Interim | None) -> list[str]:
    plan = cohort.extract.protocol
    found = []
    if interim and cohort.extract.made_on not in plan.analysis.interim_looks:
        found.append(
            "Results by arm were looked at on a day for which the protocol plans no look: "
            f"{interim.reason}. No alpha is set aside for it."
        )
    forces = plan.analysis.recruitment.forces if plan.analysis.recruitment else 0
    if cohort.complete and (took_part := cohort.people["force"].nunique()) < forces:
        found.append(f"{plural(forces, 'force')} were planned, {count(took_part)} took part.")
    others = cohort.allocated[cohort.allocated["protocol"] != plan.version]
    for version, those in others.groupby("protocol"):
        found.append(
            f"{plural(len(those), 'allocation')} under another version of the protocol "
            f"({version}); analysed by {plan.version}."
        )
    return found


def _tiles(sections: list[Section]) -> list[tuple[str, str, str]]:
    figures = {section.id: section.figures for section in sections}
    flow_, missing = figures["flow"], figures["attrition"]
    enrolled, randomised = flow_["enrolled"], flow_["randomised"]
    arms = " and ".join(f"{count(a['allocated'])} {named(arm)}" for arm, a in flow_["arms"].items())
    tiles = [
        ("Orders enrolled", count(enrolled), plural(flow_["people"], "person", "people")),
        (
            "Came without a phone number",
            percent(missing["without"] / enrolled, 0) if enrolled else "none yet",
            of(missing["without"], enrolled).partition(" (")[0] + " orders",
        ),
        ("People randomised", count(randomised), arms),
    ]
    return tiles + primary.tiles(figures["primary"])
