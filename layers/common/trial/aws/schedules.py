"""One-off schedules in EventBridge Scheduler, one per reminder, found again by name."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple
from uuid import UUID

from botocore.exceptions import BotoCoreError, ClientError

from trial.errors import ContendedError, UnavailableError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mypy_boto3_scheduler import EventBridgeSchedulerClient

    from trial.config import SchedulingSettings

_TRANSIENT = frozenset({"InternalServerException", "ThrottlingException"})

# The scheduler's own tries to hand the event to Lambda. Past this the dead-letter queue has it.
_MAX_AGE_SECONDS = 6 * 3600
_MAX_TRIES = 60

_NOTICE = timedelta(seconds=30)


class _NoGroupError(Exception):
    """Somebody has deleted the group, with every schedule in it."""


class Found(NamedTuple):
    """A schedule by its name, and whose it is; None where the name is none that we give."""

    name: str
    enrolment_id: UUID | None
    number: int | None


@dataclass(frozen=True, slots=True)
class Schedules:
    """The schedules of one deployment."""

    client: EventBridgeSchedulerClient
    settings: SchedulingSettings

    def name(self, enrolment_id: UUID, number: int) -> str:
        """At most 64 of [0-9a-zA-Z-_.]; the same reminder always has the same name."""
        return f"{self.settings.schedule_prefix}-{enrolment_id.hex}-{number:02}"

    def ensure(self, enrolment_id: UUID, number: int, *, due_at: datetime, now: datetime) -> bool:
        """
        Leave exactly one schedule for this reminder, at the aware time when it is due.

        Says whether it had to be made. What is due already goes in a minute: a time in the past
        may be refused. Times are always written in UTC: what `at()` means across a clock change
        is not documented.
        """
        name = self.name(enrolment_id, number)
        ids: dict[str, str | int] = {"enrolment_id": str(enrolment_id), "number": number}
        overdue = due_at < now + _NOTICE
        expression = _at(now + 2 * _NOTICE if overdue else due_at)
        if self._create(name, expression, ids):
            return True
        there = self._expression(name)
        # What is overdue keeps the schedule for the time that has just passed, if it is that.
        if there == expression or (overdue and (there is None or there < expression)):
            return False
        self.remove(enrolment_id, number)  # an update would reset every field not given
        if not self._create(name, expression, ids):
            raise ContendedError("somebody else made this schedule meanwhile")
        return True

    def remove(self, enrolment_id: UUID, number: int) -> bool:
        """Leave no schedule for this reminder; says whether there was one."""
        return self.remove_named(self.name(enrolment_id, number))

    def remove_named(self, name: str) -> bool:
        """Leave no schedule of this name; says whether there was one."""
        try:
            self.client.delete_schedule(Name=name, GroupName=self.settings.schedule_group)
        except ClientError as error:
            if _code(error) != "ResourceNotFoundException":
                raise _translated(error) from error
            return False
        except BotoCoreError as error:
            raise UnavailableError("the scheduler gave no answer") from error
        return True

    def found(self, enrolment_id: UUID | None = None) -> Iterator[Found]:
        """
        The schedules that there are, of one enrolment or in the group; none without the group.

        AWS pages them by 100; the emulator of local/ gives the first 100 and no more.
        """
        request: dict[str, Any] = {"GroupName": self.settings.schedule_group}
        if enrolment_id:
            request["NamePrefix"] = f"{self.settings.schedule_prefix}-{enrolment_id.hex}-"
        pages = self.client.get_paginator("list_schedules").paginate(**request)
        try:
            for page in pages:
                for schedule in page["Schedules"]:
                    yield self._parsed(schedule["Name"])
        except ClientError as error:
            if _code(error) != "ResourceNotFoundException":
                raise _translated(error) from error
        except BotoCoreError as error:
            raise UnavailableError("the scheduler gave no answer") from error

    def _parsed(self, name: str) -> Found:
        prefix = re.escape(self.settings.schedule_prefix)
        if of := re.fullmatch(rf"{prefix}-([0-9a-f]{{32}})-([0-9]{{2}})", name):
            return Found(name, UUID(of[1]), int(of[2]))
        return Found(name, None, None)

    def _create_group(self) -> None:
        """Make the group anew. The hourly look gives every reminder its schedule again."""
        try:
            self.client.create_schedule_group(Name=self.settings.schedule_group)
        except ClientError as error:
            if _code(error) != "ConflictException":
                raise _translated(error) from error
        except BotoCoreError as error:
            raise UnavailableError("the scheduler gave no answer") from error

    def _create(self, name: str, expression: str, ids: dict[str, str | int]) -> bool:
        """Make it, and its group if that is gone; False if there was one of that name."""
        try:
            return self._created(name, expression, ids)
        except _NoGroupError:
            self._create_group()
        try:
            return self._created(name, expression, ids)
        except _NoGroupError:
            raise UnavailableError("the group of schedules is still being deleted") from None

    def _created(self, name: str, expression: str, ids: dict[str, str | int]) -> bool:
        try:
            self.client.create_schedule(
                Name=name,
                GroupName=self.settings.schedule_group,
                ScheduleExpression=expression,
                ScheduleExpressionTimezone="UTC",
                FlexibleTimeWindow={"Mode": "OFF"},
                ActionAfterCompletion="DELETE",
                Target={
                    "Arn": self.settings.schedule_target_arn,
                    "RoleArn": self.settings.schedule_role_arn,
                    "Input": json.dumps(ids),
                    "DeadLetterConfig": {"Arn": self.settings.schedule_dead_letter_arn},
                    "RetryPolicy": {
                        "MaximumEventAgeInSeconds": _MAX_AGE_SECONDS,
                        "MaximumRetryAttempts": _MAX_TRIES,
                    },
                },
            )
        except ClientError as error:
            if _code(error) == "ResourceNotFoundException":
                raise _NoGroupError from None  # of what it names, only the group may be missing
            if _code(error) != "ConflictException":
                raise _translated(error) from error
            return False
        except BotoCoreError as error:
            raise UnavailableError("the scheduler gave no answer") from error
        return True

    def _expression(self, name: str) -> str | None:
        """When the schedule of this name fires; None if it has just gone."""
        try:
            answer = self.client.get_schedule(Name=name, GroupName=self.settings.schedule_group)
        except ClientError as error:
            if _code(error) == "ResourceNotFoundException":
                return None
            raise _translated(error) from error
        except BotoCoreError as error:
            raise UnavailableError("the scheduler gave no answer") from error
        return answer["ScheduleExpression"]


def _at(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("at(%Y-%m-%dT%H:%M:%S)")


def _code(error: ClientError) -> str:
    return error.response["Error"]["Code"]


def _translated(error: ClientError) -> Exception:
    code = _code(error)
    return UnavailableError(f"the scheduler answered {code}") if code in _TRANSIENT else error
