"""One-off schedules in EventBridge Scheduler, one per reminder, each found by its name."""

from __future__ import annotations

import json
import re
from contextlib import contextmanager
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

# The scheduler's own attempts to invoke Lambda; then the event goes to the dead-letter queue.
_MAX_AGE_SECONDS = 6 * 3600
_MAX_TRIES = 60

_NOTICE = timedelta(seconds=30)


class _NoGroupError(Exception):
    """The schedule group has been deleted, with every schedule in it."""


class ExistingSchedule(NamedTuple):
    """A schedule's name and its reminder; None if the name is not one that we make."""

    name: str
    enrolment_id: UUID | None
    number: int | None


@dataclass(frozen=True, slots=True)
class Schedules:
    """The schedules of one deployment."""

    client: EventBridgeSchedulerClient
    settings: SchedulingSettings

    def name(self, enrolment_id: UUID, number: int) -> str:
        """At most 64 of [0-9a-zA-Z-_.]; a reminder always has the same name."""
        return f"{self.settings.schedule_prefix}-{enrolment_id.hex}-{number:02}"

    def ensure(self, enrolment_id: UUID, number: int, *, due_at: datetime, now: datetime) -> bool:
        """
        Ensure that this reminder has exactly one schedule, at its due time (aware).

        Returns whether it had to be made. An overdue reminder is scheduled a minute from now,
        because a time in the past may be refused. Times are always written in UTC: what `at()`
        means across a clock change is not documented.
        """
        name = self.name(enrolment_id, number)
        ids: dict[str, str | int] = {"enrolment_id": str(enrolment_id), "number": number}
        overdue = due_at < now + _NOTICE
        expression = _at(now + 2 * _NOTICE if overdue else due_at)
        if self._create(name, expression, ids):
            return True
        there = self._expression(name)
        # An overdue reminder keeps its existing schedule if that fires sooner. A schedule that is
        # long past never fires: somebody has disabled it, or it has fired and was not removed.
        soon = there is None or _at(now - 2 * _NOTICE) <= there < expression
        if there == expression or (overdue and soon):
            return False
        self.remove(enrolment_id, number)  # an update would reset every field not given
        if not self._create(name, expression, ids):
            raise ContendedError("somebody else made this schedule meanwhile")
        return True

    def remove(self, enrolment_id: UUID, number: int) -> bool:
        """Delete this reminder's schedule, if any; returns whether there was one."""
        return self.remove_named(self.name(enrolment_id, number))

    def remove_named(self, name: str) -> bool:
        """Delete the schedule of this name, if any; returns whether there was one."""
        with _unless("ResourceNotFoundException"):
            self.client.delete_schedule(Name=name, GroupName=self.settings.schedule_group)
            return True
        return False

    def found(self, enrolment_id: UUID | None = None) -> Iterator[ExistingSchedule]:
        """
        The existing schedules, of one enrolment or of the whole group; none if the group is gone.

        AWS returns pages of 100; the emulator of local/ returns the first 100 only.
        """
        request: dict[str, Any] = {"GroupName": self.settings.schedule_group}
        if enrolment_id:
            request["NamePrefix"] = f"{self.settings.schedule_prefix}-{enrolment_id.hex}-"
        pages = self.client.get_paginator("list_schedules").paginate(**request)
        with _unless("ResourceNotFoundException"):
            for page in pages:
                for schedule in page["Schedules"]:
                    yield self._parsed(schedule["Name"])

    def _parsed(self, name: str) -> ExistingSchedule:
        prefix = re.escape(self.settings.schedule_prefix)
        if of := re.fullmatch(rf"{prefix}-([0-9a-f]{{32}})-([0-9]{{2}})", name):
            return ExistingSchedule(name, UUID(of[1]), int(of[2]))
        return ExistingSchedule(name, None, None)

    def _create_group(self) -> None:
        """Recreate the group. Hourly reconciliation then recreates every reminder's schedule."""
        with _unless("ConflictException"):
            self.client.create_schedule_group(Name=self.settings.schedule_group)

    def _create(self, name: str, expression: str, ids: dict[str, str | int]) -> bool:
        """Create it, and its group if that is gone; False if the name is taken."""
        try:
            return self._created(name, expression, ids)
        except _NoGroupError:
            self._create_group()
        try:
            return self._created(name, expression, ids)
        except _NoGroupError:
            raise UnavailableError("the group of schedules is still being deleted") from None

    def _created(self, name: str, expression: str, ids: dict[str, str | int]) -> bool:
        with _unless("ConflictException"):
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
                    raise _NoGroupError from None  # the group is the only thing that can be missing
                raise
            return True
        return False

    def _expression(self, name: str) -> str | None:
        """When the schedule of this name fires; None if it has just gone."""
        with _unless("ResourceNotFoundException"):
            group = self.settings.schedule_group
            return self.client.get_schedule(Name=name, GroupName=group)["ScheduleExpression"]
        return None


def _at(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("at(%Y-%m-%dT%H:%M:%S)")


def _code(error: ClientError) -> str:
    return error.response["Error"]["Code"]


@contextmanager
def _unless(code: str) -> Iterator[None]:
    """Raise UnavailableError if the scheduler cannot answer; ignore an answer with this code."""
    try:
        yield
    except ClientError as error:
        if _code(error) in _TRANSIENT:
            raise UnavailableError(f"the scheduler answered {_code(error)}") from error
        if _code(error) != code:
            raise
    except BotoCoreError as error:
        raise UnavailableError("the scheduler gave no answer") from error
