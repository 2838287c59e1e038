"""What all routes share: who asks, with what they are answered, how answers are described."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, TypeVar
from uuid import UUID

from aws_lambda_powertools import Logger
from aws_lambda_powertools.event_handler import Response, content_types
from aws_lambda_powertools.utilities.data_classes import APIGatewayProxyEvent

from enrolment.answers import Problem
from enrolment.change import RequestContext
from enrolment.problems import PROBLEM_JSON
from enrolment.store import EnrolmentStore
from trial.aws import clients
from trial.aws.kms import MacKey, SealKey
from trial.aws.table import Table
from trial.codes import Model
from trial.config import EnrolmentSettings, settings
from trial.errors import NotFoundError
from trial.protocol.load import load
from trial.records import Audit

if TYPE_CHECKING:
    from http import HTTPStatus

    from aws_lambda_powertools.event_handler.api_gateway import Router
    from aws_lambda_powertools.event_handler.openapi.types import OpenAPIResponse

logger = Logger()

M = TypeVar("M", bound=Model)

Answers = dict[int, "OpenAPIResponse"]


def refusal(description: str) -> OpenAPIResponse:
    """How the contract describes an error."""
    return {"description": description, "content": {PROBLEM_JSON: {"model": Problem}}}


REFUSALS: Answers = {
    403: refusal("Not signed, wrongly signed, or not permitted"),
    429: refusal("Throttled: see Retry-After"),
    503: refusal("Not now: see Retry-After"),
}
UNKNOWN: Answers = {404: refusal("Not known")}
NOT_VALID: Answers = {
    413: refusal("Too large"),
    422: refusal("Not valid: which field, and why"),
}


def context(router: Router) -> RequestContext:
    """All that a change needs, for the request at hand."""
    chosen = settings(EnrolmentSettings)
    request = APIGatewayProxyEvent(router.current_event.raw_event)
    return RequestContext(
        store=EnrolmentStore(Table(clients.dynamodb(), chosen.table_name)),
        identity=MacKey(clients.kms(), chosen.identity_key_id),
        sealing=SealKey(clients.kms(), chosen.sealing_key_id),
        protocol=load(chosen.protocol),
        by=request.request_context.identity.user_arn or "unknown",
        now=datetime.now(UTC),
    )


def parse_enrolment_id(enrolment_id: str) -> UUID:
    """The id in a path. What is no id at all is not known either."""
    try:
        return UUID(enrolment_id)
    except ValueError:
        raise NotFoundError("no enrolment has this id") from None


def consulted(at: RequestContext, enrolment_id: UUID, what: str) -> None:
    """Leave a trace of who looked."""
    at.store.log(enrolment_id, Audit(at=at.now, what=f"{what} consulted", by=at.by))


def answer(status: HTTPStatus, body: M) -> Response[M]:
    """An answer with another status than 200."""
    return Response(status_code=status, content_type=content_types.APPLICATION_JSON, body=body)
