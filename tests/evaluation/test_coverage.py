"""
Made-up trials of three forces: intervals contain the truth as often as they claim, and neither a
test nor the whole plan finds an effect too often where there is none.

`make coverage` runs many trials; the ordinary tests run few. Each trial is
drawn in blocks of random size within force and length.
"""

import os
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from datetime import date
from typing import Any, NamedTuple, TypeAlias

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.special import expit

from evaluation.statistics.bayes import posterior
from evaluation.statistics.competing import COMPETING, EVENT, incidences
from evaluation.statistics.complier import complier_effect
from evaluation.statistics.costs import CostPerEvent, cost_per_event_prevented
from evaluation.statistics.proportions import fisher, risk_difference, risk_ratio, wilson
from evaluation.statistics.rates import rate_ratio
from evaluation.statistics.regression import Adjusted, adjusted, by_person
from evaluation.statistics.rerandomisation import Rerandomisation, rerandomisation
from evaluation.statistics.stratified import mantel_haenszel
from evaluation.statistics.subgroups import holm
from evaluation.statistics.survival import kaplan_meier, restricted_means
from evaluation.statistics.values import Counts, Estimate, NotEstimable
from tests.evaluation.estimable import known
from tests.support.fixture_protocol import AGREED

Measured: TypeAlias = Callable[[str, float], float]

TRIALS = int(os.environ.get("COVERAGE_TRIALS", "200"))
QUICK = max(TRIALS, 500)
"""More trials of what takes little time."""
FORCES, PER_STRATUM, SIZES = 3, 30, (2, 4, 6)
HORIZON, RATES = 21.0, np.array([0.010, 0.016, 0.020])
"""Days; breaches a day in each force, without texts."""
EFFECT, LARGE, DEATHS, REACHED, SPREAD = 0.6, 0.2, 0.004, 0.85, 0.5
TEXTS = 60
"""What the texts of a person cost, in pence, on average."""


def noise(trials: int) -> float:
    """What chance alone does to a share of 5 % among so many trials: three standard errors."""
    return float(3 * (0.05 * 0.95 / trials) ** 0.5)


def is_nominal(held: Iterable[bool], measured: Measured, name: str) -> bool:
    """Whether 93 to 97 % of intervals contained the truth, within the error of so few trials."""
    every = list(held)
    slack = noise(len(every)) / 3
    return 0.93 - slack <= measured(name, float(np.mean(every))) <= 0.97 + slack


def marginal_odds_ratio() -> float:
    """Average over all inclinations, which the equations do not include."""
    inclined = np.random.default_rng(2).normal(0, 1, 1_000_000)
    risks = [expit(-1.2 + inclined - 0.6 * treated).mean() for treated in (1, 0)]
    return float(risks[0] / (1 - risks[0]) / (risks[1] / (1 - risks[1])))


MARGINAL = marginal_odds_ratio()


class SimulatedTrial(NamedTuple):
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


def drawn(random: np.random.Generator, effect: float) -> SimulatedTrial:
    """A trial; people who are not reached fare as they would in control."""
    blocks, positions, arms = [], [], []
    for _ in range(2 * FORCES):
        sizes = random.choice(SIZES, PER_STRATUM // 2)  # more than there is room for
        blocks.append(np.repeat(np.arange(len(sizes)), sizes)[:PER_STRATUM])
        positions.append(np.concatenate([np.arange(size) for size in sizes])[:PER_STRATUM])
        halves = [random.permutation(size) < size // 2 for size in sizes]
        arms.append(np.concatenate(halves)[:PER_STRATUM])
    stratum, treated = np.repeat(np.arange(2 * FORCES), PER_STRATUM), np.concatenate(arms)
    force, people = stratum // 2, len(stratum)
    reached = treated & (random.random(people) < REACHED)
    rate = RATES[force] * random.gamma(1 / SPREAD, SPREAD, people)  # some breach far more often
    rate = rate * np.where(reached, effect, 1.0)
    breach, death = random.exponential(1 / rate), random.exponential(1 / DEATHS, people)
    days = np.minimum(np.minimum(breach, death), HORIZON)
    status = np.select([days == breach, days == death], [EVENT, COMPETING], 0)
    count = random.poisson(rate * np.minimum(death, HORIZON))
    return SimulatedTrial(
        stratum,
        np.concatenate(blocks),
        np.concatenate(positions),
        force,
        treated,
        reached,
        days,
        status,
        count,
    )


def truth(effect: float) -> dict[str, float]:
    """The value in half a million people."""
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
def effective() -> list[SimulatedTrial]:
    random = np.random.default_rng(20261201)
    return [drawn(random, EFFECT) for _ in range(QUICK)]


@pytest.fixture(scope="module")
def ineffective() -> list[SimulatedTrial]:
    random = np.random.default_rng(20261123)
    return [drawn(random, 1.0) for _ in range(QUICK)]


@pytest.fixture(scope="module")
def expected() -> dict[str, float]:
    return truth(EFFECT)


# The intervals of one trial, each by the truth that it should hold, and the method.
Intervals: TypeAlias = dict[tuple[str, str], object]


def of_two_arms(trial: SimulatedTrial) -> Intervals:
    intervention, control = trial.arms()
    risk = control.events / control.people, *wilson(control.events, control.people, alpha=0.05)
    return {
        ("difference", "Newcombe"): risk_difference(intervention, control, alpha=0.05),
        ("ratio", "Katz"): risk_ratio(intervention, control, alpha=0.05),
        ("control", "Wilson"): Estimate(*risk),
    }


def of_strata(trial: SimulatedTrial) -> Intervals:
    strata = [trial.arms(trial.stratum == each) for each in range(2 * FORCES)]
    found = known(mantel_haenszel(strata, alpha=0.05))
    return {
        ("difference", "Mantel-Haenszel"): found.difference,
        ("ratio", "Mantel-Haenszel"): found.ratio,
    }


def of_rates(trial: SimulatedTrial) -> Intervals:
    """Some breach far more often than others."""
    at_risk = np.where(trial.status == COMPETING, trial.days, HORIZON)
    found = known(rate_ratio(events=trial.count, days=at_risk, treated=trial.treated, alpha=0.05))
    return {("rate", "Poisson"): found.ratio}


def of_incidence(trial: SimulatedTrial) -> Intervals:
    found = known(
        incidences(
            days=trial.days, status=trial.status, treated=trial.treated, horizon=20.999, alpha=0.05
        )
    )
    return {
        ("difference", "cumulative incidence"): found.difference,
        ("control", "cumulative incidence"): found.control,
    }


def of_means(trial: SimulatedTrial) -> Intervals:
    """Deaths are censored in them: they say nothing of a breach that would have come."""
    found = known(
        restricted_means(
            days=trial.days, event=trial.event, treated=trial.treated, alpha=0.05, horizon=HORIZON
        )
    )
    return {
        ("mean", "restricted means"): found.difference,
        ("mean of control", "restricted means"): found.control,
    }


def of_compliers(trial: SimulatedTrial) -> Intervals:
    found = known(
        complier_effect(event=trial.event, treated=trial.treated, reached=trial.reached, alpha=0.05)
    )
    return {("complier", "those reached"): found.difference}


def of_survival(trial: SimulatedTrial) -> Intervals:
    """Of control, at half the horizon, deaths censored."""
    found = known(
        kaplan_meier(days=trial.days[~trial.treated], event=trial.event[~trial.treated], alpha=0.05)
    )
    place = int(np.searchsorted(found.days, HORIZON / 2, side="right")) - 1
    interval = Estimate(found.survival[place], found.low[place], found.high[place])
    return {("survival", "Kaplan-Meier"): interval}


@pytest.mark.parametrize(
    ("intervals", "trials"),
    [
        (of_two_arms, QUICK),
        (of_strata, QUICK),
        (of_compliers, QUICK),
        *((each, TRIALS) for each in (of_rates, of_incidence, of_means, of_survival)),
    ],
)
def test_an_interval_contains_the_truth_as_often_as_it_claims(
    intervals: Callable[[SimulatedTrial], Intervals],
    trials: int,
    effective: list[SimulatedTrial],
    expected: dict[str, float],
    measured: Measured,
) -> None:
    held: dict[tuple[str, str], list[bool]] = defaultdict(list)
    for trial in effective[:trials]:
        for (truth, method), found in intervals(trial).items():
            assert isinstance(found, Estimate)
            held[truth, method].append(found.low <= expected[truth] <= found.high)
    assert held
    for names, each in held.items():
        assert is_nominal(each, measured, " by ".join(names)), names


def test_an_interval_of_the_cost_per_prevented_event_contains_it(measured: Measured) -> None:
    """Of an effect so large that fewer events are seen in almost every trial."""
    random = np.random.default_rng(20261123)
    cost = TEXTS / -truth(LARGE)["difference"]
    held = []
    for _ in range(QUICK):
        intervention, control = drawn(random, LARGE).arms()
        found = cost_per_event_prevented(
            cost_pence=random.gamma(9, TEXTS / 9, intervention.people),
            intervention=intervention,
            control=control,
            alpha=0.05,
        )
        # Where no fewer events were seen, no figure is given: that does not hold the truth.
        held.append(
            isinstance(found, CostPerEvent)
            and found.low <= cost
            and (isinstance(found.high, NotEstimable) or cost <= found.high)
        )
    assert is_nominal(held, measured, "cost of a prevented event")


def test_an_interval_of_the_odds_ratio_with_repeats_contains_it(measured: Measured) -> None:
    """A third of people have a second order, in the same arm, and are as they were before."""
    random = np.random.default_rng(13)
    held = []
    for _ in range(TRIALS):
        people = 6 * PER_STRATUM
        treated, inclined = random.permutation(people) < people // 2, random.normal(0, 1, people)
        person = np.concatenate([np.arange(people), np.flatnonzero(random.random(people) < 1 / 3)])
        log_odds = -1.2 + inclined - 0.6 * treated
        event = random.random(len(person)) < expit(log_odds)[person]
        found = known(by_person(event=event, treated=treated[person], person=person, alpha=0.05))
        held.append(found.odds_ratio.low <= MARGINAL <= found.odds_ratio.high)
    assert is_nominal(held, measured, "odds ratio with repeats")


def test_an_interval_of_the_adjusted_odds_ratio_contains_it(measured: Measured) -> None:
    random = np.random.default_rng(7)
    held = []
    for _ in range(TRIALS):
        trial = drawn(random, 1.0)
        odds = np.exp(-1.2 + 0.4 * (trial.force == 1) - 0.5 * trial.treated)
        event = random.random(len(odds)) < odds / (1 + odds)
        found = known(
            adjusted(
                event=event, treated=trial.treated, covariates={"force": trial.force}, alpha=0.05
            )
        )
        held.append(found.odds_ratio.low <= np.exp(-0.5) <= found.odds_ratio.high)
    assert is_nominal(held, measured, "adjusted odds ratio")


def test_credible_intervals_contain_values_drawn_from_their_prior(measured: Measured) -> None:
    random = np.random.default_rng(11)
    held: list[Any] = []
    held_difference: list[Any] = []
    for _ in range(TRIALS // 4):  # each takes twenty times as long as the others
        theta, control = random.normal(0, 0.27), random.random()
        odds = control / (1 - control) * np.exp(theta)
        arms = (Counts(int(random.binomial(80, odds / (1 + odds))), 80),
                Counts(int(random.binomial(80, control)), 80))  # fmt: skip
        found = known(posterior(*arms, mean=0, sd=0.27, planned=0.64, alpha=0.05))
        held.append(found.odds_ratio.low <= np.exp(theta) <= found.odds_ratio.high)
        truth, interval = odds / (1 + odds) - control, found.risk_difference
        held_difference.append(interval.low <= truth <= interval.high)
    least = 0.95 - noise(len(held))
    assert least <= measured("credible odds ratio", float(np.mean(held)))
    assert least <= measured("credible difference", float(np.mean(held_difference)))


def test_an_interval_of_a_rare_event_s_odds_ratio_contains_it(measured: Measured) -> None:
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
    assert share >= 0.93 - noise(len(held))


# Tests without an effect; and the whole plan: two looks before the end, one more than it has,
# at a third and at two thirds of the people, then the primary test, and the family.

LOOKS = (1 / 3, 2 / 3)
PLAN = AGREED.analysis.model_copy(update={"interim_looks": (date(2028, 1, 1), date(2028, 6, 1))})
assert PLAN.monitoring


class Conclusion(NamedTuple):
    """What is claimed of texts that do nothing, and whether the trial is stopped for harm."""

    claimed: bool
    harmed: bool


def outcome(trial: SimulatedTrial, random: np.random.Generator) -> Conclusion:
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
            return Conclusion(claimed=True, harmed=harmed)
    # The committee may go on in spite of harm: claims are counted as if it always did.
    final = rerandomised(trial)
    if final is None or final > PLAN.final_alpha:
        return Conclusion(claimed=False, harmed=harmed)  # and the family is not opened
    others = {str(i): secondary(trial, random) for i in range(len(PLAN.secondary))}
    known = {name: p for name, p in others.items() if not isinstance(p, NotEstimable)}
    assert all(p >= known[name] for name, p in holm(known).items())
    return Conclusion(claimed=True, harmed=harmed)


def rerandomised(trial: SimulatedTrial, followed: NDArray[np.bool_] | None = None) -> float | None:
    found = rerandomisation(
        stratum=trial.stratum, block=trial.block, position=trial.position, treated=trial.treated,
        event=trial.event, followed=followed, sizes=SIZES,
    )  # fmt: skip
    return found.p if isinstance(found, Rerandomisation) else None


def secondary(trial: SimulatedTrial, random: np.random.Generator) -> float | NotEstimable:
    """An outcome that has half of its events in common with the primary one."""
    event = np.where(random.random(len(trial.event)) < 0.5, trial.event,
                     random.permutation(trial.event))  # fmt: skip
    arms: Iterator[Any] = (event[a] for a in (trial.treated, ~trial.treated))
    return fisher(*(Counts(int(each.sum()), len(each)) for each in arms))


def rejected(p: object) -> bool:
    assert isinstance(p, float)
    return p <= 0.05


def test_without_an_effect_no_test_rejects_more_often_than_alpha(
    ineffective: list[SimulatedTrial], measured: Measured
) -> None:
    """Fisher's test may reject less often than in one of twenty; the other may not."""
    fishers = np.mean([rejected(fisher(*trial.arms())) for trial in ineffective])
    others = np.mean([rejected(rerandomised(trial)) for trial in ineffective])
    most = 0.05 + noise(QUICK)
    assert measured("Fisher rejects", float(fishers)) <= most
    assert 0.04 - noise(QUICK) <= measured("re-randomisation rejects", float(others)) <= most


def test_the_rerandomisation_test_finds_an_effect_more_often_than_fisher_s(
    effective: list[SimulatedTrial], measured: Measured
) -> None:
    """It knows of the strata and the blocks, and is not as careful as Fisher's."""
    fishers = np.mean([rejected(fisher(*trial.arms())) for trial in effective[:200]])
    others = np.mean([rejected(rerandomised(trial)) for trial in effective[:200]])
    assert measured("re-randomisation finds", float(others)) > fishers > 0.1


def test_the_whole_plan_finds_an_effect_of_useless_texts_in_at_most_one_trial_of_twenty(
    ineffective: list[SimulatedTrial], measured: Measured
) -> None:
    assert PLAN.monitoring
    random = np.random.default_rng(20261130)
    found = [outcome(trial, random) for trial in ineffective[:TRIALS]]
    claimed = measured("plan claims", float(np.mean([each.claimed for each in found])))
    assert claimed <= PLAN.alpha + noise(TRIALS)
    stops = len(LOOKS) * PLAN.monitoring.harm_p / 2  # one side of each look
    harmed = measured("stopped for harm", float(np.mean([each.harmed for each in found])))
    assert harmed <= stops + noise(TRIALS)
