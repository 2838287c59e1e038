"""What a sceptic should believe after these data: the Bayesian answer of a small trial."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

import numpy as np
from scipy.stats import norm

from evaluation.cohort import by_arm, followed
from evaluation.report.charts.drawing import BLUE, GREY
from evaluation.report.charts.lines import Axes, PlottedLine, lines
from evaluation.report.parts import Method, Picture, ReportTable, Section
from evaluation.report.words import estimate_text, level, number, percent, points, ratio
from evaluation.statistics.bayes import Posterior, posterior
from evaluation.statistics.values import NotEstimable

if TYPE_CHECKING:
    from evaluation.cohort import Cohort
    from trial.protocol.plan import AnalysisPlan, Prior

METHODS: Final = [
    Method(
        "Posterior under a sceptical prior",
        "Spiegelhalter, Freedman and Parmar (1994), doi:10.2307/2983527",
    ),
]
_DRAWN: Final = 81
"""Points of each curve."""


def section(cohort: Cohort) -> Section:
    """The plan's prior, the posterior, and the probability of a benefit."""
    plan = cohort.extract.protocol.analysis
    found = Section("bayes", "What a sceptic should believe", consort="28", methods=METHODS)
    prior = plan.prior
    if prior is None:
        found.say("The protocol specifies no prior, and none may be chosen after the data.", "note")
        return found
    counts = by_arm(followed(cohort, plan.primary))
    planned = _odds(plan.planned_risk_intervention) / _odds(plan.planned_risk_control)
    result = posterior(
        *counts,
        mean=prior.mean_log_odds_ratio,
        sd=prior.sd_log_odds_ratio,
        planned=planned,
        alpha=plan.alpha,
    )
    if isinstance(result, NotEstimable):
        found.figures = {"posterior": result}
        found.say(f"The posterior is {result}.", "note")
        return found
    before = float(norm.cdf(-prior.mean_log_odds_ratio / prior.sd_log_odds_ratio))
    found.figures = {
        "prior": {"mean": prior.mean_log_odds_ratio, "sd": prior.sd_log_odds_ratio},
        "odds_ratio": result.odds_ratio,
        "risk_difference": result.risk_difference,
        "benefit": result.benefit,
        "planned_benefit": result.planned,
        "benefit_before": before,
    }
    found.say(
        f"The prior was fixed before the data: {prior.source}. Given the data, the probability "
        f"that texts reduce the outcome is {percent(result.benefit)}. The probability that they "
        f"reduce it by as much as planned is {percent(result.planned)}."
    )
    found.blocks.append(_table(plan, prior, result, planned, before))
    found.blocks.append(_picture(prior, result))
    return found


def _odds(risk: float) -> float:
    return risk / (1 - risk)


def _table(
    plan: AnalysisPlan, prior: Prior, result: Posterior, planned: float, before: float
) -> ReportTable:
    half = float(norm.isf(plan.alpha / 2)) * prior.sd_log_odds_ratio
    low, high = (math.exp(prior.mean_log_odds_ratio + side * half) for side in (-1, 1))
    reached = norm.cdf(math.log(planned), prior.mean_log_odds_ratio, prior.sd_log_odds_ratio)
    median = f"{ratio(math.exp(prior.mean_log_odds_ratio))} ({ratio(low)} to {ratio(high)})"
    return ReportTable(
        "Before and after the data",
        ("Measure", "Prior", "Posterior"),
        [
            ("Odds ratio", median, estimate_text(result.odds_ratio, ratio)),
            ("Risk difference, points", "", estimate_text(result.risk_difference, points)),
            ("Probability that texts reduce the outcome", percent(before), percent(result.benefit)),
            (
                f"Probability of an odds ratio of {ratio(planned)} or less, as planned",
                percent(float(reached)),
                percent(result.planned),
            ),
        ],
        f"Medians with central {level(plan.alpha)} credible intervals. Control's risk has "
        "a flat prior.",
    )


def _picture(prior: Prior, result: Posterior) -> Picture:
    xs = np.linspace(result.log_odds_ratios[0] / 2, result.log_odds_ratios[-1] / 2, _DRAWN)
    after = np.interp(xs, result.log_odds_ratios, result.density)
    before = norm.pdf(xs, prior.mean_log_odds_ratio, prior.sd_log_odds_ratio)
    most = float(max(after.max(), before.max())) * 1.05
    ticks = [math.log(each) for each in (0.25, 0.35, 0.5, 0.7, 1, 1.4, 2, 2.8, 4)]
    return Picture(
        "The odds ratio, before and after the data",
        lines(
            f"Densities of the odds ratio. Prior centred on "
            f"{ratio(math.exp(prior.mean_log_odds_ratio))}; posterior "
            f"{estimate_text(result.odds_ratio, ratio)}.",
            [
                PlottedLine(
                    name="before the data", colour=GREY, dash="7 4", xs=list(map(float, xs)),
                    ys=list(map(float, before)),
                ),
                PlottedLine(
                    name="after the data", colour=BLUE, xs=list(map(float, xs)),
                    ys=list(map(float, after)), low=[0.0] * _DRAWN, high=list(map(float, after)),
                ),
            ],
            Axes(
                x="Odds ratio, intervention to control (logarithmic scale)",
                y="Density",
                x_limits=(float(xs[0]), float(xs[-1])),
                y_limits=(0, most),
                y_tick=lambda value: number(value, 1),
                x_ticks=[tick for tick in ticks if xs[0] <= tick <= xs[-1]],
                x_tick=lambda value: ratio(math.exp(value)),
                marks=[(0.0, "no difference")],
            ),
        ),
        "The area under each curve is 1. Left of the dotted line, texts reduce the outcome.",
    )  # fmt: skip
