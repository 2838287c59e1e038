"""What all routes share: the caller, and how they document and build answers."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar
from uuid import UUID

from aws_lambda_powertools.event_handler import Response, content_types
from aws_lambda_powertools.utilities.data_classes import APIGatewayProxyEvent

from trial.api.problems import PROBLEM_JSON, Problem
from trial.codes import Model
from trial.errors import NotFoundError

if TYPE_CHECKING:
    from http import HTTPStatus

    from aws_lambda_powertools.event_handler.api_gateway import Router
    from aws_lambda_powertools.event_handler.openapi.types import OpenAPIResponse

M = TypeVar("M", bound=Model)

Answers = dict[int, "OpenAPIResponse"]


def refusal(description: str) -> OpenAPIResponse:
    """An error, as the contract describes it."""
    return {"description": description, "content": {PROBLEM_JSON: {"model": Problem}}}


REFUSALS: Answers = {
    403: refusal("Not signed, wrongly signed, or not permitted"),
    422: refusal("Not valid: which field, and why"),
    429: refusal("Throttled: see Retry-After"),
    503: refusal("Not now: see Retry-After"),
}
UNKNOWN: Answers = {404: refusal("Not known")}
TOO_LARGE: Answers = {413: refusal("Too large")}


def caller(router: Router) -> str:
    """Who signed the current request: the ARN of a user or of a role's session."""
    request = APIGatewayProxyEvent(router.current_event.raw_event)
    return request.request_context.identity.user_arn or "unknown"


def parse_enrolment_id(enrolment_id: str) -> UUID:
    """The id in a path. Raises NotFoundError if it is not a UUID: nothing is stored under it."""
    try:
        return UUID(enrolment_id)
    except ValueError:
        raise NotFoundError("no enrolment has this id") from None


def answer(status: HTTPStatus, body: M) -> Response[M]:
    """An answer with a status other than 200."""
    return Response(status_code=status, content_type=content_types.APPLICATION_JSON, body=body)
