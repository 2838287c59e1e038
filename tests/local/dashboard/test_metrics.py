"""Metrics as CloudWatch would make them of log lines, its searches and its arithmetic."""

import json

import pytest

from local.dashboard.expressions import Search, evaluate
from local.dashboard.metrics import Datum, MetricKey, RecordedMetrics, data, statistic

SENT = MetricKey("Ours", "Sent", frozenset({("service", "trial")}))


def late(reason: str) -> MetricKey:
    return MetricKey("Ours", "Late", frozenset({("reason", reason), ("service", "trial")}))


def told(*values: tuple[MetricKey, float, float]) -> RecordedMetrics:
    return RecordedMetrics(Datum(metric, at, value, "Count") for metric, at, value in values)


def search(more: str = "", total: str = "{}") -> Search:
    schema = "{Ours,reason,service}"
    return Search.of(total.format(f"SEARCH('{schema} MetricName=\"Late\"{more}', 'Sum', 60)"))


def test_a_line_in_embedded_metric_format_gives_its_values() -> None:
    directive = {
        "Namespace": "Ours",
        "Dimensions": [["service"]],
        "Metrics": [{"Name": "Sent", "Unit": "Count"}],
    }
    line = {"_aws": {"Timestamp": 61_500, "CloudWatchMetrics": [directive]}, "service": "trial"}
    assert list(data(json.dumps(line | {"Sent": [1, 2]}))) == [
        Datum(SENT, 61.5, 1, "Count"),
        Datum(SENT, 61.5, 2, "Count"),
    ]


@pytest.mark.parametrize("line", ["START RequestId: 1", '{"level": "INFO"}', ""])
def test_any_other_line_gives_no_metric(line: str) -> None:
    assert list(data(line)) == []


@pytest.mark.parametrize(
    ("stat", "expected"),
    [
        ("Sum", 10),
        ("Average", 2.5),
        ("Maximum", 4),
        ("Minimum", 1),
        ("SampleCount", 4),
        ("p50", 2),
        ("p95", 4),
        ("TC(2:)", 2),
        ("TC(:3)", 3),
    ],
)
def test_each_statistic_is_computed_from_the_values(stat: str, expected: float) -> None:
    assert statistic(stat, [4, 1, 3, 2]) == expected


def test_a_series_has_only_periods_with_values() -> None:
    heard = told((SENT, 59, 1), (SENT, 60, 2), (SENT, 119, 3), (SENT, 240, 4))
    assert heard.series(SENT, "Sum", 60) == {0: 1, 60: 5, 240: 4}
    assert heard.series(late("x"), "Sum", 60) == {}
    assert heard.span() == (59, 240)


def test_a_search_finds_metrics_of_just_these_dimensions() -> None:
    bare = MetricKey("Ours", "Late", frozenset({("service", "trial")}))
    heard = told((late("a"), 0, 1), (late("b"), 0, 2), (SENT, 0, 3), (bare, 0, 4))
    assert heard.search(search()) == {late("a"): {0: 1}, late("b"): {0: 2}}
    assert heard.search(search(' reason=("b" OR "c")')) == {late("b"): {0: 2}}


def test_the_sum_of_a_search_is_distinguished_from_a_search() -> None:
    assert not search().summed
    assert search(total="SUM({})").summed


@pytest.mark.parametrize("expression", ["m1 + m2", "SEARCH('{Ours} Sent', 'Sum', 60)"])
def test_an_expression_that_is_not_a_search_is_refused(expression: str) -> None:
    with pytest.raises(ValueError, match="not a search"):
        Search.of(expression)


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("100 * b / a", {0: 50}),
        ("FILL(b, 0)", {0: 1, 60: 0}),
        ("a - 1 + 0", {0: 1, 60: 3}),
        ("IF(FILL(b, 0) > 0, 1, 0)", {0: 1, 60: 0}),
        ("IF(a >= 4 AND FILL(b, 0) == 0, 1, 0)", {0: 0, 60: 1}),
        ("IF(b <= 1, a, 9)", {0: 2}),
        ("a < 3", {0: 1, 60: 0}),
    ],
)
def test_arithmetic_on_series_gives_its_values(expression: str, expected: dict[int, float]) -> None:
    assert evaluate(expression, {"a": {0: 2, 60: 4}, "b": {0: 1}}, [0, 60]) == expected


def test_an_unsupported_expression_is_refused() -> None:
    with pytest.raises(ValueError, match=r"not understood: RATE\(a\)"):
        evaluate("RATE(a)", {"a": {0: 1}}, [0])
