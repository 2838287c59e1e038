"""Formats the API's refusals for a command's output."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from commands.api import Answer

ERROR = 400


def reasons(body: dict[str, Any]) -> list[str]:
    """What is wrong, in the contract's words: field by field or, if none is named, as a whole."""
    errors = [f"{each['field']}: {each['message']}" for each in body.get("errors") or ()]
    return errors or [body.get("detail") or body.get("message") or "refused"]


def refuse(answer: Answer) -> None:
    """End with what the API says is wrong, if it refused."""
    if answer.status >= ERROR:
        sys.exit("\n".join([f"Refused ({answer.status}):", *reasons(answer.body)]))
