"""The page's two pictures, as SVG: every order by day, and every text by day and hour."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from html import escape
from typing import TYPE_CHECKING, Any, NamedTuple

from local.demo.checks import CLOSES, OPENS
from local.demo.orders import zone
from local.demo.run import Case, Run, local
from trial.codes import Arm, ReminderState, Suppression

if TYPE_CHECKING:
    from collections.abc import Iterator

LEFT, RIGHT, DAY = 112, 92, 24
TOP, ROW, HEADING = 44, 17, 30
HOUR, FIRST_HOUR, LAST_HOUR = 20, 8, 21
DAYS_BEFORE = 5
SATURDAY, MONDAY = 5, 0


class DayAxis(NamedTuple):
    """Calendar days from left to right, all of the same width despite the clock change."""

    first: date
    last: date

    @classmethod
    def of(cls, run: Run) -> DayAxis:
        """From a little before the run, where late orders began, to the end of the last order."""
        first = local(run.started_at).date() - timedelta(days=DAYS_BEFORE)
        return cls(first, local(run.ended_at).date())

    def x(self, moment: datetime | date) -> float:
        """The x of that moment, or of the start of that day."""
        if isinstance(moment, datetime):
            wall = local(moment)
            hours = wall.hour + wall.minute / 60
            return self.x(wall.date()) + DAY * hours / 24
        return LEFT + DAY * (max(moment, self.first) - self.first).days

    @property
    def right(self) -> float:
        """The x at which the last day ends."""
        return self.x(self.last + timedelta(days=1))

    def days(self) -> Iterator[date]:
        """Every day of the axis."""
        day = self.first
        while day <= self.last:
            yield day
            day += timedelta(days=1)


def orders_by_day(run: Run) -> str:
    """A row for every enrolled order, grouped by result, with its texts on their days."""
    axis = DayAxis.of(run)
    groups = {
        "Intervention": run.of(Arm.INTERVENTION),
        "Control": run.of(Arm.CONTROL),
        "Waiting, or left out": [case for case in run.of(None) if case.enrolment],
    }
    y, rows = float(TOP), []
    for title, cases in groups.items():
        rows.append(f'<text class="group" x="0" y="{y + 20:g}">{title} ({len(cases)})</text>')
        y += HEADING
        for case in cases:
            rows.append(f'<g transform="translate(0 {y:g})">{_row(run, case, axis)}</g>')
            y += ROW
    return _svg(
        "orders",
        "Every order, day by day",
        "A row for each order, with a bar from its first to its last day and a mark for each of "
        "its reminders. Only rows of the intervention arm have marks. The table of all orders at "
        "the end of this page shows the same.",
        (axis.right + RIGHT, y + 8),
        [*_calendar(run, axis, y + 8), *rows],
    )


def texts_by_hour(run: Run) -> str:
    """A dot for every text, by day and local time."""
    axis = DayAxis.of(run)
    bottom = TOP + HOUR * (LAST_HOUR - FIRST_HOUR)

    def y(at: time) -> float:
        return TOP + HOUR * (at.hour + at.minute / 60 - FIRST_HOUR)

    closed = [
        f'<rect class="closed" x="{LEFT}" y="{top:g}" width="{axis.right - LEFT:g}"'
        f' height="{height:g}"/>'
        for top, height in ((TOP, y(OPENS) - TOP), (y(CLOSES), bottom - y(CLOSES)))
    ]
    lines = [
        f'<path class="grid" d="M{LEFT} {y(time(hour)):g}H{axis.right:g}"/>'
        f'<text class="tick" x="{LEFT - 10}" y="{y(time(hour)) + 4:g}" text-anchor="end">'
        f"{hour:02}:00</text>"
        for hour in (9, 12, 15, 18, 20)
    ]
    dots = [
        f'<circle class="sent" cx="{axis.x(text.seen_at):.1f}"'
        f' cy="{y(local(text.seen_at).time()):.1f}" r="3.2"/>'
        for text in run.texts
    ]
    return _svg(
        "hours",
        "Every text, by day and local time",
        f"A dot for each of {len(run.texts)} texts. The hours before 09:00 and from 20:00 are "
        "shaded: no text may fall there, before or after the clock change.",
        (axis.right + RIGHT, bottom + 8),
        [*closed, *_calendar(run, axis, bottom), *lines, *dots],
    )


def _svg(name: str, title: str, about: str, size: tuple[float, float], parts: list[str]) -> str:
    return (
        f'<svg viewBox="0 0 {size[0]:g} {size[1]:g}" role="img"'
        f' aria-labelledby="{name}-title {name}-about">'
        f'<title id="{name}-title">{escape(title)}</title>'
        f'<desc id="{name}-about">{escape(about)}</desc>{"".join(parts)}</svg>'
    )


def _calendar(run: Run, axis: DayAxis, bottom: float) -> Iterator[str]:
    """Weekends shaded, Mondays named, and the clock change."""
    for day in axis.days():
        if day.weekday() == SATURDAY:
            width = min(2 * DAY, axis.right - axis.x(day))
            yield (
                f'<rect class="weekend" x="{axis.x(day):g}" y="{TOP}" width="{width:g}"'
                f' height="{bottom - TOP:g}"/>'
            )
        elif day.weekday() == MONDAY:
            yield f'<path class="grid" d="M{axis.x(day):g} {TOP}V{bottom:g}"/>'
            yield f'<text class="tick" x="{axis.x(day) + 3:g}" y="{TOP - 8}">{day:%-d %b}</text>'
    x = axis.x(run.clock_change) + DAY / 24
    yield f'<path class="change" d="M{x:g} {TOP - 22}V{bottom:g}"/>'
    yield (
        f'<text class="change-name" x="{x:g}" y="{TOP - 28}" text-anchor="middle">'
        f"clocks go {direction(run)}</text>"
    )


def direction(run: Run) -> str:
    """Which way the clocks go."""
    midnight = datetime.combine(run.clock_change, time(), zone())
    return "back" if midnight.dst() else "forward"


def _row(run: Run, case: Case, axis: DayAxis) -> str:
    order, middle = case.order, ROW / 2
    end = axis.x(order.expires_on + timedelta(days=1))
    arm = case.arm or "none"
    texts = len(run.texts_to(case))
    if case.arm is None:
        said = case.answers[0].body
        last = escape((", ".join(said["reasons"]) or said["status"]).replace("_", " "))
    else:
        last = f"{texts} text{'' if texts == 1 else 's'}"
    marks = "".join(
        f'<path class="posted" d="M{axis.x(at):.1f} {middle - 5:g}v10"/>'
        for at in sorted({order.posted_at, order.known_at})
    )
    marks += "".join(_mark(reminder, axis) for reminder in case.reminders)
    return (
        f'<text class="name" x="0" y="{middle + 4:g}">{escape(order.reference[-6:])}'
        f" · {order.days} days</text>"
        f'<path class="bar {arm}" d="M{axis.x(order.made_on):g} {middle:g}H{end:g}"/>'
        f"{marks}"
        f'<text class="name" x="{end + 7:g}" y="{middle + 4:g}">{last}</text>'
    )


def _mark(reminder: dict[str, Any], axis: DayAxis) -> str:
    """A dot was sent, a box not delivered, a ring missed, a cross not sent: shapes, not colours."""
    when = datetime.fromisoformat(reminder["sent_at"] or reminder["due_at"])
    x, y = axis.x(when), ROW / 2
    if reminder["state"] == ReminderState.UNDELIVERED:
        shape = f'<rect class="undelivered" x="{x - 4:.1f}" y="{y - 4:g}" width="8" height="8"/>'
        what = f"not delivered, {reminder['reason']}"
    elif reminder["sent_at"]:
        shape, what = f'<circle class="sent" cx="{x:.1f}" cy="{y:g}" r="4.6"/>', "sent"
    elif reminder["reason"] == Suppression.MISSED_LATE_START:
        shape, what = f'<circle class="missed" cx="{x:.1f}" cy="{y:g}" r="4"/>', "missed"
    else:
        shape = f'<path class="wrong" d="M{x - 4:.1f} {y - 4:g}l8 8m0 -8l-8 8"/>'
        what = f"{reminder['state']} {reminder['reason'] or ''}"
    theme = reminder["theme"].replace("_", " ")
    title = escape(f"{reminder['number']}. {theme}: {what}, {local(when):%a %-d %b %H:%M}")
    return f"<g><title>{title}</title>{shape}</g>"
