from datetime import date, timedelta
from typing import Any

import pytest

from tests.support.people import ADULT, KNOWN, LAST_DAY, MADE_ON, SERVED
from trial.codes import AgeBand, Reason, Status
from trial.eligibility import age_band, assess, birthday
from trial.records.enrolment import Mobile

UNSERVED = SERVED.model_copy(update={"served_on": None})
CHILD = ADULT.model_copy(update={"of_age_on": date(2027, 1, 1)})
UNKNOWN = Mobile()
UNSAFE = KNOWN.model_copy(update={"unsafe": True})
SUPPRESSED = KNOWN.model_copy(update={"suppressed": True})

Verdict = tuple[Status, tuple[Reason, ...]]


def assessed(**facts: Any) -> Verdict:
    usual: dict[str, Any] = {
        "order": SERVED,
        "respondent": ADULT,
        "mobile": KNOWN,
        "another_live_order": False,
        "held_over_daily_limit": False,
        "today": MADE_ON,
        "min_days_left": 3,
    }
    return assess(**usual | facts)


def test_an_adult_with_a_served_order_and_a_safe_number_is_eligible() -> None:
    assert assessed() == (Status.ELIGIBLE, ())


@pytest.mark.parametrize(
    ("facts", "status", "reason"),
    [
        ({"respondent": CHILD}, Status.INELIGIBLE, Reason.UNDER_18),
        ({"order": UNSERVED}, Status.WAITING, Reason.NOT_SERVED),
        ({"mobile": UNKNOWN}, Status.WAITING, Reason.NO_NUMBER),
        ({"mobile": UNSAFE}, Status.WAITING, Reason.UNSAFE_NUMBER),
        ({"mobile": SUPPRESSED}, Status.WAITING, Reason.SUPPRESSED_NUMBER),
        ({"another_live_order": True}, Status.INELIGIBLE, Reason.ALREADY_IN_TRIAL),
        ({"held_over_daily_limit": True}, Status.WAITING, Reason.HELD_OVER_DAILY_LIMIT),
        ({"today": LAST_DAY - timedelta(1)}, Status.INELIGIBLE, Reason.TOO_LATE),
        ({"today": LAST_DAY + timedelta(1)}, Status.INELIGIBLE, Reason.ORDER_ENDED),
    ],
)
def test_each_reason_has_its_status(facts: dict[str, Any], status: Status, reason: Reason) -> None:
    assert assessed(**facts) == (status, (reason,))


@pytest.mark.parametrize(
    ("facts", "reason"),
    [
        ({"respondent": CHILD, "order": UNSERVED}, Reason.UNDER_18),
        ({"order": UNSERVED, "mobile": UNKNOWN}, Reason.NOT_SERVED),
        ({"mobile": UNKNOWN, "another_live_order": True}, Reason.NO_NUMBER),
        ({"mobile": UNSAFE, "another_live_order": True}, Reason.UNSAFE_NUMBER),
        ({"another_live_order": True, "today": LAST_DAY}, Reason.ALREADY_IN_TRIAL),
    ],
)
def test_the_first_reason_in_the_flow_is_the_one_recorded(
    facts: dict[str, Any], reason: Reason
) -> None:
    assert assessed(**facts)[1] == (reason,)


@pytest.mark.parametrize(
    ("days_left", "reasons"),
    [
        (3, ()),
        (2, (Reason.TOO_LATE,)),
        (1, (Reason.TOO_LATE,)),
        (0, (Reason.ORDER_ENDED,)),
        (-1, (Reason.ORDER_ENDED,)),
    ],
)
def test_days_left_count_today_and_the_last_day(days_left: int, reasons: tuple[Reason]) -> None:
    today = LAST_DAY - timedelta(days_left - 1)
    assert assessed(today=today)[1] == reasons


@pytest.mark.parametrize(
    ("of_age_on", "reasons"), [(date(2026, 12, 1), ()), (date(2026, 12, 2), (Reason.UNDER_18,))]
)
def test_age_is_counted_on_the_day_the_order_was_made(
    of_age_on: date, reasons: tuple[Reason]
) -> None:
    respondent = ADULT.model_copy(update={"of_age_on": of_age_on})
    assert assessed(respondent=respondent, today=MADE_ON + timedelta(5))[1] == reasons


@pytest.mark.parametrize(
    ("years", "day"), [(17, date(2025, 3, 1)), (18, date(2026, 3, 1)), (20, date(2028, 2, 29))]
)
def test_somebody_born_on_a_leap_day_grows_older_on_the_first_of_march(
    years: int, day: date
) -> None:
    assert birthday(date(2008, 2, 29), years) == day


@pytest.mark.parametrize(
    ("born", "band"),
    [
        ("2008-12-02", "under_18"),
        ("2008-12-01", "18-24"),
        ("2001-12-02", "18-24"),
        ("2001-12-01", "25-34"),
        ("1991-12-02", "25-34"),
        ("1991-12-01", "35-44"),
        ("1981-12-01", "45-54"),
        ("1971-12-02", "45-54"),
        ("1971-12-01", "55+"),
        ("1920-01-01", "55+"),
    ],
)
def test_an_age_band_covers_whole_years(born: str, band: str) -> None:
    assert age_band(MADE_ON, date.fromisoformat(born)) == AgeBand(band)
