"""The dashboard shows every metric that the code emits, and nothing that identifies anybody."""

import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from time_machine import Traveller

from local.dashboard.metrics import MetricKey, RecordedMetrics
from local.dashboard.panels import WidgetMetric, entry_of, only_on_aws
from operations.panels.asked import PanelName
from tests.support import causes
from tests.support.deployed import Deployed
from trial.codes import Arm
from trial.metrics import Metric

(SAID,) = Deployed().of_type("AWS::CloudWatch::Dashboard").values()
WIDGETS: list[dict[str, Any]] = json.loads(SAID["DashboardBody"])["widgets"]
PANELS = {
    f"{widget['properties']['title']} {place}": widget["properties"]
    for place, widget in enumerate(WIDGETS)
    if widget["type"] == "metric"
}
ENTRIES = [
    (title, entry_of(metric, said)) for title, said in PANELS.items() for metric in said["metrics"]
]
NOT_SHOWN: dict[Metric, str] = {
    Metric.IDLE_NUMBERS_ERASED: "housekeeping: a number that nobody has any more",
    Metric.OPT_OUTS_ERASED: "housekeeping: an opt-out, once its trial data are erased",
}
"""The metrics that are not on the dashboard, and why."""

# The metrics of each cause, by name and code, that the dashboard or an alarm uses.
TOLD: dict[Callable[[Traveller], None], str] = {
    causes.two_days: """EnrolmentAccepted EnrolmentEligible EnrolmentAllocated ReminderScheduled
        ReminderDue ReminderSent SecondsLate ReminderDelivered TextParts TextPence SendingPaused
        FollowUpsOverdue ExtractPublished RetentionCompleted ReconciliationCompleted/gaps
        ReconciliationCompleted/proof""",
    causes.pieces_of_life: """EnrolmentWaiting/no_number NumberMissing/seized_evidence NumberFound
        EnrolmentIneligible/under_18 ReminderUndelivered/phone_blocks_texts StrayReceipt
        OutcomeReported/arrest EnrolmentEnded/in_custody ReminderSuppressed/ended""",
    causes.audited: "AuditExported",
    causes.record_failed: "RecordFailed",
    causes.erased: "IdentifiersErased TrialDataErased StrayReceiptsErased",
    causes.not_erased: "ErasureFailed",
    causes.cut_short: """ReconciliationCutShort/gaps ReconciliationCutShort/proof
        RetentionCutShort""",
    causes.nothing_sent: "ReminderFailed",
    causes.unknown: "ReminderUnsure GapFound/unknown",
    causes.not_sent: "GapFound/not_sent",
    causes.not_fired: "GapFound/not_fired",
}


@pytest.mark.parametrize("cause", TOLD, ids=lambda cause: cause.__name__)
def test_each_cause_emits_the_metrics_listed_for_it(
    cause: Callable[[Traveller], None], heard: Callable[[], RecordedMetrics], clock: Traveller
) -> None:
    cause(clock)
    told = heard()
    assert {named(metric) for metric in told.metrics} >= set(TOLD[cause].split())
    for metric in told.metrics:
        assert metric.namespace == "DvpoReminders"
        assert ("service", "trial") in metric.dimensions
        assert shape(metric) in SHAPES


def named(metric: MetricKey) -> str:
    codes = [value for name, value in metric.dimensions if name != "service"]
    return "/".join([metric.name, *codes])


def shape(metric: MetricKey) -> tuple[str, frozenset[str]]:
    return metric.name, frozenset(dict(metric.dimensions))


def shapes(entry: WidgetMetric) -> tuple[str, frozenset[str]]:
    """Name and dimensions of what an entry is about."""
    if entry.search:
        return entry.search.name, entry.search.dimensions
    assert entry.metric
    return shape(entry.metric)


OURS = [(title, entry) for title, entry in ENTRIES if entry.search or not only_on_aws(entry)]
SHAPES = {shapes(entry) for _, entry in OURS}
"""The dashboard would not find a metric with other dimensions than these."""


def test_every_metric_on_the_dashboard_is_emitted_by_the_code() -> None:
    told = {each for names in TOLD.values() for each in names.split()}
    names = {(name, bool(code)) for name, _, code in (each.partition("/") for each in told)}
    for title, entry in OURS:
        if entry.metric and entry.metric.namespace == "AWS/Lambda":
            continue
        name, dimensions = shapes(entry)
        assert (name, dimensions != {"service"}) in names, title
        for allowed in entry.search.allowed.values() if entry.search else ():
            assert {f"{name}/{code}" for code in allowed} <= told, title


def test_every_metric_is_on_the_dashboard_or_has_a_reason_why_not() -> None:
    shown = {shapes(entry)[0] for _, entry in OURS}
    assert {fact for fact in Metric if fact not in shown} == NOT_SHOWN.keys()
    assert all(NOT_SHOWN.values())


def test_every_function_is_shown() -> None:
    for metric in ("Errors", "Duration"):
        metrics = [entry.metric for _, entry in ENTRIES if entry.metric]
        shown = [value for each in metrics if each.name == metric for _, value in each.dimensions]
        assert sorted(shown) == sorted(Deployed().of_type("AWS::Lambda::Function"))


def test_the_dashboard_splits_nothing_by_arm_and_holds_no_id() -> None:
    for title, entry in OURS:
        text = f"{title} {entry}"
        assert not re.search("enrolment_id|mobile|person|reference", text)
        assert not any(arm in text for arm in Arm)
    split_by = {name for _, dimensions in SHAPES for name in dimensions}
    assert split_by == {"service", "reason", "kind", "type", "FunctionName"}


def test_every_row_explains_itself_and_links_to_the_runbook() -> None:
    texts = [widget for widget in WIDGETS if widget["type"] == "text"]
    assert len(texts) == 11
    for widget in texts:
        title, _, about = widget["properties"]["markdown"].partition("\n")
        assert title.startswith("## ")
        assert re.search(r"\w{3}.*Runbook: `docs/runbook\.md#[a-z-]+`$", about)


def test_each_row_fills_the_grid_s_width() -> None:
    """CloudWatch puts a panel in the next free place: a row of another width would tear."""
    rows: list[int] = []
    for widget in WIDGETS:
        assert "x" not in widget
        if widget["type"] == "text":
            assert widget["width"] == 24
            assert not rows or rows[-1] % 24 == 0
            rows.append(0)
        else:
            rows[-1] += widget["width"]
            assert widget.get("height", 9) == 9
            assert ("height" in widget) == (widget["type"] == "custom")
    assert all(width and width % 24 == 0 for width in rows)


def test_every_live_panel_is_shown_by_the_function_that_draws_it() -> None:
    custom = [each["properties"] for each in WIDGETS if each["type"] == "custom"]
    arn = Deployed().resolved({"Fn::GetAtt": ["PanelsFunction", "Arn"]})
    assert {each["endpoint"] for each in custom} == {arn}
    assert sorted(each["params"]["panel"] for each in custom) == sorted(PanelName)


def test_panels_with_orders_or_forms_are_not_refreshed_automatically() -> None:
    """Each view of who waits is in the audit trail, and a form would lose what is typed."""
    custom = [each["properties"] for each in WIDGETS if each["type"] == "custom"]
    renewed = {each["params"]["panel"] for each in custom if each["updateOn"]["refresh"]}
    assert renewed == {PanelName.FLOW}


def test_spending_is_shown_against_the_month_s_limit() -> None:
    said = Deployed(SpendLimitUsd="250").of_type("AWS::CloudWatch::Dashboard")["Dashboard"]
    formulas = [
        metric[0]["expression"]
        for widget in json.loads(said["DashboardBody"])["widgets"]
        for metric in widget["properties"].get("metrics", ())
        if "expression" in metric[0]
    ]
    assert "100 * spent / 250" in formulas


def test_a_parameter_leaves_the_dashboard_out() -> None:
    stack = Deployed(Dashboard="false")
    assert stack.of_type("AWS::CloudWatch::Dashboard") == {}
    assert "DashboardName" not in stack.outputs


def test_a_figure_of_today_is_empty_if_today_has_none() -> None:
    """CloudWatch shows the last value that there is: without values since, an earlier day's."""
    for title, said in PANELS.items():
        if said.get("view") != "singleValue":
            continue
        shown = [metric[-1] for metric in said["metrics"] if metric[-1].get("visible", True)]
        hidden = {metric[-1]["id"] for metric in said["metrics"]} - {each["id"] for each in shown}
        assert hidden, title
        assert {each["expression"] for each in shown} == {f"FILL({each}, 0)" for each in hidden}
