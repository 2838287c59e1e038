"""5. The primary outcome, intention to treat."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from evaluation.cohort import ByArm, by_arm, followed, observed
from evaluation.report.charts.bars import Part, columns
from evaluation.report.charts.drawing import ARM_COLOURS, GREY
from evaluation.report.charts.intervals import IntervalAxis, IntervalRow, intervals
from evaluation.report.parts import Method, Picture, ReportTable, Section
from evaluation.report.words import (
    capital,
    count,
    estimate_heading,
    estimate_text,
    events_of,
    interval,
    level,
    named,
    p_text,
    p_value,
    percent,
    plural,
    points,
    ratio,
)
from evaluation.statistics.proportions import fisher, risk_difference, risk_ratio, wilson
from evaluation.statistics.rerandomisation import Rerandomisation, rerandomisation
from evaluation.statistics.values import NotEstimable
from trial.codes import Arm

if TYPE_CHECKING:
    import pandas as pd

    from evaluation.cohort import Cohort
    from evaluation.statistics.values import Counts, Estimate

METHODS = [
    Method("Risk in each arm: Wilson's interval", "Wilson (1927), doi:10.2307/2276774"),
    Method(
        "Risk difference: Newcombe's interval, method 10",
        "Newcombe (1998), Statistics in Medicine 17:873-890",
    ),
    Method("Risk ratio: Katz's interval", "Katz and others (1978), doi:10.2307/2530610"),
    Method("Fisher's exact test", "Fisher (1935), The Design of Experiments"),
    Method(
        "Re-randomisation test, exact, over the trial's own blocks",
        "Rosenberger and Lachin (2016), Randomization in Clinical Trials, chapter 6",
    ),
]
BINS: Final = 41
RARE: Final = 1e-4
"""Differences less likely than this are drawn at the border of the picture."""


def section(cohort: Cohort) -> Section:
    """Counts, risks, their difference and ratio, and two tests of no effect at all."""
    plan = cohort.extract.protocol.analysis
    found = Section("primary", "Primary outcome", consort="26", methods=METHODS)
    found.say(
        f"{plan.primary.title}. Everybody is analysed in the arm that they were allocated to."
    )
    everybody = observed(cohort, plan.primary)
    rows = followed(cohort, plan.primary)
    counts = by_arm(rows)
    difference = risk_difference(*counts, alpha=plan.alpha)
    risks = risk_ratio(*counts, alpha=plan.alpha)
    test = rerandomised(everybody, cohort)
    found.figures = {
        "intervention": _arm(counts.intervention, plan.alpha),
        "control": _arm(counts.control, plan.alpha),
        "not_yet_followed": len(everybody) - len(rows),
        "risk_difference": difference,
        "risk_ratio": risks,
        "fisher_p": (exact := fisher(*counts)),
        "rerandomisation_p": test if isinstance(test, NotEstimable) else test.p,
        "final_alpha": plan.final_alpha,
    }
    if len(rows) < len(everybody):
        found.departures.append(
            "The primary analysis leaves out "
            f"{plural(len(everybody) - len(rows), 'person', 'people')} whose order was still "
            "running at the extract."
        )
    found.blocks.append(_risks(counts, plan.alpha))
    if isinstance(difference, NotEstimable):
        found.say(f"The arms cannot be compared, because {difference.because}.", "note")
        return found
    found.say(
        f"With texts, {events_of(counts.intervention)} had the outcome. Without texts, "
        f"{events_of(counts.control)} had it. The difference, with its {level(plan.alpha)} "
        f"interval, is {estimate_text(difference, points, ' points')}."
    )
    found.blocks.append(_pictured(counts, difference, plan.alpha))
    found.table(
        "Intervention compared with control",
        ("Measure", estimate_heading(plan.alpha)),
        [
            ("Risk difference, percentage points", estimate_text(difference, points)),
            ("Risk ratio", estimate_text(risks, ratio)),
            ("Fisher's exact test", p_text(exact)),
            (
                "Re-randomisation test over the trial's blocks",
                p_text(found.figures["rerandomisation_p"]),
            ),
        ],
        f"{plural(len(rows), 'person', 'people')}: {count(counts.intervention.people)} with "
        f"texts, {count(counts.control.people)} without. A difference below 0, or a ratio below 1, "
        "favours texts.",
        words=True,
    )
    if not isinstance(test, NotEstimable):
        if cohort.complete:
            found.figures["shown"] = test.p <= plan.final_alpha
            said = "is shown" if found.figures["shown"] else "is not shown"
            found.say(
                f"By the plan's test, re-randomisation at {plan.final_alpha:g}, a difference {said}"
                f" ({p_value(test.p)})."
            )
        found.blocks.append(_chance(test))
    return found


def _arm(counts: Counts, alpha: float) -> dict[str, Any]:
    return {
        "events": counts.events,
        "people": counts.people,
        "risk": counts.risk,
        "interval": wilson(counts.events, counts.people, alpha=alpha),
    }


def rerandomised(everybody: pd.DataFrame, cohort: Cohort) -> Rerandomisation | NotEstimable:
    """The test over whole blocks, each of its own extract and stratum."""
    protocol = cohort.extract.protocol
    return rerandomisation(
        stratum=everybody["source"] + "|" + everybody["stratum"],
        block=everybody["block"].astype("int64"),
        position=everybody["position"].astype("int64"),
        treated=everybody["treated"],
        event=everybody["event"],
        followed=everybody["followed"],
        sizes=protocol.block_sizes,
        ratio=(protocol.arms[Arm.INTERVENTION], protocol.arms[Arm.CONTROL]),
    )


def _risks(counts: ByArm, alpha: float) -> ReportTable:
    return ReportTable(
        "People with the primary outcome",
        ("Arm", "With the outcome", f"{level(alpha)} interval"),
        [
            (
                capital(arm),
                events_of(each),
                interval(*wilson(each.events, each.people, alpha=alpha), shares=True)
                if each.people
                else "nobody",
            )
            for arm, each in (("control", counts.control), ("intervention", counts.intervention))
        ],
        "Of everybody randomised whose order is over. Each person counts once.",
    )


def _pictured(counts: ByArm, difference: Estimate, alpha: float) -> Picture:
    rows = [IntervalRow("Risk in each arm", heading=True)]
    for arm, each, colour in (
        ("control", counts.control, ARM_COLOURS[0]),
        ("intervention", counts.intervention, ARM_COLOURS[1]),
    ):
        low, high = wilson(each.events, each.people, alpha=alpha)
        risk = each.events / each.people
        rows.append(IntervalRow(named(arm), risk, low, high, events_of(each), colour))
    rows += [
        IntervalRow("Difference", heading=True),
        IntervalRow(
            "intervention less control", *difference, estimate_text(difference, points), square=True
        ),
    ]
    return Picture(
        "Risks and their difference",
        intervals(
            f"Risk without texts {events_of(counts.control)}, with texts "
            f"{events_of(counts.intervention)}; difference "
            f"{estimate_text(difference, points, ' points')}.",
            rows,
            IntervalAxis(
                "Share of people", lambda value: percent(value, 0), 0, ("fewer with texts", "")
            ),
        ),
        f"Lines are {level(alpha)} intervals: Wilson's for the risks, Newcombe's for the "
        "difference. Risks and difference share a scale. The vertical line means no difference.",
    )


def _chance(test: Rerandomisation) -> Picture:
    """The probability of each difference by chance, marked if it is as extreme as observed."""
    observed_at = abs(test.difference)
    likely = [abs(d) for d, p in zip(test.differences, test.probabilities, strict=True) if p > RARE]
    reach = max([*likely, observed_at]) or 1.0
    width = 2 * reach / BINS
    nearer, further = [0.0] * BINS, [0.0] * BINS
    for difference, probability in zip(test.differences, test.probabilities, strict=True):
        place = min(max(int((difference + reach) / width), 0), BINS - 1)
        out = abs(difference) >= observed_at - width / 1e6  # equal apart from a float's last digit
        (further if out else nearer)[place] += 100 * probability
    beyond = percent(sum(further) / 100)
    return Picture(
        "What chance alone would give",
        columns(
            "Distribution of the risk difference over all draws of the trial's blocks. Observed: "
            f"{points(test.difference)} points; at least as extreme in {beyond} of draws.",
            [points(-reach + (place + 0.5) * width) for place in range(BINS)],
            [
                Part("less extreme than observed", GREY, nearer),
                Part("at least as extreme", ARM_COLOURS[0], further),
            ],
            "Difference in points, if texts have no effect on anybody (vertical: % of draws)",
        ),
        "Every way in which the trial's blocks could have been drawn, with its probability. The "
        f"observed difference is {points(test.difference)} points. {beyond} of draws are at least "
        "as extreme.",
    )


def tiles(figures: dict[str, Any]) -> list[tuple[str, str, str]]:
    """The result in one line, if it is shown."""
    difference = figures.get("risk_difference")
    if difference is None:
        return [("Primary outcome", "locked", "see section 5")]
    if isinstance(difference, NotEstimable):
        return [("Primary outcome", "not yet", difference.because)]
    risks = [percent(figures[arm]["risk"], 0) for arm in ("intervention", "control")]
    more = f"{risks[0]} with texts, {risks[1]} without; interval {points(difference.low)} to "
    more += points(difference.high)
    return [("Primary outcome, difference", f"{points(difference.value)} points", more)]
