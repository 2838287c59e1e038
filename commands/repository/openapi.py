"""Writes the API's OpenAPI document, generated from the models that validate requests."""

import json
from pathlib import Path
from typing import Any

from commands.deploy.package import ROOT
from disclosure.routes import router as disclosure
from enrolment.routes import router as enrolment
from operations.routes import CONTRACT
from operations.routes import router as operations
from trial.api.resolver import resolver

ROUTERS = {"disclosure": disclosure, "enrolment": enrolment, "operations": operations}
"""The routes that each function answers."""


SERVER = {
    "url": "https://{api}.execute-api.{region}.amazonaws.com/{stage}",
    "description": "The stack's output ApiUrl.",
    "variables": {
        "api": {"default": "abcde12345"},
        "region": {"default": "eu-west-2"},
        "stage": {"default": "v1"},
    },
}
TAGS = {
    "Enrolment": "For upstream: orders, numbers, service, ends and outcomes. Never shows an arm.",
    "Operations": "For staff: the worklist, counts and the switch. Never shows an arm.",
    "Unblinded": "For those who may know arms, with a permission of their own.",
}
# As Smithy writes AWS's own signature into OpenAPI: github.com/smithy-lang/smithy, Sigv4Converter.
_SIGNED = "aws.auth.sigv4"
_SIGNATURE = {
    "type": "apiKey",
    "in": "header",
    "name": "Authorization",
    "description": "AWS Signature Version 4, for the service execute-api.",
    "x-amazon-apigateway-authtype": "awsSigv4",
}
_RETRIED = {"429", "503"}
_RETRY_AFTER = {
    "description": "How many seconds to wait before asking again.",
    "required": True,
    "schema": {"type": "integer", "minimum": 1},
    "example": 1,
}
_DESCRIPTIONS = Path(__file__).with_name("operations.json")
_OPERATIONS: dict[str, Any] = json.loads(_DESCRIPTIONS.read_text())
"""By method and path: each operation's stable id, its description, and examples."""


def contract(*functions: str) -> dict[str, Any]:
    """The OpenAPI 3.1 document of these functions' routes; of all functions if none is named."""
    routers = [ROUTERS[name] for name in functions or ("enrolment", "disclosure", "operations")]
    document: dict[str, Any] = json.loads(
        resolver(*routers).get_openapi_json_schema(
            title="DVPO reminders",
            version="1",
            description="Enrolling orders in a randomised trial of text reminders. "
            "Every request is signed (AWS Signature Version 4).",
        )
    )
    # Powertools gives every route an answer 422 in a form that this API never uses.
    for path, operations_of in document["paths"].items():
        for method, operation in operations_of.items():
            if "application/json" in operation["responses"]["422"]["content"]:
                del operation["responses"]["422"]
            _complete(f"{method.upper()} {path}", operation)
    for name in ("HTTPValidationError", "ResponseValidationError", "ValidationError"):
        document["components"]["schemas"].pop(name, None)
    document["info"]["license"] = {"name": "MIT", "identifier": "MIT"}
    document["tags"] = [{"name": name, "description": text} for name, text in TAGS.items()]
    document["servers"] = [SERVER]
    document["security"] = [{_SIGNED: []}]
    document["components"]["securitySchemes"] = {_SIGNED: _SIGNATURE}
    return document


def _complete(route: str, operation: dict[str, Any]) -> None:
    """Add what the models lack to an operation: its stable id, description and examples."""
    known = _OPERATIONS.get(route)
    if known is None:
        raise LookupError(f"{route} is not described: add it to {_DESCRIPTIONS.name}")
    operation["operationId"], operation["description"] = known["operationId"], known["description"]
    if "requestBody" in operation:
        operation["requestBody"]["content"]["application/json"]["example"] = known["request"]
    for status, response in operation["responses"].items():
        if status in known["responses"]:
            response["content"]["application/json"]["example"] = known["responses"][status]
        if status in _RETRIED:
            response["headers"] = {"Retry-After": _RETRY_AFTER}


def files() -> dict[Path, str]:
    """A copy for the repository's readers, and one in a line for the function that serves it."""
    return {
        ROOT / "docs/openapi.json": json.dumps(contract(), indent=2) + "\n",
        CONTRACT: json.dumps(contract(), separators=(",", ":")) + "\n",
    }


def main() -> None:
    """Write both."""
    for file, text in files().items():
        file.write_text(text)
        print(f"Wrote {file}.")


if __name__ == "__main__":
    main()
