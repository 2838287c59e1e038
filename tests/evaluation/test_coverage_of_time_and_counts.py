"""
Made-up trials of three forces: the other intervals hold the truth, and the plan does not cry wolf.

`COVERAGE_TRIALS=20000` makes it a long run; without it, few enough for every day. Each trial is
drawn in blocks of random size within force and length.
"""

from __future__ import annotations

import os
from datetime import date
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pytest
from scipy.special import expit

from evaluation.statistics.bayes import Posterior, posterior
from evaluation.statistics.competing import COMPETING, EVENT, Incidences, incidences
from evaluation.statistics.complier import Complier, complier_effect
from evaluation.statistics.proportions import fisher, risk_difference, risk_ratio, wilson
from evaluation.statistics.rates import RateRatio, rate_ratio
from evaluation.statistics.regression import Adjusted, ByPerson, adjusted, by_person
from evaluation.statistics.rerandomisation import Rerandomisation, rerandomisation
from evaluation.statistics.stratified import MantelHaenszel, mantel_haenszel
from evaluation.statistics.subgroups import holm
from evaluation.statistics.survival import Curve, RestrictedMeans, kaplan_meier, restricted_means
from evaluation.statistics.values import Counts, Estimate, NotEstimable
from tests.support.fixture_protocol import AGREED

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import TypeAlias

    from numpy.typing import NDArray

    Measured: TypeAlias = Callable[[str, float], float]

TRIALS = int(os.environ.get("COVERAGE_TRIALS", "200"))
FORCES, PER_STRATUM, SIZES = 3, 30, (2, 4, 6)
HORIZON, RATES = 21.0, np.array([0.010, 0.016, 0.020])
"""Days; breaches a day in each force without texts."""
EFFECT, DEATHS, REACHED, SPREAD = 0.6, 0.004, 0.85, 0.5
LEAST, MOST = 0.93, 0.97


def marginal_odds_ratio() -> float:
    """Over all inclinations, which the equations do not know."""
    inclined = np.random.default_rng(2).normal(0, 1, 1_000_000)
    risks = [expit(-1.2 + inclined - 0.6 * treated).mean() for treated in (1, 0)]
    return float(risks[0] / (1 - risks[0]) / (risks[1] / (1 - risks[1])))


MARGINAL = marginal_odds_ratio()
SLACK = 3 * (0.05 * 0.95 / TRIALS) ** 0.5
"""What chance alone does to a share of 5 % among so many trials: three standard errors."""


class Trial(NamedTuple):
    """One person in each place; times in days."""

    stratum: NDArray[np.int_]
    block: NDArray[np.int_]
    position: NDArray[np.int_]
    force: NDArray[np.int_]
    treated: NDArray[np.bool_]
    reached: NDArray[np.bool_]
    days: NDArray[np.float64]
    status: NDArray[np.int_]
    count: NDArray[np.int_]

    @property
    def event(self) -> NDArray[np.bool_]:
        return np.asarray(self.status == EVENT)

    def arms(self, those: NDArray[np.bool_] | None = None) -> tuple[Counts, Counts]:
        """Intervention and control."""
        here = np.ones(len(self.treated), bool) if those is None else those
        parts = (self.event[here & self.treated], self.event[here & ~self.treated])
        return Counts(int(parts[0].sum()), len(parts[0])), Counts(
            int(parts[1].sum()), len(parts[1])
        )


def drawn(random: np.random.Generator, effect: float) -> Trial:
    """A trial; people who are not reached fare as they would in control."""
    columns: list[list[Any]] = [[], [], [], [], []]
    for stratum in range(2 * FORCES):
        place, number = 0, 0
        while place < PER_STRATUM:
            size = int(random.choice(SIZES))
            arms = random.permutation(size) < size // 2
            for position in range(min(size, PER_STRATUM - place)):
                row = (stratum, number, position, stratum // 2, arms[position])
                for column, value in zip(columns, row, strict=True):
                    column.append(value)
            place, number = place + size, number + 1
    stratum, block, position, force, treated = map(np.array, columns)
    people = len(treated)
    reached = treated & (random.random(people) < REACHED)
    rate = RATES[force] * random.gamma(1 / SPREAD, SPREAD, people)  # some breach far more often
    rate = rate * np.where(reached, effect, 1.0)
    breach, death = random.exponential(1 / rate), random.exponential(1 / DEATHS, people)
    days = np.minimum(np.minimum(breach, death), HORIZON)
    status = np.select([days == breach, days == death], [EVENT, COMPETING], 0)
    count = random.poisson(rate * np.minimum(death, HORIZON))
    return Trial(stratum, block, position, force, treated, reached, days, status, count)


def truth(effect: float) -> dict[str, float]:
    """What half a million people say."""
    random = np.random.default_rng(1)
    risks, means, rates = {}, {}, {}
    for arm in (True, False):
        force = random.integers(0, FORCES, 500_000)
        reached = (random.random(len(force)) < REACHED) & arm
        rate = RATES[force] * random.gamma(1 / SPREAD, SPREAD, len(force))
        rate = rate * np.where(reached, effect, 1.0)
        breach = random.exponential(1 / rate)
        death = random.exponential(1 / DEATHS, len(force))
        risks[arm] = np.mean((breach < death) & (breach < HORIZON))
        means[arm] = np.minimum(np.minimum(breach, HORIZON), HORIZON).mean()
        at_risk = np.minimum(death, HORIZON)
        rates[arm] = (rate * at_risk).sum() / at_risk.sum()
    alone = breach[breach < HORIZON / 2].size / breach.size  # of control, made last
    return {
        "survival": 1 - alone,
        "control": risks[False],
        "ratio": risks[True] / risks[False],
        "difference": risks[True] - risks[False],
        "mean": means[True] - means[False],
        "mean of control": means[False],
        "rate": rates[True] / rates[False],
        "complier": (risks[True] - risks[False]) / REACHED,
    }


@pytest.fixture(scope="module")
def effective() -> list[Trial]:
    random = np.random.default_rng(20261129)
    return [drawn(random, EFFECT) for _ in range(TRIALS)]


@pytest.fixture(scope="module")
def expected() -> dict[str, float]:
    return truth(EFFECT)


def share(trials: list[Trial], interval: Callable[[Trial], Estimate], value: float) -> float:
    """How often the interval holds the value."""
    found = map(interval, trials)
    return float(np.mean([each.low <= value <= each.high for each in found]))


@pytest.fixture
def assert_holds(measured: Measured) -> Callable[..., None]:
    def holds(trials: list[Trial], interval: Callable[[Trial], Estimate], value: float) -> None:
        name = interval.__name__.removeprefix("of_").replace("_", " ")
        held = measured(name, share(trials, interval, value))
        assert LEAST - SLACK / 3 <= held <= MOST + SLACK / 3

    return holds


def of_rates(trial: Trial) -> Estimate:
    at_risk = np.where(trial.status == COMPETING, trial.days, HORIZON)
    found = rate_ratio(events=trial.count, days=at_risk, treated=trial.treated, alpha=0.05)
    assert isinstance(found, RateRatio)
    assert isinstance(found.ratio, Estimate)
    return found.ratio


def of_incidence(trial: Trial) -> Estimate:
    found = incidences(
        days=trial.days, status=trial.status, treated=trial.treated, horizon=20.999, alpha=0.05
    )
    assert isinstance(found, Incidences)
    return found.difference


def of_means(trial: Trial) -> Estimate:
    found = restricted_means(
        days=trial.days, event=trial.event, treated=trial.treated, alpha=0.05, horizon=HORIZON
    )
    assert isinstance(found, RestrictedMeans)
    return found.difference


def of_incidence_in_control(trial: Trial) -> Estimate:
    found = incidences(
        days=trial.days, status=trial.status, treated=trial.treated, horizon=20.999, alpha=0.05
    )
    assert isinstance(found, Incidences)
    return found.control


def of_mean_of_control(trial: Trial) -> Estimate:
    found = restricted_means(
        days=trial.days, event=trial.event, treated=trial.treated, alpha=0.05, horizon=HORIZON
    )
    assert isinstance(found, RestrictedMeans)
    return found.control


def of_compliers(trial: Trial) -> Estimate:
    found = complier_effect(
        event=trial.event, treated=trial.treated, reached=trial.reached, alpha=0.05
    )
    assert isinstance(found, Complier)
    return found.difference


def of_forces(trial: Trial) -> Estimate:
    found = pooled(trial).difference
    assert isinstance(found, Estimate)
    return found


def of_newcombe(trial: Trial) -> Estimate:
    found = risk_difference(*trial.arms(), alpha=0.05)
    assert isinstance(found, Estimate)
    return found


def pooled(trial: Trial) -> MantelHaenszel:
    strata = [trial.arms(trial.stratum == each) for each in range(2 * FORCES)]
    found = mantel_haenszel(strata, alpha=0.05)
    assert isinstance(found, MantelHaenszel)
    return found


def of_pooled_ratio(trial: Trial) -> Estimate:
    found = pooled(trial).ratio
    assert isinstance(found, Estimate)
    return found


def of_katz(trial: Trial) -> Estimate:
    found = risk_ratio(*trial.arms(), alpha=0.05)
    assert isinstance(found, Estimate)
    return found


def of_wilson(trial: Trial) -> Estimate:
    control = trial.arms()[1]
    return Estimate(
        control.events / control.people, *wilson(control.events, control.people, alpha=0.05)
    )


def of_survival(trial: Trial) -> Estimate:
    """Of control, at half the horizon, deaths censored."""
    found = kaplan_meier(
        days=trial.days[~trial.treated], event=trial.event[~trial.treated], alpha=0.05
    )
    assert isinstance(found, Curve)
    place = int(np.searchsorted(found.days, HORIZON / 2, side="right")) - 1
    return Estimate(found.survival[place], found.low[place], found.high[place])


def test_the_ratio_of_risks_is_held_crude_and_pooled_over_forces(
    effective: list[Trial], expected: dict[str, float], assert_holds: Callable[..., None]
) -> None:
    assert_holds(effective, of_katz, expected["ratio"])
    assert_holds(effective, of_pooled_ratio, expected["ratio"])


def test_the_risk_of_an_arm_is_held(
    effective: list[Trial], expected: dict[str, float], assert_holds: Callable[..., None]
) -> None:
    assert_holds(effective, of_wilson, expected["control"])


def test_the_share_without_an_event_is_held_day_by_day(
    effective: list[Trial], expected: dict[str, float], assert_holds: Callable[..., None]
) -> None:
    assert_holds(effective, of_survival, expected["survival"])


def test_the_odds_ratio_with_repeat_orders_is_held(measured: Measured) -> None:
    """A third of people have a second order, in the same arm, and are as they were before."""
    random = np.random.default_rng(13)
    held = []
    for _ in range(TRIALS):
        people = 6 * PER_STRATUM
        treated, inclined = random.permutation(people) < people // 2, random.normal(0, 1, people)
        person = np.concatenate([np.arange(people), np.flatnonzero(random.random(people) < 1 / 3)])
        log_odds = -1.2 + inclined - 0.6 * treated
        event = random.random(len(person)) < expit(log_odds)[person]
        found = by_person(event=event, treated=treated[person], person=person, alpha=0.05)
        assert isinstance(found, ByPerson)
        held.append(found.odds_ratio.low <= MARGINAL <= found.odds_ratio.high)
    assert (
        LEAST - SLACK / 3
        <= measured("odds ratio with repeats", float(np.mean(held)))
        <= MOST + SLACK / 3
    )


def test_the_difference_pooled_over_forces_is_held(
    effective: list[Trial], expected: dict[str, float], assert_holds: Callable[..., None]
) -> None:
    assert_holds(effective, of_forces, expected["difference"])
    assert_holds(effective, of_newcombe, expected["difference"])


def test_the_rate_ratio_is_held_though_some_breach_far_more_often(
    effective: list[Trial], expected: dict[str, float], assert_holds: Callable[..., None]
) -> None:
    assert_holds(effective, of_rates, expected["rate"])


def test_the_difference_of_cumulative_incidences_is_held(
    effective: list[Trial], expected: dict[str, float], assert_holds: Callable[..., None]
) -> None:
    assert_holds(effective, of_incidence, expected["difference"])
    assert_holds(effective, of_incidence_in_control, expected["control"])


def test_the_difference_of_restricted_means_is_held(
    effective: list[Trial], expected: dict[str, float], assert_holds: Callable[..., None]
) -> None:
    """Deaths are censored in it: they say nothing of a breach that would have come."""
    assert_holds(effective, of_means, expected["mean"])
    assert_holds(effective, of_mean_of_control, expected["mean of control"])


def test_the_effect_among_those_reached_is_held(
    effective: list[Trial], expected: dict[str, float], assert_holds: Callable[..., None]
) -> None:
    assert_holds(effective, of_compliers, expected["complier"])


def test_the_adjusted_odds_ratio_is_held(measured: Measured) -> None:
    random = np.random.default_rng(7)
    held = []
    for _ in range(TRIALS):
        trial = drawn(random, 1.0)
        odds = np.exp(-1.2 + 0.4 * (trial.force == 1) - 0.5 * trial.treated)
        event = random.random(len(odds)) < odds / (1 + odds)
        found = adjusted(
            event=event, treated=trial.treated, covariates={"force": trial.force}, alpha=0.05
        )
        assert isinstance(found, Adjusted)
        held.append(found.odds_ratio.low <= np.exp(-0.5) <= found.odds_ratio.high)
    assert (
        LEAST - SLACK / 3
        <= measured("adjusted odds ratio", float(np.mean(held)))
        <= MOST + SLACK / 3
    )


def test_credible_intervals_hold_what_was_drawn_from_their_prior(measured: Measured) -> None:
    random = np.random.default_rng(11)
    held: list[Any] = []
    held_difference: list[Any] = []
    for _ in range(TRIALS // 4):  # each takes twenty times as long as the others
        theta, control = random.normal(0, 0.27), random.random()
        odds = control / (1 - control) * np.exp(theta)
        arms = (Counts(int(random.binomial(80, odds / (1 + odds))), 80),
                Counts(int(random.binomial(80, control)), 80))  # fmt: skip
        found = posterior(*arms, mean=0, sd=0.27, planned=0.64, alpha=0.05)
        assert isinstance(found, Posterior)
        held.append(found.odds_ratio.low <= np.exp(theta) <= found.odds_ratio.high)
        truth, interval = odds / (1 + odds) - control, found.risk_difference
        held_difference.append(interval.low <= truth <= interval.high)
    noise = 3 * (0.05 * 0.95 / len(held)) ** 0.5
    assert 0.95 - noise <= measured("credible odds ratio", float(np.mean(held)))
    assert 0.95 - noise <= measured("credible difference", float(np.mean(held_difference)))


def test_the_adjusted_odds_ratio_of_a_rare_event_is_held(measured: Measured) -> None:
    """Where the data are separated, Firth's method takes over: the two together are tried."""
    random = np.random.default_rng(17)
    held, methods = [], set()
    for _ in range(TRIALS // 2):
        treated, place = random.permutation(80) < 40, random.integers(0, 3, 80)
        odds = np.exp(-2.6 + 0.4 * (place == 1) - 0.5 * treated)
        found = adjusted(
            event=random.random(80) < odds / (1 + odds),
            treated=treated,
            covariates={"place": place},
            alpha=0.05,
        )
        if isinstance(found, Adjusted):  # with no event at all there is nothing to estimate
            held.append(found.odds_ratio.low <= np.exp(-0.5) <= found.odds_ratio.high)
            methods.add(found.method)
    assert methods == {"logistic", "firth"}
    share = measured("adjusted odds ratio of a rare event", float(np.mean(held)))
    assert share >= LEAST - 3 * (0.05 * 0.95 / len(held)) ** 0.5


# The whole plan, without an effect: two looks before the end, the primary test, and the family.

# The same plan with one look more than it has, at a third and at two thirds of the people.

LOOKS = (1 / 3, 2 / 3)
PLAN = AGREED.analysis.model_copy(update={"interim_looks": (date(2028, 1, 1), date(2028, 6, 1))})
assert PLAN.monitoring


class Outcome(NamedTuple):
    """What is claimed of texts that do nothing, and whether the trial is stopped for harm."""

    claimed: bool
    harmed: bool


def outcome(trial: Trial, random: np.random.Generator) -> Outcome:
    assert PLAN.monitoring
    harmed = False
    for look in LOOKS:
        early = trial.position + trial.block * 3 < look * PER_STRATUM  # about that share of each
        intervention, control = trial.arms(early)
        test = rerandomised(trial, early)
        if test is None:
            continue
        more = intervention.events * control.people > control.events * intervention.people
        harmed |= more and test <= PLAN.monitoring.harm_p
        if not more and test <= PLAN.monitoring.benefit_p:
            return Outcome(claimed=True, harmed=harmed)
    # The committee may go on in spite of harm: claims are counted as if it always did.
    final = rerandomised(trial, np.ones(len(trial.treated), bool))
    if final is None or final > PLAN.final_alpha:
        return Outcome(claimed=False, harmed=harmed)  # and the family is not opened
    others = {str(i): secondary(trial, random) for i in range(len(PLAN.secondary))}
    known = {name: p for name, p in others.items() if not isinstance(p, NotEstimable)}
    assert all(p >= known[name] for name, p in holm(known).items())
    return Outcome(claimed=True, harmed=harmed)


def rerandomised(trial: Trial, followed: NDArray[np.bool_]) -> float | None:
    found = rerandomisation(
        stratum=trial.stratum, block=trial.block, position=trial.position, treated=trial.treated,
        event=trial.event, followed=followed, sizes=SIZES,
    )  # fmt: skip
    return found.p if isinstance(found, Rerandomisation) else None


def secondary(trial: Trial, random: np.random.Generator) -> float | NotEstimable:
    """An outcome that has half of its events in common with the primary one."""
    event = np.where(random.random(len(trial.event)) < 0.5, trial.event,
                     random.permutation(trial.event))  # fmt: skip
    arms: Iterator[Any] = (event[a] for a in (trial.treated, ~trial.treated))
    return fisher(*(Counts(int(each.sum()), len(each)) for each in arms))


def test_the_whole_plan_claims_something_of_useless_texts_in_at_most_one_trial_of_twenty(
    measured: Measured,
) -> None:
    assert PLAN.monitoring
    random = np.random.default_rng(20261130)
    found = [outcome(drawn(random, 1.0), random) for _ in range(TRIALS)]
    claimed = measured("plan claims", float(np.mean([each.claimed for each in found])))
    assert claimed <= PLAN.alpha + SLACK
    stops = len(LOOKS) * PLAN.monitoring.harm_p / 2  # one side of each look
    harmed = measured("stopped for harm", float(np.mean([each.harmed for each in found])))
    assert harmed <= stops + SLACK
