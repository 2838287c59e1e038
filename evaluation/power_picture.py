"""Draws power by number of people, for the planned effect and for smaller and larger ones."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from evaluation.power import normal_needed
from evaluation.report.charts.drawing import BLUE, GREEN, PURPLE, VERMILION
from evaluation.report.charts.lines import Axes, PlottedLine, lines
from evaluation.report.words import count, percent

LOOKS: Final = ((GREEN, "2 3"), (BLUE, ""), (VERMILION, "7 4"), (PURPLE, "10 3 2 3"))
SHARES: Final = (1.5, 1.0, 0.75, 0.5)
"""The effects drawn, as multiples of the planned one."""

LEVELS: Final = (
    *(0.06, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.75),
    *(0.8, 0.85, 0.9, 0.95, 0.98, 0.995),
)


def powers(
    control: float, intervention: float, *, alpha: float, power: float, now: int | None = None
) -> str:
    """Curves as SVG; `now` marks how many people are in the smaller arm."""
    drawn: list[PlottedLine] = []
    for share, (colour, dash) in zip(SHARES, LOOKS, strict=True):
        risk = control - share * (control - intervention)
        if risk > 0:
            people = [normal_needed(control, risk, alpha=alpha, power=each) for each in LEVELS]
            name = f"{percent(control, 0)} v {percent(risk, 0)}"
            drawn.append(PlottedLine(name=name, colour=colour, dash=dash, xs=people, ys=LEVELS))
    planned = next((line for line in drawn if line.colour == BLUE), drawn[0])
    most = max(2.2 * planned.xs[LEVELS.index(0.8)], 1.15 * (now or 0))
    marks = [(float(now), f"now: {count(now)}")] if now else []
    return lines(
        f"Power against people in each arm. For {planned.name}: "
        + ", ".join(
            f"{percent(level, 0)} at {count(n)}"
            for n, level in zip(planned.xs, LEVELS, strict=True)
            if level in (0.5, 0.8, 0.9)
        ),
        [_cut(line, most) for line in drawn],
        Axes(
            x="People in each arm",
            y="Power",
            x_limits=(0, most),
            y_tick=lambda value: percent(value, 0),
            marks=marks,
            level=power,
        ),
    )


def _cut(line: PlottedLine, most: float) -> PlottedLine:
    """The part of a curve inside the frame, up to its border."""
    points: list[tuple[float, float]] = []

    for x, y in zip(line.xs, line.ys, strict=True):
        if x > most:
            if points:
                x0, y0 = points[-1]
                points.append((most, y0 + (most - x0) / (x - x0) * (y - y0)))
            break
        points.append((x, y))
    return replace(line, xs=[x for x, _ in points], ys=[y for _, y in points])
