"""Lambda, as the commands that repair invoke it."""

import io
import json
from dataclasses import dataclass, field
from typing import Any

from tests.support.fixture_protocol import VERSION
from tests.support.steps import CONTEXT


@dataclass
class WaitingLambda:
    """Lambda's synchronous invocations of these handlers, each by its function's name."""

    handlers: dict[str, Any]
    invoked: list[str] = field(default_factory=list)

    def invoke(self, *, FunctionName: str, Payload: str) -> dict[str, Any]:  # noqa: N803
        self.invoked.append(FunctionName)
        try:
            said: Any = self.handlers[FunctionName](json.loads(Payload), CONTEXT)
        except Exception as error:  # noqa: BLE001 - Lambda tells of any
            said = {"errorType": type(error).__name__}
            return {"FunctionError": "Unhandled", "Payload": io.StringIO(json.dumps(said))}
        return {"Payload": io.StringIO(json.dumps(said))}

    def get_function_configuration(self, *, FunctionName: str) -> dict[str, Any]:  # noqa: N803
        assert FunctionName == "allocation"
        return {"Environment": {"Variables": {"PROTOCOL": VERSION}}}
