"""The items read to show an enrolment: blind ones only, and a bounded number."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

import pytest
from time_machine import Traveller

from enrolment import store
from tests.support.faults import hooked
from tests.support.life import send_change, shown
from tests.support.steps import call, enrol, fire, schedule, someone_in
from tests.support.table import reminders_of
from trial.aws import clients
from trial.codes import Arm

pytestmark = pytest.mark.usefixtures("cloud")


@contextmanager
def reading() -> Iterator[list[str]]:
    """The partition of each item that the table hands over."""
    read: list[str] = []

    def note(parsed: dict[str, Any], **_: Any) -> None:
        found = [*parsed.get("Items", ()), *(parsed.get("Responses", {}).get("trial", ()))]
        read.extend(item["pk"]["S"] for item in found)

    client = clients.dynamodb()
    with (
        hooked(client, "after-call.dynamodb.Query", note),
        hooked(client, "after-call.dynamodb.BatchGetItem", note),
    ):
        yield read


def test_reading_an_enrolment_does_not_make_the_next_read_slower() -> None:
    someone = enrol()
    with reading() as first:
        shown(someone)
    for _ in range(20):
        shown(someone)
    with reading() as after_twenty:
        shown(someone)
    assert first == after_twenty == [f"enrolment#{someone}", f"history#{someone}"]


def test_the_items_that_a_read_touches_do_not_depend_on_the_arm(clock: Traveller) -> None:
    read = {}
    for arm in Arm:
        someone = someone_in(arm, first=1 if arm is Arm.CONTROL else 500)
        schedule(someone)
        text(someone, clock)
        with reading() as found:
            shown(someone)
        read[arm] = [partition.partition("#")[0] for partition in found]
    assert read[Arm.CONTROL] == read[Arm.INTERVENTION] == ["enrolment", "history", "history"]


def text(someone: UUID, clock: Traveller) -> None:
    """Text the treated person, and let an unblinded caller read both enrolments."""
    for reminder in reminders_of(someone)[:1]:
        clock.move_to(reminder.due_at)
        assert fire(someone, reminder.number) == "sent"
    assert call("GET", f"/allocations/{someone}").status == 200


def test_a_long_history_shows_its_latest_entries(
    clock: Traveller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "HISTORY_SHOWN", 10)  # for a hundred changes take long
    someone = enrol()
    for serial in range(15):
        clock.shift(1)
        answer = send_change(someone, "mobile", {"number": f"+447700900{serial:03}"})
        assert answer.status == 200, answer.text
    history = shown(someone)["history"]
    assert len(history) == 10
    assert "enrolled" not in {entry["what"] for entry in history}
    assert [entry["at"] for entry in history] == sorted(entry["at"] for entry in history)
