"""AWS's limits on sizes: everything fits, and anything too large is found."""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from commands.repository.deployed import Deployed
from commands.repository.limits import LimitedSize, of_stack, of_template
from tests.support.deployed import FILES


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_every_template_is_within_cloudformation_s_limits(file: Path) -> None:
    sizes = list(of_template(file))
    assert {"bytes", "parameters", "resources"} <= {size.what.split(": ")[-1] for size in sizes}
    assert [size for size in sizes if size.share > 1] == []


def test_every_resource_of_the_templates_is_within_its_limits() -> None:
    sizes = list(of_stack(Deployed()))
    assert len(sizes) > 100
    assert [size for size in sizes if size.share > 1] == []


LONG = "x" * 50_000
DOCUMENT = {"Statement": [{"Sid": LONG}]}
DASHBOARD = {
    "widgets": [
        *({"properties": {"metrics": [["a"]] * 501}} for _ in range(5)),
        *({"properties": {}} for _ in range(496)),
    ]
}
TOO_LARGE: dict[str, tuple[dict[str, Any], set[str]]] = {
    "AWS::IAM::ManagedPolicy": ({"PolicyDocument": DOCUMENT}, {"policy's letters"}),
    "AWS::IAM::Role": (
        {
            "Policies": [{"PolicyDocument": DOCUMENT}],
            "AssumeRolePolicyDocument": DOCUMENT,
            "ManagedPolicyArns": ["arn"] * 11,
        },
        {"inline policies' letters", "trust's letters", "managed policies"},
    ),
    "AWS::KMS::Key": ({"KeyPolicy": DOCUMENT}, {"policy's bytes"}),
    "AWS::S3::BucketPolicy": ({"PolicyDocument": DOCUMENT}, {"policy's bytes"}),
    "AWS::Lambda::Function": ({"Environment": {"Variables": {"A": LONG}}}, {"variables' bytes"}),
    "AWS::Lambda::EventSourceMapping": (
        {"FilterCriteria": {"Filters": [{"Pattern": LONG}] * 6}},
        {"filters", "filter's letters"},
    ),
    "AWS::ApiGateway::RestApi": (
        {"Body": {"x-amazon-apigateway-policy": DOCUMENT}},
        {"policy's bytes"},
    ),
    "AWS::CloudWatch::Alarm": (
        {"AlarmDescription": LONG, "AlarmRule": LONG, "Metrics": [{}] * 11},
        {"description's letters", "rule's letters", "metrics"},
    ),
    "AWS::CloudWatch::Dashboard": (
        {"DashboardBody": json.dumps(DASHBOARD)},
        {"widgets", "a widget's metrics", "metrics"},
    ),
    "AWS::Logs::QueryDefinition": (
        {"LogGroupNames": ["a"] * 51, "QueryString": LONG},
        {"log groups", "query's letters"},
    ),
}


@pytest.mark.parametrize("kind", TOO_LARGE)
def test_each_resource_that_is_too_large_is_found(kind: str) -> None:
    made, wrong = TOO_LARGE[kind]
    stack = SimpleNamespace(of_type=lambda asked: {"It": made} if asked == kind else {})
    found = {size.what for size in of_stack(cast("Deployed", stack)) if size.share > 1}
    assert found == {f"It: {each}" for each in wrong}


def test_a_role_s_policies_count_together_wherever_they_are_written() -> None:
    role = {"Policies": [{"PolicyDocument": "x" * 6000}], "AssumeRolePolicyDocument": {}}
    beside = {"Roles": ["It"], "PolicyDocument": "x" * 6000}
    made = {"AWS::IAM::Role": {"It": role}, "AWS::IAM::Policy": {"Other": beside}}
    stack = SimpleNamespace(of_type=lambda kind: made.get(kind, {}))
    sizes = of_stack(cast("Deployed", stack))
    assert LimitedSize("It: inline policies' letters", 12_004, 10_240) in list(sizes)


def test_a_template_that_is_too_large_is_found(tmp_path: Path) -> None:
    many = "\n".join(f"  P{number}: {{Type: String}}" for number in range(201))
    file = tmp_path / "large.yaml"
    file.write_text(
        f"Description: {'x' * 1025}\nParameters:\n{many}\n"
        "Resources:\n  A: {Type: AWS::SNS::Topic}\n"
    )
    assert {size.what for size in of_template(file) if size.share > 1} == {
        "large.yaml: description's bytes",
        "large.yaml: parameters",
    }
