"""What all routes share: who asks, with what they are answered, how answers are described."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, TypeVar
from uuid import UUID

from aws_lambda_powertools import Logger
from aws_lambda_powertools.event_handler import Response, content_types
from aws_lambda_powertools.utilities.data_classes import APIGatewayProxyEvent

from enrolment.answers import Problem
from enrolment.change import Desk
from enrolment.problems import PROBLEM_JSON
from enrolment.store import EnrolmentStore
from trial import aws
from trial.config import EnrolmentSettings, settings
from trial.errors import NotFoundError
from trial.keys import MacKey, SealKey
from trial.model import Model
from trial.protocol.load import load
from trial.records import Audit
from trial.table import Table

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


def desk(router: Router) -> Desk:
    """All that a change needs, for the request at hand."""
    chosen = settings(EnrolmentSettings)
    request = APIGatewayProxyEvent(router.current_event.raw_event)
    return Desk(
        store=EnrolmentStore(Table(aws.dynamodb(), chosen.table_name)),
        identity=MacKey(aws.kms(), chosen.identity_key_id),
        sealing=SealKey(aws.kms(), chosen.sealing_key_id),
        protocol=load(chosen.protocol),
        by=request.request_context.identity.user_arn or "unknown",
        now=datetime.now(UTC),
    )


def known_form(enrolment_id: str) -> UUID:
    """The id in a path. What is no id at all is not known either."""
    try:
        return UUID(enrolment_id)
    except ValueError:
        raise NotFoundError("no enrolment has this id") from None


def consulted(at: Desk, enrolment_id: UUID, what: str) -> None:
    """Leave a trace of who looked."""
    at.store.log(enrolment_id, Audit(at=at.now, what=f"{what} consulted", by=at.by))


def answer(status: HTTPStatus, body: M) -> Response[M]:
    """An answer with another status than 200."""
    return Response(status_code=status, content_type=content_types.APPLICATION_JSON, body=body)
