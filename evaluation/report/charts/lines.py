"""Lines over time or size, as steps or curves, with the numbers at risk below."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from evaluation.report.charts.drawing import FAINT, GRID, INK, WIDE, Drawing, Scale

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_LEFT, _RIGHT, _TOP, _PLOT = 118, 16, 34, 270


@dataclass(frozen=True, slots=True, kw_only=True)
class PlottedLine:
    """One line through points, with a band around it if `low` and `high` are given."""

    name: str
    colour: str
    dash: str = ""
    xs: Sequence[float]
    ys: Sequence[float]
    low: Sequence[float] = ()
    high: Sequence[float] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Axes:
    """Both scales and their meaning; `marks` are vertical lines with a word each."""

    x: str
    y: str
    x_limits: tuple[float, float]
    y_limits: tuple[float, float] = (0, 1)
    y_tick: Callable[[float], str]
    x_tick: Callable[[float], str] = "{:,.10g}".format
    x_ticks: Sequence[float] = ()
    marks: Sequence[tuple[float, str]] = ()
    level: float | None = None


def lines(
    title: str, drawn: Sequence[PlottedLine], axes: Axes, *,
    steps: bool = False, at_risk: Sequence[tuple[str, Sequence[int]]] = (),
) -> str:  # fmt: skip
    """The lines in one frame; `at_risk` has a row of numbers, one for each tick across."""
    below = 54 + (26 + 20 * len(at_risk) if at_risk else 0)
    drawing = Drawing(title, _TOP + _PLOT + below)
    across = Scale(*axes.x_limits, _LEFT, WIDE - _RIGHT)
    up = Scale(*axes.y_limits, _TOP + _PLOT, _TOP)
    _frame(drawing, axes, across, up)
    for line in drawn:
        points = list(zip(line.xs, line.ys, strict=True))
        if len(line.low):
            upper = _stepped(list(zip(line.xs, line.high, strict=True)), steps=steps)
            lower = _stepped(list(zip(line.xs, line.low, strict=True)), steps=steps)[::-1]
            path = _path(upper + lower, across, up) + "Z"
            drawing.add("path", d=path, fill=line.colour, fill_opacity=0.13)
        drawing.add(
            "path", d=_path(_stepped(points, steps=steps), across, up),
            fill="none", stroke=line.colour, stroke_width=2.5, stroke_dasharray=line.dash or "none",
        )  # fmt: skip
    x = _LEFT + 6.0
    for line in drawn:
        dash = line.dash or "none"
        drawing.line(x, 14, x + 26, 14, stroke=line.colour, stroke_width=3, stroke_dasharray=dash)
        drawing.text(x + 33, 19, line.name)
        x += 60 + 7.2 * len(line.name)
    ticks = axes.x_ticks or across.ticks(6)
    if at_risk:
        top = _TOP + _PLOT + 66
        drawing.text(0, top, "Number at risk", font_size=12, fill=FAINT)
        for row, (name, numbers) in enumerate(at_risk, start=1):
            drawing.text(_LEFT - 34, top + 20 * row, name, text_anchor="end", font_size=13)
            for tick, n in zip(ticks, numbers, strict=True):
                drawing.text(
                    across(tick), top + 20 * row, f"{n:,}", text_anchor="middle", font_size=13
                )
    return drawing.svg()


def _frame(drawing: Drawing, axes: Axes, across: Scale, up: Scale) -> None:
    for tick in up.ticks(5):
        drawing.line(_LEFT, up(tick), WIDE - _RIGHT, up(tick), stroke=GRID)
        drawing.text(_LEFT - 8, up(tick) + 5, axes.y_tick(tick), text_anchor="end", font_size=13)
    for tick in axes.x_ticks or across.ticks(6):
        drawing.line(across(tick), _TOP + _PLOT, across(tick), _TOP + _PLOT + 5, stroke=FAINT)
        drawing.text(
            across(tick), _TOP + _PLOT + 21, axes.x_tick(tick), text_anchor="middle", font_size=13
        )
    drawing.line(_LEFT, _TOP + _PLOT, WIDE - _RIGHT, _TOP + _PLOT, stroke=INK)
    middle = (_LEFT + WIDE - _RIGHT) / 2
    drawing.text(middle, _TOP + _PLOT + 42, axes.x, text_anchor="middle", font_size=13)
    centre = _TOP + _PLOT / 2
    drawing.text(
        22, centre, axes.y,
        text_anchor="middle", font_size=13, transform=f"rotate(-90 22 {centre:g})",
    )  # fmt: skip
    if axes.level is not None:
        drawing.line(
            _LEFT, up(axes.level), WIDE - _RIGHT, up(axes.level),
            stroke=FAINT, stroke_dasharray="2 3",
        )  # fmt: skip
    for x, word in axes.marks:
        drawing.line(across(x), _TOP, across(x), _TOP + _PLOT, stroke=INK, stroke_dasharray="2 3")
        right = across(x) > WIDE * 0.75
        drawing.text(
            across(x) + (-6 if right else 6), _TOP + _PLOT - 10, word,
            font_size=12, text_anchor="end" if right else "start",
        )  # fmt: skip


def _stepped(points: list[tuple[float, float]], *, steps: bool) -> list[tuple[float, float]]:
    if not steps or not points:
        return points
    found = [points[0]]
    for (_, y), (x, after) in pairwise(points):
        found += [(x, y), (x, after)]
    return found


def _path(points: Sequence[tuple[float, float]], across: Scale, up: Scale) -> str:
    return "M" + "L".join(f"{across(x):.1f} {up(y):.1f}" for x, y in points)
