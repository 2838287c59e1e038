"""What is estimated, written down before the results: ICH E9(R1)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from evaluation.report.parts import Method, ReportTable, Section
from evaluation.report.words import capital, count, named
from extract.codes import COMES_OF_TEXTS

if TYPE_CHECKING:
    from evaluation.cohort import Cohort
    from trial.protocol.plan import Endpoint, Estimand

METHODS: Final = [
    Method(
        "Estimand and intercurrent events",
        "ICH E9(R1), Addendum on estimands and sensitivity analysis (2019), "
        "https://database.ich.org/sites/default/files/E9-R1_Step4_Guideline_2019_1203.pdf",
    ),
]
_STRATEGIES: Final = {
    "treatment_policy": "Treatment policy: the outcome counts whether or not the event happens",
    "while_at_risk": "While at risk: the outcome counts until the event, which makes it impossible",
}
_EVENTS: Final = {
    "deceased": "Death",
    "quashed": "Order quashed",
    "discharged": "Order discharged",
    "in_custody": "Custody",
    "recorded_in_error": "Order recorded in error",
    "wrong_number": "Number belongs to somebody else",
    "safety_stop": "Stopped for somebody's safety",
    "objection_upheld": "Objection upheld",
    "number_lost": "Number lost",
    "no_text_delivered": "No text delivered",
    "text_to_control": "Text to somebody in control",
}


def section(cohort: Cohort) -> Section:
    """The five attributes of the estimand, and how it handles each intercurrent event."""
    plan = cohort.extract.protocol.analysis
    found = Section("estimand", "What is estimated", consort="7, 13, 14, 21b", methods=METHODS)
    if plan.estimand is None:
        found.say(
            "The protocol defines no estimand. The population, treatment and endpoint follow from "
            "the rest of the protocol. It does not specify how death, custody or a lost number "
            "affects them.",
            "note",
        )
        return found
    estimand = plan.estimand
    found.figures = {
        "endpoint": plan.primary.title,
        "intercurrent": {
            each.event: {"strategy": each.strategy, "people": _people(cohort, each.event)}
            for each in estimand.intercurrent
        },
    }
    found.blocks.append(_attributes(estimand, plan.primary))
    found.table(
        "Events after allocation, and how the estimate handles them",
        ("Intercurrent event", "Strategy", "Why", "People so far"),
        [
            (
                _EVENTS[each.event],
                _STRATEGIES[each.strategy],
                each.why,
                _shown(found.figures["intercurrent"][each.event]["people"]),
            )
            for each in estimand.intercurrent
        ],
        "People randomised, both arms together: counts by arm would reveal which arm is which.",
        words=True,
    )
    return found


def _attributes(estimand: Estimand, primary: Endpoint) -> ReportTable:
    window = f"{primary.days} days from allocation" if primary.days else "to the order's last day"
    return ReportTable(
        "The estimand of the primary analysis",
        ("Attribute", "As specified"),
        [
            ("Population", estimand.population),
            ("Treatment", estimand.treatment),
            ("Compared with", estimand.comparator),
            ("Endpoint", f"{primary.title}; {window}"),
            ("Summary", estimand.summary),
        ],
        words=True,
    )


def _people(cohort: Cohort, event: str) -> int | None:
    """How many randomised people it has happened to; None if the extract does not say."""
    people = cohort.people
    if event == "number_lost":
        lost = cohort.extract.missing
        later = lost[lost["after_allocation"].astype(bool)]
        blinded = cohort.extract.form == "blinded"
        return None if blinded else int(people["enrolment"].isin(later["enrolment"]).sum())
    if event in ("no_text_delivered", "text_to_control"):
        if "delivered" not in people:
            return None
        treated, got = people["arm"] == cohort.extract.arms[1], people["delivered"].fillna(0) > 0
        return int((treated & ~got if event == "no_text_delivered" else ~treated & got).sum())
    if cohort.extract.form == "blinded" and event in COMES_OF_TEXTS:
        return None
    return int((people["end_reason"] == event).sum())


def _shown(people: int | None) -> str:
    return "not in this form" if people is None else count(people)


def strategy_of(cohort: Cohort, event: str) -> str | None:
    """How the plan handles an intercurrent event; None if it does not say."""
    estimand = cohort.extract.protocol.analysis.estimand
    found = estimand.intercurrent if estimand else ()
    return next((str(each.strategy) for each in found if each.event == event), None)


def event_named(event: str) -> str:
    """An intercurrent event in words."""
    return _EVENTS.get(event, capital(named(event)))
