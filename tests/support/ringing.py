"""Alarms as CloudWatch evaluates them, over what functions have told."""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING, Any

from local.dashboard.expressions import evaluate
from local.dashboard.metrics import MetricKey

if TYPE_CHECKING:
    from local.dashboard.expressions import Series
    from local.dashboard.metrics import RecordedMetrics

_COMPARISONS = {
    "GreaterThanThreshold": operator.gt,
    "GreaterThanOrEqualToThreshold": operator.ge,
    "LessThanThreshold": operator.lt,
}


def metric_of(said: dict[str, Any]) -> MetricKey:
    """The metric that an alarm, or a part of one, is about."""
    dimensions = frozenset((each["Name"], each["Value"]) for each in said.get("Dimensions", []))
    return MetricKey(said["Namespace"], said["MetricName"], dimensions)


def metrics_of(alarm: dict[str, Any]) -> list[MetricKey]:
    """All metrics that an alarm is about."""
    if "Metrics" not in alarm:
        return [metric_of(alarm)]
    parts = [part["MetricStat"]["Metric"] for part in alarm["Metrics"] if "MetricStat" in part]
    return [metric_of(part) for part in parts]


def rings(alarm: dict[str, Any], told: RecordedMetrics, now: float) -> bool:
    """Whether it has gone off at the end of any period since the first value was told."""
    series, period = _series(alarm, told)
    compare, often = _COMPARISONS[alarm["ComparisonOperator"]], alarm["EvaluationPeriods"]
    first = int(told.span()[0] // period * period)
    starts = list(range(first, int(now), period))
    breaching = [
        compare(series[start], alarm["Threshold"])
        if start in series
        else alarm["TreatMissingData"] == "breaching"
        for start in starts
    ]
    return any(all(breaching[at : at + often]) for at in range(len(breaching) - often + 1))


def _series(alarm: dict[str, Any], told: RecordedMetrics) -> tuple[Series, int]:
    if "Metrics" not in alarm:
        return told.series(metric_of(alarm), alarm["Statistic"], alarm["Period"]), alarm["Period"]
    inputs, periods = {}, set()
    (expression,) = (part["Expression"] for part in alarm["Metrics"] if "Expression" in part)
    for part in alarm["Metrics"]:
        if stat := part.get("MetricStat"):
            periods.add(stat["Period"])
            metric = metric_of(stat["Metric"])
            inputs[part["Id"]] = told.series(metric, stat["Stat"], stat["Period"])
    (period,) = periods
    return evaluate(expression, inputs), period
