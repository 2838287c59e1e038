"""How every function behind the API reads a request and answers it: one set of rules for all."""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.event_handler import APIGatewayRestResolver, Response
from aws_lambda_powertools.event_handler.openapi.exceptions import (
    RequestUnsupportedContentType,
    RequestValidationError,
)

from trial.api.problems import FieldError, FieldProblem, field_problems, problem
from trial.errors import ConflictError, NotFoundError, UnavailableError

if TYPE_CHECKING:
    from aws_lambda_powertools.event_handler.api_gateway import Router
    from aws_lambda_powertools.event_handler.exceptions import NotFoundError as NoRouteError
    from aws_lambda_powertools.utilities.typing import LambdaContext

LARGEST_BODY = 64 * 1024  # bytes; a real enrolment is about one

logger = Logger()


def resolver(*routers: Router) -> APIGatewayRestResolver:
    """An API with the routes of these routers."""
    app = APIGatewayRestResolver(enable_validation=True, json_body_deserializer=_json)
    for router in routers:
        app.include_router(router)
    app.exception_handler(RequestValidationError)(_not_valid)
    app.exception_handler(FieldError)(_contradictory)
    app.exception_handler(NotFoundError)(_unknown)
    app.exception_handler(ConflictError)(_conflicting)
    app.exception_handler(UnavailableError)(_unavailable)
    app.exception_handler(RequestUnsupportedContentType)(_another_type)
    app.not_found(_no_route)
    return app


def answered(
    app: APIGatewayRestResolver, event: dict[str, Any], context: LambdaContext
) -> dict[str, Any]:
    """The answer to one request."""
    if len(event.get("body") or "") > LARGEST_BODY:
        refusal = problem(
            HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"the body is over {LARGEST_BODY} bytes"
        )
        return {
            "statusCode": refusal.status_code,
            "headers": {"Content-Type": refusal.content_type},
            "body": refusal.body,
        }
    return app.resolve(event, context)


def _json(text: str) -> Any:  # noqa: ANN401 - whatever JSON holds
    """
    The value that a body holds.

    Raises JSONDecodeError, whose answer repeats nothing, also where Python's own parser raises
    something else: on deep nesting and on very long numbers.
    """
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        raise json.JSONDecodeError("not JSON", "", 0) from None


def _not_valid(error: RequestValidationError) -> Response[str]:
    return _unprocessable(field_problems(error.errors()))


def _contradictory(error: FieldError) -> Response[str]:
    return _unprocessable([FieldProblem(field=error.field, message=str(error))])


def _unknown(error: NotFoundError) -> Response[str]:
    return problem(HTTPStatus.NOT_FOUND, str(error))


def _conflicting(error: ConflictError) -> Response[str]:
    return problem(HTTPStatus.CONFLICT, str(error))


def _unavailable(error: UnavailableError) -> Response[str]:
    logger.error("request not served", reason=str(error))
    answer = problem(HTTPStatus.SERVICE_UNAVAILABLE, "try again in a moment")
    answer.headers["Retry-After"] = "1"
    return answer


def _another_type(_: RequestUnsupportedContentType) -> Response[str]:
    return problem(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "the body must be application/json")


def _no_route(_: NoRouteError) -> Response[str]:
    return problem(HTTPStatus.NOT_FOUND, "there is no such route")


def _unprocessable(problems: list[FieldProblem]) -> Response[str]:
    return problem(HTTPStatus.UNPROCESSABLE_ENTITY, "the request is not valid", problems)
