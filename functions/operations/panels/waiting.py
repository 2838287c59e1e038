"""The panel of orders that wait for somebody to act, by superintendent."""

from __future__ import annotations

from datetime import date
from html import escape
from itertools import groupby
from typing import TYPE_CHECKING

from operations.panels.markup import day, words
from operations.wire import WorklistQuery
from operations.worklist import worklist

if TYPE_CHECKING:
    from operations.answers import MissingOut, WaitingOut
    from operations.context import StaffContext
    from operations.panels.asked import Asked
    from trial.protocol.settings import Protocol

HEADINGS = ("Order", "Waits for", "Recorded by", "Ask again", "Days left")


def drawn(_: Asked, staff: StaffContext, protocol: Protocol) -> str:
    """The first hundred waiting orders, grouped by superintendent. All shown are logged."""
    page = worklist(WorklistQuery(), staff, protocol)
    if not page.enrolments:
        return "<p>No order waits.</p>"
    today = protocol.place.date_at(staff.now)
    rows = sorted(page.enrolments, key=lambda each: (each.superintendent, _urgency(each)))
    groups = [
        f'<tr><th colspan="{len(HEADINGS)}" scope="rowgroup">{escape(superintendent)}</th></tr>'
        + "".join(_row(each, today) for each in group)
        for superintendent, group in groupby(rows, key=lambda each: each.superintendent)
    ]
    headings = "".join(f'<th scope="col">{each}</th>' for each in HEADINGS)
    more = "<p>There are more: <code>make worklist</code> lists them all.</p>"
    return (
        f'<div class="scroll" tabindex="0" role="region" aria-label="Orders that wait">'
        f"<table><caption>{len(rows)} {'order waits' if len(rows) == 1 else 'orders wait'}"
        f"</caption><thead><tr>{headings}</tr></thead>"
        f"{''.join(f'<tbody>{each}</tbody>' for each in groups)}</table></div>"
        f"{more if page.cursor else ''}"
    )


def _urgency(each: WaitingOut) -> date:
    """The day by which somebody should act: the follow-up or, without one, the last chance."""
    return (each.missing and each.missing.follow_up_on) or each.last_chance_on or date.max


def _row(each: WaitingOut, today: date) -> str:
    missing = each.missing
    why = f": {words(missing.reason)}" if missing else ""
    cells = (
        escape(f"{each.force}/{each.reference or each.enrolment_id}"),
        ", ".join(map(words, each.reasons)) + why,
        escape((missing and missing.recorded_by) or ""),
        _follow_up(missing, today),
        _days_left(each.last_chance_on, today),
    )
    return f"<tr>{''.join(f'<td>{cell}</td>' for cell in cells)}</tr>"


def _days_left(last_chance: date | None, today: date) -> str:
    """The days left, today included."""
    if last_chance is None:
        return "no end"
    left = (last_chance - today).days + 1
    return f"{left}" if left > 1 else "<b>last day</b>"


def _follow_up(missing: MissingOut | None, today: date) -> str:
    """The day on which to ask again, and who is to ask, as far as they are known."""
    if missing is None:
        return ""
    on, who = missing.follow_up_on, missing.follow_up_by
    late = (today - on).days if on else 0
    parts = [day(on)] if on else []
    parts += [f"<b>{late} {'day' if late == 1 else 'days'} late</b>"] if late > 0 else []
    parts += [escape(f"by {who}" if on else who)] if who else []
    return " ".join(parts)
