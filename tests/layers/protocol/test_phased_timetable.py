"""Timetables of orders of any length, without an end, and of varied orders."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.support.fixture_protocol import DAPO
from tests.support.samples import LONDON
from trial.codes import Condition
from trial.errors import RejectedError
from trial.protocol.days import assigned, planned_days
from trial.protocol.local_time import allowed_at, local_date
from trial.protocol.orders import PhasedTimetable
from trial.protocol.settings import Protocol
from trial.protocol.term import Term
from trial.protocol.timetable import LEAD, Slot, Varied, timetable

TYPE = DAPO.orders["dapo"]
assert isinstance(TYPE.timetable, PhasedTimetable)
RULE = TYPE.timetable
SOMEBODY = UUID("0d6f2f1e-1c1b-5e5e-8f43-0a4d1f6f0001")
FIRST = date(2027, 1, 4)
DAY = timedelta(days=1)
MOST = RULE.most_texts

lengths = st.none() | st.integers(1, 1000)
ids = st.uuids(version=5)
made = st.dates(date(2026, 1, 1), date(2040, 12, 31))


def term(days: int | None, made_on: date = FIRST) -> Term:
    return Term("dapo", made_on, None if days is None else made_on + (days - 1) * DAY)


def noon(day: date) -> datetime:
    return datetime.combine(day, time(12), LONDON).astimezone(UTC)


def planned(
    days: int | None,
    *varied: Varied,
    made_on: date = FIRST,
    start: datetime = datetime(2020, 1, 1, tzinfo=UTC),
    enrolment_id: UUID = SOMEBODY,
    protocol: Protocol = DAPO,
) -> tuple[Slot, ...]:
    return timetable(
        enrolment_id=enrolment_id,
        term=term(days, made_on),
        protocol=protocol,
        start=start,
        varied=varied,
    )


def days_of(slots: tuple[Slot, ...]) -> list[int]:
    return [(local_date(slot.due_at, LONDON) - FIRST).days for slot in slots]


def themes_on(slots: tuple[Slot, ...]) -> dict[int, str]:
    return dict(zip(days_of(slots), [slot.theme for slot in slots], strict=True))


def text_of(slot: Slot) -> str:
    """The wording of a theme, whatever the order's conditions."""
    wordings = TYPE.plan_of(slot.theme).wording
    return wordings[slot.turn % len(wordings)]


def test_a_phased_timetable_starts_dense_then_is_weekly_then_monthly() -> None:
    days = [each.day for each in planned_days(TYPE, None)]
    assert days[:15] == [0, 1, 2, 3, 5, 7, 9, 12, 14, 16, 19, 21, 23, 26, 28]
    assert days[15:25] == [35, 42, 49, 56, 63, 70, 77, 84, 114, 144]
    assert all(later - earlier == 30 for earlier, later in pairwise(days[22:]))


def test_milestones_count_from_the_start_and_from_the_end() -> None:
    themes = themes_on(planned(540))
    began = ["conditions", "notify", "meaning", "requirements"]
    assert [themes[day] for day in (0, 1, 3, 5)] == began
    assert (themes[532], themes[539]) == ("ends_soon", "expiry")


def test_an_order_without_an_end_has_no_text_about_its_end() -> None:
    slots = planned(None)
    assert {"ends_soon", "expiry"}.isdisjoint(slot.theme for slot in slots)
    reserved = sum(each.days_before_end is not None for each in RULE.milestones)
    assert len(slots) == MOST - reserved


def test_of_two_milestones_on_one_day_the_first_goes() -> None:
    assert themes_on(planned(1)) == {0: "conditions"}
    assert themes_on(planned(2)) == {0: "conditions", 1: "expiry"}


@given(days=lengths, made_on=made, enrolment_id=ids)
@example(days=1, made_on=date(2027, 3, 28), enrolment_id=SOMEBODY)
@example(days=1000, made_on=date(2027, 10, 31), enrolment_id=SOMEBODY)
@example(days=None, made_on=date(2028, 2, 29), enrolment_id=SOMEBODY)
def test_a_timetable_of_any_length_keeps_the_rules(
    days: int | None, made_on: date, enrolment_id: UUID
) -> None:
    slots = planned(days, made_on=made_on, enrolment_id=enrolment_id)
    assert [slot.number for slot in slots] == list(range(1, len(slots) + 1))
    assert len(slots) <= MOST
    dates = [local_date(slot.due_at, LONDON) for slot in slots]
    assert all(earlier < later for earlier, later in pairwise(dates))
    assert dates[0] == made_on
    if days is not None:
        assert dates[-1] <= made_on + (days - 1) * DAY
    if days is not None and days > 1:
        assert slots[-1].theme == "expiry"
        assert dates[-1] == made_on + (days - 1) * DAY
    assert all(allowed_at(slot.due_at, DAPO.window, LONDON) for slot in slots)
    assert all(text_of(one) != text_of(other) for one, other in pairwise(slots))


def clock_changes(zone: ZoneInfo) -> Iterator[date]:
    """The days to 2040 on which clocks change there."""
    for day in range((date(2041, 1, 1) - date(2026, 1, 1)).days):
        midnights = (
            datetime.combine(date(2026, 1, 1) + (day + n) * DAY, time(), zone) for n in (0, 1)
        )
        if len({each.utcoffset() for each in midnights}) > 1:
            yield date(2026, 1, 1) + day * DAY


@pytest.mark.parametrize("zone", ["Europe/London", "Pacific/Auckland"])
def test_every_clock_change_to_2040_leaves_each_text_on_its_day_and_in_its_hours(zone: str) -> None:
    place = DAPO.place.model_copy(update={"zone": zone})
    there, changes = DAPO.model_copy(update={"place": place}), list(clock_changes(place.tz))
    assert len(changes) == 30
    for change in changes:
        made_on = change - 7 * DAY  # texts go on the days 5, 7 and 9
        slots = planned(10, made_on=made_on, start=noon(FIRST), protocol=there)
        local = [slot.due_at.astimezone(place.tz) for slot in slots]
        planned_on = [made_on + each.day * DAY for each in planned_days(TYPE, 10)]
        assert [each.date() for each in local] == planned_on
        assert change in planned_on
        assert all(time(9) <= each.time() < time(19, 45) for each in local)
        # The local time is the same as in any other week.
        usual = planned(10, protocol=there)
        assert [each.time() for each in local] == [
            slot.due_at.astimezone(place.tz).time() for slot in usual
        ]


def test_themes_follow_the_rules_for_every_length_from_1_to_1000_days_and_for_none() -> None:
    for days in (None, *range(1, 1001)):
        plan = list(assigned(planned_days(TYPE, days), TYPE))
        on = [each.day for each in plan]
        assert on == sorted(set(on))
        assert on[0] == 0
        assert len(on) <= MOST
        assert days is None or on[-1] == days - 1
        assert plan[0].theme == "conditions"
        assert (plan[-1].theme == "expiry") == (days is not None and days > 1)
        keys = [(each.theme, each.turn % len(TYPE.plan_of(each.theme).wording)) for each in plan]
        assert all(one != other for one, other in pairwise(keys))


@given(days=lengths)
def test_a_repeated_theme_uses_its_wordings_in_turn(days: int | None) -> None:
    wordings: dict[str, list[str]] = {}
    for each in assigned(planned_days(TYPE, days), TYPE):
        key = TYPE.wording_of(each.theme, each.turn, [Condition.NO_CONTACT], ends=days is not None)
        wordings.setdefault(each.theme, []).append(key)
    for theme in RULE.rotation:
        assert all(one != other for one, other in pairwise(wordings.get(theme, [])))


@pytest.mark.parametrize("days", [0, -1])
def test_an_order_is_at_least_a_day_long(days: int) -> None:
    with pytest.raises(RejectedError, match="must be 1 or more"):
        planned(days)


def test_a_late_start_misses_past_reminders_and_still_sends_the_conditions() -> None:
    start = noon(FIRST + 100 * DAY)
    slots = planned(None, start=start)
    assert slots[0].due_at == start + LEAD
    assert [slot.missed for slot in slots[:23]] == [False, *[True] * 22]
    assert not any(slot.missed for slot in slots[23:])


# Variation


def test_reminders_due_before_a_variation_stay_and_the_rest_are_planned_again() -> None:
    at = noon(FIRST + 100 * DAY)
    before, after = planned(None), planned(None, Varied(at, term(130)))
    kept = [slot for slot in before if slot.due_at <= at]
    assert list(after[: len(kept)]) == kept
    assert themes_on(after[len(kept) :]) == {
        100: "varied",
        102: "conditions",
        114: after[len(kept) + 2].theme,
        122: "ends_soon",
        129: "expiry",
    }
    assert after[len(kept)].due_at == at + LEAD


def test_a_postponed_end_is_announced_again() -> None:
    at = noon(FIRST + 98 * DAY)
    themes = themes_on(planned(100, Varied(at, term(200))))
    assert (themes[92], themes[98], themes[100]) == ("ends_soon", "varied", "conditions")
    assert (themes[192], themes[199]) == ("ends_soon", "expiry")
    assert 99 not in themes


def test_a_variation_in_the_evening_is_texted_the_next_morning() -> None:
    at = datetime.combine(FIRST + 50 * DAY, time(21), LONDON)
    after = planned(None, Varied(at, term(None)))
    (told,) = (slot for slot in after if slot.theme == "varied")
    local = told.due_at.astimezone(LONDON)
    assert local.date() == FIRST + 51 * DAY
    assert time(9) <= local.time() < time(9, 15)


def test_a_variation_on_a_day_with_a_text_is_texted_the_next_day() -> None:
    at = datetime.combine(FIRST + 49 * DAY, time(9), LONDON)
    after = planned(None, Varied(at, term(None)))
    themes = themes_on(after)
    assert themes[49] in RULE.rotation
    assert themes[50] == "varied"


def test_two_variations_in_a_row_are_texted_once_if_neither_was_texted_yet() -> None:
    first = datetime.combine(FIRST + 50 * DAY, time(21), LONDON)
    again = datetime.combine(FIRST + 51 * DAY, time(7), LONDON)
    after = planned(None, Varied(first, term(None)), Varied(again, term(200)))
    assert [day for day, theme in themes_on(after).items() if theme == "varied"] == [51]


def test_a_variation_on_the_next_day_is_texted_in_another_wording() -> None:
    at = noon(FIRST + 50 * DAY)
    after = planned(None, Varied(at, term(None)), Varied(at + DAY, term(None)))
    told = [slot for slot in after if slot.theme == "varied"]
    assert [text_of(slot) for slot in told] == ["V1", "V2"]


def test_nothing_more_goes_once_the_end_is_moved_to_today() -> None:
    at = noon(FIRST + 50 * DAY)
    after = planned(None, Varied(at, term(51)))
    assert days_of(after)[-1] == 50
    assert after[-1].theme == "varied"


variations = st.lists(st.tuples(st.integers(1, 900), lengths, st.times()), max_size=4)


@given(days=lengths, changes=variations, made_on=made, late=st.integers(0, 300))
def test_however_often_it_is_varied_a_timetable_keeps_the_rules(
    days: int | None, changes: list[tuple[int, int | None, time]], made_on: date, late: int
) -> None:
    varied = [
        Varied(datetime.combine(made_on + day * DAY, at, LONDON), term(length, made_on))
        for day, length, at in sorted(changes, key=lambda each: (each[0], each[2]))
    ]
    start = noon(made_on + late * DAY)
    varied = [each for each in varied if each.at > start]
    slots = planned(days, *varied, made_on=made_on, start=start)
    assert [slot.number for slot in slots] == list(range(1, len(slots) + 1))
    going = [slot for slot in slots if not slot.missed]
    dates = [local_date(slot.due_at, LONDON) for slot in going]
    assert len(set(dates)) == len(dates)
    assert all(allowed_at(slot.due_at, DAPO.window, LONDON) for slot in going)
    assert len(slots) <= MOST + 3 * len(varied)
    if varied:
        earlier = planned(days, *varied[:-1], made_on=made_on, start=start)
        told_on = local_date(varied[-1].at, LONDON)
        kept = [slot for slot in earlier if local_date(slot.due_at, LONDON) <= told_on]
        assert set(kept) <= set(slots)
        since = [slot for slot in slots if slot.number > max((k.number for k in kept), default=0)]
        assert all(slot.due_at > varied[-1].at for slot in since)
        last_day = varied[-1].term.expires_on
        assert last_day is None or all(
            local_date(slot.due_at, LONDON) <= last_day for slot in since
        )
    assert all(text_of(one) != text_of(other) for one, other in pairwise(going))
