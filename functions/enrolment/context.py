"""The collaborators of a request from upstream."""

from __future__ import annotations

from trial.log import logger

from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING

from enrolment.store import EnrolmentStore
from trial.api.problems import FieldError
from trial.api.routes import caller
from trial.aws import clients
from trial.aws.kms import MacKey, SealKey
from trial.aws.table import Table
from trial.config import EnrolmentSettings, settings
from trial.errors import ConflictError, TrialError
from trial.open_claims import outlast_claims
from trial.protocol.load import load, of_trial
from trial.records.audit import AuditEntry
from trial.settlement.follow_up import follow_up, follow_up_again, rotated, while_caller_waits
from trial.settlement.settle import ChangeContext
from trial.settlement.store import SettlementStore

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import date
    from uuid import UUID

    from aws_lambda_powertools.event_handler.api_gateway import Router

    from trial.protocol.settings import Protocol
    from trial.records.enrolment import Enrolment
    from trial.settlement.settle import Change


@dataclass(frozen=True, slots=True)
class RequestContext:
    """
    The collaborators of a use case, who calls (`by`), and when.

    `outlast_claims` waits until no text that is already claimed can still go. `follow_up` updates
    the other enrolments that a change affects, as far as a caller can wait for it.
    """

    store: EnrolmentStore
    settlement: ChangeContext
    identity: MacKey
    sealing: SealKey
    protocol: Protocol
    takes_orders: bool
    orders_per_day: int
    by: str
    now: datetime
    outlast_claims: Callable[[], None]
    follow_up: Callable[[Change], tuple[Change, ...]]

    @property
    def today(self) -> date:
        """The date where the open trial is."""
        return self.protocol.place.date_at(self.now)

    def protocol_of(self, enrolment: Enrolment) -> Protocol:
        """The protocol of the enrolment's own trial; `protocol` is that of the open trial."""
        return of_trial(enrolment.trial, self.protocol)

    @contextmanager
    def refusal_logged(self, enrolment_id: UUID, what: str = "enrolment") -> Iterator[None]:
        """A refusal by what is stored discloses some of it, so it is logged as that."""
        try:
            yield
        except (ConflictError, FieldError):
            consulted = AuditEntry(at=self.now, what=f"{what} consulted", by=self.by)
            self.store.log(enrolment_id, consulted)
            raise

    def today_of(self, enrolment: Enrolment) -> date:
        """The date where the enrolment's own trial is."""
        return self.protocol_of(enrolment).place.date_at(self.now)


def context(router: Router) -> RequestContext:
    """The context of the current request."""
    return context_for(caller(router))


def context_for(by: str) -> RequestContext:
    """The context of a call that this caller makes now."""
    chosen = settings(EnrolmentSettings)
    table, protocol = Table(clients.dynamodb(), chosen.table_name), load(chosen.protocol)
    now = datetime.now(UTC)
    settlement = ChangeContext(store=SettlementStore(table), protocol=protocol, by=by, now=now)
    return RequestContext(
        store=EnrolmentStore(table),
        settlement=settlement,
        identity=MacKey(clients.kms(), chosen.identity_key_id),
        sealing=SealKey(clients.kms(), chosen.sealing_key_id),
        protocol=protocol,
        takes_orders=chosen.takes_orders,
        orders_per_day=chosen.orders_per_day,
        by=by,
        now=now,
        outlast_claims=partial(outlast_claims, chosen.outlast_claims_seconds),
        follow_up=partial(_follow_up, at=settlement),
    )


def _follow_up(act: Change, *, at: ChangeContext) -> tuple[Change, ...]:
    """Follow a change up; if it fails or time runs out, `resume_follow_ups` finds its note."""
    with suppress(TrialError):
        done = follow_up(act, at, time_is_left=while_caller_waits())
        if not done.left:
            return done.changes
    logger.warning("to be followed up", enrolment_id=str(act.after.enrolment_id))
    return ()


def resume_follow_ups(time_is_left: Callable[[], bool]) -> int:
    """
    Do the follow-ups that are still noted, while time is left; returns how many remain.

    Each run begins with another of them, so that none that takes all the time, or always fails,
    keeps the others waiting.
    """
    chosen = settings(EnrolmentSettings)
    store = SettlementStore(Table(clients.dynamodb(), chosen.table_name))
    protocol, left = load(chosen.protocol), 0
    for key in rotated(list(store.noted()), datetime.now(UTC)):
        left += 1
        with suppress(TrialError):
            if (note := store.note(key)) is None:
                left -= 1
                continue
            at = ChangeContext(store=store, protocol=protocol, by=note.by, now=datetime.now(UTC))
            left -= not follow_up_again(note, at, time_is_left=time_is_left).left
        if not time_is_left():
            break
    return left
