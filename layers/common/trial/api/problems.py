"""Errors as RFC 9457 problem details, which never repeat the request's content."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools.event_handler import Response

from trial.codes import Model

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from http import HTTPStatus

PROBLEM_JSON = "application/problem+json"

# By pydantic's type of error. Placeholders take only values from the contract: pydantic's own
# messages may quote the input.
_WORDS = {
    "bool_type": "must be true or false",
    "date_from_datetime_parsing": "is no date of the calendar",
    "datetime_from_date_parsing": "is no time of the calendar",
    "datetime_parsing": "is no time of the calendar",
    "enum": "must be {expected}",
    "extra_forbidden": "is no field of this request: leave it out",
    "greater_than_equal": "must be {ge} or more",
    "int_parsing": "must be a whole number",
    "int_type": "must be a whole number",
    "less_than_equal": "must be {le} or less",
    "list_type": "must be a list",
    "literal_error": "must be {expected}",
    "missing": "is missing",
    "model_attributes_type": "must be an object",
    "model_type": "must be an object",
    "string_too_long": "is too long: at most {max_length} characters",
    "string_type": "must be text",
    "string_unicode": "holds half a character: leave it out",
    "too_long": "has too many entries: at most {max_length}",
    "too_short": "has too few entries: at least {min_length}",
    "tuple_type": "must be a list",
    "uuid_parsing": "is no UUID",
}
_ENUM_MEMBER = re.compile(r"<\w+\.\w+: ('\w+')>")
"""How pydantic writes a code that a literal allows."""
_CHOICE = re.compile(r"str-enum\[\w+\]")
"""How pydantic writes, in a path, as which of several enumerations it read a field."""
_FIELD_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")


class FieldError(ValueError):
    """A rule over several fields is broken; the error names one of them."""

    def __init__(self, field: str, message: str) -> None:
        self.field = field
        super().__init__(message)

    def under(self, path: str) -> FieldError:
        """The same error for a field nested under `path`."""
        return FieldError(f"{path}.{self.field}", str(self))


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
    found = list(errors)
    wrong = {tuple(error["loc"][:-1]) for error in found}
    # Of a list with wrong entries pydantic says too that there are too few right ones.
    return [
        _field_problem(error)
        for error in found
        if not (error["type"] == "too_short" and tuple(error["loc"]) in wrong)
    ]


def _field_problem(error: Mapping[str, Any]) -> FieldProblem:
    if error["type"] == "json_invalid":
        message = "the body is not JSON: check its quotes, commas and brackets"
        return FieldProblem(field="", message=message)
    outside = ("body", "query", "path")
    path = [
        shown(part)
        for part in error["loc"]
        if part not in outside and not _CHOICE.fullmatch(str(part))
    ]
    context = error.get("ctx", {})
    cause = context.get("error")
    if isinstance(cause, FieldError):
        return FieldProblem(field=".".join([*path, cause.field]), message=str(cause))
    if isinstance(cause, ValueError):
        message = str(cause)
    else:
        message = _WORDS.get(error["type"], "is not valid").format(**context)
        message = _ENUM_MEMBER.sub(r"\1", message)
    return FieldProblem(field=".".join(path), message=message)


def forbidden(name: str) -> FieldProblem:
    """What is said of a field that a request does not have."""
    return FieldProblem(field=shown(name), message=_WORDS["extra_forbidden"])


def shown(part: str | int) -> str:
    """A step of a path. An unknown field's name is hidden: the caller chose it."""
    return str(part) if isinstance(part, int) or _FIELD_NAME.fullmatch(part) else "(a field)"
