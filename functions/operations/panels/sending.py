"""The panel of the whole trial's switch."""

from __future__ import annotations

from dataclasses import replace
from html import escape
from typing import TYPE_CHECKING

from pydantic import ValidationError

from operations import switch
from operations.panels.asked import PanelAction, PanelName
from operations.panels.markup import button
from operations.wire import SwitchIn
from trial.api.problems import field_problems
from trial.metrics import Metric, emit

if TYPE_CHECKING:
    from operations.context import StaffContext
    from operations.panels.asked import Asked
    from trial.protocol.settings import Place
    from trial.records.switch import Switch

FIELDS = {"reason": "Reason", "by": "Your name"}
WHO = (
    "This page cannot see who clicks, so enter your name. CloudTrail records whose credentials the "
    "click used."
)


def drawn(asked: Asked, staff: StaffContext, place: Place) -> str:
    """The switch, after setting it if a button was clicked, and a form to set it."""
    problems, known = [], staff.store.switch()
    if asked.act in (PanelAction.PAUSE, PanelAction.RESUME):
        try:
            known = _set(asked, staff)
        except ValidationError as error:
            problems = field_problems(error.errors())
    paused = bool(known and known.paused)
    wrong = "".join(
        f"<li>{escape(FIELDS.get(each.field, each.field))} {escape(each.message)}</li>"
        for each in problems
    )
    complaint = f'<ul class="wrong" role="alert">{wrong}</ul>' if wrong else ""
    fields = "".join(
        f'<label>{label}<input name="{name}" value="{escape(_typed(asked, name, wrong))}" '
        'maxlength="100"></label>'
        for name, label in FIELDS.items()
    )
    return (
        f'<p class="state {"paused" if paused else "on"}" role="status">{_said(known, place)}</p>'
        f"{complaint}<form>{fields}</form>{_button(asked, paused=paused)}"
        f'<p class="quiet">{WHO}</p>'
    )


def _set(asked: Asked, staff: StaffContext) -> Switch:
    """Set the switch. Raises ValidationError if the form is not filled in."""
    given = SwitchIn.model_validate(asked.form | {"paused": asked.act is PanelAction.PAUSE})
    known = switch.set_switch(given, replace(staff, by=f"{staff.by}, as {given.by}"))
    emit(Metric.SENDING_PAUSED, int(known.paused))
    return known


def _typed(asked: Asked, name: str, wrong: str) -> str:
    """The content of a field, so that a person can correct it; empty if nothing was wrong."""
    return asked.form.get(name, "") if wrong else ""


def _said(known: Switch | None, place: Place) -> str:
    if known is None:
        return "<b>Sending is on.</b> Nobody has paused it yet."
    state = "<b>Sending is paused.</b> Paused" if known.paused else "<b>Sending is on.</b> Resumed"
    at = known.at.astimezone(place.tz)
    return f"{state} by {escape(known.by)} on {at:%-d %B %Y at %H:%M}: {escape(known.reason)}"


def _button(asked: Asked, *, paused: bool) -> str:
    if paused:
        asks = "Resume sending for the whole trial? Texts that are due and still fresh go at once."
        return button("Resume sending", asked, PanelName.SENDING, asks, act=PanelAction.RESUME)
    asks = "Pause sending for the whole trial? No text goes until somebody resumes it."
    return button("Pause sending", asked, PanelName.SENDING, asks, act=PanelAction.PAUSE)
