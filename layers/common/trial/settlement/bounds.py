"""How many ends and former numbers an enrolment's item holds, and which of them it keeps."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trial.codes import EndReason
from trial.records.enrolment import Mobile

if TYPE_CHECKING:
    from trial.records.enrolment import Enrolment, LifeEvent

MOST_EVENTS = 50
"""The most ends and returns from custody that an enrolment's item holds."""

MOST_NUMBERS = 20
"""The most former numbers that an enrolment's item names, so that retention can erase them."""


def what_counts(life: tuple[LifeEvent, ...]) -> tuple[LifeEvent, ...]:
    """
    As many events as an item may hold; those left out do not affect the enrolment's status.

    It keeps the first final end, the first custody and the latest events. All are in the trail.
    """
    if len(life) <= MOST_EVENTS:
        return life
    for_good = [each for each in life if each.reason not in (None, EndReason.IN_CUSTODY)]
    custodies = [each for each in life if each.reason is EndReason.IN_CUSTODY]
    first = [
        *sorted(for_good, key=lambda each: (each.at, each.reason or ""))[:1],
        *sorted(custodies, key=lambda each: each.at)[:1],
    ]
    latest = sorted(life, key=lambda each: (each.at, each.reason is None))[-MOST_EVENTS + 2 :]
    return tuple(each for each in life if each in first or each in latest)


def without_number(enrolment: Enrolment) -> Enrolment:
    """The enrolment with its number among the former ones, so that retention can erase it."""
    former = enrolment.mobile.number_hash
    if former is None:
        return enrolment
    former_numbers = (*enrolment.former_numbers, former)[-MOST_NUMBERS:]
    return enrolment.model_copy(update={"mobile": Mobile(), "former_numbers": former_numbers})
