"""What a request of staff is served with."""

from __future__ import annotations

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
from trial.open_claims import outlast_claims

if TYPE_CHECKING:
    from collections.abc import Callable

    from aws_lambda_powertools.event_handler.api_gateway import Router


@dataclass(frozen=True, slots=True, kw_only=True)
class StaffContext:
    """
    The collaborators of what staff do through the API and on the dashboard, who asks, and when.

    `by` is for the audit trail. `outlast_claims` waits until no text that is claimed already can
    still go.
    """

    store: OperationsStore
    by: str
    now: datetime
    outlast_claims: Callable[[], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestContext(StaffContext):
    """The same for a request to the API, with the key by which numbers are hashed."""

    identity: MacKey


def context(router: Router) -> RequestContext:
    """The context of the request at hand."""
    chosen = settings(OperationsSettings)
    return RequestContext(
        store=OperationsStore(Table(clients.dynamodb(), chosen.table_name)),
        identity=MacKey(clients.kms(), chosen.identity_key_id),
        by=caller(router),
        now=datetime.now(UTC),
        outlast_claims=partial(outlast_claims, chosen.outlast_claims_seconds),
    )
