"""The role with which a pipeline deploys: enough for every resource, and of no use for data."""

import json
import re
from typing import Any

import pytest
import yaml
from samtranslator.yaml_helper import yaml_parse

from commands.repository.template import translated
from tests.support.policies import listed
from tests.support.samples import ROOT

ROLE = ROOT / "infra/pipeline/role.yaml"
RESOURCES = yaml_parse(ROLE.read_text())["Resources"]
KINDS = sorted({each["Type"] for each in translated()["Resources"].values()})
SERVICES = {"ApiGateway": "apigateway", "WAFv2": "wafv2"}


def statements(role: str) -> list[dict[str, Any]]:
    (policy,) = RESOURCES[role]["Properties"]["Policies"]
    found: list[dict[str, Any]] = policy["PolicyDocument"]["Statement"]
    return found


def actions(role: str) -> set[str]:
    return {action for each in statements(role) for action in listed(each["Action"])}


@pytest.mark.parametrize("kind", KINDS)
def test_cloudformation_may_make_every_resource_of_the_stack(kind: str) -> None:
    _, service, _ = kind.split("::")
    prefix = SERVICES.get(service, service.lower())
    making = re.compile(rf"{prefix}:(Create|Put|Publish|Add|Associate|Subscribe|POST)")
    assert any(making.match(action) for action in actions("CloudFormationRole")), kind


@pytest.mark.parametrize("role", ["PipelineRole", "CloudFormationRole"])
def test_who_deploys_reads_no_data_and_uses_no_key(role: str) -> None:
    data = {
        *(f"dynamodb:{each}" for each in ("GetItem", "Query", "Scan", "PutItem", "DeleteItem")),
        *(f"kms:{each}" for each in ("Decrypt", "Encrypt", "GenerateMac", "GenerateDataKey")),
        *("logs:GetLogEvents", "logs:FilterLogEvents", "logs:StartQuery"),
        *("lambda:InvokeFunction", "sns:Publish", "sqs:ReceiveMessage"),
    }
    assert not actions(role) & data
    assert not [action for action in actions(role) if "*" in action]
    for statement in statements(role):
        if "s3:GetObject" in listed(statement["Action"]):
            assert "dvpo-reminders-packages" in json.dumps(statement["Resource"])


def test_only_the_repository_s_own_environment_takes_the_role() -> None:
    (trust,) = RESOURCES["PipelineRole"]["Properties"]["AssumeRolePolicyDocument"]["Statement"]
    assert trust["Principal"] == {"Federated": {"Ref": "Provider"}}
    token = "token.actions.githubusercontent.com"  # noqa: S105 - an issuer's name
    assert trust["Condition"] == {
        "StringEquals": {
            f"{token}:aud": "sts.amazonaws.com",
            f"{token}:sub": {"Fn::Sub": "repo:${Repository}:environment:${Environment}"},
        }
    }


def test_the_pipeline_hands_the_change_to_cloudformation_s_role_and_to_nobody_else() -> None:
    (passing,) = (each for each in statements("PipelineRole") if "iam:PassRole" in each["Action"])
    assert passing["Resource"] == {"Fn::GetAtt": ["CloudFormationRole", "Arn"]}
    assert passing["Condition"] == {
        "StringEquals": {"iam:PassedToService": "cloudformation.amazonaws.com"}
    }


def test_the_workflow_stores_no_key_and_calls_what_the_makefile_has() -> None:
    workflow = yaml.safe_load((ROOT / "infra/pipeline/deploy.yml").read_text())
    assert workflow["permissions"] == {"contents": "read", "id-token": "write"}
    text = json.dumps(workflow)
    assert "secrets." not in text
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert set(re.findall(r"make ([a-z-]+)", text)) <= targets
