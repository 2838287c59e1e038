"""The whole system on the local emulator: a stack for each module, beside a developer's."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
import pytest

from commands import moved_clock
from commands.api import Answer, Api
from commands.deployed_stack import DESCRIPTION, STATE, LocalStack
from local.emulator import emulator
from local.emulator.clock import Clock
from local.emulator.stack import access
from tests.support.checkout import stack_up
from tests.support.samples import LONDON, order
from trial.protocol.local_time import local_date


@dataclass(frozen=True)
class System:
    """A stack, with methods to act on it."""

    stack: LocalStack

    @property
    def clock(self) -> Clock:
        return Clock(Path(self.stack.clock_file))

    @contextmanager
    def at_its_time(self) -> Iterator[None]:
        """Move to the stack's time for a while, because it accepts no other signature."""
        journey = moved_clock.follow(self.stack.clock_file)
        try:
            yield
        finally:
            journey.stop()

    def call(self, method: str, path: str, body: dict[str, Any] | None = None) -> Answer:
        """Call a route, signed."""
        with self.at_its_time():
            return Api.local(self.stack).call(method, path, body)

    @property
    def today(self) -> date:
        """The date in London at the stack's time."""
        return local_date(self.clock.now(), LONDON)

    def enrol(self, serial: int, made_on: date | None = None) -> str:
        """Post an order; its id."""
        answer = self.call("POST", "/enrolments", made(made_on or self.today, serial))
        assert answer.status == 202, answer
        return str(answer.body["enrolment_id"])

    def somebody(self, name: str, *policies: str) -> tuple[str, str]:
        """The key of a new user who has only these policies of the stack."""
        with self.at_its_time():
            iam = self.client("iam")
            iam.create_user(UserName=name)
            for policy in policies:
                arn = self.stack.outputs[f"{policy}Arn"]
                iam.attach_user_policy(UserName=name, PolicyArn=arn)
            key = iam.create_access_key(UserName=name)["AccessKey"]
        return key["AccessKeyId"], key["SecretAccessKey"]

    def texted_nobody_twice(self) -> bool:
        """Whether there are texts, and no two are the same."""
        texts = [(each["PhoneNumber"], each["Message"]) for each in emulator.texts(self.stack.port)]
        return 0 < len(texts) == len(set(texts))

    def walk(self, to: datetime) -> None:
        """Let time pass, until everything that it starts is done."""
        for _ in self.clock.walk(to, self.stack.port):
            pass

    def client(self, service: str, key: tuple[str, str] | None = None) -> Any:
        """A client of the emulator, as its owner or with a key. Use it at the stack's time."""
        given = access(self.stack.port)
        if key:
            given |= dict(zip(("aws_access_key_id", "aws_secret_access_key"), key, strict=True))
        return boto3.client(service, **given)  # type: ignore[call-overload]

    def printed(self) -> str:
        """All that the functions have logged."""
        with self.at_its_time():
            logs = self.client("logs")
            pages = [
                page
                for group in logs.describe_log_groups()["logGroups"]
                for page in logs.get_paginator("filter_log_events").paginate(
                    logGroupName=group["logGroupName"]
                )
            ]
        return "\n".join(event["message"] for page in pages for event in page["events"])

    def complained(self) -> str:
        """All that the emulator itself has logged."""
        return Path(self.stack.clock_file).with_name(emulator.LOG.name).read_text(errors="replace")


def made(on: date, serial: int, **changes: Any) -> dict[str, Any]:
    """An order of 14 days, made and served on a day."""
    dates = {"made_on": on, "served_on": on, "expires_on": on + timedelta(days=13)}
    return order(serial, order={name: f"{day}" for name, day in dates.items()}, **changes)


@contextmanager
def deployed(home: Path) -> Iterator[LocalStack]:
    """
    The template, deployed; taken down in the end.

    It is up in a checkout that consists of links to this one, so that nothing of its state is
    shared but the layer's libraries, which take a while to fetch.
    """
    with stack_up(home):
        yield LocalStack(**json.loads((home / STATE.name / DESCRIPTION.name).read_text()))


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalStack]:
    """A stack of the module's own."""
    with deployed(tmp_path_factory.mktemp("checkout")) as up:
        yield up


@pytest.fixture(scope="session")
def shared_stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalStack]:
    """One stack for all modules that are not affected by each other's orders."""
    with deployed(tmp_path_factory.mktemp("checkout")) as up:
        yield up


@pytest.fixture(scope="module")
def system(stack: LocalStack) -> System:
    """The stack, with methods to act on it."""
    return System(stack)
