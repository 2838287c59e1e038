"""The dashboard's page: each panel with its lines, or the reason why it has none."""

import re
import xml.etree.ElementTree as ET
from typing import Any

from local.dashboard.live import LivePanel
from local.dashboard.metrics import Datum, MetricKey, RecordedMetrics
from local.dashboard.page import render
from local.dashboard.panels import WidgetPanel, WidgetRow, rows

SPAN = (0.0, 864_000.0)
DAY = 86_400
SENT = MetricKey("DvpoReminders", "ReminderSent", frozenset({("service", "trial")}))


def metric(namespace: str, name: str, label: str, *dimensions: str) -> list[Any]:
    return [namespace, name, *dimensions, {"label": label}]


def body(*metrics: list[Any], **more: Any) -> dict[str, Any]:
    said: dict[str, Any] = {"title": "Texts", "stat": "Sum", "period": DAY}
    said |= {"metrics": [*metrics]} | more
    return {
        "widgets": [
            {"type": "text", "width": 24, "properties": {"markdown": "## Today\nWhat `is`."}},
            {"type": "metric", "width": 12, "properties": said},
        ]
    }


class Emulator:
    """Returns the given values of every metric."""

    def get_metric_data(self, **asked: Any) -> dict[str, Any]:
        (query,) = asked["MetricDataQueries"]
        assert query["MetricStat"]["Metric"]["MetricName"] == "Errors"
        assert query["MetricStat"]["Period"] == DAY
        return {"MetricDataResults": [{"Timestamps": [asked["StartTime"]], "Values": [7.0]}]}


def only(row: list[WidgetRow]) -> WidgetPanel:
    ((panel,),) = (each.panels for each in row)
    return panel


def no_live_panel(panel: LivePanel) -> str:
    raise AssertionError(panel)


def panel(*metrics: list[Any], recorded: RecordedMetrics | None = None, **more: Any) -> WidgetPanel:
    heard = recorded or RecordedMetrics([Datum(SENT, 5, 2, "Count")])
    return only(rows(body(*metrics, **more), heard, Emulator(), no_live_panel))  # type: ignore[arg-type]


OURS = metric("DvpoReminders", "ReminderSent", "sent", "service", "trial")


def test_a_row_shows_its_explanation() -> None:
    (row,) = rows(body(OURS), RecordedMetrics([]), Emulator(), no_live_panel)  # type: ignore[arg-type]
    assert (row.title, row.about) == ("Today", "What `is`.")


def test_a_panel_of_the_project_s_metrics_shows_the_recorded_values() -> None:
    assert panel(OURS).lines == [("sent", {0: 2})]


def test_a_panel_of_functions_shows_the_emulator_s_metrics() -> None:
    of_functions = metric("AWS/Lambda", "Errors", "sending", "FunctionName", "f")
    assert panel(of_functions).lines == [("sending", {5: 7})]


def test_a_panel_that_only_aws_can_fill_says_why_and_is_not_empty() -> None:
    shown = panel(metric("AWS/SQS", "Visible", "sending", "QueueName", "q"))
    assert shown.aws_only == "the emulator keeps no metrics of queues"
    assert not shown.empty


def test_a_panel_with_an_unsupported_formula_is_left_to_aws() -> None:
    half: list[Any] = [{"expression": "sent / 2", "id": "half", "label": "half"}]
    assert panel(half).aws_only == "the emulator computes nothing from metrics"


def test_a_panel_without_values_is_empty() -> None:
    assert panel(OURS, recorded=RecordedMetrics([])).empty


def test_a_search_draws_a_line_for_each_code_and_its_sum_one_line() -> None:
    told = RecordedMetrics(
        Datum(MetricKey("DvpoReminders", "Lost", frozenset({("reason", why)})), at, 1, "Count")
        for why, at in (("too_late", 0), ("too_late", DAY), ("stale", 0))
    )
    found = "SEARCH('{DvpoReminders,reason} MetricName=\"Lost\"', 'Sum', 86400)"
    each: list[Any] = [{"expression": found, "id": "a", "label": "${PROP('Dim.reason')}"}]
    assert panel(each, recorded=told).lines == [("stale", {0: 1}), ("too late", {0: 1, DAY: 1})]
    together: list[Any] = [{"expression": f"SUM({found})", "id": "a", "label": "lost"}]
    assert panel(together, recorded=told).lines == [("lost", {0: 2, DAY: 1})]


def drawn(**changes: Any) -> str:
    said: dict[str, Any] = {
        "title": "Texts & more",
        "width": 8,
        "view": "timeSeries",
        "stacked": False,
        "stat": "Sum",
        "period": DAY,
        "limits": {},
        "lines": [("sent", {0: 2.0, DAY: 4.0}), ("late", {})],
    }
    page = render([WidgetRow("Today", "What `is`.", [WidgetPanel(**(said | changes))])], SPAN)
    return page.partition("<main>")[2].partition("</main>")[0]


def test_the_dashboard_s_page_is_well_formed_whatever_it_shows() -> None:
    several: list[dict[str, Any]] = [
        {},
        {"stacked": True},
        {"view": "singleValue"},
        {"lines": []},
        {"aws_only": "of <this>"},
        {"limits": {"most": 3}},
    ]
    for changes in several:
        ET.fromstring(f"<main>{drawn(**changes)}</main>")  # noqa: S314 - our own


def test_the_dashboard_s_page_loads_nothing_from_elsewhere() -> None:
    page = render([], SPAN)
    assert not re.search(r"https?:|<script|<link|<img|@import|url\(|\bsrc=", page)


def test_a_legend_shows_the_sum_of_counts_and_the_maximum_of_anything_else() -> None:
    assert "sent <b>6</b>" in drawn()
    assert "late <b>none</b>" in drawn()
    assert "sent <b>up to 4</b>" in drawn(stat="p95")


def test_lines_differ_by_more_than_colour() -> None:
    inks = re.findall(r'class="line" d="M0 4H22" style="([^"]+)"', drawn())
    assert len({ink.partition("stroke-dasharray:")[2] for ink in inks}) == 2


def test_a_limit_is_drawn_within_the_chart() -> None:
    assert "M0 25.0H1000" in drawn(limits={"most": 3})
    assert 'class="limit"' not in drawn(limits={"most": 30})


def test_a_stacked_panel_stacks_its_series() -> None:
    page = drawn(stacked=True, lines=[("a", {0: 1.0}), ("b", {0: 3.0})])
    assert re.findall(r'y="([\d.]+)" width="[\d.]+" height="([\d.]+)"', page) == [
        ("75.0", "25.0"),
        ("0.0", "75.0"),
    ]


def test_a_live_panel_is_shown_in_its_row_as_its_function_drew_it() -> None:
    said = {"title": "Who waits", "endpoint": "arn:panels", "params": {"panel": "waiting"}}
    definition = body() | {}
    definition["widgets"][1] = {"type": "custom", "width": 12, "properties": said}
    told = RecordedMetrics([])
    (row,) = rows(definition, told, Emulator(), lambda panel: f"<b>{panel.params}</b>")  # type: ignore[arg-type]
    (live,) = row.live
    assert (live.title, live.endpoint, live.html) == (
        "Who waits",
        "arn:panels",
        "<b>{'panel': 'waiting'}</b>",
    )
    assert f'<div class="live">{live.html}</div>' in render([row], SPAN)


def test_only_the_served_page_has_a_script() -> None:
    assert "<script" not in render([], SPAN)
    assert '<script src="/live.js" defer>' in render([], SPAN, served=True)
