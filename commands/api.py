"""Signed calls to a stack's API, on this machine and on AWS."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Self

import boto3
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.exceptions import BotoCoreError, ClientError
from botocore.httpsession import URLLib3Session
from botocore.utils import get_environ_proxies

from commands import moved_clock
from commands.deployed_stack import LocalStack, outputs_of

if TYPE_CHECKING:
    from argparse import Namespace

ANSWER_SECONDS = 30


@dataclass(frozen=True)
class Answer:
    """The API's answer. `retry_after` is the seconds to wait before a retry, if it says so."""

    status: int
    body: dict[str, Any]
    retry_after: float | None = field(default=None, compare=False)

    @property
    def refused(self) -> bool:
        """Whether the API refused the request."""
        return self.status >= HTTPStatus.BAD_REQUEST

    @property
    def reasons(self) -> list[str]:
        """What is wrong, in the contract's words: by field or, if none is named, as a whole."""
        errors = [f"{each['field']}: {each['message']}" for each in self.body.get("errors") or ()]
        return errors or [self.body.get("detail") or self.body.get("message") or "refused"]

    def accepted(self) -> Self:
        """This answer; exits with what the API says is wrong, if it refused."""
        if self.refused:
            sys.exit("\n".join([f"Refused ({self.status}):", *self.reasons]))
        return self


@dataclass(frozen=True)
class Api:
    """A stack's API: its address, and the credentials that sign calls to it."""

    url: str
    host: str
    region: str
    credentials: Credentials = field(repr=False)
    through: URLLib3Session = field(repr=False, compare=False)

    @classmethod
    def named_by(cls, given: Namespace) -> Self:
        """
        The API of the stack that the command line names.

        On AWS, calls use the shell's credentials: a profile, a role or variables. If no stack is
        named, it is the one on this machine, and this process follows its clock from now on.
        """
        if given.stack_name:
            return cls.on_aws(given.stack_name, given.region)
        stack = LocalStack.load()
        moved_clock.follow(stack.clock_file)
        return cls.local(stack)

    @classmethod
    def local(cls, stack: LocalStack) -> Self:
        """The API on this machine, called by its owner. It accepts only signatures at its time."""
        credentials = Credentials(stack.access_key_id, stack.secret_access_key)
        through = URLLib3Session(proxies={}, timeout=ANSWER_SECONDS)
        return cls(stack.api_url, stack.api_host, stack.region, credentials, through)

    @classmethod
    def on_aws(cls, stack_name: str, region: str | None) -> Self:
        """The API of a stack on AWS. Exits with the reason if the credentials do not suffice."""
        try:
            session = boto3.Session(region_name=region)
            cloudformation = session.client("cloudformation")
            (stack,) = cloudformation.describe_stacks(StackName=stack_name)["Stacks"]
            credentials = session.get_credentials()
        except (BotoCoreError, ClientError) as error:
            sys.exit(f"AWS did not show the stack {stack_name}: {error}")
        url, here = outputs_of(stack)["ApiUrl"], session.region_name
        through = URLLib3Session(proxies=get_environ_proxies(url), timeout=ANSWER_SECONDS)
        return cls(url, url.split("/")[2], here, credentials, through)  # type: ignore[arg-type]  # there are some: AWS has answered

    def call(
        self, method: str, path: str, body: dict[str, Any] | None = None, *, signed: bool = True
    ) -> Answer:
        """
        Call a route (`path` begins with a slash) and return the answer, whatever its status.

        The call is signed at this process's time. Raises BotoCoreError if there is no answer.
        """
        data = b"" if body is None else json.dumps(body).encode()
        headers = {"Host": self.host, "Content-Type": "application/json"}
        request = AWSRequest(method=method, url=self.url + path, data=data, headers=headers)
        if signed:
            SigV4Auth(self.credentials, "execute-api", self.region).add_auth(request)
        response = self.through.send(request.prepare())
        retry_after = response.headers.get("Retry-After")
        return Answer(
            response.status_code,
            json.loads(response.content or b"{}"),
            float(retry_after) if retry_after else None,
        )
