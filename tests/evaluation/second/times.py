"""Time to an event, from the formulas."""

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Any, NamedTuple

from tests.evaluation.second.formulas import Z


class KaplanMeier(NamedTuple):
    days: list[float]
    survival: list[float]
    low: list[float]
    high: list[float]
    at_risk: list[int]
    events: list[int]


def kaplan_meier(rows: Sequence[tuple[float, int]]) -> KaplanMeier:
    """Of (days, event); at day 0 and at each day on which somebody's time ends."""
    days = sorted({0.0, *(day for day, _ in rows)})
    survival, greenwood = 1.0, 0.0
    columns: list[list[Any]] = [[], [], [], [], []]
    for day in days:
        n = sum(each >= day for each, _ in rows)
        d = sum(each == day and event for each, event in rows)
        survival *= 1 - d / n
        greenwood += d / (n * (n - d)) if n > d else 0.0
        low = high = survival
        if 0 < survival < 1:
            half = Z * math.sqrt(greenwood) / abs(math.log(survival))
            low, high = survival ** math.exp(half), survival ** math.exp(-half)
        for column, value in zip(columns, (survival, low, high, n, d), strict=True):
            column.append(value)
    return KaplanMeier(days, *columns)


def log_rank(rows: Sequence[tuple[float, int, int]]) -> float:
    """Of (days, event, treated)."""
    gap = variance = 0.0
    for day in sorted({day for day, event, _ in rows if event}):
        n, n1 = (sum(each >= day and t >= a for each, _, t in rows) for a in (0, 1))
        d, d1 = (sum(each == day and e and t >= a for each, e, t in rows) for a in (0, 1))
        gap += d1 - d * n1 / n
        variance += d * n1 / n * (1 - n1 / n) * (n - d) / (n - 1) if n > 1 else 0.0
    return gap * gap / variance


def restricted_mean(curve: KaplanMeier, horizon: float) -> tuple[float, float]:
    """The area under it, and its variance (Klein and Moeschberger, 4.5)."""
    ends = [*(day for day in curve.days if day < horizon), horizon]
    widths = [b - a for a, b in pairwise(ends)]
    pieces = [s * w for s, w in zip(curve.survival, widths, strict=False)]
    variance = sum(
        sum(pieces[i:]) ** 2 * curve.events[i] / (n * (n - curve.events[i]))
        for i, n in enumerate(curve.at_risk[: len(pieces)])
        if n > curve.events[i]
    )
    return sum(pieces), variance


def incidence(rows: Sequence[tuple[float, int]], horizon: float) -> float:
    """Aalen and Johansen; of (days, 1 for the event, 2 for what competes with it, 0 for none)."""
    share, survival = 0.0, 1.0
    for day in sorted({day for day, status in rows if status and day <= horizon}):
        n = sum(each >= day for each, _ in rows)
        share += survival * sum(each == day and s == 1 for each, s in rows) / n
        survival *= 1 - sum(each == day and s > 0 for each, s in rows) / n
    return share
