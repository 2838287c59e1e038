"""Estimates with their intervals, one row each, on a common scale."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

from evaluation.report.charts.drawing import (
    FAINT,
    GRID,
    INK,
    WIDE,
    Drawing,
    Scale,
    nice_limits,
    wrapped,
)  # fmt: skip

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_ROW, _TEXTS, _BELOW, _ABOVE = 30, 190, 58, 26
_LETTER, _LINE = 6.9, 12
"""The width of a letter, and the height of a line in a label of several lines."""


class IntervalRow(NamedTuple):
    """One row. Without a value it is a heading, or its text says why there is no value."""

    label: str
    value: float | None = None
    low: float = math.nan
    high: float = math.nan
    text: str = ""
    colour: str = INK
    heading: bool = False
    square: bool = False


class IntervalAxis(NamedTuple):
    """The meaning of the scale, its point of no difference, if any, and that of either side."""

    label: str
    tick: Callable[[float], str]
    none_at: float | None = None
    sides: tuple[str, str] = ("", "")
    texts: str = ""


def intervals(
    title: str, rows: Sequence[IntervalRow], axis: IntervalAxis, *, labels: float = 210
) -> str:
    """A point and a line for each estimate; `labels` is the width of their names."""
    drawing = Drawing(title, _ABOVE + _ROW * len(rows) + _BELOW)
    bottom = _ABOVE + _ROW * len(rows)
    scale = Scale(*_limits(rows, axis), labels, WIDE - _TEXTS)
    for tick in scale.ticks(5):
        drawing.line(scale(tick), _ABOVE, scale(tick), bottom, stroke=GRID)
        drawing.text(
            scale(tick), bottom + 18, axis.tick(tick),
            text_anchor="middle", font_size=12, fill=FAINT,
        )  # fmt: skip
    middle = (labels + WIDE - _TEXTS) / 2
    drawing.text(middle, bottom + 36, axis.label, text_anchor="middle", font_size=13)
    drawing.text(WIDE - _TEXTS + 14, 16, axis.texts, font_size=12, fill=FAINT)
    if axis.none_at is not None:
        drawing.line(scale(axis.none_at), _ABOVE, scale(axis.none_at), bottom, stroke=INK)
        for place, (side, anchor) in enumerate(zip(axis.sides, ("start", "end"), strict=True)):
            x = (labels, WIDE - _TEXTS)[place]
            drawing.text(x, bottom + 54, side, text_anchor=anchor, font_size=12, fill=FAINT)
    for place, row in enumerate(rows):
        _row(drawing, row, _ABOVE + place * _ROW + _ROW / 2, scale)
    return drawing.svg()


def _row(drawing: Drawing, row: IntervalRow, y: float, scale: Scale) -> None:
    if row.heading:
        drawing.text(0, y + 5, row.label, font_weight=600)
    else:
        lines = wrapped(row.label, int((scale.start - 14) / _LETTER))
        size = {"font_size": 11.5} if len(lines) > 1 else {}
        for place, line in enumerate(lines):
            drawing.text(14, y + 5 + _LINE * (place - (len(lines) - 1) / 2), line, **size)
    drawing.text(
        WIDE - _TEXTS + 14,
        y + 5,
        row.text,
        font_size=13,
        fill=INK if row.value is not None else FAINT,
    )
    if row.value is None or not math.isfinite(row.value):
        return
    if not (math.isnan(row.low) or math.isnan(row.high)):
        drawing.line(scale(row.low), y, scale(row.high), y, stroke=row.colour, stroke_width=2.5)
        for end in (row.low, row.high):
            if scale.low <= end <= scale.high:
                drawing.line(
                    scale(end), y - 5, scale(end), y + 5, stroke=row.colour, stroke_width=2
                )
    if row.square:
        drawing.rect(scale(row.value) - 5, y - 5, 10, 10, fill=row.colour)
    else:
        drawing.add("circle", cx=scale(row.value), cy=y, r=5.5, fill=row.colour)


def _limits(rows: Sequence[IntervalRow], axis: IntervalAxis) -> tuple[float, float]:
    ends = [
        end
        for row in rows
        if row.value is not None
        for end in (row.value, row.low, row.high)
        if math.isfinite(end)
    ]
    ends += [] if axis.none_at is None else [axis.none_at]
    return nice_limits(min(ends, default=0), max(ends, default=1))
