"""Checks a request's dates, times and number against the time at which it arrives."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from trial.api.orders import refuse_impossible, refuse_language
from trial.api.problems import FieldError
from trial.phone import NumberError, mobile_of

if TYPE_CHECKING:
    from datetime import date, datetime

    from enrolment.wire import EnrolmentIn, MobileIn, OrderIn
    from trial.protocol.settings import Protocol
    from trial.records.enrolment import Enrolment

_CLOCKS_DIFFER = timedelta(minutes=5)
_OLDEST_ORDER = timedelta(days=90)


def check_enrolment(request: EnrolmentIn, today: date, protocol: Protocol) -> None:
    """Raises FieldError with the field's whole path."""
    try:
        check_order(request.order, today, protocol=protocol)
    except FieldError as error:
        raise error.under("order") from None
    try:
        check_number(request.mobile.number, protocol)
        check_mobile(request.mobile, today)
    except FieldError as error:
        raise error.under("mobile") from None
    try:
        refuse_language(protocol, request.respondent.language)
    except FieldError as error:
        raise error.under("respondent") from None
    if request.respondent.date_of_birth > today:
        raise FieldError("respondent.date_of_birth", "is in the future: check the year")


def check_order(
    order: OrderIn, today: date, *, protocol: Protocol, known_since: date | None = None
) -> None:
    """
    Raises FieldError, relative to the order, also if the protocol has no such orders.

    A date long ago is taken for a typing mistake: such an order would be erased before anybody
    could correct it. The date already stored (`known_since`) is accepted.
    """
    refuse_impossible(protocol, order.term, order.conditions)
    if order.made_on > today:
        raise FieldError("made_on", "is in the future: check the date")
    if order.made_on != known_since and today - order.made_on > _OLDEST_ORDER:
        raise FieldError(
            "made_on", f"is more than {_OLDEST_ORDER.days} days before today: check the year"
        )
    if order.served_on:
        check_served(order.served_on, order.made_on, today)


def refuse_invariable(field: str, enrolment: Enrolment, protocol: Protocol) -> None:
    """Raises FieldError unless a court may vary or discharge orders of this type."""
    name = enrolment.order.type
    if not protocol.order_type(name).may_be_varied:
        raise FieldError(field, f"the protocol lets no {name} be varied or discharged")


def check_served(served_on: date, made_on: date, today: date) -> None:
    """Raises FieldError."""
    if served_on > today:
        raise FieldError("served_on", "is in the future: report service once it has happened")
    if served_on < made_on:
        raise FieldError("served_on", "is before made_on: an order is served once it is made")


def check_number(number: str | None, protocol: Protocol) -> None:
    """Raises FieldError unless it is a mobile of the trial's country, if there is one."""
    try:
        if number:
            mobile_of(number, protocol.place.country)
    except NumberError as error:
        raise FieldError("number", str(error)) from None


def check_mobile(mobile: MobileIn, today: date) -> None:
    """Raises FieldError."""
    if mobile.follow_up_on and mobile.follow_up_on < today:
        raise FieldError("follow_up_on", "is in the past: give the day of the next attempt")


def check_moment(field: str, at: datetime, now: datetime) -> None:
    """Raises FieldError for what has not happened yet; clocks may differ a little."""
    if at > now + _CLOCKS_DIFFER:
        raise FieldError(field, "is in the future: check the time and its offset")
