"""What a request has made happen, told as metrics."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trial.facts import Fact, tell
from trial.model import Status

if TYPE_CHECKING:
    from trial.records import Enrolment

_BECAME = {
    Status.WAITING: Fact.ENROLMENT_WAITING,
    Status.INELIGIBLE: Fact.ENROLMENT_INELIGIBLE,
    Status.ELIGIBLE: Fact.ENROLMENT_ELIGIBLE,
}


def tell_accepted(enrolment: Enrolment) -> None:
    """An order has been taken into the system."""
    tell(Fact.ENROLMENT_ACCEPTED)
    _tell_standing(enrolment)
    if enrolment.missing_now:
        tell(Fact.NUMBER_MISSING, reason=enrolment.missing_now.reason)


def tell_changed(before: Enrolment, after: Enrolment) -> None:
    """What has become of an enrolment by a change, if it makes a difference to the trial."""
    if (before.status, before.reasons) != (after.status, after.reasons):
        _tell_standing(after)
    if after.end and after.end != before.end:
        tell(Fact.ENROLMENT_ENDED, reason=after.end.reason or "")
    if before.missing_now and not after.missing_now:
        tell(Fact.NUMBER_FOUND)
    elif after.missing_now and not before.missing_now:
        tell(Fact.NUMBER_MISSING, reason=after.missing_now.reason)


def _tell_standing(enrolment: Enrolment) -> None:
    fact = _BECAME.get(enrolment.status)
    if fact and enrolment.reasons:
        tell(fact, reason=enrolment.reasons[0])
    elif fact:
        tell(fact)
