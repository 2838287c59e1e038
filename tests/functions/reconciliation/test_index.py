from uuid import UUID

import pytest

from tests.support.fixture_protocol import VERSION
from trial.aws.table import Check
from trial.codes import ReminderState
from trial.progress import moved
from trial.records.reminder import OPEN_STATES, SHARDS, TROUBLED, Reminder

SOMEBODY = UUID("0d6f2f1e-1c1b-5e5e-8f43-0a4d1f6f0001")
REMINDER = Reminder(
    enrolment_id=SOMEBODY,
    number=2,
    theme="meaning",
    due_at="2026-12-04T11:00:00Z",
    state=ReminderState.PLANNED,
    protocol=VERSION,
    protocol_sha256="aa",
)


PLACES = dict.fromkeys(OPEN_STATES, SHARDS[SOMEBODY.int % len(SHARDS)]) | {
    ReminderState.FAILED: TROUBLED
}


@pytest.mark.parametrize("state", ReminderState)
def test_a_reminder_is_in_the_index_while_it_is_open_and_once_it_has_failed(
    state: ReminderState,
) -> None:
    stored = REMINDER.model_copy(update={"state": state}).item()
    assert stored.get("open_shard") == PLACES.get(state)
    assert Reminder.of(stored).state is state


@pytest.mark.parametrize("state", ReminderState)
def test_whichever_way_it_moves_its_place_follows(state: ReminderState) -> None:
    act = moved(REMINDER, state, condition=Check("any", ""))
    enters, leaves = (
        "#open_shard = :set_open_shard" in act.expression,
        "REMOVE #open_shard" in act.expression,
    )
    assert (enters, leaves) == (state in PLACES, state not in PLACES)
    assert act.values.get("set_open_shard") == PLACES.get(state)
