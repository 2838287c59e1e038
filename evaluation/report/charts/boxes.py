"""The flow diagram in CONSORT 2025's layout: stages down the middle, losses on the right."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from evaluation.report.charts.drawing import FAINT, INK, PAPER, Drawing, wrapped

if TYPE_CHECKING:
    from collections.abc import Sequence

_LINE, _PAD, _GAP, _MARGIN = 19, 10, 26, 2
_FULL: Final = 760
_MAIN: Final = (_MARGIN, 366.0)
_SIDE: Final = (418.0, _FULL - 418.0 - _MARGIN)
_HALVES: Final = ((_MARGIN, 366.0), (392.0, 366.0))
_CHARACTER: Final = 7.4


@dataclass(frozen=True, slots=True)
class Box:
    """A heading with its number, and reasons with their numbers below it."""

    heading: str
    reasons: Sequence[str] = field(default_factory=tuple)


def flow(
    title: str, stages: Sequence[tuple[Box, Box | None]], arms: Sequence[tuple[Box, Box]]
) -> str:
    """
    The whole diagram.

    Stages down the middle, each with those lost after it; then a row of two boxes for each step
    in the arms.
    """
    drawing = Drawing(title, 0, _FULL)
    y = float(_MARGIN)
    centre = _MAIN[0] + _MAIN[1] / 2
    for place, (stage, leaving) in enumerate(stages):
        height = _draw(drawing, stage, y, *_MAIN)
        below = y + height
        if leaving:
            side = below + _GAP / 2
            tall = _draw(drawing, leaving, side, *_SIDE)
            _arrow(drawing, [(centre, side + 18), (_SIDE[0], side + 18)])
            below = max(below, side + tall - _GAP / 2)
        last = place == len(stages) - 1
        if not last:
            _arrow(drawing, [(centre, y + height), (centre, below + _GAP)])
        else:
            bar = below + _GAP / 2
            drawing.line(centre, y + height, centre, bar, stroke=INK)
            for left, width in _HALVES if arms else ():
                middle = left + width / 2
                _arrow(drawing, [(centre, bar), (middle, bar), (middle, below + _GAP)])
        y = below + _GAP
    for place, pair in enumerate(arms):
        heights = [_height(box, width) for box, (_, width) in zip(pair, _HALVES, strict=True)]
        for box, (left, width) in zip(pair, _HALVES, strict=True):
            _draw(drawing, box, y, left, width, max(heights))
            if place < len(arms) - 1:
                bottom, middle = y + max(heights), left + width / 2
                _arrow(drawing, [(middle, bottom), (middle, bottom + _GAP)])
        y += max(heights) + _GAP
    drawing.height = y - _GAP + _MARGIN
    return drawing.svg()


def _draw(
    drawing: Drawing, box: Box, y: float, left: float, width: float, height: float = 0
) -> float:
    height = height or _height(box, width)
    drawing.rect(left, y, width, height, fill=PAPER, stroke=FAINT, rx=3)
    baseline = y + _PAD + 13
    for text in wrapped(box.heading, int((width - 2 * _PAD) / (_CHARACTER * 1.06))):
        drawing.text(left + _PAD, baseline, text, font_weight=600)
        baseline += _LINE
    for reason in box.reasons:
        for place, text in enumerate(_reason(reason, width)):
            indent = _PAD + (12 if place else 0) + (22 if reason.startswith(" ") else 0)
            drawing.text(left + indent, baseline, text, font_size=13.5)
            baseline += _LINE
    return height


def _height(box: Box, width: float) -> float:
    count = len(wrapped(box.heading, int((width - 2 * _PAD) / (_CHARACTER * 1.06))))
    count += sum(len(_reason(reason, width)) for reason in box.reasons)
    return 2 * _PAD + _LINE * count


def _reason(reason: str, width: float) -> list[str]:
    return wrapped(reason, int((width - 2 * _PAD - 34) / (_CHARACTER * 0.93)))


def _arrow(drawing: Drawing, points: Sequence[tuple[float, float]]) -> None:
    path = "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in points)
    drawing.add("path", d=path, fill="none", stroke=INK)
    (before, _), (x, y) = points[-2:]
    back = "l-4-7h8z" if before == x else "l-7-4v8z"
    drawing.add("path", d=f"M{x:.1f} {y:.1f}{back}", fill=INK)
