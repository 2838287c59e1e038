"""Whether the result depends on assumptions: unknown outcomes, who was reached, population."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from evaluation.cohort import by_arm, followed, observed
from evaluation.report.differences import cells
from evaluation.report.parts import Method, Section
from evaluation.report.words import count, estimate_text, level, percent, plural, points
from evaluation.statistics.complier import complier_effect
from evaluation.statistics.missing import bounds
from evaluation.statistics.proportions import risk_difference
from evaluation.statistics.values import NotEstimable

if TYPE_CHECKING:
    import pandas as pd

    from evaluation.cohort import Cohort

METHODS: Final = [
    Method(
        "Effect among those reached (complier average causal effect)",
        "Imbens and Rubin (1997), doi:10.1214/aos/1034276631; interval: Anderson and Rubin (1949), "
        "doi:10.1214/aoms/1177730090",
    ),
    Method(
        "Unknown outcomes: bounds and tipping point",
        "Horowitz and Manski (2000), doi:10.1080/01621459.2000.10473902; Yan, Lee and Li (2009), "
        "doi:10.1080/10543400903243009",
    ),
]


def section(cohort: Cohort) -> Section:
    """Analyses that each replace one assumption of the primary analysis."""
    found = Section("sensitivity", "Sensitivity", consort="21c, 21d, 28", methods=METHODS)
    rows = observed(cohort, cohort.extract.protocol.analysis.primary)
    _show_unknown(found, cohort, rows)
    _show_reached(found, cohort, rows[rows["followed"]])
    _show_populations(found, cohort, rows[rows["followed"]])
    return found


def _show_unknown(found: Section, cohort: Cohort, rows: pd.DataFrame) -> None:
    """People not followed to the end: the result if all, or none, of them have the outcome."""
    alpha = cohort.extract.protocol.analysis.alpha
    lost = by_arm(rows[~rows["followed"]])
    unknown = (lost.intervention.people, lost.control.people)
    known = by_arm(rows[rows["followed"]])
    result = bounds(known, unknown, alpha=alpha)
    found.figures["unknown"] = result
    if isinstance(result, NotEstimable):
        found.say(f"The effect of unknown outcomes is {result}.", "note")
        return
    if not sum(unknown):
        found.say(
            "Nobody's primary outcome is unknown: everybody was followed to the end of their "
            "order. Outcomes that no force reported are not in the data. They are equally likely "
            "in both arms only if those who report outcomes do not know the arm."
        )
        return
    tips = (
        "none, as the interval contains 0 already or always excludes it"
        if result.tips is None
        else f"{plural(result.tips, 'event')} among those with texts, and the interval contains 0"
    )
    found.table(
        "If the unknown outcomes were known",
        ("Assumption", "Difference, points"),
        [
            ("As known so far", estimate_text(risk_difference(*known, alpha=alpha), points)),
            ("Best case: no event with texts, all without", estimate_text(result.best, points)),
            ("Worst case: all with texts, no event without", estimate_text(result.worst, points)),
        ],
        f"Not followed to the end: {count(unknown[0])} with texts, {count(unknown[1])} without."
        f" Tipping point, if the unknown in control have control's risk: {tips}.",
    )


def _show_reached(found: Section, cohort: Cohort, rows: pd.DataFrame) -> None:
    """The effect among people who received at least one text."""
    alpha = cohort.extract.protocol.analysis.alpha
    got = rows["delivered"].fillna(0) > 0
    treated = rows["treated"].astype(bool)
    crossed = int((got & ~treated).sum())
    if crossed:
        found.figures["reached"] = NotEstimable("somebody in control got a text")
        found.say(
            "The effect among those reached cannot be estimated: somebody in control got a text."
        )
        return
    result = complier_effect(event=rows["event"], treated=treated, reached=got, alpha=alpha)
    found.figures["reached"] = result
    if isinstance(result, NotEstimable):
        found.say(f"The effect among those reached is {result}.", "note")
        return
    found.say(
        f"At least one text was delivered to {percent(result.reached)} of the people randomised to "
        "texts. Among people who can be reached, the difference is "
        f"{estimate_text(result.difference, points, ' points')}. This assumes only that texts "
        "change nothing for people whom they do not reach. A comparison by number of texts "
        "received would be biased, because people arrested early get fewer."
    )


def _show_populations(found: Section, cohort: Cohort, rows: pd.DataFrame) -> None:
    """The primary outcome in populations other than everybody as randomised."""
    plan = cohort.extract.protocol.analysis
    wrong = rows["recorded_in_error"].fillna(value=False).astype(bool)
    counts = {
        "As randomised (primary)": by_arm(rows),
        "Without orders recorded in error": by_arm(rows[~wrong]),
        "With repeat orders": by_arm(followed(cohort, plan.primary, repeats=True)),
    }
    found.figures["populations"] = {
        name: {"counts": each, "risk_difference": risk_difference(*each, alpha=plan.alpha)}
        for name, each in counts.items()
    }
    found.table(
        "Primary outcome in other populations",
        ("Population", "With texts", "Without", "Difference, points"),
        [(name, *cells(each, plan.alpha)) for name, each in counts.items()],
        f"Intervals are {level(plan.alpha)} (Newcombe). Repeat orders count as if they were of "
        "other people.",
    )
