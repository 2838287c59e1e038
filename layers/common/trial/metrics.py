"""
Business metrics: one per event, emitted once the event is stored.

Dimensions are codes from a bounded set: never an id, never an arm. If a function dies between the
write and the metric, that event is not counted; the table is authoritative.
"""

from enum import StrEnum

from aws_lambda_powertools import single_metric
from aws_lambda_powertools.metrics import MetricUnit


class Metric(StrEnum):
    """The metrics' names, each with its dimensions, and its unit unless it is a count."""

    ENROLMENT_ACCEPTED = "EnrolmentAccepted"
    ENROLMENT_WAITING = "EnrolmentWaiting"  # reason
    ENROLMENT_INELIGIBLE = "EnrolmentIneligible"  # reason
    ENROLMENT_ELIGIBLE = "EnrolmentEligible"
    ENROLMENT_ALLOCATED = "EnrolmentAllocated"
    ENROLMENT_ENDED = "EnrolmentEnded"  # reason
    NUMBER_MISSING = "NumberMissing"  # reason
    NUMBER_FOUND = "NumberFound"
    FOLLOW_UPS_OVERDUE = "FollowUpsOverdue"  # found hourly by reconciliation
    OUTCOME_REPORTED = "OutcomeReported"  # type
    SENDING_PAUSED = "SendingPaused"  # 1 while paused, else 0
    REMINDER_SCHEDULED = "ReminderScheduled"
    REMINDER_DUE = "ReminderDue"  # its schedule fired while it was open
    REMINDER_SENT = "ReminderSent"
    SECONDS_LATE = "SecondsLate"  # seconds from due to sent
    REMINDER_SUPPRESSED = "ReminderSuppressed"  # reason
    REMINDER_FAILED = "ReminderFailed"
    REMINDER_UNSURE = "ReminderUnsure"
    REMINDER_DELIVERED = "ReminderDelivered"
    REMINDER_UNDELIVERED = "ReminderUndelivered"  # reason
    STRAY_RECEIPT = "StrayReceipt"
    TEXT_PARTS = "TextParts"
    TEXT_PENCE = "TextPence"  # pence
    GAP_FOUND = "GapFound"  # kind
    RECONCILIATION_COMPLETED = "ReconciliationCompleted"  # kind of work
    RECONCILIATION_CUT_SHORT = "ReconciliationCutShort"  # kind of work
    RECORD_FAILED = "RecordFailed"  # a record of the table's stream, to be retried
    EXTRACT_PUBLISHED = "ExtractPublished"
    AUDIT_EXPORTED = "AuditExported"
    IDENTIFIERS_ERASED = "IdentifiersErased"
    TRIAL_DATA_ERASED = "TrialDataErased"
    STRAY_RECEIPTS_ERASED = "StrayReceiptsErased"
    IDLE_NUMBERS_ERASED = "IdleNumbersErased"
    OPT_OUTS_ERASED = "OptOutsErased"
    ERASURE_FAILED = "ErasureFailed"
    RETENTION_COMPLETED = "RetentionCompleted"  # all that was due is erased
    RETENTION_CUT_SHORT = "RetentionCutShort"


# The same for all functions: it does not matter which of them suppressed a reminder.
_SERVICE = {"service": "trial"}


def emit(
    fact: Metric, value: float = 1, *, unit: MetricUnit = MetricUnit.Count, **codes: str
) -> None:
    """Write one metric to the log in CloudWatch's embedded format."""
    with single_metric(name=fact, unit=unit, value=value, default_dimensions=_SERVICE | codes):
        pass
