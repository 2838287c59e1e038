"""Calls to the local API are signed as upstream would sign them, at the time of this process."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from typing import Any, ClassVar

import pytest
import time_machine

from commands import api
from commands.deployed_stack import LocalStack
from local.emulator import emulator

MOVED = datetime(2027, 3, 28, 9, 30, tzinfo=UTC)


class Upstairs(BaseHTTPRequestHandler):
    """Keeps each request, and answers as the emulator would."""

    seen: ClassVar[list[tuple[str, dict[str, str], bytes]]] = []
    answers: ClassVar[dict[str, Any]] = {
        emulator.TEXTS_PAGE: {
            "sms_messages": {"+447700900001": [{"n": 1}, {"n": 2}], "+447700900002": [{"n": 3}]}
        }
    }

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.seen.append((self.path, {k.lower(): v for k, v in self.headers.items()}, body))
        page = self.path in self.answers
        answer = json.dumps(self.answers.get(self.path, {"status": 422})).encode()
        self.send_response(200 if page else 422)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    do_GET = do_POST  # noqa: N815 - the library's name

    def log_message(self, *_: object) -> None:
        """Nothing."""


@pytest.fixture
def stack() -> Iterator[LocalStack]:
    with HTTPServer(("127.0.0.1", 0), Upstairs) as server:
        Upstairs.seen.clear()
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        port = server.server_port
        yield LocalStack(
            endpoint_url=f"http://127.0.0.1:{port}",
            api_url=f"http://127.0.0.1:{port}/v1",
            api_host=f"abc.execute-api.localhost:{port}",
            region="eu-west-2",
            access_key_id="test",
            secret_access_key="test",  # noqa: S106 - the emulator's
            stack_name="dvpo-reminders",
            clock_file="",
            port=port,
            template_sha256="",
            outputs={},
        )
        server.shutdown()
        thread.join()


def test_a_call_is_signed_for_the_api_at_the_moved_time(stack: LocalStack) -> None:
    with time_machine.travel(MOVED, tick=False):
        answer = api.call(stack, "POST", "/enrolments", {"a": 1})
    ((path, headers, body),) = Upstairs.seen
    assert answer == api.Answer(422, {"status": 422})
    assert (path, json.loads(body)) == ("/v1/enrolments", {"a": 1})
    assert headers["host"] == stack.api_host
    assert headers["x-amz-date"] == "20270328T093000Z"
    assert "Credential=test/20270328/eu-west-2/execute-api/aws4_request" in headers["authorization"]
    assert "host" in headers["authorization"]


def test_a_query_is_sent_as_it_was_signed(stack: LocalStack) -> None:
    api.call(stack, "GET", "/timetable?made_on=2027-03-16&expires_on=2027-03-29")
    assert Upstairs.seen[0][0] == "/v1/timetable?made_on=2027-03-16&expires_on=2027-03-29"


def test_an_unsigned_call_carries_no_signature(stack: LocalStack) -> None:
    api.call(stack, "POST", "/enrolments", {}, signed=False)
    assert "authorization" not in Upstairs.seen[0][1]


def test_texts_are_those_of_every_number(stack: LocalStack) -> None:
    assert [text["n"] for text in emulator.texts(stack.port)] == [1, 2, 3]
