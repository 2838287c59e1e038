"""The panel of orders beyond the day's limit, which wait for a person to admit them."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from pydantic import TypeAdapter, ValidationError

from operations.panels.asked import PanelAction, PanelName
from operations.panels.markup import button
from operations.wire import WorklistQuery
from operations.worklist import worklist
from trial.api.fields import Name
from trial.codes import Reason

if TYPE_CHECKING:
    from collections.abc import Callable
    from uuid import UUID

    from operations.answers import WaitingOut
    from operations.context import StaffContext
    from operations.panels.asked import Asked
    from trial.protocol.settings import Protocol

    Admit = Callable[[UUID, str], str | None]

HEADINGS = ("Order", "Authorised by", "Taken in", "")
_NAME: TypeAdapter[str] = TypeAdapter(Name)


def drawn(asked: Asked, staff: StaffContext, protocol: Protocol, admit: Admit) -> str:
    """
    The first hundred held orders, after one is admitted if that was clicked.

    `admit` takes the order's id and who admits it; it returns why it cannot, if so.
    """
    wrong = _admitted(asked, admit) if asked.act is PanelAction.ADMIT else None
    query = WorklistQuery(reason=Reason.HELD_OVER_DAILY_LIMIT)
    page = worklist(query, staff, protocol)
    complaint = f'<p class="wrong" role="alert">{escape(wrong)}</p>' if wrong else ""
    if not page.enrolments:
        return f'{complaint}<p role="status">No order is held.</p>'
    headings = "".join(f'<th scope="col">{each}</th>' for each in HEADINGS)
    rows = "".join(_row(each, asked) for each in page.enrolments)
    return (
        f'{complaint}<form><label>Your name<input name="by" maxlength="100" '
        f'value="{escape(asked.form.get("by", ""))}"></label></form>'
        '<div class="scroll" tabindex="0" role="region" aria-label="Orders held">'
        f"<table><caption>{len(page.enrolments)} beyond the day's limit. Look each up in the "
        f"upstream system before you admit it.</caption><thead><tr>{headings}</tr></thead>"
        f"<tbody>{rows}</tbody></table></div>"
    )


def _admitted(asked: Asked, admit: Admit) -> str | None:
    """Why the order was not admitted, if it was not."""
    if asked.enrolment_id is None:
        return "No order was chosen."
    try:
        by = _NAME.validate_python(asked.form.get("by", ""))
    except ValidationError:
        return "Your name is missing or not valid."
    return admit(asked.enrolment_id, by)


def _row(each: WaitingOut, asked: Asked) -> str:
    name = f"{each.force}/{each.reference or each.enrolment_id}"
    asks = f"Admit {name}? From then on it is treated like any other order."
    ident = str(each.enrolment_id)
    press = button("Admit", asked, PanelName.HELD, asks, act=PanelAction.ADMIT, enrolment_id=ident)
    cells = (escape(name), escape(each.superintendent), f"{each.since:%-d %b %Y, %H:%M} UTC", press)
    return f"<tr>{''.join(f'<td>{cell}</td>' for cell in cells)}</tr>"
