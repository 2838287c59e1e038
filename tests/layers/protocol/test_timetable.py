from collections import Counter
from datetime import UTC, date, datetime, time, timedelta, timezone
from itertools import pairwise
from uuid import UUID

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.support.fixture_protocol import AGREED
from tests.support.samples import LONDON
from trial.errors import RejectedError
from trial.protocol.days import reminder_count, reminder_days, themes
from trial.protocol.local_time import MARGIN, allowed_at, local_date
from trial.protocol.orders import EvenTimetable
from trial.protocol.term import Term
from trial.protocol.timetable import LEAD, Slot, timetable

WINDOW, DVPO = AGREED.window, AGREED.orders["dvpo"]
assert isinstance(DVPO.timetable, EvenTimetable)
CADENCE = DVPO.timetable
LENGTHS = range(14, 29)
SOMEBODY = UUID("0d6f2f1e-1c1b-5e5e-8f43-0a4d1f6f0001")
FIRST = date(2026, 12, 1)


def last_sunday(year: int, month: int) -> date:
    end = date(year, month, 31)
    return end - timedelta(days=(end.weekday() + 1) % 7)


CHANGES = [last_sunday(year, month) for year in range(2026, 2041) for month in (3, 10)]

ids = st.uuids(version=5)
lengths = st.sampled_from(LENGTHS)
days_made = st.dates(date(2026, 1, 1), date(2040, 12, 31)) | st.builds(
    lambda change, before: change - timedelta(days=before), st.sampled_from(CHANGES), lengths
)


def planned(
    days: int,
    *,
    made_on: date = FIRST,
    enrolment_id: UUID = SOMEBODY,
    start: datetime = datetime(2020, 1, 1, tzinfo=UTC),
) -> tuple[Slot, ...]:
    return timetable(
        enrolment_id=enrolment_id,
        term=Term("dvpo", made_on, made_on + timedelta(days=days - 1)),
        protocol=AGREED,
        start=start,
    )


def london(day: date, at: time) -> datetime:
    return datetime.combine(day, at, LONDON).astimezone(UTC)


def day_of(offset: int) -> date:
    return FIRST + timedelta(days=offset)


def due_days(slots: tuple[Slot, ...]) -> list[int]:
    return [(local_date(slot.due_at, LONDON) - FIRST).days for slot in slots]


def going(slots: tuple[Slot, ...]) -> list[Slot]:
    return [slot for slot in slots if not slot.missed]


@pytest.mark.parametrize(
    ("days", "count"), [(14, 7), (15, 7), (16, 8), (21, 10), (25, 12), (28, 13)]
)
def test_an_order_has_one_reminder_and_three_more_a_week(days: int, count: int) -> None:
    assert reminder_count(days, CADENCE) == count


def test_the_shortest_and_the_longest_order_have_the_agreed_days() -> None:
    assert reminder_days(14, CADENCE) == (0, 2, 4, 7, 9, 11, 13)
    assert reminder_days(28, CADENCE) == (0, 2, 5, 7, 9, 11, 14, 16, 18, 20, 23, 25, 27)


@pytest.mark.parametrize("days", LENGTHS)
def test_every_order_has_reminders_on_different_days_from_first_to_last(days: int) -> None:
    offsets = reminder_days(days, CADENCE)
    assert len(offsets) == reminder_count(days, CADENCE)
    assert (offsets[0], offsets[-1]) == (0, days - 1)
    assert all(earlier < later for earlier, later in pairwise(offsets))
    assert due_days(planned(days)) == list(offsets)


def test_the_themes_of_the_shortest_order_are_the_core() -> None:
    assert [slot.theme for slot in planned(14)] == [
        "conditions", "meaning", "behaviour", "policing", "plan", "support", "expiry",
    ]  # fmt: skip


def test_the_themes_of_the_longest_order_are_all() -> None:
    assert [slot.theme for slot in planned(28)] == [
        "conditions", "meaning", "behaviour", "policing", "plan", "support", "reminder",
        "substances", "calm", "policing_again", "practical", "ends_soon", "expiry",
    ]  # fmt: skip


def test_longer_orders_add_themes_by_rank_and_keep_their_order() -> None:
    added = []
    for n in range(8, 14):
        chosen = themes(n, DVPO.themes)
        (new,) = set(chosen) - set(themes(n - 1, DVPO.themes))
        added.append(new)
        assert list(chosen) == [plan.theme for plan in DVPO.themes if plan.theme in chosen]
    assert added == [
        "ends_soon", "reminder", "substances", "calm", "policing_again", "practical",
    ]  # fmt: skip


@pytest.mark.parametrize("days", [13, 29])
def test_an_order_of_another_length_is_refused(days: int) -> None:
    with pytest.raises(RejectedError, match="must be 14 to 28"):
        planned(days)


@given(enrolment_id=ids, made_on=days_made, days=lengths)
@example(enrolment_id=SOMEBODY, made_on=date(2027, 3, 28), days=14)
@example(enrolment_id=SOMEBODY, made_on=date(2027, 10, 31), days=14)
def test_every_reminder_is_inside_the_window_on_its_own_day(
    enrolment_id: UUID, made_on: date, days: int
) -> None:
    slots = planned(days, made_on=made_on, enrolment_id=enrolment_id)
    expected = [made_on + timedelta(days=n) for n in reminder_days(days, CADENCE)]
    for slot, day in zip(slots, expected, strict=True):
        local = slot.due_at.astimezone(LONDON)
        assert slot.due_at.tzinfo is UTC
        assert local.date() == day
        assert time(9) <= local.time() < time(19, 45)
        assert allowed_at(slot.due_at, WINDOW, LONDON)
        assert allowed_at(slot.due_at + MARGIN, WINDOW, LONDON)
        assert not slot.missed


@pytest.mark.parametrize("change", CHANGES, ids=str)
def test_summer_time_begins_and_ends_on_the_right_day(change: date) -> None:
    """By the rule in law, not by the zone's table: from that Sunday on, an hour off."""
    begins = change.month == 3
    for slot in planned(14, made_on=change - timedelta(days=7)):
        summer = (slot.due_at.date() >= change) == begins
        wall = slot.due_at + timedelta(hours=summer)
        assert wall.replace(tzinfo=None) == slot.due_at.astimezone(LONDON).replace(tzinfo=None)
        assert time(9) <= wall.time() < time(20)


def test_the_window_is_open_from_its_first_moment_until_just_before_its_last() -> None:
    for day in (date(2027, 3, 28), date(2027, 7, 1), date(2027, 10, 31), date(2027, 12, 1)):
        opens, closes = london(day, time(9)), london(day, time(20))
        assert allowed_at(opens, WINDOW, LONDON)
        assert not allowed_at(opens - timedelta(seconds=1), WINDOW, LONDON)
        assert allowed_at(closes - timedelta(seconds=1), WINDOW, LONDON)
        assert not allowed_at(closes, WINDOW, LONDON)


def test_a_day_begins_at_midnight_in_london() -> None:
    assert local_date(datetime(2027, 6, 30, 23, 0, tzinfo=UTC), LONDON) == date(2027, 7, 1)
    assert local_date(datetime(2027, 12, 31, 23, 59, tzinfo=UTC), LONDON) == date(2027, 12, 31)


def test_the_same_order_always_gets_the_same_timetable() -> None:
    """Stored reminders rest on these times: another derivation would move them."""
    assert planned(21) == planned(21)
    assert planned(14)[0].due_at == datetime(2026, 12, 1, 15, 50, 43, tzinfo=UTC)


def test_hours_vary_by_person_and_reminder_across_the_whole_window() -> None:
    hours = Counter(
        slot.due_at.astimezone(LONDON).hour
        for person in range(300)
        for slot in planned(14, enrolment_id=UUID(int=person))
    )
    each = hours.total() / 10.75
    assert hours.keys() == set(range(9, 20))
    assert all(0.7 * each < hours[hour] < 1.3 * each for hour in range(9, 19))
    assert len({slot.due_at.time() for slot in planned(28)}) == 13


def test_reminders_already_past_are_missed_and_never_caught_up() -> None:
    slots = planned(14, start=london(day_of(6), time(12)))
    assert [slot.missed for slot in slots] == [False, True, True, False, False, False, False]
    assert due_days(slots) == [6, 2, 4, 7, 9, 11, 13]


def test_a_reminder_due_sooner_than_it_can_be_scheduled_is_past() -> None:
    meaning = planned(14)[1]
    just = planned(14, start=meaning.due_at - LEAD)
    assert not just[1].missed
    late = planned(14, start=meaning.due_at - LEAD + timedelta(seconds=1))
    assert late[1].missed


def test_late_conditions_go_at_once_while_the_window_is_open() -> None:
    start = london(day_of(6), time(12, 30))
    conditions = planned(14, start=start)[0]
    assert conditions.due_at == start + LEAD


@pytest.mark.parametrize("at", [time(19, 50), time(20), time(23, 59)])
def test_late_conditions_wait_for_the_morning(at: time) -> None:
    conditions = planned(14, start=london(day_of(5), at))[0]
    opening = london(day_of(6), time(9))
    assert opening <= conditions.due_at < opening + MARGIN
    assert not conditions.missed


@pytest.mark.parametrize("at", [time(0), time(5), time(8, 57)])
def test_before_the_window_opens_the_morning_is_the_same_day(at: time) -> None:
    conditions = planned(14, start=london(day_of(6), at))[0]
    opening = london(day_of(6), time(9))
    assert opening <= conditions.due_at < opening + MARGIN


def test_late_conditions_of_many_people_do_not_all_go_when_the_window_opens() -> None:
    start = london(day_of(5), time(22))
    moments = {planned(14, enrolment_id=UUID(int=n), start=start)[0].due_at for n in range(50)}
    assert len(moments) > 40


def test_late_conditions_give_way_to_another_reminder_that_day() -> None:
    slots = planned(14, start=london(day_of(7), time(8)))
    assert [slot.missed for slot in slots] == [True, True, True, False, False, False, False]
    assert slots[0].due_at == planned(14)[0].due_at


def test_late_conditions_go_if_the_other_reminder_that_day_is_past() -> None:
    policing = planned(14)[3]
    slots = planned(14, start=policing.due_at)
    assert slots[3].missed
    assert slots[0].due_at == policing.due_at + LEAD
    assert not slots[0].missed


def test_conditions_not_yet_due_stay_where_they_are() -> None:
    start = london(FIRST, time(0))
    assert planned(14, start=start) == planned(14)


def test_nothing_goes_after_the_last_day() -> None:
    evening = london(day_of(13), time(19, 50))
    assert going(planned(14, start=evening)) == []
    assert going(planned(14, start=evening + timedelta(days=90))) == []


@given(
    enrolment_id=ids,
    made_on=days_made,
    days=lengths,
    after=st.timedeltas(timedelta(days=-2), timedelta(days=30)),
)
def test_however_late_it_starts_a_timetable_keeps_the_rules(
    enrolment_id: UUID, made_on: date, days: int, after: timedelta
) -> None:
    start = london(made_on, time(0)) + after
    slots = planned(days, made_on=made_on, enrolment_id=enrolment_id, start=start)
    usual = planned(days, made_on=made_on, enrolment_id=enrolment_id)
    assert [slot.number for slot in slots] == list(range(1, len(usual) + 1))
    dates = [local_date(slot.due_at, LONDON) for slot in going(slots)]
    assert len(set(dates)) == len(dates)
    for slot in going(slots):
        assert slot.due_at >= (start + LEAD).replace(microsecond=0)
        assert slot.due_at.microsecond == 0
        assert allowed_at(slot.due_at, WINDOW, LONDON)
        assert made_on <= local_date(slot.due_at, LONDON) <= made_on + timedelta(days=days - 1)
    for slot, as_usual in zip(slots[1:], usual[1:], strict=True):
        assert slot.due_at == as_usual.due_at
        assert slot.missed == (as_usual.due_at < start + LEAD)


@given(days=lengths, after=st.timedeltas(timedelta(0), timedelta(days=30)))
def test_the_zone_in_which_the_start_is_given_changes_nothing(days: int, after: timedelta) -> None:
    start = london(FIRST, time(0)) + after
    slots = planned(days, start=start.astimezone(timezone(timedelta(hours=-9))))
    assert slots == planned(days, start=start)
    assert {slot.due_at.tzinfo for slot in slots} == {UTC}
