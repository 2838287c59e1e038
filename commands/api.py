"""Signed calls to the API of the stack on this machine."""

from __future__ import annotations

import json
from dataclasses import dataclass
from http.client import HTTPConnection
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

if TYPE_CHECKING:
    from commands.deployed_stack import LocalStack

ANSWER_SECONDS = 30


@dataclass(frozen=True)
class Answer:
    """What the API said."""

    status: int
    body: dict[str, Any]


def call(
    stack: LocalStack,
    method: str,
    path: str,
    body: dict[str, Any] | None = None,
    *,
    signed: bool = True,
) -> Answer:
    """
    Call a route, `path` with its leading slash; any status is an answer.

    It signs at this process's time: let it follow the stack's clock.
    """
    url = stack.api_url + path
    data = b"" if body is None else json.dumps(body).encode()
    headers = {"Host": stack.api_host, "Content-Type": "application/json"}
    request = AWSRequest(method=method, url=url, data=data, headers=headers)
    if signed:
        credentials = Credentials(stack.access_key_id, stack.secret_access_key)
        SigV4Auth(credentials, "execute-api", stack.region).add_auth(request)
    parts = urlsplit(url)
    connection = HTTPConnection(parts.netloc, timeout=ANSWER_SECONDS)
    try:
        target = f"{parts.path}?{parts.query}" if parts.query else parts.path
        connection.request(method, target, body=data, headers=dict(request.headers.items()))
        response = connection.getresponse()
        return Answer(response.status, json.loads(response.read() or b"{}"))
    finally:
        connection.close()
