"""
Reads the functions' metrics from their logs, as CloudWatch does.

The emulator stores lines in the embedded metric format but does not turn them into metrics.
"""

from __future__ import annotations

import json
import math
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from commands.deployed_stack import DeployedStack
    from local.dashboard.expressions import Search, Series


class MetricKey(NamedTuple):
    """The identity of a metric."""

    namespace: str
    name: str
    dimensions: frozenset[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Datum:
    """One value of a metric; `at` in seconds since 1970."""

    metric: MetricKey
    at: float
    value: float
    unit: str


def data(line: str) -> Iterator[Datum]:
    """The values in a line of a log; none if it is not in the embedded metric format."""
    if '"_aws"' not in line:
        return
    entry: dict[str, Any] = json.loads(line)
    for directive in entry["_aws"]["CloudWatchMetrics"]:
        for names in directive["Dimensions"]:
            dimensions = frozenset((name, entry[name]) for name in names)
            for defined in directive["Metrics"]:
                metric = MetricKey(directive["Namespace"], defined["Name"], dimensions)
                at = entry["_aws"]["Timestamp"] / 1000
                for value in entry[defined["Name"]]:
                    yield Datum(metric, at, value, defined.get("Unit", "None"))


class RecordedMetrics:
    """Every recorded value, by metric."""

    def __init__(self, everything: Iterable[Datum]) -> None:
        self._by_metric: dict[MetricKey, list[Datum]] = defaultdict(list)
        for datum in everything:
            self._by_metric[datum.metric].append(datum)

    @property
    def metrics(self) -> set[MetricKey]:
        """All metrics that have values."""
        return set(self._by_metric)

    def span(self) -> tuple[float, float]:
        """The times of the first and the last value."""
        times = [datum.at for data in self._by_metric.values() for datum in data]
        return min(times, default=0), max(times, default=0)

    def series(self, metric: MetricKey, stat: str, period: int) -> Series:
        """A statistic of each period that has values."""
        periods: dict[int, list[float]] = defaultdict(list)
        for datum in self._by_metric.get(metric, ()):
            periods[int(datum.at // period * period)].append(datum.value)
        return {start: statistic(stat, values) for start, values in sorted(periods.items())}

    def search(self, wanted: Search) -> dict[MetricKey, Series]:
        """Every metric that matches a search."""
        return {
            metric: self.series(metric, wanted.stat, wanted.period)
            for metric in sorted(self._by_metric, key=lambda each: sorted(each.dimensions))
            if (metric.namespace, metric.name) == (wanted.namespace, wanted.name)
            and dict(metric.dimensions).keys() == wanted.dimensions
            and all(
                dict(metric.dimensions)[name] in wanted.allowed[name] for name in wanted.allowed
            )
        }


def statistic(stat: str, values: list[float]) -> float:
    """One of CloudWatch's statistics of at least one value: p by nearest rank, TC a count."""
    if stat.startswith("TC("):
        least, most = stat.removeprefix("TC(").removesuffix(")").split(":")
        return sum(float(least or "-inf") < value <= float(most or "inf") for value in values)
    if stat.startswith("p"):
        rank = math.ceil(float(stat[1:]) / 100 * len(values))
        return sorted(values)[max(rank, 1) - 1]
    return {
        "Sum": math.fsum(values),
        "Average": math.fsum(values) / len(values),
        "Maximum": max(values),
        "Minimum": min(values),
        "SampleCount": float(len(values)),
    }[stat]


def recorded_by(stack: DeployedStack) -> RecordedMetrics:
    """Everything that the functions of a stack have emitted so far."""
    logs = stack.client("logs")
    pages = logs.get_paginator("filter_log_events")
    groups = stack.of_type("AWS::Logs::LogGroup").values()
    return RecordedMetrics(
        datum
        for group in groups
        for page in pages.paginate(logGroupName=group)
        for event in page["events"]
        for datum in data(event["message"])
    )
