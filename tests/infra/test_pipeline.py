"""The role with which a pipeline deploys: enough for every resource, and no access to data."""

import json
import re
from typing import Any

import pytest
import yaml
from samtranslator.yaml_helper import yaml_parse

from commands.repository.template import translated
from tests.support.deployed import STACK, Deployed, of_policy, of_role
from tests.support.policies import allows, covers, like, listed, rights
from tests.support.samples import ROOT

ROLE = ROOT / "infra/pipeline/role.yaml"
RESOURCES = yaml_parse(ROLE.read_text())["Resources"]
PIPELINE = Deployed(yaml_parse(ROLE.read_text()), Repository="force/dvpo")
BOUNDARY = of_policy("Boundary", PIPELINE)
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


BESIDE_MAKING = {
    "AWS::ApiGateway::DomainName": "apigateway:AddCertificateToDomain",  # mutual TLS
    "AWS::Chatbot::SlackChannelConfiguration": (
        "chatbot:AssociateToConfiguration chatbot:ListAssociations chatbot:TagResource"
    ),
    "AWS::CloudWatch::CompositeAlarm": "cloudwatch:TagResource",
    "AWS::DynamoDB::Table": (
        "dynamodb:DeleteResourcePolicy dynamodb:DescribeContributorInsights "
        "dynamodb:DescribeKinesisStreamingDestination dynamodb:GetResourcePolicy "
        "dynamodb:PutResourcePolicy kms:CreateGrant kms:Decrypt kms:DescribeKey kms:Encrypt "
        "kms:GenerateDataKey kms:ReEncryptFrom kms:ReEncryptTo"
    ),
    "AWS::IAM::ManagedPolicy": "iam:ListEntitiesForPolicy",
    "AWS::Lambda::Function": (
        "lambda:GetFunctionCodeSigningConfig lambda:GetFunctionRecursionConfig "
        "lambda:GetRuntimeManagementConfig"
    ),
    "AWS::Lambda::Permission": "lambda:GetPolicy",
    "AWS::Logs::LogGroup": (
        "logs:DescribeIndexPolicies logs:DescribeResourcePolicies logs:GetDataProtectionPolicy"
    ),
    "AWS::S3::Bucket": (
        "s3:GetBucketOwnershipControls s3:GetBucketPublicAccessBlock s3:GetBucketVersioning "
        "s3:ListBucket"
    ),
    "AWS::SNS::Subscription": "sns:GetSubscriptionAttributes sns:Unsubscribe",
    "AWS::SNS::Topic": "sns:GetDataProtectionPolicy sns:ListTagsForResource",
    "AWS::SQS::Queue": "sqs:GetQueueUrl sqs:ListQueueTags",
    "AWS::Scheduler::ScheduleGroup": "scheduler:ListTagsForResource scheduler:TagResource",
    "AWS::WAFv2::WebACL": "wafv2:UntagResource",
}
"""
What CloudFormation calls besides making a resource of a type, as AWS's schema of the type lists it.

See `aws cloudformation describe-type`, under `handlers`. What DynamoDB asks of a key:
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/encryption.usagenotes.html
"""


@pytest.mark.parametrize("kind", BESIDE_MAKING)
def test_cloudformation_may_read_set_and_remove_what_it_makes(kind: str) -> None:
    assert kind in KINDS
    assert set(BESIDE_MAKING[kind].split()) <= actions("CloudFormationRole")


@pytest.mark.parametrize(
    "action",
    [
        "cloudwatch:DescribeAlarms",  # of a composite alarm, as the next one
        "cloudwatch:PutCompositeAlarm",
        "logs:DescribeIndexPolicies",
        "sns:GetSubscriptionAttributes",
        "sns:Unsubscribe",
    ],
)
def test_rights_that_aws_cannot_limit_to_a_resource_are_on_all_resources(action: str) -> None:
    (statement,) = (
        each for each in statements("CloudFormationRole") if action in listed(each["Action"])
    )
    assert statement["Resource"] == "*"


@pytest.mark.parametrize("role", ["PipelineRole", "CloudFormationRole"])
def test_whoever_makes_a_stack_with_transforms_may_make_change_sets_of_them(role: str) -> None:
    """The parent uses SAM's transform, a nested stack the language extensions."""
    making = [each for each in statements(role) if "transform" in json.dumps(each["Resource"])]
    assert [each["Action"] for each in making] == ["cloudformation:CreateChangeSet"]


@pytest.mark.parametrize("role", ["PipelineRole", "CloudFormationRole"])
def test_a_role_s_policies_are_no_longer_than_iam_takes(role: str) -> None:
    names = {"Partition": "aws-us-gov", "Region": "eu-central-2", "AccountId": "1" * 12}
    text = json.dumps(statements(role), separators=(",", ":"))
    for name, value in names.items():
        text = text.replace(f"${{AWS::{name}}}", value)
    assert len(text.replace("${Stack}", "dvpo-reminders-v1")) <= 10_240


@pytest.mark.parametrize("role", ["PipelineRole", "CloudFormationRole"])
def test_the_deploying_role_reads_no_data_and_uses_no_key(role: str) -> None:
    data = {
        *(f"dynamodb:{each}" for each in ("GetItem", "Query", "Scan", "PutItem", "DeleteItem")),
        *("kms:GenerateMac", "logs:GetLogEvents", "logs:FilterLogEvents", "logs:StartQuery"),
        *("lambda:InvokeFunction", "sns:Publish", "sqs:ReceiveMessage"),
    }
    assert not actions(role) & data
    use = re.compile(r"kms:(Decrypt|Encrypt|GenerateData|ReEncrypt)")
    for statement in statements(role):  # only as DynamoDB does in the role's name
        if any(use.match(action) for action in listed(statement["Action"])):
            (service,) = statement["Condition"]["StringEquals"].values()
            assert service == {"Fn::Sub": "dynamodb.${AWS::Region}.${AWS::URLSuffix}"}
    assert not [action for action in actions(role) if "*" in action]
    for statement in statements(role):
        if "s3:GetObject" in listed(statement["Action"]):
            assert "dvpo-reminders-packages" in json.dumps(statement["Resource"])


OWN = "arn:aws:iam::123456789012:role/dvpo-reminders-v1-SendingRole"


@pytest.mark.parametrize(
    "action", ["CreateRole", "PutRolePolicy", "AttachRolePolicy", "PutRolePermissionsBoundary"]
)
def test_cloudformation_gives_rights_only_to_roles_that_the_boundary_limits(action: str) -> None:
    given = of_role("CloudFormationRole", PIPELINE)
    bounded = {"iam:PermissionsBoundary": "arn:aws:iam::123456789012:policy/Boundary"}
    other = {"iam:PermissionsBoundary": "arn:aws:iam::aws:policy/AdministratorAccess"}
    assert allows(given, f"iam:{action}", OWN, bounded)
    assert not allows(given, f"iam:{action}", OWN, other)
    assert not allows(given, f"iam:{action}", OWN)


def test_cloudformation_neither_lifts_nor_rewrites_the_boundary_whatever_its_name() -> None:
    given = of_role("CloudFormationRole", PIPELINE)
    assert not allows(given, "iam:DeleteRolePermissionsBoundary", OWN)
    denied = [each for each in given if each["Effect"] == "Deny"]
    boundary = PIPELINE.resolved({"Ref": "Boundary"})
    for action in ("CreatePolicyVersion", "DeletePolicy", "DeletePolicyVersion"):
        assert any(covers(each, f"iam:{action}", boundary) for each in denied)


@pytest.mark.parametrize("role", sorted(STACK.of_type("AWS::IAM::Role")))
def test_the_boundary_takes_no_right_from_a_role_of_the_stack(role: str) -> None:
    """Resources are compared without the stack's name, with which AWS begins theirs."""
    pairs = [
        (action, resource.replace("dvpo-reminders-v1-", ""))
        for action, resource in rights(BOUNDARY)
    ]
    for action, resource in rights(of_role(role)):
        assert any(like(action, most) and like(resource, within) for most, within in pairs), action


def test_the_boundary_holds_to_the_stack_and_lets_no_role_change_rights() -> None:
    for action, resource in rights(BOUNDARY):
        assert resource == "*" or re.search(r"dvpo-reminders-v1-|:key/", resource)
        assert "*" not in action
    assert {action for action, _ in rights(BOUNDARY) if action.startswith("iam:")} == {
        "iam:PassRole"
    }


def test_a_parameter_bounds_every_role_of_the_stack() -> None:
    boundary = "arn:aws:iam::123456789012:policy/boundary"
    chat = {"ChatWorkspace": "T1", "ChatChannel": "C1"}
    roles = Deployed(PermissionsBoundary=boundary, **chat).of_type("AWS::IAM::Role")
    assert {each["PermissionsBoundary"] for each in roles.values()} == {boundary}
    assert len(roles) > len(STACK.of_type("AWS::IAM::Role"))
    assert not [
        each for each in STACK.of_type("AWS::IAM::Role").values() if "PermissionsBoundary" in each
    ]


def test_only_the_repository_s_own_environment_takes_the_role() -> None:
    (trust,) = RESOURCES["PipelineRole"]["Properties"]["AssumeRolePolicyDocument"]["Statement"]
    provider = {"Fn::If": ["MakesProvider", {"Ref": "Provider"}, {"Ref": "ProviderArn"}]}
    assert trust["Principal"] == {"Federated": provider}
    token = "token.actions.githubusercontent.com"  # noqa: S105 - an issuer's name
    assert trust["Condition"] == {
        "StringEquals": {
            f"{token}:aud": "sts.amazonaws.com",
            f"{token}:sub": {"Fn::Sub": "repo:${Repository}:environment:${Environment}"},
        }
    }


def test_the_pipeline_passes_only_cloudformation_s_role() -> None:
    (passing,) = (each for each in statements("PipelineRole") if "iam:PassRole" in each["Action"])
    assert passing["Resource"] == {"Fn::GetAtt": ["CloudFormationRole", "Arn"]}
    assert passing["Condition"] == {
        "StringEquals": {"iam:PassedToService": "cloudformation.amazonaws.com"}
    }


def test_the_workflow_stores_no_key_and_calls_targets_of_the_makefile() -> None:
    workflow = yaml.safe_load((ROOT / "infra/pipeline/deploy.yml").read_text())
    assert workflow["permissions"] == {"contents": "read", "id-token": "write"}
    text = json.dumps(workflow)
    assert "secrets." not in text
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert set(re.findall(r"make ([a-z-]+)", text)) <= targets
