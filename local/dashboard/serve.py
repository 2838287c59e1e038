"""
Serves the dashboard of the running stack, so that the buttons of its live panels work.

A click calls the panel's function as CloudWatch does. Only this machine can reach the page.
"""

from __future__ import annotations

import argparse
import json
import sys
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from commands.deployed_stack import DeployedStack, LocalStack
from local.dashboard import live
from local.dashboard.dashboard import defined, shown
from local.dashboard.live import LivePanel
from local.dashboard.page import render

if TYPE_CHECKING:
    from collections.abc import Callable

HOST = "127.0.0.1"
SCRIPT = Path(__file__).with_name("live.js")
# As in CloudWatch, nothing in a panel's HTML is run or fetched.
POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; script-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
LARGEST_BODY = 8192


class Page(BaseHTTPRequestHandler):
    """The page, its script, and a click on one of its panels."""

    page: ClassVar[Callable[[], str]]
    click: ClassVar[Callable[[dict[str, Any]], str]]

    def do_GET(self) -> None:
        """The page and its script."""
        if not self._is_for_us():
            return
        if self.path == "/":
            self._answer(type(self).page(), "text/html")
        elif self.path == "/live.js":
            self._answer(SCRIPT.read_text(), "text/javascript")
        else:
            self.send_error(HTTPStatus.NOT_FOUND)

    def do_POST(self) -> None:
        """A panel, redrawn after a click."""
        if not self._is_for_us():
            return
        # Another site cannot send this type without a preflight, so it cannot click here.
        if self.headers.get_content_type() != "application/json":
            self.send_error(HTTPStatus.UNSUPPORTED_MEDIA_TYPE)
            return
        size = int(self.headers.get("Content-Length", 0))
        if size > LARGEST_BODY:
            self.send_error(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
            return
        try:
            html = type(self).click(json.loads(self.rfile.read(size)))
        except (KeyError, TypeError, ValueError):
            self.send_error(HTTPStatus.BAD_REQUEST)
            return
        self._answer(html, "text/html")

    def log_message(self, *_: object) -> None:
        """Log no requests."""

    def _is_for_us(self) -> bool:
        """Whether the Host header is this machine's: prevents DNS rebinding."""
        _, port = self.connection.getsockname()
        if self.headers.get("Host") in (f"{HOST}:{port}", f"localhost:{port}"):
            return True
        self.send_error(HTTPStatus.MISDIRECTED_REQUEST)
        return False

    def _answer(self, text: str, kind: str) -> None:
        data = text.encode()
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Type", f"{kind}; charset=utf-8")
        self.send_header("Content-Length", str(len(data)))
        self.send_header("Content-Security-Policy", POLICY)
        self.send_header("Cache-Control", "no-store")
        self.end_headers()
        self.wfile.write(data)


def server(
    port: int, page: Callable[[], str], click: Callable[[dict[str, Any]], str]
) -> ThreadingHTTPServer:
    """A server of a page, reachable from this machine only."""
    handler = type("Here", (Page,), {"page": staticmethod(page), "click": staticmethod(click)})
    return ThreadingHTTPServer((HOST, port), handler)


def of(stack: DeployedStack, port: int) -> ThreadingHTTPServer:
    """A server of a stack's dashboard."""
    functions = stack.client("lambda")
    known = {
        widget["properties"]["endpoint"]
        for widget in defined(stack)["widgets"]
        if widget["type"] == "custom"
    }

    def page() -> str:
        rows, span = shown(stack)
        return render(rows, span, served=True)

    def click(body: dict[str, Any]) -> str:
        if body["endpoint"] not in known:
            raise ValueError("no function of the dashboard")
        panel = LivePanel("", 0, body["endpoint"], dict(body["params"]))
        return live.draw(panel, functions, str(body["theme"]), dict(body["form"]))

    return server(port, page, click)


def main() -> None:
    """Serve until stopped."""
    parser = argparse.ArgumentParser(prog="python -m local.dashboard.serve", description=__doc__)
    parser.add_argument("--port", type=int, help="default: the one after the emulator's")
    options = parser.parse_args()
    stack, port = DeployedStack.here(), options.port or LocalStack.load().port + 1
    try:
        serving = of(stack, port)
    except OSError as error:
        sys.exit(f"Port {port}: {error.strerror}. Choose another with ARGS='--port ...'")
    print(f"The dashboard: http://{HOST}:{port}/ (Ctrl-C stops it)", flush=True)
    try:
        serving.serve_forever()
    except KeyboardInterrupt:
        serving.server_close()


if __name__ == "__main__":
    main()
