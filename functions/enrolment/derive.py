"""Where an enrolment stands, as a function of its facts and of nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trial.codes import EndReason, Reason, Status
from trial.eligibility import assess
from trial.protocol.load import of_trial
from trial.protocol.local_time import local_date
from trial.protocol.settings import Protocol, RepeatPolicy

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import date, datetime
    from uuid import UUID

    from trial.records.enrolment import Enrolment
    from trial.records.person import Number, Person


MOST_ORDERS = 200
"""Orders that a person's or a number's item names: no number of orders makes it too large."""


def with_derived_status(
    enrolment: Enrolment, person: Person, *, protocol: Protocol, now: datetime
) -> Enrolment:
    """The enrolment with the status and the reasons of its facts, by its own trial."""
    status, reasons = _standing(enrolment, person, of_trial(enrolment.trial, protocol), now)
    return enrolment.model_copy(update={"status": status, "reasons": reasons})


def _standing(
    enrolment: Enrolment, person: Person, protocol: Protocol, now: datetime
) -> tuple[Status, tuple[Reason, ...]]:
    end = enrolment.end
    if end and enrolment.allocated_at:
        return Status.ENDED, ()
    if end:
        in_custody = end.reason is EndReason.IN_CUSTODY
        return Status.ENDED, (Reason.IN_CUSTODY if in_custody else Reason.ORDER_ENDED,)
    if enrolment.allocated_at:
        return Status.ALLOCATED, ()
    if enrolment.erased_at:
        return enrolment.status, enrolment.reasons  # its order has long run out
    today = local_date(now)
    others = {k: day for k, day in person.enrolments.items() if k != enrolment.enrolment_id}
    again = person.allocated.get(enrolment.trial) not in (None, enrolment.enrolment_id)
    return assess(
        order=enrolment.order,
        respondent=enrolment.respondent,
        mobile=enrolment.mobile,
        another_live_order=any_live(others, today)
        or (again and protocol.repeat_policy is RepeatPolicy.EXCLUDE),
        held_over_daily_limit=enrolment.held_over_daily_limit,
        today=today,
        min_days_left=protocol.eligibility.min_days_left,
    )


def person_with(person: Person, enrolment: Enrolment, last_day: date) -> Person:
    """
    The person, knowing until when this order is a live one of theirs.

    One that came second does not count: two orders would keep each other out for good.
    """
    others = {k: day for k, day in person.enrolments.items() if k != enrolment.enrolment_id}
    counts = enrolment.reasons != (Reason.ALREADY_IN_TRIAL,)
    own = {enrolment.enrolment_id: last_day} if counts else {}
    return person.model_copy(update={"enrolments": capped(others | own)})


def capped(last_days: dict[UUID, date]) -> dict[UUID, date]:
    """
    Orders with their last days, as many as an item may hold: those that last longest.

    So it stays right until when one of them is live.
    """
    if len(last_days) <= MOST_ORDERS:
        return last_days
    longest = sorted(last_days.items(), key=lambda each: (each[1], str(each[0])), reverse=True)
    return dict(longest[:MOST_ORDERS])


def any_live(last_days: Mapping[UUID, date], today: date) -> bool:
    """Whether one of these orders is still in force."""
    return any(last_day >= today for last_day in last_days.values())


def numbers_with(
    seen: Mapping[str, Number],
    ident: UUID,
    last_day: date,
    *,
    number: str | None,
    protected: Iterable[str],
    today: date,
) -> dict[str, Number]:
    """
    These numbers, each knowing now what this order makes of it, until its last day.

    One that no order names any more is idle since `today`: what is stored under it is to go.
    """
    known = dict(seen)
    for number_hash in protected:
        each = known[number_hash]
        update = {"protected": capped(each.protected | {ident: last_day})}
        known[number_hash] = each.model_copy(update=update)
    for number_hash, each in known.items():
        respondents = {other: day for other, day in each.respondents.items() if other != ident}
        if number_hash == number:
            respondents[ident] = last_day
        after = each.model_copy(update={"respondents": capped(respondents)})
        idle_since = (each.idle_since or today) if after.is_idle else None
        known[number_hash] = after.model_copy(update={"idle_since": idle_since})
    return known
