"""Secondary outcomes, adjusted for their number, by people and by events."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from evaluation.cohort import ByArm, by_arm, observed
from evaluation.report.charts.drawing import BLUE
from evaluation.report.charts.intervals import IntervalRow
from evaluation.report.differences import cells, forest
from evaluation.report.parts import Method, Section
from evaluation.report.words import (
    count,
    estimate_text,
    level,
    number,
    p_text,
    p_value,
    plural,
    points,
    ratio,
)
from evaluation.statistics.proportions import fisher, risk_difference
from evaluation.statistics.rates import rate_ratio
from evaluation.statistics.subgroups import holm
from evaluation.statistics.values import NotEstimable

if TYPE_CHECKING:
    from evaluation.cohort import Cohort
    from evaluation.statistics.rates import Rate

METHODS: Final = [
    Method(
        "Holm's adjustment for several tests", "Holm (1979), https://www.jstor.org/stable/4615733"
    ),
    Method(
        "Rate ratio: Poisson regression with a robust variance",
        "Lin and others (2000), doi:10.1111/1467-9868.00259; Zou (2004), doi:10.1093/aje/kwh090",
    ),
]


def section(cohort: Cohort) -> Section:
    """The protocol's family of secondary outcomes, each over its own window."""
    plan = cohort.extract.protocol.analysis
    found = Section("secondary", "Secondary outcomes", consort="26", methods=METHODS)
    counts: dict[str, ByArm] = {}
    titles = {endpoint.id: endpoint.title for endpoint in plan.secondary}
    for endpoint in plan.secondary:
        rows = observed(cohort, endpoint)
        counts[endpoint.id] = by_arm(rows[rows["followed"]])
        if unfollowed := int((~rows["followed"]).sum()):
            found.departures.append(
                f"{endpoint.title}: {plural(unfollowed, 'person', 'people')} not yet followed for "
                "the whole window, and left out."
            )
    tests = {id_: fisher(*each) for id_, each in counts.items()}
    said = {id_: p for id_, p in tests.items() if not isinstance(p, NotEstimable)}
    adjusted = holm(said)
    differences = {id_: risk_difference(*each, alpha=plan.alpha) for id_, each in counts.items()}
    found.figures["outcomes"] = {
        id_: {
            "intervention": each.intervention,
            "control": each.control,
            "risk_difference": differences[id_],
            "fisher_p": tests[id_],
            "holm_p": adjusted.get(id_),
        }
        for id_, each in counts.items()
    }
    found.table(
        "Secondary outcomes",
        ("Outcome", "With texts", "Without", "Difference, points", "Fisher", "With Holm's"),
        [
            (
                titles[id_],
                *cells(each, plan.alpha),
                p_text(tests[id_]),
                p_value(adjusted[id_]) if id_ in adjusted else "none",
            )
            for id_, each in counts.items()
        ],
        "People with at least one event after allocation, of those followed for the whole window. "
        f"Intervals are {level(plan.alpha)} (Newcombe). They are not adjusted for the number of "
        "outcomes; the last column is. An effect on a secondary outcome counts as shown only if "
        "the effect on the primary outcome does. So alpha holds for all of them together.",
    )
    estimates = [
        IntervalRow(titles[id_], *value, estimate_text(value, points), BLUE)
        for id_, value in differences.items()
        if not isinstance(value, NotEstimable)
    ]
    if estimates:
        found.picture(
            "Differences in secondary outcomes",
            forest(estimates, labels=330),
            f"Lines are {level(plan.alpha)} intervals (Newcombe).",
        )
    _show_counts(found, cohort)
    return found


def _show_counts(found: Section, cohort: Cohort) -> None:
    """Every endpoint again by events, of which one person may have several."""
    plan = cohort.extract.protocol.analysis
    figures: dict[str, Any] = {}
    rows = []
    for id_, endpoint in (("primary", plan.primary), *((e.id, e) for e in plan.secondary)):
        seen = observed(cohort, endpoint)
        rates = rate_ratio(
            events=seen["count"], days=seen["at_risk"], treated=seen["treated"], alpha=plan.alpha
        )
        figures[id_] = rates
        if isinstance(rates, NotEstimable):
            rows.append((endpoint.title, "", "", str(rates), ""))
            continue
        rows.append(
            (
                endpoint.title,
                _rate(rates.intervention),
                _rate(rates.control),
                estimate_text(rates.ratio, ratio),
                p_text(rates.p),
            )
        )
    found.figures["rates"] = figures
    found.table(
        "Events instead of people",
        ("Outcome", "With texts", "Without", "Rate ratio", "Test"),
        rows,
        "Events, and in brackets the rate per person-year at risk, of everybody randomised, for as "
        "long as each was followed. An arrest for a breach counts as two events if both were "
        f"reported. Intervals are {level(plan.alpha)}. A ratio below 1 favours texts.",
    )


def _rate(rate: Rate) -> str:
    each = rate.per_year
    return count(rate.events) + ("" if isinstance(each, NotEstimable) else f" ({number(each, 2)})")
