"""Moves a reminder from one state to the next: no other code updates its state."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from trial.aws.table import Act, Check, update
from trial.records.reminder import index_place, reminder_key

if TYPE_CHECKING:
    from collections.abc import Iterable

    from trial.codes import ReminderState
    from trial.records.reminder import Reminder


def moved(
    reminder: Reminder,
    to: ReminderState,
    *,
    condition: Check,
    remove: Iterable[str] = (),
    **attributes: Any,  # noqa: ANN401 - whatever an attribute may hold
) -> Act:
    """
    The update that moves a reminder to a state, if the condition holds.

    The same write adds it to the index of open reminders, or removes it.
    """
    gone = list(remove)
    if place := index_place(to, reminder.enrolment_id):
        attributes["open_shard"] = place
    else:
        gone.append("open_shard")
    return update(
        reminder_key(reminder.enrolment_id, reminder.number),
        condition=condition,
        remove=gone,
        state=to.value,
        **attributes,
    )
