"""The deployed dashboard's panels, each with its data from this machine."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeAlias

from local.dashboard.expressions import Search, Series
from local.dashboard.live import LivePanel
from local.dashboard.metrics import MetricKey, RecordedMetrics

if TYPE_CHECKING:
    from collections.abc import Callable

    from mypy_boto3_cloudwatch import CloudWatchClient

OURS = "DvpoReminders"
EMULATED = {"Errors", "Throttles", "Duration"}
"""The Lambda metrics that the emulator emits as AWS does."""

AWS_ONLY = {
    "AWS/ApiGateway": "the emulator counts no requests",
    "AWS/Lambda": "the emulator emits only errors, throttles and durations of functions",
    "AWS/SNS": "the emulator's texts cost nothing",
    "AWS/SQS": "the emulator keeps no metrics of queues",
    "AWS/Scheduler": "the emulator's scheduler neither tries again nor drops anything",
}

NamedSeries: TypeAlias = "tuple[str, Series]"


@dataclass(frozen=True)
class WidgetPanel:
    """One widget of the dashboard with its data, or the reason why it has none."""

    title: str
    width: int
    view: str
    stacked: bool
    stat: str
    period: int
    limits: dict[str, float]
    lines: list[NamedSeries] = field(default_factory=list)
    aws_only: str | None = None

    @property
    def empty(self) -> bool:
        """Whether the panel should show something and does not."""
        return self.aws_only is None and not any(series for _, series in self.lines)


@dataclass(frozen=True)
class WidgetRow:
    """A heading, its explanation, and its panels."""

    title: str
    about: str
    panels: list[WidgetPanel] = field(default_factory=list)
    live: list[LivePanel] = field(default_factory=list)


def rows(
    body: dict[str, Any],
    recorded: RecordedMetrics,
    cloudwatch: CloudWatchClient,
    live: Callable[[LivePanel], str],
) -> list[WidgetRow]:
    """The dashboard's rows, each panel with its data; `live` draws custom widgets."""
    found: list[WidgetRow] = []
    for widget in body["widgets"]:
        said = widget["properties"]
        if widget["type"] == "text":
            title, _, about = said["markdown"].removeprefix("## ").partition("\n")
            found.append(WidgetRow(title, about))
            continue
        if widget["type"] == "custom":
            panel = LivePanel(said["title"], widget["width"], said["endpoint"], said["params"])
            found[-1].live.append(replace(panel, html=live(panel)))
            continue
        limits = said.get("annotations", {}).get("horizontal", [])
        entries = [entry_of(metric, said) for metric in said["metrics"] if not filled(metric)]
        missing = {why for entry in entries if (why := only_on_aws(entry))}
        found[-1].panels.append(
            WidgetPanel(
                title=said["title"],
                width=widget["width"],
                view=said.get("view", "timeSeries"),
                stacked=said.get("stacked", False),
                stat=said.get("stat", ""),
                period=said["period"],
                limits={each["label"]: each["value"] for each in limits},
                lines=[]
                if missing
                else [line for entry in entries for line in lines(entry, recorded, cloudwatch)],
                aws_only=", and ".join(sorted(missing)) or None,
            )
        )
    return found


@dataclass(frozen=True)
class WidgetMetric:
    """One line of a widget's metrics: a metric, a search for several, or a formula of others."""

    label: str
    stat: str
    period: int
    metric: MetricKey | None = None
    search: Search | None = None
    formula: str | None = None


def filled(metric: list[Any]) -> bool:
    """
    Whether the expression fills another metric's empty periods with 0.

    CloudWatch then shows 0 for today, not the last figure of an earlier day. The local page shows
    the metric itself, with the day beside the figure.
    """
    return str(metric[-1].get("expression", "")).startswith("FILL(")


def entry_of(metric: list[Any], said: dict[str, Any]) -> WidgetMetric:
    """A metric as its widget defines it: names first, then options."""
    *names, options = metric
    label, stat = options["label"], options.get("stat", said.get("stat", ""))
    if "SEARCH(" in options.get("expression", ""):
        search = Search.of(options["expression"])
        return WidgetMetric(label, search.stat, search.period, search=search)
    if "expression" in options:
        return WidgetMetric(label, stat, said["period"], formula=options["expression"])
    namespace, name, *dimensions = names
    pairs = frozenset(zip(dimensions[::2], dimensions[1::2], strict=True))
    return WidgetMetric(label, stat, said["period"], metric=MetricKey(namespace, name, pairs))


def only_on_aws(entry: WidgetMetric) -> str | None:
    """Why nothing on this machine can fill it."""
    metric = entry.metric
    if entry.formula:
        return "the emulator computes nothing from metrics"
    if metric is None or metric.namespace == OURS:
        return None
    if metric.namespace == "AWS/Lambda" and metric.name in EMULATED and metric.dimensions:
        return None
    return AWS_ONLY[metric.namespace]


def lines(
    entry: WidgetMetric, recorded: RecordedMetrics, cloudwatch: CloudWatchClient
) -> list[NamedSeries]:
    """The lines that an entry draws: for a search, one for each metric found."""
    if entry.search:
        found = recorded.search(entry.search)
        if entry.search.summed:
            return [(entry.label, total(list(found.values())))]
        return [(labelled(entry.label, metric), series) for metric, series in found.items()]
    if entry.metric and entry.metric.namespace == OURS:
        return [(entry.label, recorded.series(entry.metric, entry.stat, entry.period))]
    return [(entry.label, emulated(entry, recorded.span(), cloudwatch))]


def total(several: list[Series]) -> Series:
    """The sum of several series."""
    times = sorted(set().union(*several))
    return {time: sum(series.get(time, 0) for series in several) for time in times}


def labelled(label: str, metric: MetricKey) -> str:
    """A label with its placeholders replaced by the metric's dimension values."""
    for name, value in metric.dimensions:
        label = label.replace(f"${{PROP('Dim.{name}')}}", value.replace("_", " "))
    return label


def emulated(
    entry: WidgetMetric, span: tuple[float, float], cloudwatch: CloudWatchClient
) -> Series:
    """A metric's values from the emulator's own CloudWatch."""
    assert entry.metric  # noqa: S101 - searches are for our own metrics only
    dimensions = [{"Name": name, "Value": value} for name, value in entry.metric.dimensions]
    names = {"Namespace": entry.metric.namespace, "MetricName": entry.metric.name}
    metric: Any = {**names, "Dimensions": dimensions}
    first, last = (datetime.fromtimestamp(at, UTC) for at in span)
    answer = cloudwatch.get_metric_data(
        MetricDataQueries=[
            {
                "Id": "asked",
                "MetricStat": {"Metric": metric, "Period": entry.period, "Stat": entry.stat},
            }
        ],
        StartTime=first,
        EndTime=last,
        ScanBy="TimestampAscending",
    )["MetricDataResults"][0]
    times = (int(at.timestamp()) for at in answer["Timestamps"])
    return dict(zip(times, answer["Values"], strict=True))
