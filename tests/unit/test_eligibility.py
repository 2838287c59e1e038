from datetime import date, timedelta
from typing import Any

import pytest

from tests.support.people import ADULT, KNOWN, LAST_DAY, MADE_ON, SERVED
from trial.eligibility import age_on, assess
from trial.model import Reason, Status
from trial.records import Mobile

UNSERVED = SERVED.model_copy(update={"served_on": None})
CHILD = ADULT.model_copy(update={"date_of_birth": date(2009, 1, 1)})
UNKNOWN = Mobile()
UNSAFE = KNOWN.model_copy(update={"unsafe": True})

Verdict = tuple[Status, tuple[Reason, ...]]


def assessed(**facts: Any) -> Verdict:
    usual: dict[str, Any] = {
        "order": SERVED,
        "respondent": ADULT,
        "mobile": KNOWN,
        "another_live_order": False,
        "today": MADE_ON,
        "minimum_age": 18,
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
        ({"another_live_order": True}, Status.INELIGIBLE, Reason.ALREADY_IN_TRIAL),
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
    ("born", "reasons"),
    [(date(2008, 12, 1), ()), (date(2008, 12, 2), (Reason.UNDER_18,))],
)
def test_the_age_that_counts_is_on_the_day_the_order_was_made(
    born: date, reasons: tuple[Reason]
) -> None:
    respondent = ADULT.model_copy(update={"date_of_birth": born})
    assert assessed(respondent=respondent, today=MADE_ON + timedelta(5))[1] == reasons


@pytest.mark.parametrize(
    ("day", "age"),
    [
        (date(2026, 2, 27), 17),
        (date(2026, 2, 28), 17),
        (date(2026, 3, 1), 18),
        (date(2028, 2, 28), 19),
        (date(2028, 2, 29), 20),
    ],
)
def test_somebody_born_on_a_leap_day_grows_older_on_the_first_of_march(day: date, age: int) -> None:
    assert age_on(day, date(2008, 2, 29)) == age
