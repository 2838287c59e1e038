"""Emits the metrics of a request's effects."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trial.codes import Status
from trial.metrics import Metric, emit

if TYPE_CHECKING:
    from trial.records.enrolment import Enrolment

_BECAME = {
    Status.WAITING: Metric.ENROLMENT_WAITING,
    Status.INELIGIBLE: Metric.ENROLMENT_INELIGIBLE,
    Status.ELIGIBLE: Metric.ENROLMENT_ELIGIBLE,
}


def emit_accepted(enrolment: Enrolment) -> None:
    """Emit that an order was taken into the system."""
    emit(Metric.ENROLMENT_ACCEPTED)
    _emit_status(enrolment)
    if enrolment.missing_now:
        emit(Metric.NUMBER_MISSING, reason=enrolment.missing_now.reason)


def emit_changed(before: Enrolment, after: Enrolment) -> None:
    """Emit the effects of a change that matter to the trial."""
    if (before.status, before.reasons) != (after.status, after.reasons):
        _emit_status(after)
    if after.end and after.end != before.end:
        emit(Metric.ENROLMENT_ENDED, reason=after.end.reason or "")
    if before.missing_now and not after.missing_now:
        emit(Metric.NUMBER_FOUND)
    elif after.missing_now and not before.missing_now:
        emit(Metric.NUMBER_MISSING, reason=after.missing_now.reason)


def _emit_status(enrolment: Enrolment) -> None:
    metric = _BECAME.get(enrolment.status)
    if metric and enrolment.reasons:
        emit(metric, reason=enrolment.reasons[0])
    elif metric:
        emit(metric)
