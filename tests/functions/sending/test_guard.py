from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from sending.guard import why_not
from tests.support.fixture_protocol import AGREED, FIRST
from tests.support.people import ENROLMENT, KNOWN, REMINDER, SERVED
from tests.support.samples import LONDON
from trial.codes import Status, Suppression
from trial.protocol.load import load
from trial.protocol.settings import Protocol
from trial.records.enrolment import Mobile

DUE = REMINDER.due_at
ALLOCATED = ENROLMENT.model_copy(update={"status": Status.ALLOCATED})
UNSAFE = KNOWN.model_copy(update={"unsafe": True})


def verdict(
    *, now: datetime = DUE, theme: str = "meaning", protocol: Protocol = AGREED, **facts: Any
) -> str | None:
    reminder = REMINDER.model_copy(update={"theme": theme, "due_at": facts.pop("due_at", DUE)})
    return why_not(reminder, ALLOCATED.model_copy(update=facts), protocol=protocol, now=now)


def london(day: int, hour: int, minute: int = 0, second: int = 0, *, month: int = 12) -> datetime:
    return datetime(2026, month, day, hour, minute, second, tzinfo=LONDON)


def test_what_is_due_in_the_window_goes() -> None:
    assert verdict() is None


@pytest.mark.parametrize("status", [each for each in Status if each is not Status.ALLOCATED])
def test_only_an_allocated_enrolment_is_texted(status: Status) -> None:
    assert verdict(status=status) is Suppression.ENDED


@pytest.mark.parametrize(
    ("now", "reason"), [(london(14, 19, 59, 59), None), (london(15, 9), Suppression.EXPIRED)]
)
def test_the_last_day_is_the_last_in_london(now: datetime, reason: Suppression | None) -> None:
    assert verdict(now=now, due_at=now) is reason


def test_a_summer_midnight_is_london_s() -> None:
    order = SERVED.model_copy(update={"made_on": date(2026, 7, 1), "expires_on": date(2026, 7, 14)})
    late = datetime(2026, 7, 14, 23, 30, tzinfo=UTC)  # half past midnight in London
    assert verdict(now=late, due_at=late, order=order) is Suppression.EXPIRED


@pytest.mark.parametrize(
    ("late", "reason"),
    [
        (timedelta(hours=6), None),
        (timedelta(hours=6, seconds=1), Suppression.STALE),
        (timedelta(days=2), Suppression.STALE),
    ],
)
def test_six_hours_late_is_still_fresh(late: timedelta, reason: Suppression | None) -> None:
    assert verdict(now=DUE + late) is reason


@pytest.mark.parametrize("month", [7, 12])
@pytest.mark.parametrize(
    ("hour", "minute", "second", "reason"),
    [
        (8, 59, 59, Suppression.OUTSIDE_WINDOW),
        (9, 0, 0, None),
        (19, 59, 59, None),
        (20, 0, 0, Suppression.OUTSIDE_WINDOW),
        (3, 0, 0, Suppression.OUTSIDE_WINDOW),
    ],
)
def test_the_window_opens_at_nine_and_closes_at_eight_by_the_clock_in_london(
    month: int, hour: int, minute: int, second: int, reason: Suppression | None
) -> None:
    now = london(4, hour, minute, second, month=month)
    assert verdict(now=now, due_at=now) is reason


def test_nobody_without_a_number_is_texted() -> None:
    assert verdict(mobile=Mobile()) is Suppression.NO_NUMBER


def test_a_protected_number_is_not_texted() -> None:
    assert verdict(mobile=UNSAFE) is Suppression.UNSAFE_NUMBER


@pytest.mark.parametrize("theme", [plan.theme for plan in AGREED.orders["dvpo"].themes])
def test_a_breach_changes_nothing_of_what_is_sent(theme: str) -> None:
    assert verdict(theme=theme, breach_reported_at=DUE) is None


@pytest.mark.parametrize("theme", ["plan", "support"])
def test_in_the_first_format_a_breach_holds_the_plan_alone_back(theme: str) -> None:
    first, reason = load(FIRST), Suppression.BREACH_REPORTED if theme == "plan" else None
    assert verdict(theme=theme, protocol=first, breach_reported_at=DUE) is reason
    assert verdict(theme=theme, protocol=first) is None


def test_an_end_is_the_reason_before_any_other() -> None:
    late = DUE + timedelta(days=30)
    assert verdict(now=late, status=Status.ENDED, mobile=UNSAFE) is Suppression.ENDED
