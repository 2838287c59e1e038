"""Reproduces sent texts byte for byte from what their reminders keep."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from trial.errors import RejectedError, TrialError
from trial.protocol.load import load
from trial.protocol.wording import Sender, again
from trial.records.reminder import TextSent

if TYPE_CHECKING:
    from collections.abc import Mapping


def with_its_text(reminder: Mapping[str, Any]) -> dict[str, Any]:
    """A stored reminder with the text that was sent, or the reason why it cannot be shown."""
    if "text" not in reminder:
        return dict(reminder)
    try:
        shown: dict[str, Any] = {"message": message(reminder)}
    except TrialError as error:
        shown = {"message": None, "why": str(error)}
    return {**reminder, "text": {**reminder["text"], **shown}}


def message(reminder: Mapping[str, Any]) -> str:
    """The text. Raises RejectedError if the current protocol file gives a different one."""
    kept, protocol = TextSent.model_validate(reminder["text"]), load(reminder["protocol"])
    if protocol.sha256 != reminder["protocol_sha256"]:
        raise RejectedError("the protocol's file is not the one under which it was sent")
    made = again(
        protocol,
        kept.wording,
        language=kept.language,
        sender=Sender(force=kept.force, contact=kept.contact),
        expires_on=kept.expires_on,
    )
    if made.sha256 != kept.sha256:
        raise RejectedError("the protocol gives a text that differs from the one sent")
    return made.message
