"""Alarms as CloudWatch evaluates them, over the metrics that functions have emitted."""

import operator
from typing import Any

from local.dashboard.expressions import Series, evaluate
from local.dashboard.metrics import MetricKey, RecordedMetrics

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


SPARE = (0, 2, 5)
"""How many periods more than it evaluates CloudWatch may look at: it does not say how many."""


def rings(alarm: dict[str, Any], told: RecordedMetrics, now: float) -> bool:
    """Whether it has gone off by now, however far back CloudWatch looks."""
    return all(rang_at(alarm, told, now, spare=spare) is not None for spare in SPARE)


def may_ring(alarm: dict[str, Any], told: RecordedMetrics, now: float) -> bool:
    """Whether it may have gone off by now."""
    return any(rang_at(alarm, told, now, spare=spare) is not None for spare in SPARE)


def rang_at(
    alarm: dict[str, Any], told: RecordedMetrics, now: float, *, spare: int
) -> float | None:
    """
    When it went off first since the first value was told, in seconds; None if it did not by now.

    CloudWatch looks at more periods than it evaluates. Where enough of them have a value, the
    newest of those count, and how to treat missing data does not. Otherwise as many missing ones
    are treated as it says as are needed beside all that have a value:
    https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-missing-data.html
    """
    inputs, expression, period = _inputs(alarm, told)
    compare, often = _COMPARISONS[alarm["ComparisonOperator"]], int(alarm["EvaluationPeriods"])
    first = int(told.span()[0] // period * period)
    # The period under way counts, but not as one of silence: a value may still arrive in it.
    under_way = 0 if alarm["TreatMissingData"] == "breaching" else period
    for end in range(first + often * period, int(now) + under_way + 1, period):
        looked_at = range(max(first, end - (often + spare) * period), end, period)
        found = evaluate(expression, inputs, looked_at)
        values = [found[start] for start in looked_at if start in found][-often:]
        missing = often - len(values)
        if all(compare(value, alarm["Threshold"]) for value in values) and (
            not missing or alarm["TreatMissingData"] == "breaching"
        ):
            return end
    return None


def _inputs(alarm: dict[str, Any], told: RecordedMetrics) -> tuple[dict[str, Series], str, int]:
    """An alarm's metrics by their ids, what is computed of them, and the seconds of a period."""
    if "Metrics" not in alarm:
        series = told.series(metric_of(alarm), alarm["Statistic"], alarm["Period"])
        return {"it": series}, "it", alarm["Period"]
    inputs, periods = {}, set()
    (expression,) = (part["Expression"] for part in alarm["Metrics"] if "Expression" in part)
    for part in alarm["Metrics"]:
        if stat := part.get("MetricStat"):
            periods.add(stat["Period"])
            metric = metric_of(stat["Metric"])
            inputs[part["Id"]] = told.series(metric, stat["Stat"], stat["Period"])
    (period,) = periods
    return inputs, expression, period
