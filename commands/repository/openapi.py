"""Writes the API's contract, generated from the models that check requests, for others to read."""

import json
from typing import Any

from commands.deploy.package import ROOT
from disclosure.routes import router as disclosure
from enrolment.routes import router as enrolment
from operations.routes import CONTRACT
from operations.routes import router as operations
from trial.api.resolver import resolver

FILES = (ROOT / "docs/openapi.json", CONTRACT)
"""For who reads the repository, and for the function that serves it."""


ROUTERS = {"disclosure": disclosure, "enrolment": enrolment, "operations": operations}
"""The routes that each function answers."""


def contract(*functions: str) -> dict[str, Any]:
    """The OpenAPI 3.1 document of the routes of these functions; of all if none is named."""
    routers = [ROUTERS[name] for name in functions or ("enrolment", "disclosure", "operations")]
    document: dict[str, Any] = json.loads(
        resolver(*routers).get_openapi_json_schema(
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
        document["components"]["schemas"].pop(name, None)
    return document


def text() -> str:
    """The contract as the files hold it."""
    return json.dumps(contract(), indent=2) + "\n"


def main() -> None:
    """Write it."""
    for file in FILES:
        file.write_text(text())
        print(f"Wrote {file}.")


if __name__ == "__main__":
    main()
