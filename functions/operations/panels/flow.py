"""The panel of the flow: the status of every order of the trial, counted from the table."""

from __future__ import annotations

import itertools
from html import escape
from typing import TYPE_CHECKING

from operations import reports
from trial.codes import Status

if TYPE_CHECKING:
    from operations.answers import FlowOut
    from operations.store import OperationsStore

LEFT, RIGHT, GAP, LINE, PAD = 124, 150, 24, 17, 8
"""Widths of the boxes, the space between them, a line's height, the space inside a box."""


def drawn(store: OperationsStore, trial: str) -> str:
    """The flow diagram, pooled over the arms."""
    return diagram(reports.flow(store, trial))


def diagram(counts: FlowOut) -> str:
    """The counts as SVG, narrow enough for a phone, with sentences for a screen reader."""
    eligible = counts.randomised + counts.by_status[Status.ELIGIBLE]
    running = counts.by_status[Status.ALLOCATED]
    why = [(reason, count) for reason, count in counts.by_reason.items() if count]
    out = [f"Not randomised: {counts.enrolled - eligible}"]
    out += [f"{reason.replace('_', ' ')}: {count}" for reason, count in why]
    after = [f"Running: {running}", f"Ended since: {counts.randomised - running}"]
    top = _height(1) + GAP
    middle = max(top + _height(len(out)) + GAP, top + _height(1) + GAP)
    last = middle + _height(1) + GAP
    foot = last + _height(1) + GAP
    bottom = foot + _height(len(after))
    main = [
        (0, [f"Orders: {counts.enrolled}"]),
        (middle, [f"Eligible: {eligible}"]),
        (last, [f"Randomised: {counts.randomised}"]),
        (foot, after),
    ]
    label = ". ".join([line for _, lines in main for line in lines] + out)
    arrows = "".join(
        _arrow(above + _height(len(lines)), below)
        for (above, lines), (below, _) in itertools.pairwise(main)
    )
    branch = top + _height(1) / 2
    return (
        f'<svg viewBox="0 0 {LEFT + GAP + RIGHT} {bottom}" role="img" aria-label="{escape(label)}">'
        f"{''.join(_box(0, y, LEFT, lines) for y, lines in main)}"
        f"{_box(LEFT + GAP, top, RIGHT, out)}{arrows}"
        f'<path class="arrow" d="M{LEFT / 2} {branch}H{LEFT + GAP}l-6 -4m6 4l-6 4"/></svg>'
    )


def _height(lines: int) -> int:
    return lines * LINE + 2 * PAD


def _box(x: int, y: int, width: int, lines: list[str]) -> str:
    texts = "".join(
        f'<text x="{x + PAD}" y="{y + PAD + (place + 0.75) * LINE:g}">{escape(line)}</text>'
        for place, line in enumerate(lines)
    )
    return (
        f'<rect x="{x + 0.5}" y="{y + 0.5}" width="{width - 1}" height="{_height(len(lines)) - 1}" '
        f'rx="4"/>{texts}'
    )


def _arrow(above: int, below: int) -> str:
    return f'<path class="arrow" d="M{LEFT / 2} {above}V{below}l-4 -6m4 6l4 -6"/>'
