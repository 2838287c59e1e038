"""
Drawings as SVG, with the little that charts need.

The colours are those of Okabe and Ito (2008), https://jfly.uni-koeln.de/color/, which people with
any colour vision can distinguish; nothing is shown by colour alone.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from html import escape
from typing import Any, Final

INK, FAINT, GRID, PAPER = "#1b1f24", "#5a6470", "#d9dee3", "#ffffff"
BLUE, VERMILION, GREEN, ORANGE = "#0072B2", "#D55E00", "#009E73", "#E69F00"
PURPLE, SKY, YELLOW, GREY = "#CC79A7", "#56B4E9", "#F0E442", "#8a949e"
ARM_COLOURS: Final = (VERMILION, BLUE)
ARM_DASHES: Final = ("", "7 4")

WIDE: Final = 720
"""Units across; with these, text of 14 units has normal size on a screen."""

TEXT: Final = 14


@dataclass(slots=True)
class Drawing:
    """A sheet in units, and the marks on it. `title` says what it shows."""

    title: str
    height: float
    width: float = WIDE
    marks: list[str] = field(default_factory=list)

    def add(self, tag: str, content: str = "", **attributes: object) -> None:
        """A mark: `font_size=12` becomes font-size="12"."""
        shown = "".join(
            f' {name.rstrip("_").replace("_", "-")}="{_short(value)}"'
            for name, value in attributes.items()
        )
        self.marks.append(
            f"<{tag}{shown}>{escape(content)}</{tag}>" if content else f"<{tag}{shown}/>"
        )

    def line(self, x1: float, y1: float, x2: float, y2: float, **more: Any) -> None:  # noqa: ANN401  any attribute
        """A straight line."""
        self.add("line", x1=x1, y1=y1, x2=x2, y2=y2, **({"stroke": GRID} | more))

    def rect(self, x: float, y: float, width: float, height: float, **more: Any) -> None:  # noqa: ANN401  any attribute
        """A rectangle."""
        self.add("rect", x=x, y=y, width=max(width, 0), height=max(height, 0), **more)

    def text(self, x: float, y: float, content: str, **more: Any) -> None:  # noqa: ANN401  any attribute
        """One line of text, with its baseline at `y`."""
        self.add("text", content, x=x, y=y, **more)

    def svg(self) -> str:
        """The whole drawing, for a page."""
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_short(self.width)} '
            f'{_short(self.height)}" role="img" aria-label="{escape(self.title)}" '
            f'font-size="{TEXT}" fill="{INK}">{"".join(self.marks)}</svg>'
        )


@dataclass(frozen=True, slots=True)
class Scale:
    """Maps values to units of a drawing."""

    low: float
    high: float
    start: float
    end: float

    def __call__(self, value: float) -> float:
        """The place of a value, or the border if it lies beyond."""
        span = self.high - self.low or 1
        inside = min(max(value, self.low), self.high)
        return self.start + (inside - self.low) / span * (self.end - self.start)

    def ticks(self, about: int = 5) -> list[float]:
        """About this many round values within the scale."""
        step = _nice((self.high - self.low) / about)
        first = math.ceil(self.low / step - 1e-9)
        last = math.floor(self.high / step + 1e-9)
        return [round(i * step, 10) for i in range(first, last + 1)]


def nice_limits(low: float, high: float) -> tuple[float, float]:
    """Round limits around two values."""
    step = _nice((high - low) / 5 or 1)
    return math.floor(low / step + 1e-9) * step, math.ceil(high / step - 1e-9) * step


def _nice(step: float) -> float:
    if step <= 0 or not math.isfinite(step):
        return 1
    power = 10.0 ** math.floor(math.log10(step))
    return next(n * power for n in (1, 2, 5, 10) if n * power >= step * 0.999)


def wrapped(text: str, most: int) -> list[str]:
    """Lines of at most this many characters, broken between words."""
    lines = [""]
    for word in text.split():
        if lines[-1] and len(lines[-1]) + 1 + len(word) > most:
            lines.append(word)
        else:
            lines[-1] = f"{lines[-1]} {word}".strip()
    return lines


def _short(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.2f}".rstrip("0").rstrip(".")
    return escape(str(value))
