"""
Sends a rehearsed text, marked as a test, to the staff phone that the deployment names.

Shows staff what respondents will see, through this function's own role, sender id and carriers. The
number is the deployment's and the words are the protocol's: an invocation chooses neither.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, Annotated, Any, Final
from uuid import UUID

from pydantic import Field

from trial.api.orders import refuse_impossible, refuse_language
from trial.codes import Condition, Language, Model
from trial.errors import RejectedError
from trial.phone import mobile_of
from trial.protocol.load import load
from trial.protocol.term import Term
from trial.protocol.timetable import timetable
from trial.protocol.wording import Recipient, render

if TYPE_CHECKING:
    from sending.gateway import Gateway
    from trial.protocol.wording import Sender

_MARK: Final = "TEST {number}/{of} "
_NOBODY: Final = UUID(int=0)


class Rehearsal(Model):
    """An imagined order, and which of its texts to send (from 1); None to list them only."""

    protocol: str
    order_type: str
    made_on: date
    days: int | None = None
    conditions: Annotated[tuple[Condition, ...], Field(min_length=1)]
    language: Language = Language.EN
    send: Annotated[int, Field(ge=1)] | None = None


def rehearse(
    asked: Rehearsal, *, sender: Sender, gateway: Gateway, staff_phone: str
) -> dict[str, Any]:
    """
    All the texts, once the chosen one is sent.

    Raises FieldError if the trial has no such order, RejectedError if there is no staff phone or no
    such text, and what the gateway raises.
    """
    planned = texts(asked, sender)
    if asked.send is not None:
        if not staff_phone:
            raise RejectedError("no staff phone is named: deploy with StaffPhone=+447...")
        if asked.send > len(planned):
            raise RejectedError(f"there are {len(planned)} texts")
        country = load(asked.protocol).place.country
        gateway.publish(mobile_of(staff_phone, country), planned[asked.send - 1])
    return {"texts": planned}


def texts(asked: Rehearsal, sender: Sender) -> list[str]:
    """The order's texts, each with its mark. Raises FieldError if the trial has no such order."""
    protocol = load(asked.protocol)
    refuse_language(protocol, asked.language)
    expires_on = asked.made_on + timedelta(days=asked.days - 1) if asked.days else None
    term = Term(asked.order_type, asked.made_on, expires_on)
    refuse_impossible(protocol, term, asked.conditions)
    start = protocol.place.midnight(asked.made_on)
    slots = timetable(enrolment_id=_NOBODY, term=term, protocol=protocol, start=start)
    about = Recipient(
        order_type=term.order_type,
        conditions=asked.conditions,
        expires_on=expires_on,
        language=asked.language,
    )
    return [
        _MARK.format(number=slot.number, of=len(slots))
        + render(protocol, slot.theme, turn=slot.turn, about=about, sender=sender).message
        for slot in slots
    ]
