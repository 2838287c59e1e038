"""Bar charts."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from evaluation.report.charts.drawing import BLUE, FAINT, GRID, WIDE, Drawing, Scale, nice_limits

if TYPE_CHECKING:
    from collections.abc import Sequence

_ROW, _LABELS, _VALUES = 26, 230, 150
_TOP, _LEFT, _PLOT, _BELOW = 40, 46, 190, 46


class Bar(NamedTuple):
    """One bar, and the text beside it."""

    label: str
    value: float
    text: str


class Part(NamedTuple):
    """One part of every column, the lowest first."""

    name: str
    colour: str
    values: Sequence[float]


def bars(title: str, rows: Sequence[Bar], colour: str = BLUE) -> str:
    """Horizontal bars, one under the other, from a common zero."""
    drawing = Drawing(title, _ROW * len(rows) + 6)
    most = max((row.value for row in rows), default=0) or 1
    scale = Scale(0, most, _LABELS, WIDE - _VALUES)
    for place, row in enumerate(rows):
        y = place * _ROW + 4
        drawing.text(_LABELS - 10, y + 15, row.label, text_anchor="end")
        drawing.rect(_LABELS, y, scale(row.value) - _LABELS, _ROW - 8, fill=colour)
        drawing.text(scale(row.value) + 8, y + 15, row.text, fill=FAINT)
    drawing.line(_LABELS, 0, _LABELS, drawing.height, stroke=FAINT)
    return drawing.svg()


def columns(title: str, names: Sequence[str], parts: Sequence[Part], unit: str) -> str:
    """Stacked columns, one per name, with a legend above."""
    drawing = Drawing(title, _TOP + _PLOT + _BELOW)
    sums = [sum(part.values[i] for part in parts) for i in range(len(names))]
    _, most = nice_limits(0, max(sums, default=0) or 1)
    scale = Scale(0, most, _TOP + _PLOT, _TOP)
    for tick in scale.ticks(4):
        drawing.line(_LEFT, scale(tick), WIDE, scale(tick), stroke=GRID)
        drawing.text(_LEFT - 8, scale(tick) + 5, f"{tick:g}", text_anchor="end", fill=FAINT)
    width = (WIDE - _LEFT) / max(len(names), 1)
    for i, name in enumerate(names):
        left, level = _LEFT + i * width + width * 0.14, 0.0
        for part in parts:
            top = scale(level + part.values[i])
            height = scale(level) - top
            drawing.rect(left, top, width * 0.72, height, fill=part.colour, stroke="#fff")
            level += part.values[i]
        if i % (1 + len(names) // 14) == 0:
            drawing.text(
                left + width * 0.36, _TOP + _PLOT + 18, name, text_anchor="middle", font_size=12
            )
    legend(drawing, [(part.name, part.colour) for part in parts], _LEFT, 14)
    drawing.text(_LEFT, _TOP + _PLOT + 40, unit, fill=FAINT, font_size=12)
    return drawing.svg()


def legend(drawing: Drawing, entries: Sequence[tuple[str, str]], x: float, y: float) -> None:
    """The legend: what each colour means."""
    for name, colour in entries:
        drawing.rect(x, y - 11, 14, 14, fill=colour)
        drawing.text(x + 20, y + 1, name)
        x += 44 + 7.2 * len(name)
