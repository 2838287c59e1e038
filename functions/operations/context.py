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


@dataclass(frozen=True, slots=True)
class RequestContext:
    """
    The collaborators of a use case, who asks (`by`), and when.

    `outlast_claims` waits until no text that is claimed already can still go.
    """

    store: OperationsStore
    identity: MacKey
    by: str
    now: datetime
    outlast_claims: Callable[[], None]


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
