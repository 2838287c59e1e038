"""A command finds the stack that it acts on, with every resource of it."""

import argparse
from typing import Any

import boto3
import pytest

from commands.deployed_stack import DeployedStack, Resource, add_arguments


class FakePages:
    """Lists a stack with another one inside, two resources a page."""

    stacks = {  # noqa: RUF012 - never changed
        "outer": [
            ("Table", "t-1", "AWS::DynamoDB::Table"),
            ("Inner", "arn:inner", "AWS::CloudFormation::Stack"),
        ],
        "arn:inner": [("Alarm", "a-1", "AWS::CloudWatch::Alarm"), ("Late", "", "AWS::SQS::Queue")],
    }

    def get_paginator(self, _: str) -> "FakePages":
        return self

    def paginate(self, *, StackName: str) -> list[dict[str, Any]]:  # noqa: N803 - boto3's
        return [
            {
                "StackResourceSummaries": [
                    {"LogicalResourceId": logical, "ResourceType": kind}
                    | ({"PhysicalResourceId": physical} if physical else {})
                ]
            }
            for logical, physical, kind in self.stacks[StackName]
        ]


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, dict[str, Any]]]:
    seen: list[tuple[str, dict[str, Any]]] = []

    def client(service: str, **reach: Any) -> FakePages:
        seen.append((service, reach))
        return FakePages()

    monkeypatch.setattr(boto3, "client", client)
    return seen


def named_by(*arguments: str) -> DeployedStack:
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    return DeployedStack.named_by(parser.parse_args(arguments))


def test_a_stack_has_the_resources_of_every_page_and_of_its_nested_stacks(
    asked: list[tuple[str, dict[str, Any]]],
) -> None:
    stack = named_by("--stack-name", "outer", "--region", "eu-west-2")
    assert stack.ids == {"Table": "t-1", "Inner": "arn:inner", "Alarm": "a-1", "Late": ""}
    assert stack.of_type("AWS::CloudWatch::Alarm") == {"Alarm": "a-1"}
    assert Resource("Table", "t-1", "AWS::DynamoDB::Table") in stack.resources
    assert {reach["region_name"] for _, reach in asked} == {"eu-west-2"}


def test_a_call_that_may_have_run_is_not_repeated(asked: list[tuple[str, dict[str, Any]]]) -> None:
    named_by("--stack-name", "outer").client("lambda")
    service, reach = asked[-1]
    assert (service, reach["config"].retries["total_max_attempts"]) == ("lambda", 1)
