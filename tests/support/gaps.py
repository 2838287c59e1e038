"""What makes gaps for reconciliation to find: strange schedules, stray receipts, a pause."""

from datetime import datetime, timedelta
from uuid import UUID

from tests.support.steps import call
from tests.support.table import keep_stray, number_hash_of
from trial.aws import clients
from trial.aws.schedules import Schedules
from trial.codes import ReminderState
from trial.config import SchedulingSettings, settings
from trial.records.receipt import Receipt, Stray


def turn(*, paused: bool) -> None:
    """Pause sending, or let it go on."""
    body = {"paused": paused, "reason": "A drill", "by": "ops-1"}
    assert call("PUT", "/sending", body).status == 200


def schedules() -> Schedules:
    return Schedules(clients.scheduler(), settings(SchedulingSettings))


def make_schedule(name: str) -> None:
    """A schedule of somebody else's in the group of reminders."""
    chosen = settings(SchedulingSettings)
    clients.scheduler().create_schedule(
        Name=name,
        GroupName=chosen.schedule_group,
        ScheduleExpression="at(2027-01-01T09:00:00)",
        FlexibleTimeWindow={"Mode": "OFF"},
        Target={"Arn": chosen.schedule_target_arn, "RoleArn": chosen.schedule_role_arn},
    )


def leave_stray(
    enrolment_id: UUID, published_at: datetime, state: ReminderState = ReminderState.DELIVERED
) -> Stray:
    """A receipt for a text to somebody's number, of which no reminder is known."""
    receipt = Receipt(
        message_id=f"message-{published_at:%d-%H-%M-%S}",
        published_at=published_at,
        at=published_at + timedelta(minutes=1),
        state=state,
    )
    stray = Stray(receipt=receipt, number_hash=number_hash_of(enrolment_id))
    keep_stray(stray)
    return stray
