"""
The letter that accompanies an answer to a subject access request: what was sent, in plain English.

It is made from the output of `make subject-access` and holds less: the full record is enclosed.
"""

from __future__ import annotations

from datetime import date, datetime
from html import escape
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING, Any

from trial.codes import Arm
from trial.protocol.load import latest_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from zoneinfo import ZoneInfo

HERE = Path(__file__).parent
GROUPS = {
    Arm.CONTROL: "You were drawn into the group that is sent no texts.",
    Arm.INTERVENTION: "You were drawn into the group that is sent texts.",
}


def letter(everything: Mapping[str, Any]) -> str:
    """The letter about everything held about a person, as a page to print."""
    return Template((HERE / "letter.html").read_text()).substitute(
        on=_day(everything["printed_at"]),
        orders="".join(_order(each) for each in everything["orders"]),
    )


def _order(held: Mapping[str, Any]) -> str:
    enrolment = held["enrolment"]
    order, zone = enrolment["order"], latest_of(enrolment["trial"]).place.tz
    name = order.get("reference") or "an order whose reference is erased"
    ends = f" to {_day(order['expires_on'])}" if order.get("expires_on") else ", without an end"
    groups = [GROUPS[Arm(each["arm"])] for each in held["allocation"]]
    sent = [each for each in held["reminders"] if each.get("sent_at")]
    sent.sort(key=lambda each: str(each["sent_at"]))
    return (
        f"<section><h2>Order {escape(name)}</h2>"
        f"<p>{escape(order['court'])}, from {_day(order['made_on'])}{ends}. "
        f"We took it in on {_time(enrolment['enrolled_at'], zone)}. "
        f"{' '.join(groups) or 'You were not drawn into a group.'}</p>{_texts(sent, held, zone)}"
        f"{_outcomes(held['outcomes'], zone)}</section>"
    )


def _texts(sent: Iterable[Mapping[str, Any]], held: Mapping[str, Any], zone: ZoneInfo) -> str:
    rows = "".join(
        f"<tr><td>{_time(each['sent_at'], zone)}</td><td>{_recipient(each, held)}</td>"
        f"<td>{_delivered(each, zone)}</td><td>{_words_of(each)}</td></tr>"
        for each in sent
    )
    if not rows:
        return "<p>We sent you no texts about this order.</p>"
    return (
        "<table><caption>The texts that we sent, word for word</caption><thead><tr>"
        '<th scope="col">When</th><th scope="col">To</th><th scope="col">Arrived</th>'
        f'<th scope="col">What it said</th></tr></thead><tbody>{rows}</tbody></table>'
    )


def _recipient(reminder: Mapping[str, Any], held: Mapping[str, Any]) -> str:
    """
    The last digits of the number that a text went to, if that is the current number.

    The trail shows when each number was stored: only those entries name a seal.
    """
    taken_in = [each["at"] for each in held["audit_trail"] if each.get("seal_sha256")]
    digits = held["enrolment"].get("mobile", {}).get("last_digits")
    since = max(map(datetime.fromisoformat, taken_in), default=None)
    if digits and since and datetime.fromisoformat(reminder["sent_at"]) > since:
        return f"your number ending {escape(digits)}"
    return "the number that we held then"


def _delivered(reminder: Mapping[str, Any], zone: ZoneInfo) -> str:
    if at := reminder.get("delivered_at"):
        return _time(at, zone)
    return "no" if reminder["state"] == "undelivered" else "not known"


def _words_of(reminder: Mapping[str, Any]) -> str:
    text = reminder.get("text") or {}
    if text.get("message"):
        return escape(text["message"])
    return escape(f"It cannot be shown: {text.get('why', 'its wording was not kept')}.")


def _outcomes(outcomes: Iterable[Mapping[str, Any]], zone: ZoneInfo) -> str:
    facts = "".join(
        f"<li>{escape(each['type'].replace('_', ' '))}, {_time(each['occurred_at'], zone)}</li>"
        for each in outcomes
    )
    return f"<p>What the police recorded about it:</p><ul>{facts}</ul>" if facts else ""


def _day(on: str) -> str:
    return f"{date.fromisoformat(on[:10]):%-d %B %Y}"


def _time(at: str, zone: ZoneInfo) -> str:
    """A moment in local time."""
    return f"{datetime.fromisoformat(at).astimezone(zone):%-d %B %Y, %H:%M}"
