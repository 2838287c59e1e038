"""What a request of upstream is served with."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from time import monotonic
from typing import TYPE_CHECKING

from enrolment.follow_up import follow_up
from enrolment.store import EnrolmentStore
from trial.api.resolver import logger
from trial.api.routes import caller
from trial.aws import clients
from trial.aws.kms import MacKey, SealKey
from trial.aws.table import Table
from trial.config import EnrolmentSettings, settings
from trial.errors import TrialError
from trial.open_claims import outlast_claims
from trial.protocol.load import load, of_trial

_LONGEST_FOLLOW_UP = 8  # seconds: API Gateway waits 29, of which an answer may wait 5.5

if TYPE_CHECKING:
    from collections.abc import Callable
    from uuid import UUID

    from aws_lambda_powertools.event_handler.api_gateway import Router

    from trial.protocol.settings import Protocol
    from trial.records.enrolment import Enrolment


@dataclass(frozen=True, slots=True)
class RequestContext:
    """
    The collaborators of a use case, who asks (`by`), and when.

    `outlast_claims` waits until no text that is claimed already can still go. `follow_up` does for
    others what an order's change means for them, as far as a caller can wait for it.
    """

    store: EnrolmentStore
    identity: MacKey
    sealing: SealKey
    protocol: Protocol
    orders_per_day: int
    by: str
    now: datetime
    outlast_claims: Callable[[], None]
    follow_up: Callable[[UUID], None]

    def protocol_of(self, enrolment: Enrolment) -> Protocol:
        """That of the trial into which it was taken; `protocol` is that of the open one."""
        return of_trial(enrolment.trial, self.protocol)


def context(router: Router) -> RequestContext:
    """The context of the request at hand."""
    return context_for(caller(router))


def context_for(by: str) -> RequestContext:
    """The context of what somebody asks now."""
    chosen = settings(EnrolmentSettings)
    store, protocol = (
        EnrolmentStore(Table(clients.dynamodb(), chosen.table_name)),
        load(chosen.protocol),
    )
    now = datetime.now(UTC)
    return RequestContext(
        store=store,
        identity=MacKey(clients.kms(), chosen.identity_key_id),
        sealing=SealKey(clients.kms(), chosen.sealing_key_id),
        protocol=protocol,
        orders_per_day=chosen.orders_per_day,
        by=by,
        now=now,
        outlast_claims=partial(outlast_claims, chosen.outlast_claims_seconds),
        follow_up=partial(_follow_up, store=store, protocol=protocol, by=by, now=now),
    )


def _follow_up(
    enrolment_id: UUID, *, store: EnrolmentStore, protocol: Protocol, by: str, now: datetime
) -> None:
    """What cannot be done in time, or fails, is left to the next look for what was noted."""
    until = monotonic() + _LONGEST_FOLLOW_UP
    done = False
    with suppress(TrialError):
        done = follow_up(
            enrolment_id,
            store=store,
            protocol=protocol,
            by=by,
            now=now,
            time_is_left=lambda: monotonic() < until,
        )
    if not done:
        logger.warning("to be followed up", enrolment_id=str(enrolment_id))


def resume_follow_ups(time_is_left: Callable[[], bool]) -> int:
    """Do what was noted and left, as far as the time goes; how many orders are still left."""
    chosen = settings(EnrolmentSettings)
    store = EnrolmentStore(Table(clients.dynamodb(), chosen.table_name))
    left = 0
    for note in store.follow_ups():
        left += 1
        with suppress(TrialError):
            left -= follow_up(
                note.enrolment_id,
                store=store,
                protocol=load(chosen.protocol),
                by=note.by,
                now=datetime.now(UTC),
                time_is_left=time_is_left,
            )
        if not time_is_left():
            break
    return left
