"""Reminders that did not go as planned, by id, for those who may know arms."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from time_machine import Traveller

from tests.support.life import audit_of, treated
from tests.support.steps import call
from tests.support.table import change_reminder, reminder_of, reminders_of
from trial.codes import ReminderState
from trial.records.reminder import Reminder

pytestmark = pytest.mark.usefixtures("cloud")
MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)


def somebody() -> tuple[UUID, Reminder]:
    """Somebody in intervention, and their second reminder."""
    someone = treated()
    return someone, reminder_of(someone, 2)


def troubled() -> Any:
    answer = call("GET", "/troubled")
    assert answer.status == 200, answer.text
    return answer.body


@pytest.mark.parametrize(
    ("state", "shown"),
    [
        *((each, True) for each in ("scheduled", "claimed", "unknown", "failed")),
        *((each, False) for each in ("sent", "delivered", "suppressed")),
    ],
)
def test_only_late_unknown_and_refused_texts_are_listed(
    state: str, *, shown: bool, clock: Traveller
) -> None:
    someone, second = somebody()
    change_reminder(someone, 1, state=ReminderState.DELIVERED)
    reason = "no" if state == "failed" else None
    change_reminder(someone, 2, state=ReminderState(state), reason=reason)
    clock.move_to(second.due_at + 16 * MINUTE)
    listed = [(each["enrolment_id"], each["number"]) for each in troubled()["reminders"]]
    assert listed == ([(str(someone), 2)] if shown else [])


def test_a_text_due_at_this_moment_is_not_late_yet(clock: Traveller) -> None:
    someone, second = somebody()
    change_reminder(someone, 1, state=ReminderState.DELIVERED)
    clock.move_to(second.due_at + 14 * MINUTE)
    assert troubled() == {"reminders": [], "more": 0}


def test_a_text_that_failed_long_ago_is_no_longer_listed(clock: Traveller) -> None:
    someone, second = somebody()
    for each in reminders_of(someone):
        change_reminder(someone, each.number, state=ReminderState.DELIVERED)
    change_reminder(someone, 2, state=ReminderState.FAILED, reason="InvalidParameter")
    clock.move_to(second.due_at + 30 * DAY)
    (only,) = troubled()["reminders"]
    assert (only["state"], only["reason"]) == ("failed", "InvalidParameter")
    clock.move_to(second.due_at + 32 * DAY)
    assert troubled()["reminders"] == []


def test_each_listed_enrolment_is_recorded_as_consulted(clock: Traveller) -> None:
    someone, second = somebody()
    clock.move_to(second.due_at + DAY)
    assert len(troubled()["reminders"]) > 1
    assert [each["what"] for each in audit_of(someone)].count("allocation consulted") == 1


def test_of_many_texts_the_oldest_are_listed_and_the_rest_are_counted(
    clock: Traveller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("disclosure.routes._MOST_SHOWN", 2)
    someone, _ = somebody()
    last = reminders_of(someone)[-1]
    clock.move_to(last.due_at + DAY)
    found = troubled()
    assert [each["number"] for each in found["reminders"]] == [1, 2]
    assert found["more"] == len(reminders_of(someone)) - 2
