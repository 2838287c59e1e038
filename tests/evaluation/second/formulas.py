"""
Computes the report's statistics a second time, from their formulas.

It uses none of the libraries that the report uses, so that a fault in one shows.
"""

import math
from collections.abc import Iterable, Sequence
from statistics import NormalDist
from typing import Any, NamedTuple

import numpy as np

Z = NormalDist().inv_cdf(0.975)


class Arms(NamedTuple):
    """Events and people: with texts, then without."""

    x1: int
    n1: int
    x0: int
    n0: int


def two_sided(z: float) -> float:
    return math.erfc(abs(z) / math.sqrt(2))


def chi2_tail(x: float, df: int) -> float:
    """From one or two degrees of freedom up, two at a time."""
    tail = two_sided(math.sqrt(x)) if df % 2 else math.exp(-x / 2)
    for k in range(1 if df % 2 else 2, df, 2):
        tail += math.exp(k / 2 * math.log(x / 2) - x / 2 - math.lgamma(k / 2 + 1))
    return tail


def wilson(x: int, n: int) -> tuple[float, float]:
    """The roots of (p - x/n)^2 = z^2 p (1 - p) / n."""
    a, b, c = 1 + Z * Z / n, -(2 * x / n + Z * Z / n), (x / n) ** 2
    root = math.sqrt(max(b * b - 4 * a * c, 0.0))
    return (-b - root) / (2 * a), (-b + root) / (2 * a)


def newcombe(arms: Arms) -> list[float]:
    p1, p0 = arms.x1 / arms.n1, arms.x0 / arms.n0
    (l1, u1), (l0, u0) = wilson(arms.x1, arms.n1), wilson(arms.x0, arms.n0)
    d = p1 - p0
    return [d, d - math.hypot(p1 - l1, u0 - p0), d + math.hypot(u1 - p1, p0 - l0)]


def katz(arms: Arms) -> list[float]:
    log = math.log(arms.x1 / arms.n1 / (arms.x0 / arms.n0))
    half = Z * math.sqrt(1 / arms.x1 - 1 / arms.n1 + 1 / arms.x0 - 1 / arms.n0)
    return [math.exp(each) for each in (log, log - half, log + half)]


def fisher(arms: Arms) -> float:
    """All tables of these margins that are no likelier, with exact integers."""
    x, n = arms.x1 + arms.x0, arms.n1 + arms.n0
    ways = [
        math.comb(arms.n1, k) * math.comb(arms.n0, x - k)
        for k in range(max(0, x - arms.n0), min(x, arms.n1) + 1)
    ]
    seen = math.comb(arms.n1, arms.x1) * math.comb(arms.n0, arms.x0)
    return sum(each for each in ways if each * 10**7 <= seen * (10**7 + 1)) / math.comb(n, x)


def holm(p: dict[str, float]) -> dict[str, float]:
    found, highest = {}, 0.0
    for place, name in enumerate(sorted(p, key=lambda each: p[each])):
        highest = max(highest, min(1.0, (len(p) - place) * p[name]))
        found[name] = highest
    return found


def mantel_haenszel(strata: Iterable[Arms]) -> dict[str, Any]:
    """Variances: Sato (1989); Greenland and Robins (1985); Robins, Breslow and Greenland (1986)."""
    w = sp = sq = d = r1 = r0 = rv = o1 = o0 = pr = ps = qs = s = e = v = 0.0
    for x1, n1, x0, n0 in strata:
        n = n1 + n0
        b1, b0 = n1 - x1, n0 - x0
        w += n1 * n0 / n
        d += (x1 * n0 - x0 * n1) / n
        sp += (x0 * n1**2 - x1 * n0**2 + n1 * n0 * (n0 - n1) / 2) / n**2
        sq += (x1 * b0 + x0 * b1) / (2 * n)
        r1, r0 = r1 + x1 * n0 / n, r0 + x0 * n1 / n
        rv += (n1 * n0 * (x1 + x0) - x1 * x0 * n) / n**2
        rr, ss, p, q = x1 * b0 / n, b1 * x0 / n, (x1 + b0) / n, (b1 + x0) / n
        o1, o0 = o1 + rr, o0 + ss
        pr, ps, qs = pr + p * rr, ps + p * ss + q * rr, qs + q * ss
        s, e = s + x1, e + n1 * (x1 + x0) / n
        v += n1 * n0 * (x1 + x0) * (n - x1 - x0) / (n * n * (n - 1))
    difference = d / w
    error = math.sqrt(difference * sp + sq) / w
    ratio, half = math.log(r1 / r0), Z * math.sqrt(rv / (r1 * r0))
    odds = math.log(o1 / o0)
    odds_half = Z * math.sqrt(pr / (2 * o1**2) + ps / (2 * o1 * o0) + qs / (2 * o0**2))
    return {
        "difference": [difference, difference - Z * error, difference + Z * error],
        "ratio": [math.exp(each) for each in (ratio, ratio - half, ratio + half)],
        "odds_ratio": [math.exp(each) for each in (odds, odds - odds_half, odds + odds_half)],
        "p": chi2_tail((s - e) ** 2 / v, 1),
    }


def logistic(x: Any, y: Any) -> tuple[Any, Any, float]:
    """Coefficients, their covariance and the log-likelihood, by Newton's method."""
    beta = np.zeros(x.shape[1])
    for _ in range(50):
        p = 1 / (1 + np.exp(-x @ beta))
        step = np.linalg.solve(x.T @ (x * (p * (1 - p))[:, None]), x.T @ (y - p))
        beta = beta + step
        if np.abs(step).max() < 1e-12:
            break
    p = 1 / (1 + np.exp(-x @ beta))
    covariance = np.linalg.inv(x.T @ (x * (p * (1 - p))[:, None]))
    return beta, covariance, float((y * np.log(p) + (1 - y) * np.log(1 - p)).sum())


def wald(log: float, error: float) -> list[float]:
    return [math.exp(each) for each in (log, log - Z * error, log + Z * error)]


def by_person(rows: Sequence[tuple[str, int, int]]) -> tuple[list[float], float]:
    """Of (person, treated, event): two arms are a saturated model, so the sandwich is a sum."""
    log, variance = 0.0, 0.0
    for arm, sign in ((1, 1), (0, -1)):
        theirs = [(who, y) for who, t, y in rows if t == arm]
        p = sum(y for _, y in theirs) / len(theirs)
        sums: dict[str, float] = {}
        for who, y in theirs:
            sums[who] = sums.get(who, 0.0) + y - p
        log += sign * math.log(p / (1 - p))
        variance += sum(each**2 for each in sums.values()) / (len(theirs) * p * (1 - p)) ** 2
    return wald(log, math.sqrt(variance)), two_sided(log / math.sqrt(variance))


def rate_ratio(rows: Sequence[tuple[int, int, float]]) -> dict[str, Any]:
    """Of (treated, events, days): again saturated; HC1."""
    rows = [each for each in rows if each[2] > 0]
    log, variance, found = 0.0, 0.0, {}
    for arm, name, sign in ((1, "intervention", 1), (0, "control", -1)):
        theirs = [(y, days) for t, y, days in rows if t == arm]
        events, time = sum(y for y, _ in theirs), sum(days for _, days in theirs)
        found[name] = {"events": events, "days": time, "people": len(theirs)}
        rate = events / time
        log += sign * math.log(rate)
        variance += sum((y - rate * days) ** 2 for y, days in theirs) / (rate * time) ** 2
    error = math.sqrt(variance * len(rows) / (len(rows) - 2))
    return found | {"ratio": wald(log, error), "p": two_sided(log / error)}


def rerandomisation(
    blocks: Sequence[tuple[bool, int, int]], sizes: Sequence[int], arms: Arms
) -> float:
    """
    Of (whether it is whole, people, events): by Fourier's transform of each block's polynomial.

    The report adds block by block. Only last blocks vary in how many get
    texts, so that this number is counted modulo 32.
    """
    events = sum(each for _, _, each in blocks)
    shape = (32, events + 1)
    total, least = np.ones(shape, complex), 0
    for whole, people, with_event in blocks:
        polynomial = np.zeros(shape)
        designs = [s for s in sizes if (s == people if whole else s >= people)]
        few = min(max(0, s // 2 - (s - people)) for s in designs)
        least += few
        for size in designs:
            for treated in range(max(0, size // 2 - (size - people)), min(size // 2, people) + 1):
                rest = math.comb(size - people, size // 2 - treated) / math.comb(size, size // 2)
                for among in range(min(treated, with_event) + 1):
                    polynomial[treated - few, among] += (
                        math.comb(with_event, among)
                        * math.comb(people - with_event, treated - among)
                        * rest / len(designs)
                    )  # fmt: skip
        total *= np.fft.fft2(polynomial)
    found = np.fft.ifft2(total).real
    n, seen = arms.n1 + arms.n0, abs(arms.x1 / arms.n1 - arms.x0 / arms.n0)
    extreme = everything = 0.0
    for more in range(shape[0]):
        treated = least + more
        if not 0 < treated < n:
            continue
        for among in range(events + 1):
            everything += found[more, among]
            if abs(among / treated - (events - among) / (n - treated)) >= seen - 1e-9:
                extreme += found[more, among]
    return float(extreme / everything)


def posterior(arms: Arms, sd: float, planned: float) -> dict[str, Any]:
    """By another grid than the report's: control's risk in steps, with a flat prior."""
    risk = (np.arange(3000) + 0.5) / 3000
    theta = np.linspace(-2.2, 1.8, 1601)
    logit = np.log(risk / (1 - risk))
    p1 = 1 / (1 + np.exp(-(logit[:, None] + theta[None, :])))
    log = arms.x0 * np.log(risk) + (arms.n0 - arms.x0) * np.log(1 - risk)
    weight = log[:, None] + arms.x1 * np.log(p1) + (arms.n1 - arms.x1) * np.log(1 - p1)
    weight = np.exp(weight - theta[None, :] ** 2 / (2 * sd * sd) - weight.max())
    weight /= weight.sum()
    of_theta = weight.sum(axis=0)
    middle = np.cumsum(of_theta) - of_theta / 2
    quantiles = np.interp([0.5, 0.025, 0.975], middle, theta)
    difference = (p1 - risk[:, None]).ravel()
    order = np.argsort(difference)
    cumulative = np.cumsum(weight.ravel()[order])
    return {
        "odds_ratio": [math.exp(each) for each in quantiles],
        "risk_difference": [
            float(difference[order][np.searchsorted(cumulative, q)]) for q in (0.5, 0.025, 0.975)
        ],
        "benefit": float(np.interp(0.0, theta, middle)),
        "planned_benefit": float(np.interp(math.log(planned), theta, middle)),
    }
