"""
Calls a route, signed, on this machine's stack or, with the shell's credentials, on AWS.

Prints the status and the answer; exits with 1 if the status is an error.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from commands.api import Answer, Api
from commands.deployed_stack import add_arguments


def json_text(text: str) -> dict[str, Any]:
    """A request's body: JSON or, after an @, the name of a file that holds it."""
    try:
        body = json.loads(Path(text[1:]).read_text("utf-8") if text.startswith("@") else text)
    except OSError as error:
        raise argparse.ArgumentTypeError(f"cannot be read: {error.strerror}") from None
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"is not JSON: {error}") from None
    if not isinstance(body, dict):
        raise argparse.ArgumentTypeError("is not a JSON object")
    return body


def main(arguments: Sequence[str] | None = None) -> int:
    """Call the route and print the answer."""
    parser = argparse.ArgumentParser(prog="python -m commands.staff.call", description=__doc__)
    parser.add_argument("route", help="such as /reports/flow")
    parser.add_argument("--method", default="GET", choices=["GET", "POST", "PUT"])
    parser.add_argument("--body", type=json_text, help="JSON, or @file.json")
    add_arguments(parser)
    given = parser.parse_args(arguments)
    return shown(Api.named_by(given).call(given.method, given.route, given.body))


def shown(answer: Answer) -> int:
    """Print an answer; the exit code."""
    print(answer.status)
    print(json.dumps(answer.body, indent=2, ensure_ascii=False))
    return int(answer.refused)


if __name__ == "__main__":
    sys.exit(main())
