import pytest

from tests.support.people import REMINDER
from trial.aws.table import Check
from trial.codes import ReminderState
from trial.progress import moved
from trial.records.reminder import OPEN_STATES, SHARDS, TROUBLED, Reminder

PLACES = dict.fromkeys(OPEN_STATES, SHARDS[REMINDER.enrolment_id.int % len(SHARDS)])
PLACES[ReminderState.FAILED] = TROUBLED


@pytest.mark.parametrize("state", ReminderState)
def test_a_reminder_is_in_the_index_while_it_is_open_and_once_it_has_failed(
    state: ReminderState,
) -> None:
    reminder = REMINDER.model_copy(update={"state": state})
    stored = reminder.item()
    assert stored.get("open_shard") == PLACES.get(state)
    assert Reminder.of(stored) == reminder


@pytest.mark.parametrize("state", ReminderState)
def test_whichever_way_a_reminder_moves_its_place_in_the_index_follows(
    state: ReminderState,
) -> None:
    planned = REMINDER.model_copy(update={"state": ReminderState.PLANNED})
    act = moved(planned, state, condition=Check("any", ""))
    enters, leaves = (
        part in act.expression for part in ("#open_shard = :set_open_shard", "REMOVE #open_shard")
    )
    assert (enters, leaves) == (state in PLACES, state not in PLACES)
    assert act.values.get("set_open_shard") == PLACES.get(state)
