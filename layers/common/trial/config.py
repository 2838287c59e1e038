"""The settings that the template gives each function. Only this file reads the environment."""

import os
from decimal import Decimal
from functools import cache
from typing import TypeVar

from trial.codes import Model


class Settings(Model):
    """No defaults: a variable missing from the template fails the first invocation, by name."""

    table_name: str


class EnrolmentSettings(Settings):
    """
    For the function that takes orders and upstream's reports about them.

    `takes_orders` is false once the protocol's trial is closed. `orders_per_day` is for the whole
    trial: orders beyond it wait for a person to admit them.
    """

    outlast_claims_seconds: float
    protocol: str
    takes_orders: bool
    orders_per_day: int
    identity_key_id: str
    sealing_key_id: str


class DisclosureSettings(Settings):
    """For the function that shows allocations and timetables."""

    protocol: str
    force_name: str
    force_contact: str


class OperationsSettings(Settings):
    """For the function that keeps the counts, the sending switch and the suppression list."""

    outlast_claims_seconds: float
    protocol: str
    identity_key_id: str


class PanelsSettings(Settings):
    """For the function that draws the dashboard's live panels."""

    outlast_claims_seconds: float
    protocol: str
    enrolment_function: str


class AllocationSettings(Settings):
    """For the function that draws arms, announces changes of status and starts scheduling."""

    protocol: str
    allocation_key_id: str
    scheduling_function: str
    event_bus: str


class SchedulingSettings(Settings):
    """For the function that keeps schedules equal to the table."""

    schedule_group: str
    schedule_prefix: str
    schedule_role_arn: str
    schedule_target_arn: str
    schedule_dead_letter_arn: str


class ReconciliationSettings(SchedulingSettings):
    """For the function that finds gaps and creates missing schedules."""

    protocol: str


class SendingSettings(Settings):
    """
    For the function that sends texts. `texts_per_day` is for the whole trial.

    Rehearsed texts go to `staff_phone` (E.164), or nowhere if it is empty. On AWS texts go to the
    public, so drafts are refused there.
    """

    on_aws: bool
    sealing_key_id: str
    texts_per_day: int
    force_name: str
    force_contact: str
    sender_id: str
    staff_phone: str


class ReceiptsSettings(Settings):
    """For the function that processes the carrier's receipts."""

    identity_key_id: str
    usd_to_gbp: Decimal


class ExtractSettings(Settings):
    """For the function that writes the research extract."""

    protocol: str
    research_key_id: str
    extract_bucket: str


class AuditSettings(Settings):
    """For the function that exports the audit trail."""

    audit_bucket: str


class DigestSettings(Settings):
    """For the function that sends superintendents their digests and announces overdue work."""

    protocol: str
    topic_arn: str
    event_bus: str


class RetentionSettings(Settings):
    """For the function that erases what is due."""

    protocol: str


def started_by_lambda() -> bool:
    """Whether Lambda started this process. Lambda then sets the kind of start."""
    return "AWS_LAMBDA_INITIALIZATION_TYPE" in os.environ


S = TypeVar("S", bound=Settings)


@cache
def settings(kind: type[S]) -> S:
    """The settings of one function, from its environment variables of the same names."""
    given = {name: os.environ.get(name.upper()) for name in kind.model_fields}
    return kind.model_validate({name: value for name, value in given.items() if value is not None})
