"""
Finds the stack that a command acts on.

On this machine, by the description that `make up` writes (`.local/stack.json`); on AWS, by the
stack's name, with the shell's credentials.
"""

from __future__ import annotations

import json
import os
import socket
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Self
from urllib.parse import urlsplit

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

from commands import moved_clock

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace
    from collections.abc import Iterator, Mapping

    from mypy_boto3_cloudformation import CloudFormationClient
    from mypy_boto3_cloudformation.type_defs import StackTypeDef

ROOT = Path(__file__).parents[1]
STATE = ROOT / ".local"
DESCRIPTION = STATE / "stack.json"

OWNER_KEY = "test"
"""The emulator treats this access key as the account's owner, and does not verify its signature."""

_NESTED = "AWS::CloudFormation::Stack"
# No invocation takes longer. One may have run despite a timeout, so nothing is retried.
_ONCE = Config(read_timeout=310, retries={"total_max_attempts": 1})


@dataclass(frozen=True, kw_only=True)
class LocalStack:
    """The stack on this machine and how to reach it: the content of `stack.json`."""

    endpoint_url: str
    api_url: str
    api_host: str
    region: str
    access_key_id: str
    secret_access_key: str
    stack_name: str
    clock_file: str
    port: int
    template_sha256: str
    protocol: str
    takes_orders: bool = True
    outputs: dict[str, str]

    @property
    def client_url(self) -> str:
        """The API's address for a client that sends no other `Host` header than the address's."""
        api, stage = self.api_host.partition(".")[0], self.api_url.rpartition("/")[2]
        return f"{self.endpoint_url}/restapis/{api}/{stage}/_user_request_"

    @classmethod
    def load(cls) -> Self:
        """The running stack. Exits, and says what to do, if there is none."""
        if not DESCRIPTION.exists():
            sys.exit("No stack is running here. Start one with: make up")
        stack = cls(**json.loads(DESCRIPTION.read_text()))
        if not _listens(stack.endpoint_url):
            log = STATE / "emulator.log"
            sys.exit(f"The emulator has stopped: see {log}. Start again with: make up")
        return stack


class Resource(NamedTuple):
    """One resource: its name in the template, its real name, and its type."""

    logical_id: str
    physical_id: str
    kind: str


@dataclass(frozen=True)
class DeployedStack:
    """A stack: its name, boto3's arguments for it, and its resources, also of nested stacks."""

    name: str
    reach: Mapping[str, Any]
    resources: tuple[Resource, ...]

    @property
    def ids(self) -> dict[str, str]:
        """The physical id of each of the template's resources."""
        return {each.logical_id: each.physical_id for each in self.resources}

    def of_type(self, kind: str) -> dict[str, str]:
        """The resources of a type, such as `AWS::Logs::LogGroup`, in the form of `ids`."""
        return {each.logical_id: each.physical_id for each in self.resources if each.kind == kind}

    @classmethod
    def named_by(cls, given: Namespace) -> Self:
        """The stack that the command line names; by default the one on this machine."""
        if given.stack_name:
            return cls.found(given.stack_name, {"region_name": given.region, "config": _ONCE})
        return cls.here()

    @classmethod
    def here(cls) -> Self:
        """The stack on this machine. From now on this process follows its clock."""
        stack = LocalStack.load()
        moved_clock.follow(stack.clock_file)
        return cls.local(stack)

    @classmethod
    def local(cls, stack: LocalStack) -> Self:
        """The stack so described. It accepts calls only from a process that follows its clock."""
        return cls.found(stack.stack_name, owner_access(stack.endpoint_url, stack.region))

    @classmethod
    def found(cls, name: str, reach: Mapping[str, Any]) -> Self:
        """The stack of that name, once its resources are listed."""
        return cls(name, reach, tuple(_resources(boto3.client("cloudformation", **reach), name)))

    def client(self, service: str) -> Any:  # noqa: ANN401 - each service has a client of its own
        """A boto3 client for a service of the stack."""
        return boto3.client(service, **self.reach)  # type: ignore[call-overload]  # a variable name


def owner_access(endpoint_url: str, region: str) -> dict[str, Any]:
    """A boto3 client's arguments for acting as the owner of the emulator's account."""
    os.environ.pop("AWS_PROFILE", None)  # boto3 would look for it, and it is valid on AWS only
    return {
        "endpoint_url": endpoint_url,
        "region_name": region,
        "aws_access_key_id": OWNER_KEY,
        "aws_secret_access_key": OWNER_KEY,
        "config": _ONCE.merge(Config(proxies={}, connect_timeout=5)),
    }


def stack_of(cloudformation: CloudFormationClient, name: str) -> StackTypeDef | None:
    """CloudFormation's description of a stack; None if there is no stack."""
    try:
        found = cloudformation.describe_stacks(StackName=name)["Stacks"][0]
    except ClientError as error:
        if error.response["Error"]["Code"] == "ValidationError":
            return None
        raise
    gone = found["StackStatus"] in {"REVIEW_IN_PROGRESS", "DELETE_COMPLETE"}
    return None if gone else found


def outputs_of(stack: StackTypeDef | None) -> dict[str, str]:
    """The outputs of a stack so described."""
    found = stack.get("Outputs", []) if stack else []
    return {each["OutputKey"]: each["OutputValue"] for each in found}


def parameters_of(stack: StackTypeDef | None) -> dict[str, str]:
    """The parameters of a stack so described."""
    found = stack.get("Parameters", []) if stack else []
    return {each["ParameterKey"]: each["ParameterValue"] for each in found}


def failures(cloudformation: CloudFormationClient, name: str) -> Iterator[str]:
    """The resources that failed, in order, and why."""
    events = cloudformation.describe_stack_events(StackName=name)["StackEvents"]
    for event in reversed(events):
        if event["ResourceStatus"].endswith("_FAILED"):
            reason = event.get("ResourceStatusReason", "no reason given")
            yield f"  {event['LogicalResourceId']} ({event['ResourceType']}): {reason}"
    for found in cloudformation.describe_events(StackName=name)["OperationEvents"]:
        if "ValidationStatusReason" in found:
            yield f"  {found['LogicalResourceId']}: {found['ValidationStatusReason']}"


def add_arguments(parser: ArgumentParser) -> None:
    """Let the command line name a stack."""
    parser.add_argument("--stack-name", help="a stack on AWS; default: the one on this machine")
    parser.add_argument("--region", help="the region of that stack; default: the shell's")


def _resources(cloudformation: Any, name: str) -> Iterator[Resource]:  # noqa: ANN401 - boto3's
    """Every resource, those of nested stacks first."""
    # ListStackResources pages; DescribeStackResources returns the first 100 only.
    pages = cloudformation.get_paginator("list_stack_resources").paginate(StackName=name)
    for page in pages:
        for resource in page["StackResourceSummaries"]:
            physical_id, kind = resource.get("PhysicalResourceId", ""), resource["ResourceType"]
            if kind == _NESTED and physical_id:
                yield from _resources(cloudformation, physical_id)
            yield Resource(resource["LogicalResourceId"], physical_id, kind)


def _listens(endpoint_url: str) -> bool:
    parts = urlsplit(endpoint_url)
    try:
        with socket.create_connection((parts.hostname or "", parts.port or 80), timeout=5):
            return True
    except OSError:
        return False
