"""The served dashboard: a click calls the panel's function, and other sites cannot click."""

import http.client
import io
import json
import threading
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from local.dashboard import live, serve
from local.dashboard.live import LivePanel

CLICK = {
    "endpoint": "arn:panels",
    "params": {"panel": "sending", "act": "pause"},
    "form": {"reason": "drill", "by": "Supt"},
    "theme": "dark",
}


class PanelsLambda:
    """Lambda's invocations by a panel."""

    def __init__(self, **more: str) -> None:
        self.invoked: list[tuple[str, dict[str, Any]]] = []
        self._more = more

    def invoke(self, *, FunctionName: str, Payload: str) -> dict[str, Any]:  # noqa: N803 - boto3's
        self.invoked.append((FunctionName, json.loads(Payload)))
        return {"Payload": io.BytesIO(b'"<p>drawn</p>"'), **self._more}


def dashboard(functions: PanelsLambda) -> Any:
    said = {"title": "Sending", "endpoint": "arn:panels", "params": {"panel": "sending"}}
    widgets = [{"type": "custom", "width": 6, "properties": said}]
    body = {"DashboardBody": json.dumps({"widgets": widgets})}
    clients = {"lambda": functions, "cloudwatch": SimpleNamespace(get_dashboard=lambda **_: body)}
    return SimpleNamespace(client=clients.get, of_type=lambda _: {"Dashboard": "dashboard"})


@pytest.fixture
def functions() -> PanelsLambda:
    return PanelsLambda()


@pytest.fixture
def port(functions: PanelsLambda) -> Iterator[int]:
    """Where the dashboard is served."""
    serving = serve.of(dashboard(functions), 0)
    thread = threading.Thread(target=serving.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield serving.server_address[1]
    serving.shutdown()
    thread.join()
    serving.server_close()


def ask(
    port: int, path: str = "/panel", body: object = CLICK, method: str = "POST", **headers: str
) -> tuple[int, str, Any]:
    """Ask the server; its status, text and headers."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    given = {"Content-Type": "application/json"} | {
        name.replace("_", "-"): value for name, value in headers.items()
    }
    connection.request(method, path, json.dumps(body) if method == "POST" else None, given)
    answer = connection.getresponse()
    text = answer.read().decode()
    connection.close()
    return answer.status, text, answer.headers


def test_a_click_calls_the_function_as_cloudwatch_does(port: int, functions: PanelsLambda) -> None:
    assert ask(port)[:2] == (200, "<p>drawn</p>")
    ((name, event),) = functions.invoked
    assert name == "arn:panels"
    assert (event["panel"], event["act"]) == ("sending", "pause")
    assert event["widgetContext"]["theme"] == "dark"
    assert event["widgetContext"]["forms"] == {"all": CLICK["form"]}


@pytest.mark.parametrize(
    ("given", "status"),
    [
        ({"Content_Type": "text/plain"}, 415),  # what a form of another site may send
        ({"Host": "attacker.example"}, 421),
        ({"body": CLICK | {"endpoint": "arn:another"}}, 400),
        ({"body": {}}, 400),
        ({"body": CLICK | {"form": {"reason": "x" * 9000}}}, 413),
    ],
)
def test_a_click_from_another_page_is_refused(
    given: dict[str, Any], status: int, port: int, functions: PanelsLambda
) -> None:
    assert ask(port, **given)[0] == status
    assert functions.invoked == []


def test_no_script_in_a_panel_is_run(port: int) -> None:
    status, script, headers = ask(port, "/live.js", method="GET")
    assert (status, "cwdb-action" in script) == (200, True)
    policy = headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self';" in policy


def test_an_unknown_path_is_not_found(port: int) -> None:
    assert ask(port, "/etc/passwd", method="GET")[0] == 404


def test_only_this_machine_reaches_the_dashboard() -> None:
    assert serve.HOST == "127.0.0.1"


def test_a_failing_function_is_an_error_and_not_a_panel() -> None:
    failing: Any = PanelsLambda(FunctionError="Unhandled")
    with pytest.raises(RuntimeError, match="Sending"):
        live.draw(LivePanel("Sending", 6, "arn:panels", {}), failing)
