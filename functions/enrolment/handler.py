"""The API: every route of the contract, and how errors are answered."""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools.event_handler import APIGatewayRestResolver, Response
from aws_lambda_powertools.event_handler.openapi.exceptions import (
    RequestUnsupportedContentType,
    RequestValidationError,
)

from enrolment.answers import FieldProblem
from enrolment.problems import field_problems, problem
from enrolment.routes import enrolments, operations, unblinded
from enrolment.routes.common import REFUSALS, logger
from enrolment.wire import FieldError
from trial.errors import ConflictError, NotFoundError, UnavailableError

if TYPE_CHECKING:
    from aws_lambda_powertools.event_handler.exceptions import NotFoundError as NoRouteError
    from aws_lambda_powertools.utilities.typing import LambdaContext

LARGEST_BODY = 64 * 1024  # bytes; a real enrolment is about one


def _json(text: str) -> Any:  # noqa: ANN401 - whatever JSON holds
    """
    What a body says. Python stumbles over deep nesting and long numbers in ways of its own.

    Raises JSONDecodeError, for which there is an answer, and which repeats nothing.
    """
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        raise json.JSONDecodeError("not JSON", "", 0) from None


app = APIGatewayRestResolver(enable_validation=True, json_body_deserializer=_json)
app.include_router(enrolments.router)
app.include_router(unblinded.router)
app.include_router(operations.router)


@app.get(
    "/openapi.json",
    summary="This contract",
    tags=["Operations"],
    responses={200: {"description": "OpenAPI 3.1"}, **REFUSALS},
)
def show_contract() -> dict[str, Any]:
    """The contract, generated from the models."""
    return contract()


def contract() -> dict[str, Any]:
    """The OpenAPI 3.1 document of every route."""
    document: dict[str, Any] = json.loads(
        app.get_openapi_json_schema(
            title="DVPO reminders",
            version="1",
            description="Enrolling orders in a randomised trial of text reminders. "
            "Every request is signed (AWS Signature Version 4).",
        )
    )
    # Powertools says of every route that it may answer 422, in a form that none here ever uses.
    for path in document["paths"].values():
        for operation in path.values():
            if "application/json" in operation["responses"]["422"]["content"]:
                del operation["responses"]["422"]
    for name in ("HTTPValidationError", "ResponseValidationError", "ValidationError"):
        del document["components"]["schemas"][name]
    return document


@logger.inject_lambda_context(clear_state=True)
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Answer one request."""
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


app.exception_handler(RequestValidationError)(_not_valid)
app.exception_handler(FieldError)(_contradictory)
app.exception_handler(NotFoundError)(_unknown)
app.exception_handler(ConflictError)(_conflicting)
app.exception_handler(UnavailableError)(_unavailable)
app.exception_handler(RequestUnsupportedContentType)(_another_type)
app.not_found(_no_route)


def _unprocessable(problems: list[FieldProblem]) -> Response[str]:
    return problem(HTTPStatus.UNPROCESSABLE_ENTITY, "the request is not valid", problems)
