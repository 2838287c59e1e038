"""Writes the API's contract, generated from the models that check requests, for others to read."""

import json

from commands.deploy.package import ROOT
from enrolment.handler import contract

FILE = ROOT / "docs/openapi.json"


def text() -> str:
    """The contract as the file holds it."""
    return json.dumps(contract(), indent=2) + "\n"


def main() -> None:
    """Write it."""
    FILE.write_text(text())
    print(f"Wrote {FILE}.")


if __name__ == "__main__":
    main()
