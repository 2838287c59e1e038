"""One call is one HTTP request, whatever comes back: each against a real server, on loopback."""

from __future__ import annotations

import socket
import struct
import threading
import traceback
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import TYPE_CHECKING
from urllib.parse import parse_qs

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ConnectTimeoutError, NoCredentialsError

from sending.gateway import Gateway, NotSentError, RefusedError, UnsureError
from tests.support.faults import meddling, raising
from trial.aws import clients

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from mypy_boto3_sns import SNSClient

NUMBER = "+447700900321"
TEXT = "Durham Police: Most people keep to their order."
TAKEN = (
    "<PublishResponse><PublishResult><MessageId>m-1</MessageId></PublishResult>"
    "<ResponseMetadata><RequestId>r-1</RequestId></ResponseMetadata></PublishResponse>"
)


def answering(status: int, page: str) -> Callable[[BaseHTTPRequestHandler], None]:
    def reply(request: BaseHTTPRequestHandler) -> None:
        request.send_response(status)
        request.send_header("Content-Length", str(len(page)))
        request.end_headers()
        request.wfile.write(page.encode())

    return reply


def complaining(status: int, code: str) -> Callable[[BaseHTTPRequestHandler], None]:
    error = (
        f"<Error><Type>Sender</Type><Code>{code}</Code><Message>About {NUMBER}</Message></Error>"
    )
    return answering(status, f"<ErrorResponse>{error}<RequestId>r-1</RequestId></ErrorResponse>")


def resetting(request: BaseHTTPRequestHandler) -> None:
    """Hang up at once: a linger of no seconds makes the close a reset."""
    linger = struct.pack("ii", 1, 0)
    request.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
    request.close_connection = True
    request.connection.close()


class Provider(HTTPServer):
    """Counts the requests, and answers each in the same way."""

    def __init__(self, reply: Callable[[BaseHTTPRequestHandler], None]) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.reply = reply
        self.asked: list[dict[str, list[str]]] = []
        self.patience = threading.Event()  # set when a slow answer need not be waited for

    def handle_error(self, *_: object) -> None:
        """A client that has hung up is no error here."""


class Handler(BaseHTTPRequestHandler):
    server: Provider

    def do_POST(self) -> None:
        length = int(self.headers["Content-Length"])
        self.server.asked.append(parse_qs(self.rfile.read(length).decode()))
        self.server.reply(self)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def provider(reply: Callable[[BaseHTTPRequestHandler], None]) -> Iterator[Provider]:
    with Provider(reply) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server
        finally:
            server.patience.set()
            server.shutdown()
            thread.join()


def client(url: str, *, read_timeout: float = 5) -> SNSClient:
    """As the functions make it, but for where it goes and how long it waits there."""
    config = clients.sns().meta.config.merge(Config(read_timeout=read_timeout, proxies={}))
    return boto3.client("sns", endpoint_url=url, config=config)


def published(server: Provider, *, read_timeout: float = 5) -> str:
    url = f"http://127.0.0.1:{server.server_port}"
    return Gateway(client(url, read_timeout=read_timeout), "Police").publish(NUMBER, TEXT)


def test_a_text_goes_under_the_sender_s_name_and_its_message_id_comes_back() -> None:
    with provider(answering(200, TAKEN)) as server:
        assert published(server) == "m-1"
    (asked,) = server.asked
    assert asked["PhoneNumber"] == [NUMBER]
    assert asked["Message"] == [TEXT]
    attributes = {
        asked[f"MessageAttributes.entry.{n}.Name"][0]: asked[
            f"MessageAttributes.entry.{n}.Value.StringValue"
        ][0]
        for n in (1, 2)
    }
    assert attributes == {"AWS.SNS.SMS.SenderID": "Police", "AWS.SNS.SMS.SMSType": "Transactional"}


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (429, "TooManyRequestsException"),
        (429, "AnythingAtAll"),
        (400, "Throttling"),
        (400, "ThrottlingException"),
        (400, "Throttled"),
        (503, "Throttling"),
        (403, "ExpiredToken"),
        (403, "AuthorizationError"),
        (403, "AccessDenied"),
        (403, "SignatureDoesNotMatch"),
        (403, "InvalidClientTokenId"),
        (403, "OptedOut"),
        (400, "RequestExpired"),
        (400, "KMSAccessDenied"),
        (404, "NotFound"),
    ],
)
def test_a_refusal_of_the_request_itself_means_that_nothing_was_sent(
    status: int, code: str
) -> None:
    with provider(complaining(status, code)) as server, pytest.raises(NotSentError):
        published(server)
    assert len(server.asked) == 1


@pytest.mark.parametrize(
    ("status", "code"),
    [(400, "InvalidParameter"), (400, "InvalidParameterValue"), (400, "OptedOut")],
)
def test_a_definite_no_is_told_by_its_code(status: int, code: str) -> None:
    with provider(complaining(status, code)) as server, pytest.raises(RefusedError) as refused:
        published(server)
    assert refused.value.code == code
    assert len(server.asked) == 1


@pytest.mark.parametrize(
    "reply",
    [
        complaining(500, "InternalError"),
        complaining(503, "ServiceUnavailable"),
        complaining(502, "BadGateway"),
        complaining(504, "GatewayTimeout"),
        complaining(408, "RequestTimeout"),
        answering(200, "<not what was meant"),
        answering(500, "not even an error"),
        resetting,
    ],
    ids=["500", "503", "502", "504", "408", "200 garbled", "500 garbled", "reset"],
)
def test_whatever_else_comes_back_nobody_can_tell_and_nobody_asks_again(
    reply: Callable[[BaseHTTPRequestHandler], None],
) -> None:
    with provider(reply) as server, pytest.raises(UnsureError):
        published(server)
    assert len(server.asked) == 1


def test_an_answer_that_does_not_come_in_time_is_not_asked_for_again() -> None:
    def slowly(request: BaseHTTPRequestHandler) -> None:
        assert isinstance(request, Handler)
        request.server.patience.wait()

    with provider(slowly) as server, pytest.raises(UnsureError):
        published(server, read_timeout=0.05)
    assert len(server.asked) == 1


def test_what_never_left_was_not_sent() -> None:
    with socket.socket() as bound:  # and listens to nobody
        bound.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{bound.getsockname()[1]}"
        with pytest.raises(NotSentError):
            Gateway(client(url), "Police").publish(NUMBER, TEXT)


@pytest.mark.parametrize(
    "error", [ConnectTimeoutError(endpoint_url="http://127.0.0.1"), NoCredentialsError()]
)
def test_a_text_without_a_connection_or_credentials_was_not_sent(error: Exception) -> None:
    sns = client("http://127.0.0.1")
    with meddling(sns, "before-call.sns.Publish", raising(error)), pytest.raises(NotSentError):
        Gateway(sns, "Police").publish(NUMBER, TEXT)


@pytest.mark.parametrize(
    "reply",
    [complaining(429, "Throttling"), complaining(400, "InvalidParameter"), complaining(500, "No")],
    ids=["turned away", "refused", "unsure"],
)
def test_no_traceback_holds_the_number_or_the_text(
    reply: Callable[[BaseHTTPRequestHandler], None],
) -> None:
    with provider(reply) as server, pytest.raises(Exception, match="provider") as failed:
        published(server)
    told = "".join(traceback.format_exception(failed.value))
    assert NUMBER[-6:] not in told
    assert TEXT not in told
