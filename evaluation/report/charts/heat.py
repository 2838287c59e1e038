"""Heat maps: a number in every cell, and a shade for it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from evaluation.report.charts.drawing import FAINT, INK, PAPER, WIDE, Drawing

if TYPE_CHECKING:
    from collections.abc import Sequence

_LABELS, _ROW, _TOP = 120, 26, 52
_DARK: Final = (0, 68, 136)
_HALF = 0.5


def heat(
    title: str, rows: Sequence[str], columns: Sequence[str], shares: Sequence[Sequence[float]],
    texts: Sequence[Sequence[str]], heading: str,
) -> str:  # fmt: skip
    """Rows and columns of cells; a share of 0 is white, of 1 dark."""
    drawing = Drawing(title, _TOP + _ROW * len(rows) + 4)
    width = (WIDE - _LABELS) / max(len(columns), 1)
    drawing.text(_LABELS, 16, heading, fill=FAINT)
    for j, column in enumerate(columns):
        x = _LABELS + (j + 0.5) * width
        drawing.text(x, _TOP - 10, column, text_anchor="middle", font_size=12)
    for i, row in enumerate(rows):
        y = _TOP + i * _ROW
        drawing.text(_LABELS - 10, y + 18, row, text_anchor="end", font_size=13)
        for j, share in enumerate(shares[i]):
            x = _LABELS + j * width
            # Cells keep their colours in dark mode, as their text does.
            drawing.rect(
                x + 1, y + 1, width - 2, _ROW - 2, fill=_shade(share), stroke="#e6eaee",
                class_="cell",
            )  # fmt: skip
            drawing.text(
                x + width / 2, y + 18, texts[i][j],
                text_anchor="middle", font_size=12, fill=PAPER if share > _HALF else INK,
                class_="cell",
            )  # fmt: skip
    return drawing.svg()


def _shade(share: float) -> str:
    depth = min(max(share, 0), 1) ** 0.7
    return "#" + "".join(f"{round(255 + (dark - 255) * depth):02x}" for dark in _DARK)
