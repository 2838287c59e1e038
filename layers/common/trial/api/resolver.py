"""How every function behind the API reads requests and answers them."""

from __future__ import annotations

from trial.log import logger

import base64
import json
from contextlib import suppress
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools.event_handler import APIGatewayRestResolver, Response
from aws_lambda_powertools.event_handler.openapi.exceptions import RequestValidationError

from trial.api.problems import FieldError, FieldProblem, field_problems, forbidden, problem, shown
from trial.errors import ConflictError, NotFoundError, UnavailableError

if TYPE_CHECKING:
    from collections.abc import Callable

    from aws_lambda_powertools.event_handler.api_gateway import Router
    from aws_lambda_powertools.event_handler.exceptions import NotFoundError as NoRouteError
    from aws_lambda_powertools.utilities.typing import LambdaContext

LARGEST_BODY = 64 * 1024  # bytes; a real enrolment is about one


def resolver(*routers: Router) -> APIGatewayRestResolver:
    """An API with the routes of these routers."""
    app = APIGatewayRestResolver(enable_validation=True, json_body_deserializer=_json)
    app.use([_refuse_unknown_parameters])
    for router in routers:
        app.include_router(router)
    app.exception_handler(RequestValidationError)(_not_valid)
    app.exception_handler(FieldError)(_contradictory)
    app.exception_handler(NotFoundError)(_unknown)
    app.exception_handler(ConflictError)(_conflicting)
    app.exception_handler(UnavailableError)(_unavailable)
    app.not_found(_no_route)
    return app


def answered(
    app: APIGatewayRestResolver, event: dict[str, Any], context: LambdaContext
) -> dict[str, Any]:
    """The answer to one request."""
    event = event | {"body": _body(event), "isBase64Encoded": False}
    if refusal := _refusal(event):
        return {
            "statusCode": refusal.status_code,
            "headers": {"Content-Type": refusal.content_type},
            "body": refusal.body,
        }
    return app.resolve(event | {"headers": {**_other_headers(event), **_JSON}}, context)


def _body(event: dict[str, Any]) -> str | None:
    """
    The body as text, also where API Gateway was set to pass bodies on in base64.

    Text that is neither is refused as not JSON.
    """
    body: str | None = event.get("body")
    if not (body and event.get("isBase64Encoded")):
        return body
    with suppress(ValueError):
        return base64.b64decode(body, validate=True).decode()
    return body


def _refusal(event: dict[str, Any]) -> Response[str] | None:
    """The refusal of a body that is too large or is not JSON, before it is parsed."""
    if not (body := event.get("body")):
        return None
    # JSON may hold a lone surrogate, which is not UTF-8: validation refuses it later.
    if len(body.encode("utf-8", "surrogatepass")) > LARGEST_BODY:
        detail = f"the body is over {LARGEST_BODY} bytes: send one order at a time"
        return problem(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, detail)
    headers = {name.lower(): value for name, value in (event.get("headers") or {}).items()}
    media_type = (headers.get("content-type") or "application/json").partition(";")[0]
    if media_type.strip().lower() != "application/json":
        detail = "the body must be JSON, and Content-Type application/json"
        return problem(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, detail)
    return None


def _refuse_unknown_parameters(
    app: APIGatewayRestResolver, proceed: Callable[[APIGatewayRestResolver], Response[Any]]
) -> Response[Any]:
    """
    Refuse a parameter that the route does not have: a caller may rely on a filter or a dry run.

    Those of a signature made in the query (X-Amz-...) are for API Gateway.
    """
    known = {each.alias for each in app.context["_route"].dependant.query_params}
    asked = app.current_event.resolved_query_string_parameters
    others = (name for name in asked if not name.lower().startswith("x-amz-"))
    if unknown := [name for name in others if name not in known]:
        return _unprocessable([forbidden(name) for name in unknown])
    return proceed(app)


# Powertools compares the content type exactly.
_JSON = {"content-type": "application/json"}


def _other_headers(event: dict[str, Any]) -> dict[str, str]:
    headers = event.get("headers") or {}
    return {name: value for name, value in headers.items() if name.lower() != "content-type"}


def _json(text: str) -> Any:  # noqa: ANN401 - whatever JSON holds
    """
    The value that a body holds.

    Raises JSONDecodeError, whose answer repeats nothing, even where Python's parser raises
    another error: for deep nesting and for very long numbers. Raises FieldError for a repeated
    field, since parsers differ on whether the first or the last one counts; and for an array,
    since Powertools would unwrap one with a single element.
    """
    try:
        value = json.loads(text, object_pairs_hook=_each_once, parse_constant=_no_constant)
    except FieldError:
        raise
    except (ValueError, RecursionError):
        raise json.JSONDecodeError("not JSON", "", 0) from None
    if isinstance(value, list):
        raise FieldError("", "must be an object")
    return value


def _each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    fields = dict(pairs)
    if len(fields) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise FieldError(shown(twice), "is given twice: give it once")
    return fields


def _no_constant(_: str) -> None:
    raise ValueError("JSON has no NaN and no infinity")


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


def _no_route(_: NoRouteError) -> Response[str]:
    return problem(HTTPStatus.NOT_FOUND, "there is no such route")


def _unprocessable(problems: list[FieldProblem]) -> Response[str]:
    return problem(HTTPStatus.UNPROCESSABLE_ENTITY, "the request is not valid", problems)
