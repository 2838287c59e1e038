"""
The HTML of panels, as CloudWatch allows it: no script, and buttons by `cwdb-action`.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/add_custom_widget_dashboard_interactivity.html
"""

from __future__ import annotations

import json
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import date, datetime

    from operations.panels.asked import Asked, PanelName
    from trial.protocol.settings import Place

STYLE = Path(__file__).with_name("panels.css")


def panel(asked: Asked, body: str, now: datetime, place: Place) -> str:
    """A whole panel in the dashboard's theme, with the local time at which it was drawn."""
    return (
        f"<style>{STYLE.read_text()}</style>"
        f'<div class="cwdb-no-default-styles"></div><div class="dvpo {asked.theme}">{body}'
        f'<p class="quiet">As of {now.astimezone(place.tz):%H:%M:%S on %-d %B %Y}. '
        f"{button('Draw again', asked, asked.panel)}</p></div>"
    )


def button(
    label: str, asked: Asked, panel: PanelName, confirmation: str = "", **params: str
) -> str:
    """
    A button that calls the function again, with the content of the panel's form.

    `cwdb-action` acts on the element before it. It first shows `confirmation`, if there is one.
    """
    asks = f' confirmation="{escape(confirmation)}"' if confirmation else ""
    kind = "btn btn-primary" if confirmation else "btn"
    return (
        f'<button type="button" class="{kind}">{escape(label)}</button>'
        f'<cwdb-action action="call" display="widget" endpoint="{escape(asked.endpoint)}"{asks}>'
        f"{escape(json.dumps({'panel': panel} | params), quote=False)}</cwdb-action>"
    )


def words(code: str) -> str:
    """A code as people read it."""
    return escape(code.replace("_", " "))


def day(on: date) -> str:
    """A date as people write it."""
    return f"{on:%-d %b %Y}"
