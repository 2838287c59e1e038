"""
Who may be randomised. Decided and stored before an arm is drawn, from facts alone.

The first reason that applies is the one recorded: the boxes of the flow diagram.
"""

from datetime import date

from trial.model import Reason, Status
from trial.records import Mobile, Order, Respondent

_WAITING = frozenset({Reason.NOT_SERVED, Reason.NO_NUMBER, Reason.UNSAFE_NUMBER})


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
