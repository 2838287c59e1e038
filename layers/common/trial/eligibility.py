"""
Who may be randomised. Decided and stored before an arm is drawn, from facts alone.

The first reason that applies is the one recorded: the boxes of the flow diagram.
"""

from datetime import date

from trial.model import AgeBand, Reason, Status
from trial.records import Enrolment, ErasedRespondent, Mobile, Order, Respondent
from trial.timetable import local_date

_WAITING = frozenset({Reason.NOT_SERVED, Reason.NO_NUMBER, Reason.UNSAFE_NUMBER})
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
    today: date,
    minimum_age: int,
    min_days_left: int,
) -> tuple[Status, tuple[Reason, ...]]:
    """
    The status of an enrolment that has not been allocated, and why.

    `today` is the local date. Days left count today and the order's last day; an order that
    has run out has none, and is `order_ended` rather than `too_late`.
    """
    days_left = (order.expires_on - today).days + 1
    reasons = {
        Reason.UNDER_18: age_on(order.made_on, respondent.date_of_birth) < minimum_age,
        Reason.NOT_SERVED: order.served_on is None,
        Reason.NO_NUMBER: mobile.number is None,
        Reason.UNSAFE_NUMBER: mobile.unsafe,
        Reason.ALREADY_IN_TRIAL: another_live_order,
        Reason.TOO_LATE: 0 < days_left < min_days_left,
        Reason.ORDER_ENDED: days_left <= 0,
    }
    first = next((reason for reason in Reason if reasons.get(reason)), None)
    if first is None:
        return Status.ELIGIBLE, ()
    return (Status.WAITING if first in _WAITING else Status.INELIGIBLE), (first,)


def age_on(day: date, date_of_birth: date) -> int:
    """Whole years of age on a day; somebody born on 29 February has birthdays on 1 March."""
    had_birthday = (day.month, day.day) >= (date_of_birth.month, date_of_birth.day)
    return day.year - date_of_birth.year - (not had_birthday)


def age_band(years: int) -> AgeBand:
    """The band of somebody who is so many whole years old."""
    bands = (band for youngest, band in _YOUNGEST if years >= youngest)
    return next(bands, AgeBand.UNDER_18)


def band_of(enrolment: Enrolment) -> AgeBand:
    """The respondent's age band at enrolment, also once the date of birth is erased."""
    respondent = enrolment.respondent
    if isinstance(respondent, ErasedRespondent):
        return respondent.age_band
    return age_band(age_on(local_date(enrolment.enrolled_at), respondent.date_of_birth))
