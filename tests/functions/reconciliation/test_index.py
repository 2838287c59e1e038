from uuid import UUID

import pytest

from tests.support.fixture_protocol import VERSION
from trial.aws.table import Check
from trial.codes import ReminderState
from trial.progress import moved
from trial.records.reminder import OPEN_STATES, Reminder, open_shard

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


@pytest.mark.parametrize("state", ReminderState)
def test_a_reminder_has_a_place_in_the_index_just_while_it_is_open(state: ReminderState) -> None:
    stored = REMINDER.model_copy(update={"state": state}).item()
    assert ("open_shard" in stored) is (state in OPEN_STATES)


@pytest.mark.parametrize("state", ReminderState)
def test_whichever_way_it_moves_its_place_follows(state: ReminderState) -> None:
    act = moved(REMINDER, state, condition=Check("any", ""))
    enters, leaves = (
        "#open_shard = :set_open_shard" in act.expression,
        "REMOVE #open_shard" in act.expression,
    )
    assert (enters, leaves) == (state in OPEN_STATES, state not in OPEN_STATES)
    assert act.values.get("set_open_shard") == (open_shard(SOMEBODY) if enters else None)
