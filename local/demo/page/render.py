"""One self-contained page about a run: it needs neither a network nor a script."""

from __future__ import annotations

from collections import Counter
from html import escape
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING

from local.demo.checks import EXACT, WORDS
from local.demo.orders import OrderStory
from local.demo.page import tables
from local.demo.page.charts import direction, orders_by_day, texts_by_hour
from local.demo.run import Case, Run, local
from trial.codes import Arm, Status, Suppression
from trial.protocol.alphabet import septets

if TYPE_CHECKING:
    from collections.abc import Sequence

HERE = Path(__file__).parent
REFUSALS = {403: "not signed", 422: "not valid"}


def render(run: Run, verdicts: dict[str, list[str]]) -> str:
    """The page, whole."""
    start, end = local(run.started_at), local(run.ended_at)
    return Template((HERE / "page.html").read_text()).substitute(
        style=(HERE / "page.css").read_text(),
        days=(end.date() - start.date()).days,
        seconds=round(run.seconds),
        orders=len(run.cases),
        seed=run.seed,
        start=f"{start:%A %-d %B %Y}",
        end=f"{end:%A %-d %B}",
        change=f"{run.clock_change:%A %-d %B}",
        direction=direction(run),
        verdict=_verdict(verdicts),
        figures=_figures(run),
        flow=_flow(run),
        work=tables.work(run),
        by_day=orders_by_day(run),
        by_hour=texts_by_hour(run),
        phone=_phone(run),
        arms=tables.arms(run),
        checks=tables.checks(verdicts),
        all=tables.all_orders(run),
    )


def _verdict(verdicts: dict[str, list[str]]) -> str:
    failed = sum(bool(problems) for problems in verdicts.values())
    if failed:
        result = f"{failed} of {len(verdicts)} checks failed"
        return f'<a class="verdict failed" href="#checks"><span>✗</span> {result}</a>'
    return f'<a class="verdict" href="#checks"><span>✓</span> All {len(verdicts)} checks passed</a>'


def _figures(run: Run) -> str:
    figures = {
        "orders posted": len(run.cases),
        "randomised": sum(case.arm is not None for case in run.cases),
        "texts sent": len(run.texts),
        "texts to control": sum(len(run.texts_to(case)) for case in run.of(Arm.CONTROL)),
    }
    return "".join(f"<div><dt>{name}</dt><dd>{value}</dd></div>" for name, value in figures.items())


def _flow(run: Run) -> str:
    """From orders posted to texts sent: every order is accounted for."""
    enrolled = [case for case in run.cases if case.enrolment]
    refused = [case for case in run.cases if not case.enrolment]
    randomised = [case for case in enrolled if case.arm]
    others = [case for case in enrolled if not case.arm]
    waiting = [case for case in others if case.answers[0].body["status"] == Status.WAITING]
    left_out = [case for case in others if case.answers[0].body["status"] != Status.WAITING]
    found = sum(case.order.kind is OrderStory.NUMBER_FOUND for case in randomised)
    steps = [
        _box(len(run.cases), "orders posted") + _asides(_box(len(refused), "refused", refused)),
        _box(len(enrolled), "orders enrolled")
        + _asides(
            _box(len(waiting), "waiting", waiting), _box(len(left_out), "left out", left_out)
        ),
        _box(len(randomised), "eligible and randomised", note=f"{found} once a number was found"),
    ]
    arms = _arm_box(run, Arm.INTERVENTION) + _arm_box(run, Arm.CONTROL)
    listed = "".join(f"<li>{step}</li>" for step in steps)
    return f'<ol class="flow">{listed}<li class="arms">{arms}</li></ol>'


def _asides(*boxes: str) -> str:
    return f'<div class="asides">{"".join(boxes)}</div>'


def _box(count: int, what: str, left: Sequence[Case] = (), *, note: str = "") -> str:
    listed = "".join(
        f"<li>{times} {tables.words(reason)}{_details(left, reason)}</li>"
        for reason, times in Counter(map(_why, left)).most_common()
    )
    listed = f"<ul>{listed}</ul>" if listed else f"<span>{note}</span>"
    return f'<div class="box"><b>{count} {what}</b>{listed}</div>'


def _why(case: Case) -> str:
    first = case.answers[0]
    if case.enrolment is None:
        return REFUSALS.get(first.status, f"answered {first.status}")
    return " and ".join(first.body["reasons"])


def _details(cases: Sequence[Case], reason: str) -> str:
    """Why there is no number, where that is the reason."""
    missing = Counter(
        case.order.body["mobile"].get("missing_reason") for case in cases if _why(case) == reason
    )
    reasons = [
        tables.words(why) + (f" ({times})" if times > 1 else "")
        for why, times in missing.most_common()
        if why
    ]
    return f": {', '.join(reasons)}" if reasons else ""


def _arm_box(run: Run, arm: Arm) -> str:
    cases = run.of(arm)
    texts = [text for case in cases for text in run.texts_to(case)]
    lost = sum(text.delivered is False for text in texts)
    missed = sum(
        reminder["reason"] == Suppression.MISSED_LATE_START
        for case in cases
        for reminder in case.reminders
    )
    counts = [f"{len(texts) or 'no'} texts"]
    counts += [f"{lost} not delivered"] * (lost > 0)
    counts += [f"{missed} missed by late starts"] * (missed > 0)
    return f'<div class="box {arm}"><b>{len(cases)} {arm}</b><span>{", ".join(counts)}</span></div>'


def _how_telling(run: Run, case: Case) -> tuple[int, int, int]:
    """A sort key: lowest if all texts arrived, the order is short, and it has many conditions."""
    lost = sum(not text.delivered for text in run.texts_to(case))
    return lost, case.order.days, -len(case.order.body["order"]["conditions"])


def _phone(run: Run) -> str:
    shown = [case for case in run.of(Arm.INTERVENTION) if case.order.kind in EXACT]
    if not shown:
        return "<p>No order was allocated to intervention.</p>"
    case = min(shown, key=lambda case: _how_telling(run, case))
    texts, order = run.texts_to(case), case.order
    bubbles = "".join(
        f'<li><time datetime="{local(text.seen_at).isoformat(timespec="minutes")}">'
        f"{local(text.seen_at):%a %-d %b, %H:%M}</time><p>{escape(text.body)}</p></li>"
        for text in texts
        if text.delivered
    )
    rows = "".join(
        f'<tr><td class="number">{reminder["number"]}</td>'
        f'<th scope="row">{tables.words(reminder["theme"])}</th>'
        f"<td>{(local(text.seen_at).date() - order.made_on).days}</td>"
        f"<td>{WORDS[text.delivered]}</td>"
        f'<td class="number">{septets(text.body)}</td></tr>'
        for reminder, text in zip(case.sent(), texts, strict=False)
    )
    conditions = ", ".join(map(tables.words, order.body["order"]["conditions"]))
    return (
        '<div class="pair"><div class="handset"><div class="screen">'
        '<div class="sender"><span aria-hidden="true">P</span>Police</div>'
        f'<ol class="thread" aria-label="Texts, first to last">{bubbles}</ol></div></div><div>'
        f"<p>Order {escape(order.reference)} lasts {order.days} days, from"
        f" {order.made_on:%-d %B} to {order.expires_on:%-d %B}. It says: {conditions}."
        " The wording follows these conditions, for a text that states a condition the order lacks"
        " would misstate a court order.</p><p>Each text names the force, holds no link and asks for"
        " no reply. None names the respondent or the person protected.</p>"
        f"<table><caption>The {len(texts)} texts to the number ending"
        f" {escape((order.number or '')[-3:])}; one part holds 160 characters</caption>"
        '<thead><tr><th class="number" scope="col">No.</th><th scope="col">Theme</th>'
        '<th scope="col">Day</th><th scope="col">Receipt</th>'
        '<th class="number" scope="col">Characters</th></tr></thead>'
        f"<tbody>{rows}</tbody></table></div></div>"
    )
