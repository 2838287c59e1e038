"""Signed calls to a stack's API, on this machine and on AWS."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self

import boto3
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.exceptions import BotoCoreError, ClientError
from botocore.httpsession import URLLib3Session
from botocore.utils import get_environ_proxies

from commands import moved_clock
from commands.deployed_stack import LocalStack

if TYPE_CHECKING:
    from argparse import Namespace

ANSWER_SECONDS = 30


@dataclass(frozen=True)
class Answer:
    """What the API said. `retry_after` is how many seconds it wants to be left alone, if any."""

    status: int
    body: dict[str, Any]
    retry_after: float | None = field(default=None, compare=False)


@dataclass(frozen=True)
class Api:
    """Where a stack's API is, and who signs the calls of it."""

    url: str
    host: str
    region: str
    credentials: Credentials = field(repr=False)
    through: URLLib3Session = field(repr=False, compare=False)

    @classmethod
    def named_by(cls, given: Namespace) -> Self:
        """
        The API of the stack that the command line names.

        On AWS it is called with the credentials of the shell: a profile, a role, variables. If
        none is named it is the stack on this machine, and this process lives at its time from now.
        """
        if given.stack_name:
            return cls.on_aws(given.stack_name, given.region)
        stack = LocalStack.load()
        moved_clock.follow(stack.clock_file)
        return cls.local(stack)

    @classmethod
    def local(cls, stack: LocalStack) -> Self:
        """The API on this machine, called by its owner. It believes no other time than its own."""
        credentials = Credentials(stack.access_key_id, stack.secret_access_key)
        through = URLLib3Session(proxies={}, timeout=ANSWER_SECONDS)
        return cls(stack.api_url, stack.api_host, stack.region, credentials, through)

    @classmethod
    def on_aws(cls, stack_name: str, region: str | None) -> Self:
        """The API of a stack on AWS. Ends, and says why, if the shell's credentials do not do."""
        try:
            session = boto3.Session(region_name=region)
            cloudformation = session.client("cloudformation")
            (stack,) = cloudformation.describe_stacks(StackName=stack_name)["Stacks"]
            credentials = session.get_credentials()
        except (BotoCoreError, ClientError) as error:
            sys.exit(f"AWS did not show the stack {stack_name}: {error}")
        outputs = {each["OutputKey"]: each["OutputValue"] for each in stack["Outputs"]}
        url, here = outputs["ApiUrl"], session.region_name
        through = URLLib3Session(proxies=get_environ_proxies(url), timeout=ANSWER_SECONDS)
        return cls(url, url.split("/")[2], here, credentials, through)  # type: ignore[arg-type]  # there are some: AWS has answered

    def call(
        self,
        method: str,
        path: str,
        body: dict[str, Any] | None = None,
        *,
        signed: bool = True,
    ) -> Answer:
        """
        Call a route, `path` with its leading slash; any status is an answer.

        It is signed at this process's time. Raises BotoCoreError if nobody answers.
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
