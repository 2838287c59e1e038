"""Faults, and what others do at the worst moment, by botocore's event hooks."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from types import SimpleNamespace
from typing import Any

from botocore.client import BaseClient
from botocore.exceptions import ClientError

from trial.aws import clients
from trial.config import SchedulingSettings, settings


@contextmanager
def hooked(client: BaseClient, moment: str, handler: Callable[..., Any]) -> Iterator[None]:
    """Handle a botocore event for a while: clients outlive tests, hooks must not."""
    client.meta.events.register(moment, handler)
    try:
        yield
    finally:
        client.meta.events.unregister(moment, handler)


@contextmanager
def meddling(
    client: BaseClient, moment: str, act: Callable[[], object], *, times: int = 1
) -> Iterator[None]:
    """
    Do something at the first so many occurrences of a botocore event.

    `before-call.dynamodb.TransactWriteItems` lets others write between a read and a write, or
    raises instead of the call; `after-call...` raises although it was done.
    """
    left = times

    def meddle(**_: Any) -> None:
        nonlocal left
        if left:
            left -= 1  # first: what is done may call the same operation
            act()

    with hooked(client, moment, meddle):
        yield
    assert left == 0, f"{moment} came {times - left} times, not {times}"


def before_write(act: Callable[[], object], *, times: int = 1) -> AbstractContextManager[None]:
    """Run `act` right before a transaction is written. If it raises, nothing is written."""
    return meddling(clients.dynamodb(), "before-call.dynamodb.TransactWriteItems", act, times=times)


def after_write(act: Callable[[], object]) -> AbstractContextManager[None]:
    """Run `act` once a transaction is written. If it raises, the caller gets no answer."""
    return meddling(clients.dynamodb(), "after-call.dynamodb.TransactWriteItems", act)


def before_publish(act: Callable[[], object], *, times: int = 1) -> AbstractContextManager[None]:
    """Run `act` right before a text is given to the provider. If it raises, no text goes."""
    return meddling(clients.sns(), "before-call.sns.Publish", act, times=times)


@contextmanager
def counting(client: BaseClient, operation: str) -> Iterator[list[dict[str, Any]]]:
    """The parameters of each call of an operation, such as `sns.Publish`."""
    calls: list[dict[str, Any]] = []

    def note(params: dict[str, Any], **_: Any) -> None:
        calls.append(dict(params))

    with hooked(client, f"provide-client-params.{operation}", note):
        yield calls


def raising(error: Exception) -> Callable[[], None]:
    """Fails in this way."""

    def fail() -> None:
        raise error

    return fail


def refusal(code: str, *, status: int = 400, message: str = "no") -> ClientError:
    """What botocore raises when AWS answers with an error."""
    metadata = {"HTTPStatusCode": status}
    answer: Any = {"Error": {"Code": code, "Message": message}, "ResponseMetadata": metadata}
    return ClientError(answer, "Anything")


@contextmanager
def starting_others() -> Iterator[None]:
    """Lambda takes every event for another function, as it does, and here starts none."""

    def taken(**_: Any) -> Any:
        return SimpleNamespace(status_code=202), {"StatusCode": 202}

    events, moment = clients.background().meta.events, "before-call.lambda.Invoke"
    events.register_last(moment, taken)  # so that a fault comes before it
    try:
        yield
    finally:
        events.unregister(moment, taken)


@contextmanager
def without_the_group() -> Iterator[None]:
    """The group of schedules is deleted, and answers like AWS: moto raises a KeyError instead."""
    scheduler, made = clients.scheduler(), False
    scheduler.delete_schedule_group(Name=settings(SchedulingSettings).schedule_group)

    def missing(**_: Any) -> None:
        if not made:
            raise refusal("ResourceNotFoundException", status=404)

    def made_again(**_: Any) -> None:
        nonlocal made
        made = True

    with ExitStack() as stack:
        for operation, handler in (("Schedule", missing), ("ScheduleGroup", made_again)):
            moment = f"before-call.scheduler.Create{operation}"
            stack.enter_context(hooked(scheduler, moment, handler))
        yield
