"""The dashboard as a page: rows of panels, drawn as SVG that stretches to any width."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from html import escape
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from local.dashboard.expressions import Series
    from local.dashboard.live import LivePanel
    from local.dashboard.panels import WidgetPanel, WidgetRow

HERE = Path(__file__).parent
WIDE, HIGH = 1000, 100
WHOLE = 100
# Distinguishable with any colour vision; lines differ in their dashes too.
COLOURS = ("0072b2", "d55e00", "009e73", "cc79a7", "e69f00", "56b4e9", "5e4b8b", "7f6a00", "555555")
DASHES = ("none", "7 4", "2 3", "9 3 2 3", "4 2", "12 4")
PERIODS = {300: "5 minutes", 3600: "hour", 86400: "day"}
STATS = {"Sum": "sum", "Maximum": "most", "p95": "95 % within"}


def render(rows: list[WidgetRow], span: tuple[float, float], *, served: bool = False) -> str:
    """
    The whole page; `span` holds the times of the first and the last value.

    The buttons of live panels work only if the page is `served`.
    """
    panels = [panel for row in rows for panel in row.panels]
    first, last = (datetime.fromtimestamp(at, UTC) for at in span)
    return Template((HERE / "dashboard.html").read_text()).substitute(
        style=(HERE / "dashboard.css").read_text(),
        script='<script src="/live.js" defer></script>' if served else "",
        kind="served" if served else "still",
        start=f"{first:%-d %B %Y}",
        end=f"{last:%-d %B %Y}",
        drawn=sum(panel.aws_only is None for panel in panels),
        others=sum(panel.aws_only is not None for panel in panels),
        rows="".join(_row(row, span) for row in rows),
    )


def _row(row: WidgetRow, span: tuple[float, float]) -> str:
    name = re.sub(r"\W+", "-", row.title.lower())
    about = re.sub(r"`(.+?)`", r"<code>\1</code>", escape(row.about))
    panels = "".join(_live(panel) for panel in row.live)
    panels += "".join(_panel(panel, span) for panel in row.panels)
    return (
        f'<section aria-labelledby="{name}"><h2 id="{name}">{escape(row.title)}</h2>'
        f'<p>{about}</p><div class="panels">{panels}</div></section>'
    )


def _live(panel: LivePanel) -> str:
    """A panel drawn by a function, with its title and a note that buttons work only when served."""
    return (
        f'<figure style="--columns:{panel.width}"><figcaption><b>{escape(panel.title)}</b>'
        f'</figcaption><div class="live">{panel.html}</div><p class="elsewhere">Its buttons work '
        "on the page that <code>make panels</code> serves.</p></figure>"
    )


def _panel(panel: WidgetPanel, span: tuple[float, float]) -> str:
    if panel.aws_only:
        inside = f'<p class="elsewhere">Shown on AWS only: {escape(panel.aws_only)}.</p>'
    elif panel.empty:
        inside = '<p class="elsewhere">Nothing yet.</p>'
    elif panel.view == "singleValue":
        inside = _tiles(panel, span)
    else:
        inside = _plot(panel, span) + _legend(panel)
    unit = f"{STATS.get(panel.stat, panel.stat)} by {PERIODS[panel.period]}".strip()
    return (
        f'<figure style="--columns:{panel.width}"><figcaption><b>{escape(panel.title)}</b>'
        f" <span>{unit}</span></figcaption>{inside}</figure>"
    )


def _tiles(panel: WidgetPanel, span: tuple[float, float]) -> str:
    """The last value of each line, with a small graph of its history."""
    tiles = []
    for index, (label, series) in enumerate(panel.lines):
        value, day = "-", ""
        if series:
            value = _number(series[max(series)])
            day = f"{datetime.fromtimestamp(max(series), UTC):on %-d %b}"
        top = max(series.values(), default=0) or 1
        drawn = _steps(series, panel.period, span, top)
        tiles.append(
            f"<li><b>{value}</b> {escape(label)} <span>{day}</span>"
            f'<svg viewBox="0 0 {WIDE} {HIGH}" preserveAspectRatio="none" aria-hidden="true">'
            f'<path class="line" style="stroke:#{COLOURS[index]}" d="{drawn}"/></svg></li>'
        )
    return f'<ul class="tiles">{"".join(tiles)}</ul>'


def _plot(panel: WidgetPanel, span: tuple[float, float]) -> str:
    top = _top(panel)
    draw = _bars if panel.stacked else _lines
    limits = "".join(
        f'<path class="limit" d="M0 {_y(value, top):.1f}H{WIDE}">'
        f"<title>{escape(label)}</title></path>"
        for label, value in panel.limits.items()
        if value <= top
    )
    first, last = (datetime.fromtimestamp(at, UTC) for at in span)
    summary = "; ".join(f"{label} {_summary(panel, series)}" for label, series in panel.lines)
    return (
        f'<div class="plot"><span class="top">{_number(top)}</span>'
        f'<svg viewBox="0 0 {WIDE} {HIGH}" preserveAspectRatio="none" role="img"'
        f' aria-label="{escape(panel.title)}: {escape(summary)}">'
        f'<path class="grid" d="M0 0H{WIDE}M0 {HIGH / 2:g}H{WIDE}M0 {HIGH}H{WIDE}"/>'
        f"{''.join(draw(panel, span, top))}{limits}</svg>"
        f"<p><span>{first:%-d %b}</span><span>{last:%-d %b}</span></p></div>"
    )


def _top(panel: WidgetPanel) -> float:
    """The highest value of the y axis."""
    several: list[Series] = [series for _, series in panel.lines]
    if panel.stacked:
        times = set().union(*several)
        return max(sum(series.get(time, 0) for series in several) for time in times) or 1
    return max(value for series in several for value in series.values()) or 1


def _x(at: float, span: tuple[float, float]) -> float:
    first, last = span
    return min(max((at - first) / ((last - first) or 1), 0), 1) * WIDE


def _y(value: float, top: float) -> float:
    return HIGH - HIGH * value / top


def _steps(series: Series, period: int, span: tuple[float, float], top: float) -> str:
    """A step line: one level per period, joined where periods are adjacent."""
    path, end = [], None
    for start, value in sorted(series.items()):
        x, y = _x(start, span), _y(value, top)
        path.append(f"V{y:.1f}" if start == end else f"M{x:.1f} {y:.1f}")
        end = start + period
        path.append(f"H{max(_x(end, span), x + 4):.1f}")
    return "".join(path)


def _lines(panel: WidgetPanel, span: tuple[float, float], top: float) -> list[str]:
    return [
        f'<path class="line" style="{_ink(index)}" d="{_steps(series, panel.period, span, top)}"/>'
        for index, (_, series) in enumerate(panel.lines)
    ]


def _bars(panel: WidgetPanel, span: tuple[float, float], top: float) -> list[str]:
    """The lines as stacked bars."""
    reached: Series = {}
    bars = []
    for index, (_, series) in enumerate(panel.lines):
        for start, value in series.items():
            low = reached.get(start, 0)
            reached[start] = low + value
            x = _x(start, span)
            width = max(_x(start + panel.period, span) - x - 4, 2)
            bars.append(
                f'<rect x="{x:.1f}" y="{_y(low + value, top):.1f}" width="{width:.1f}"'
                f' height="{HIGH * value / top:.1f}" fill="#{COLOURS[index % len(COLOURS)]}"/>'
            )
    return bars


def _ink(index: int) -> str:
    return f"stroke:#{COLOURS[index % len(COLOURS)]};stroke-dasharray:{DASHES[index % len(DASHES)]}"


def _legend(panel: WidgetPanel) -> str:
    items = []
    for index, (label, series) in enumerate(panel.lines):
        key = (
            f'<i style="background:#{COLOURS[index % len(COLOURS)]}"></i>'
            if panel.stacked
            else f'<svg viewBox="0 0 22 8" aria-hidden="true"><path class="line" d="M0 4H22"'
            f' style="{_ink(index)}"/></svg>'
        )
        items.append(f"<li>{key}{escape(label)} <b>{_summary(panel, series)}</b></li>")
    return f'<ul class="legend">{"".join(items)}</ul>'


def _summary(panel: WidgetPanel, series: Series) -> str:
    """The total of counts; the maximum of anything else."""
    if not series:
        return "none"
    values = list(series.values())
    return _number(sum(values)) if panel.stat == "Sum" else f"up to {_number(max(values))}"


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= WHOLE or value == int(value) else f"{value:.3g}"
