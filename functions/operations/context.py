"""The collaborators of a request from staff."""

from __future__ import annotations

from trial.log import logger

from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING

from operations.store import OperationsStore
from trial.api.routes import caller
from trial.aws import clients
from trial.aws.kms import MacKey
from trial.aws.table import Table
from trial.config import OperationsSettings, settings
from trial.errors import TrialError
from trial.open_claims import outlast_claims
from trial.protocol.load import load
from trial.settlement.follow_up import follow_up_number, while_caller_waits
from trial.settlement.settle import ChangeContext
from trial.settlement.store import SettlementStore

if TYPE_CHECKING:
    from collections.abc import Callable

    from aws_lambda_powertools.event_handler.api_gateway import Router


@dataclass(frozen=True, slots=True, kw_only=True)
class StaffContext:
    """
    The collaborators of what staff do through the API or the dashboard, who calls, and when.

    `by` is for the audit trail. `outlast_claims` waits until no text that is already claimed can
    still go.
    """

    store: OperationsStore
    by: str
    now: datetime
    outlast_claims: Callable[[], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class OperationsContext(StaffContext):
    """
    The same for a request to the API, with the key that hashes numbers.

    `settle_users` updates everyone who has a number, as far as a caller can wait.
    """

    identity: MacKey
    settle_users: Callable[[str], None]


def context(router: Router) -> OperationsContext:
    """The context of the current request."""
    chosen = settings(OperationsSettings)
    table, by, now = Table(clients.dynamodb(), chosen.table_name), caller(router), datetime.now(UTC)
    store, protocol = SettlementStore(table), load(chosen.protocol)
    return OperationsContext(
        store=OperationsStore(table),
        identity=MacKey(clients.kms(), chosen.identity_key_id),
        by=by,
        now=now,
        outlast_claims=partial(outlast_claims, chosen.outlast_claims_seconds),
        settle_users=partial(
            _settle_users, at=ChangeContext(store=store, protocol=protocol, by=by, now=now)
        ),
    )


def _settle_users(number_hash: str, *, at: ChangeContext) -> None:
    """Settle everyone with this number; a later run does what is left, since a note says so."""
    with suppress(TrialError):
        left = follow_up_number(number_hash, at, time_is_left=while_caller_waits()).left
        if not left:
            return
    logger.warning("to be followed up")
