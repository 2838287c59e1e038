"""
Who may be randomised. This is decided and stored before an arm is drawn, from facts alone.

Only the first reason that applies is recorded; each reason is a box of the flow diagram.
"""

from datetime import date

from trial.codes import AgeBand, Reason, Status
from trial.records.enrolment import Mobile, Order, Respondent

_WAITING = frozenset(
    {
        Reason.NOT_SERVED,
        Reason.NO_NUMBER,
        Reason.UNSAFE_NUMBER,
        Reason.SUPPRESSED_NUMBER,
        Reason.HELD_OVER_DAILY_LIMIT,
    }
)
_YOUNGEST = (
    (55, AgeBand.FROM_55),
    (45, AgeBand.FROM_45),
    (35, AgeBand.FROM_35),
    (25, AgeBand.FROM_25),
    (18, AgeBand.FROM_18),
)


def assess(
    *,
    order: Order,
    respondent: Respondent,
    mobile: Mobile,
    another_live_order: bool,
    held_over_daily_limit: bool,
    today: date,
    min_days_left: int,
) -> tuple[Status, tuple[Reason, ...]]:
    """
    The status of an enrolment that has not been allocated, and why.

    `today` is the local date. Days left count today and the order's last day; an order that
    has run out has none, and is `order_ended` rather than `too_late`.
    """
    days_left = (order.last_day - today).days + 1
    reasons = {
        Reason.UNDER_18: bool(respondent.of_age_on and order.made_on < respondent.of_age_on),
        Reason.NOT_SERVED: order.served_on is None,
        Reason.NO_NUMBER: mobile.sealed is None,
        Reason.UNSAFE_NUMBER: mobile.unsafe,
        Reason.SUPPRESSED_NUMBER: mobile.suppressed,
        Reason.ALREADY_IN_TRIAL: another_live_order,
        Reason.TOO_LATE: 0 < days_left < min_days_left,
        Reason.ORDER_ENDED: days_left <= 0,
        Reason.HELD_OVER_DAILY_LIMIT: held_over_daily_limit,
    }
    first = next((reason for reason in Reason if reasons.get(reason)), None)
    if first is None:
        return Status.ELIGIBLE, ()
    return (Status.WAITING if first in _WAITING else Status.INELIGIBLE), (first,)


def birthday(date_of_birth: date, years: int) -> date:
    """The day on which a person reaches this age; 29 February becomes 1 March in common years."""
    try:
        return date_of_birth.replace(year=date_of_birth.year + years)
    except ValueError:
        return date(date_of_birth.year + years, 3, 1)


def age_band(day: date, date_of_birth: date) -> AgeBand:
    """The age band of a person on a day."""
    bands = (band for youngest, band in _YOUNGEST if birthday(date_of_birth, youngest) <= day)
    return next(bands, AgeBand.UNDER_18)
