"""What a request of upstream is served with."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING

from enrolment.store import EnrolmentStore
from trial.api.routes import caller
from trial.aws import clients
from trial.aws.kms import MacKey, SealKey
from trial.aws.table import Table
from trial.config import EnrolmentSettings, settings
from trial.open_claims import outlast_claims
from trial.protocol.load import load

if TYPE_CHECKING:
    from collections.abc import Callable

    from aws_lambda_powertools.event_handler.api_gateway import Router

    from trial.protocol.settings import Protocol


@dataclass(frozen=True, slots=True)
class RequestContext:
    """
    The collaborators of a use case, who asks (`by`), and when.

    `outlast_claims` waits until no text that is claimed already can still go.
    """

    store: EnrolmentStore
    identity: MacKey
    sealing: SealKey
    protocol: Protocol
    by: str
    now: datetime
    outlast_claims: Callable[[], None]


def context(router: Router) -> RequestContext:
    """The context of the request at hand."""
    chosen = settings(EnrolmentSettings)
    return RequestContext(
        store=EnrolmentStore(Table(clients.dynamodb(), chosen.table_name)),
        identity=MacKey(clients.kms(), chosen.identity_key_id),
        sealing=SealKey(clients.kms(), chosen.sealing_key_id),
        protocol=load(chosen.protocol),
        by=caller(router),
        now=datetime.now(UTC),
        outlast_claims=partial(outlast_claims, chosen.outlast_claims_seconds),
    )
