"""The page's tables: who is in which arm, what was checked, and every order."""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from html import escape
from typing import TYPE_CHECKING

from local.demo.run import Case, Run, local
from trial.codes import Arm, Condition

if TYPE_CHECKING:
    from collections.abc import Callable

AGE_BANDS = {18: "18 to 24", 25: "25 to 34", 35: "35 to 44", 45: "45 to 54", 55: "55 and over"}


def words(code: str) -> str:
    """A code in plain words."""
    return escape(code.replace("_", " "))


def work(run: Run) -> str:
    """Each number found, how many waited before and after, and the last digest that was sent."""
    rows = "".join(
        f"<tr><td>{local(each.at):%a %-d %b, %H:%M}</td>"
        f'<th scope="row">{escape(each.reference)}</th>'
        f'<td class="number">{each.before}</td><td class="number">{each.after}</td></tr>'
        for each in run.found
    )
    return (
        '<table><thead><tr><th scope="col">Found</th><th scope="col">Order</th>'
        '<th scope="col" class="number">Waited before</th>'
        f'<th scope="col" class="number">Waited after</th></tr></thead><tbody>{rows}</tbody>'
        "</table>"
        f"<p>The last digest that {escape(run.superintendent)} was sent:</p>"
        f'<pre class="digest">{escape(run.digest)}</pre>'
    )


def arms(run: Run) -> str:
    """Counts by arm: the baseline, in bars."""
    kinds: dict[str, Callable[[Case], str]] = {
        "All": lambda _: "",
        "Length": lambda case: f"{case.order.days} days",
        "Age": _age_band,
        "Sex": lambda case: words(case.order.body["respondent"]["sex"]),
        "Conditions": _restriction,
    }
    widest = max(1, *(len(run.of(arm)) for arm in Arm))
    bodies = []
    for kind, value_of in kinds.items():
        counts = {arm: Counter(map(value_of, run.of(arm))) for arm in Arm}
        rows = [
            f'<tr><th scope="row">{kind}{value and f": {value}"}</th>'
            + "".join(_count(arm, counts[arm][value], widest) for arm in reversed(Arm))
            + "</tr>"
            for value in sorted(counts[Arm.CONTROL] | counts[Arm.INTERVENTION])
        ]
        bodies.append(f'<tbody class="sub">{"".join(rows)}</tbody>')
    return (
        '<table class="bars"><thead><tr><th scope="col">Orders</th>'
        '<th scope="col">Intervention</th><th scope="col">Control</th></tr></thead>'
        f"{''.join(bodies)}</table>"
    )


def _count(arm: Arm, count: int, widest: int) -> str:
    width = 80 * count / widest
    bar = f'<i class="{arm}" style="width:{width:.0f}%"></i>' if count else ""
    return f'<td><span class="count"><b>{count}</b>{bar}</span></td>'


def _age_band(case: Case) -> str:
    born = datetime.fromisoformat(case.order.body["respondent"]["date_of_birth"]).date()
    on = local(case.order.posted_at).date()
    age = on.year - born.year - ((on.month, on.day) < (born.month, born.day))
    return AGE_BANDS[max(lowest for lowest in AGE_BANDS if lowest <= age)]


def _restriction(case: Case) -> str:
    conditions = set(case.order.body["order"]["conditions"])
    away = conditions & {Condition.NO_ENTRY, Condition.LEAVE_PREMISES, Condition.KEEP_DISTANCE}
    said = ["no contact"] * (Condition.NO_CONTACT in conditions) + ["stay away"] * bool(away)
    return " and ".join(said) or "no molestation only"


def checks(verdicts: dict[str, list[str]]) -> str:
    """Each check with its result, and every order that failed it."""
    rows = []
    for title, problems in verdicts.items():
        passed = '<td class="passed">✓ passed</td>'
        result = '<td class="failed">✗ failed</td>' if problems else passed
        listed = "".join(f"<li>{escape(problem)}</li>" for problem in problems)
        found = f'<ul class="failed">{listed}</ul>' if listed else ""
        rows.append(f'<tr>{result}<th scope="row">{escape(title)}{found}</th></tr>')
    return (
        '<table><thead><tr><th scope="col">Result</th><th scope="col">Check</th></tr></thead>'
        f"<tbody>{''.join(rows)}</tbody></table>"
    )


def all_orders(run: Run) -> str:
    """The content of the timeline as a table."""
    rows = []
    for case in run.cases:
        order, texts = case.order, run.texts_to(case)
        digits = f"…{order.number[-3:]}" if order.number else "none"
        dates = ", ".join(f"{local(text.seen_at):%-d %b}" for text in texts) or "none"
        cells = (
            f"{order.days} days from {order.made_on:%-d %b}",
            words(case.order.kind),
            case.arm or "not randomised",
            digits,
            dates,
        )
        rows.append(
            f'<tr><th scope="row">{escape(order.reference)}</th>'
            + "".join(f"<td>{cell}</td>" for cell in cells)
            + "</tr>"
        )
    heads = ("Order", "Length", "What it shows", "Arm", "Number", "Texts on")
    return (
        f"<table><thead><tr>{''.join(f'<th scope=col>{head}</th>' for head in heads)}</tr></thead>"
        f"<tbody>{''.join(rows)}</tbody></table>"
    )
