"""Invokes a deployed function with one of the sample events; prints its answer and its log."""

import argparse
import base64
import json
import sys
from pathlib import Path

from botocore.exceptions import ClientError

from commands.deploy.package import ROOT
from commands.deployed_stack import DeployedStack

EVENTS = ROOT / "events"


def function_named(name: str, deployed: dict[str, str]) -> str:
    """The deployed name of a function of the template; a short name such as `sending` will do."""
    for logical_id, physical_id in deployed.items():
        if logical_id.lower() in {name.lower(), f"{name.lower()}function"}:
            return physical_id
    known = sorted(logical_id.removesuffix("Function").lower() for logical_id in deployed)
    sys.exit(f"No function is called {name!r}. There are: {', '.join(known)}")


def event_named(name: str) -> str:
    """The event's JSON: `name`, `name.json` or a path."""
    for path in (EVENTS / name, EVENTS / f"{name}.json", Path(name)):
        if path.is_file():
            return path.read_text()
    known = sorted(path.relative_to(EVENTS).as_posix() for path in EVENTS.rglob("*.json"))
    sys.exit(f"No event is called {name!r}. There are: {', '.join(known)}")


def main() -> None:
    """Invoke the function; exit with 1 if it fails."""
    parser = argparse.ArgumentParser(prog="python -m local.emulator.invoke", description=__doc__)
    parser.add_argument("function", help="as the template calls it, without Function: sending")
    parser.add_argument("event", help="a file in events/, with or without .json")
    options = parser.parse_args()
    stack = DeployedStack.here()
    deployed = stack.of_type("AWS::Lambda::Function")
    name, event = function_named(options.function, deployed), event_named(options.event)
    try:
        answer = stack.client("lambda").invoke(FunctionName=name, Payload=event, LogType="Tail")
    except ClientError as error:
        sys.exit(f"The emulator refused: {error}")
    print(base64.b64decode(answer.get("LogResult", "")).decode().rstrip(), file=sys.stderr)
    print(json.dumps(json.load(answer["Payload"]), indent=2, ensure_ascii=False))
    if "FunctionError" in answer:
        sys.exit(1)


if __name__ == "__main__":
    main()
