"""An order of 18 months, varied twice and discharged; one without an end; and one in Welsh."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from time_machine import Traveller

from tests.support.life import send_change
from tests.support.long_orders import dapo_trial, drawn, live, varied
from tests.support.memory import Memory
from trial.codes import Arm, Language, ReminderState, Suppression

AHEAD = timedelta(days=60)  # as the fixture says


@pytest.fixture
def memory(clock: Traveller) -> Iterator[Memory]:
    clock.move_to(datetime(2026, 12, 1, 8, tzinfo=UTC))
    with dapo_trial() as made:
        yield made


def evening(year: int, month: int, day: int) -> datetime:
    return datetime(year, month, day, 21, tzinfo=UTC)


def messages(memory: Memory) -> list[str]:
    return [each["Message"] for each in memory.texts]


def test_a_dapo_of_18_months_is_varied_twice_and_discharged(
    memory: Memory, clock: Traveller
) -> None:
    enrolment_id, order = drawn(memory, Arm.INTERVENTION)
    first = memory.file(enrolment_id)
    assert first.schedules
    assert max(first.schedules.values()) <= datetime.now(UTC) + AHEAD
    assert [each.state for each in first.reminders].count(ReminderState.PLANNED) > 0

    live(memory, clock, enrolment_id, until=evening(2027, 3, 1))
    sent = [each for each in memory.file(enrolment_id).reminders if each.sent_at]
    wider = order | {"conditions": [*order["conditions"], "programme"]}
    endless = {name: value for name, value in wider.items() if name != "expires_on"}
    answer = varied(memory, enrolment_id, endless, "2027-03-01")
    assert (answer.status, answer.body["order"]["expires_on"]) == (200, None)
    assert memory.file(enrolment_id).reminders[: len(sent)] == sent

    before = len(memory.texts)
    live(memory, clock, enrolment_id, until=evening(2027, 9, 1))
    told, again = messages(memory)[before : before + 2]
    assert "A court has changed" in told
    assert "until a court ends it" in again
    assert not any("31 May 2028" in each for each in messages(memory)[before:])

    answer = varied(memory, enrolment_id, order, "2027-08-31")
    assert answer.body["order"]["expires_on"] == "2028-05-31"
    before = len(memory.texts)
    live(memory, clock, enrolment_id, until=evening(2028, 2, 1))
    told, again, *_ = messages(memory)[before:]
    assert "court" in told
    assert "Wed 31 May 2028" in again

    over = {"reason": "discharged", "at": "2028-02-01T20:00:00Z", "by": "PC-1182"}
    assert send_change(enrolment_id, "end", over).status == 200
    memory.drain()
    after = memory.file(enrolment_id)
    assert after.schedules == {}
    left = [each for each in after.reminders if not each.sent_at]
    assert {each.reason for each in left} == {Suppression.ENDED}
    whole = messages(memory)
    live(memory, clock, enrolment_id, until=evening(2028, 6, 1))
    assert messages(memory) == whole
    assert not any(one == other for one, other in pairwise(whole))
    days = [each.sent_at.date() for each in after.reminders if each.sent_at]
    assert len(set(days)) == len(days)


def test_control_gets_nothing_in_18_months(memory: Memory, clock: Traveller) -> None:
    enrolment_id, order = drawn(memory, Arm.CONTROL)
    answer = varied(memory, enrolment_id, order | {"court": "Leeds County Court"}, "2026-12-01")
    assert answer.status == 200
    live(memory, clock, enrolment_id, until=evening(2027, 1, 1))
    file = memory.file(enrolment_id)
    assert (file.reminders, file.schedules) == ([], {})


def test_the_nightly_run_tops_schedules_up_as_far_ahead_as_the_protocol_says(
    memory: Memory, clock: Traveller
) -> None:
    enrolment_id, _ = drawn(memory, Arm.INTERVENTION, expires_on=None)
    live(memory, clock, enrolment_id, until=evening(2027, 2, 9))
    file, now = memory.file(enrolment_id), datetime.now(UTC)
    to_come = {each.number: each.due_at for each in file.reminders if each.due_at > now}
    near = {number: due_at for number, due_at in to_come.items() if due_at <= now + AHEAD}
    assert file.schedules == near
    assert 0 < len(near) < len(to_come)


def test_welsh_texts_go_to_those_who_asked_for_welsh(memory: Memory, clock: Traveller) -> None:
    enrolment_id, _ = drawn(memory, Arm.INTERVENTION, respondent={"language": "cy"})
    live(memory, clock, enrolment_id, until=evening(2026, 12, 1))
    (first,) = messages(memory)
    assert "31 Mai 2028" in first
    (text,) = [each.text for each in memory.file(enrolment_id).reminders if each.text]
    assert text is not None
    assert text.language is Language.CY
