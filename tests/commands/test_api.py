"""Calls to the local API are signed as upstream would sign them, at the time of this process."""

import json
import re
from argparse import Namespace
from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any, ClassVar

import boto3
import pytest
import time_machine

from commands.api import Answer, Api
from commands.deployed_stack import LocalStack, owner_access
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
        said = self.answers.get(self.path, {"status": 422})
        answer = (said if isinstance(said, str) else json.dumps(said)).encode()
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
            protocol="fixture-1",
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
        answer = Api.local(stack).call("POST", "/enrolments", {"a": 1})
    ((path, headers, body),) = Upstairs.seen
    assert answer == Answer(422, {"status": 422})
    assert (path, json.loads(body)) == ("/v1/enrolments", {"a": 1})
    assert headers["host"] == stack.api_host
    assert headers["x-amz-date"] == "20270328T093000Z"
    assert "Credential=test/20270328/eu-west-2/execute-api/aws4_request" in headers["authorization"]
    assert "host" in headers["authorization"]


def test_a_query_is_sent_as_it_was_signed(stack: LocalStack) -> None:
    Api.local(stack).call("GET", "/timetable?made_on=2027-03-16&expires_on=2027-03-29")
    assert Upstairs.seen[0][0] == "/v1/timetable?made_on=2027-03-16&expires_on=2027-03-29"


def test_an_unsigned_call_carries_no_signature(stack: LocalStack) -> None:
    Api.local(stack).call("POST", "/enrolments", {}, signed=False)
    assert "authorization" not in Upstairs.seen[0][1]


PROFILES = """
[default]
aws_access_key_id = nobody
aws_secret_access_key = nobodys

[staff]
aws_access_key_id = staff
aws_secret_access_key = secret
aws_session_token = token
"""
STACK = """
<DescribeStacksResponse xmlns="http://cloudformation.amazonaws.com/doc/2010-05-15/">
<DescribeStacksResult><Stacks><member><StackName>dvpo</StackName><Outputs>
<member><OutputKey>ApiUrl</OutputKey><OutputValue>{url}</OutputValue></member>
</Outputs></member></Stacks></DescribeStacksResult></DescribeStacksResponse>
"""


@pytest.fixture
def shell(stack: LocalStack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """A shell with a profile, and a fake CloudFormation that answers it."""
    monkeypatch.setitem(Upstairs.answers, "/", STACK.format(url=stack.api_url))
    (tmp_path / "credentials").write_text(PROFILES)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    monkeypatch.setenv("AWS_ENDPOINT_URL_CLOUDFORMATION", stack.endpoint_url)
    monkeypatch.setenv("AWS_PROFILE", "staff")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name)
    return monkeypatch


@pytest.mark.usefixtures("shell")
def test_a_stack_on_aws_is_called_at_its_own_address_with_the_shell_s_profile() -> None:
    api = Api.named_by(Namespace(stack_name="dvpo", region="eu-west-1"))
    api.call("GET", "/reports/flow")
    (_, _, asked), (path, headers, _) = Upstairs.seen
    assert b"Action=DescribeStacks" in asked
    assert b"StackName=dvpo" in asked
    assert path == "/v1/reports/flow"
    signed = r"Credential=staff/[0-9]{8}/eu-west-1/execute-api/aws4_request"
    assert re.search(signed, headers["authorization"])
    assert headers["x-amz-security-token"] == "token"  # checkov:skip=CKV_SECRET_6:a header's name


def test_a_profile_that_does_not_exist_is_named_as_the_reason(shell: pytest.MonkeyPatch) -> None:
    shell.setenv("AWS_PROFILE", "stuff")
    with pytest.raises(SystemExit, match=r"AWS did not show the stack dvpo: .*stuff"):
        Api.named_by(Namespace(stack_name="dvpo", region=None))


def test_the_local_stack_is_reached_whatever_profile_the_shell_has(
    stack: LocalStack, shell: pytest.MonkeyPatch
) -> None:
    shell.setenv("AWS_PROFILE", "stuff")
    reach = owner_access(stack.endpoint_url, stack.region)
    client = boto3.Session().client("cloudformation", **reach)
    assert client.describe_stacks(StackName="dvpo")["Stacks"]


def test_the_emulator_lists_the_texts_of_every_number(stack: LocalStack) -> None:
    assert [text["n"] for text in emulator.texts(stack.port)] == [1, 2, 3]
