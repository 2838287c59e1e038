"""Errors as RFC 9457 problem details, which never repeat what the request held."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools.event_handler import Response

from trial.codes import Model

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from http import HTTPStatus

PROBLEM_JSON = "application/problem+json"

# Pydantic's words for these name what is allowed. All others might quote what was given.
_SPEAKING = frozenset(
    {
        "bool_type",
        "date_type",
        "dict_type",
        "enum",
        "extra_forbidden",
        "missing",
        "model_attributes_type",
        "string_too_long",
        "string_type",
        "too_long",
        "too_short",
        "tuple_type",
    }
)
_FIELD_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")


class FieldError(ValueError):
    """A rule over several fields that one field is said to break."""

    def __init__(self, field: str, message: str) -> None:
        self.field = field
        super().__init__(message)


class FieldProblem(Model):
    """Which field is wrong, and why."""

    field: str
    message: str


class Problem(Model):
    """RFC 9457 problem details."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str
    errors: tuple[FieldProblem, ...] = ()


def problem(status: HTTPStatus, detail: str, errors: Iterable[FieldProblem] = ()) -> Response[str]:
    """An answer that says what is wrong."""
    body = Problem(title=status.phrase, status=status.value, detail=detail, errors=tuple(errors))
    return Response(
        status_code=status.value, content_type=PROBLEM_JSON, body=body.model_dump_json()
    )


def field_problems(errors: Iterable[Mapping[str, Any]]) -> list[FieldProblem]:
    """Pydantic's errors, each as the field's path and a message without the input."""
    return [_field_problem(error) for error in errors]


def _field_problem(error: Mapping[str, Any]) -> FieldProblem:
    if error["type"] == "json_invalid":
        return FieldProblem(field="", message="the body is not JSON")
    path = [_shown(part) for part in error["loc"] if part not in ("body", "query", "path")]
    cause = error.get("ctx", {}).get("error")
    if isinstance(cause, FieldError):
        return FieldProblem(field=".".join([*path, cause.field]), message=str(cause))
    if isinstance(cause, ValueError):
        message = str(cause)
    elif error["type"] in _SPEAKING:
        message = error["msg"]
    else:
        message = "is not valid"
    return FieldProblem(field=".".join(path), message=message)


def _shown(part: str | int) -> str:
    """A step of a path; an unknown field's name is the caller's, so it may be personal."""
    return str(part) if isinstance(part, int) or _FIELD_NAME.fullmatch(part) else "(a field)"
