"""Each thing that an account lacks is named, with the command that fixes it."""

import json
import re
import shlex
from copy import deepcopy
from types import SimpleNamespace
from typing import Any

import pytest
from botocore import session, xform_name
from botocore.exceptions import ClientError

from commands.deploy import account
from commands.deploy.account import Account, look
from tests.support.fixture_protocol import AGREED, VERSION

ROLE = "arn:aws:iam::123456789012:role/deliveries"
TOPIC = "arn:aws:sns:eu-west-2:123456789012:AlarmTopic"
SENDER = "arn:aws:sms-voice:eu-west-2:123456789012:sender-id/DurhamPol/GB"
OUTPUTS = {
    "DeliveryLoggingRoleArn": ROLE,
    "AlarmTopicArn": TOPIC,
    "TableName": "Table-1",
    "AuditBucketName": "audit-1",
    "ExtractBucketName": "extract-1",
}
ITEMS = "arn:aws:dynamodb:eu-west-2:123456789012:table/Table-1"
OBJECTS = {"Type": "AWS::S3::Object", "Values": ["arn:aws:s3"]}
MANAGEMENT: dict[str, Any] = {"ReadWriteType": "All", "IncludeManagementEvents": True}
PARAMETERS = {
    "SenderId": "DurhamPol",
    "TextsPerDay": "100",
    "SpendLimitUsd": "155",
    "ApiGatewayRole": "set",
}
STACK = {
    "StackStatus": "UPDATE_COMPLETE",
    "Outputs": [{"OutputKey": key, "OutputValue": value} for key, value in OUTPUTS.items()],
    "Parameters": [
        {"ParameterKey": key, "ParameterValue": value} for key, value in PARAMETERS.items()
    ],
}
EVERYTHING: dict[str, dict[str, Any]] = {
    "sns": {
        "get_sms_sandbox_account_status": {"IsInSandbox": False},
        "get_sms_attributes": {
            "attributes": {
                "MonthlySpendLimit": "500",
                "DeliveryStatusIAMRole": ROLE,
                "DeliveryStatusSuccessSamplingRate": "100",
            }
        },
        "list_subscriptions_by_topic": {"Subscriptions": [{"SubscriptionArn": f"{TOPIC}:1"}]},
    },
    "logs": {"describe_log_groups": {"logGroups": [{"logGroupName": "sns/group"}]}},
    "pinpoint-sms-voice-v2": {
        "describe_sender_ids": {
            "SenderIds": [
                {
                    "SenderId": "DurhamPol",
                    "IsoCountryCode": "GB",
                    "SenderIdArn": SENDER,
                    "Registered": True,
                }
            ]
        },
        "get_resource_policy": {"Policy": '{"Principal": {"Service": "sns.amazonaws.com"}}'},
    },
    "cloudtrail": {
        "describe_trails": {"trailList": [{"TrailARN": "arn:trail"}]},
        "get_trail_status": {"IsLogging": True},
        "get_event_selectors": {
            "EventSelectors": [
                MANAGEMENT
                | {"DataResources": [{"Type": "AWS::DynamoDB::Table", "Values": [ITEMS]}, OBJECTS]}
            ]
        },
    },
    "apigateway": {"get_account": {"cloudwatchRoleArn": "arn:role"}},
    "lambda": {"get_account_settings": {"AccountLimit": {"UnreservedConcurrentExecutions": 1000}}},
    "cloudformation": {"describe_stacks": {"Stacks": [STACK]}},
    "service-quotas": {
        "list_aws_default_service_quotas": {"Quotas": []},
        "list_service_quotas": {
            "Quotas": [
                {
                    "QuotaName": "Cryptographic operations (symmetric) request rate",
                    "QuotaCode": "L-1",
                    "Value": 10_000,
                },
                {"QuotaName": "Number of schedules", "QuotaCode": "L-2", "Value": 10_000_000},
            ]
        },
    },
}
NO_STACK = ClientError({"Error": {"Code": "ValidationError", "Message": "no"}}, "DescribeStacks")


def asked(answers: dict[str, dict[str, Any]], **parameters: str) -> dict[str, str]:
    """What is missing in an account that answers like this, and what to do."""

    def client(service: str) -> Any:
        def said(name: str) -> Any:
            answer = answers[service][name]
            if isinstance(answer, Exception):
                raise answer
            return answer

        calls = {name: lambda name=name, **_: said(name) for name in answers[service]}
        pages = lambda name: SimpleNamespace(paginate=lambda **_: [said(name)])  # noqa: E731
        return SimpleNamespace(**calls, get_paginator=pages)

    found = Account(client, "123456789012", "eu-west-2", "dvpo-reminders-v1", parameters)
    return {each.what: each.detail for each in look(found) if not each.there}


def but(service: str, call: str, answer: Any) -> dict[str, dict[str, Any]]:
    """An account with everything, except that one call has another answer."""
    answers = deepcopy(EVERYTHING)
    answers[service][call] = answer
    return answers


def test_an_account_with_everything_lacks_nothing() -> None:
    assert asked(EVERYTHING) == {}


@pytest.mark.parametrize(
    ("service", "call", "answer", "what", "command"),
    [
        ("sns", "get_sms_sandbox_account_status", {"IsInSandbox": True},
         "out of the SMS sandbox", "aws support"),
        ("sns", "list_subscriptions_by_topic",
         {"Subscriptions": [{"SubscriptionArn": "PendingConfirmation"}]},
         "alarm subscription", "click the link"),
        ("sns", "list_subscriptions_by_topic", {"Subscriptions": []},
         "alarm subscription", f"aws sns subscribe --topic-arn {TOPIC}"),
        ("pinpoint-sms-voice-v2", "get_resource_policy", {"Policy": "{}"},
         "sender id's resource policy", f"put-resource-policy --resource-arn {SENDER}"),
        ("pinpoint-sms-voice-v2", "get_resource_policy",
         ClientError({"Error": {"Code": "ResourceNotFoundException", "Message": ""}}, "Get"),
         "sender id's resource policy", "put-resource-policy"),
        ("cloudtrail", "get_event_selectors",
         {"EventSelectors": [MANAGEMENT | {"DataResources": [OBJECTS]}]},
         "CloudTrail data events",
         f"{ITEMS} not recorded: aws cloudtrail put-event-selectors --trail-name arn:trail"),
        ("cloudtrail", "get_trail_status", {"IsLogging": False},
         "CloudTrail data events", "aws cloudtrail start-logging --name arn:trail"),
        ("cloudtrail", "describe_trails", {"trailList": []},
         "CloudTrail data events", "aws cloudtrail create-trail"),
        ("lambda", "get_account_settings",
         {"AccountLimit": {"UnreservedConcurrentExecutions": 10}},
         "concurrency", "request-service-quota-increase --service-code lambda"),
    ],
)  # fmt: skip
def test_each_thing_that_an_account_lacks_is_named_with_its_remedy(
    service: str, call: str, answer: Any, what: str, command: str
) -> None:
    found = asked(but(service, call, answer))
    assert found.keys() == {what}
    assert command in found[what]


@pytest.mark.parametrize(
    "senders",
    [[], [{"SenderId": "DurhamPol", "IsoCountryCode": "FR", "SenderIdArn": SENDER}]],
)
def test_a_sender_id_of_another_country_does_not_count(senders: list[dict[str, str]]) -> None:
    found = asked(but("pinpoint-sms-voice-v2", "describe_sender_ids", {"SenderIds": senders}))
    assert found.keys() == {"sender id DurhamPol", "sender id's resource policy"}
    assert "request-sender-id --sender-id DurhamPol" in found["sender id DurhamPol"]


def test_the_sender_id_is_looked_up_in_the_trial_s_country(monkeypatch: pytest.MonkeyPatch) -> None:
    there = AGREED.model_copy(update={"place": AGREED.place.model_copy(update={"country": "NZ"})})
    monkeypatch.setattr(account, "load", lambda _: there)
    assert asked(EVERYTHING, Protocol="another-2027-1") == {}
    missing = asked(EVERYTHING, Protocol=VERSION)["sender id DurhamPol"]
    assert "--iso-country-code NZ" in missing


@pytest.mark.parametrize(
    ("name", "value", "what"),
    [
        ("DeliveryStatusIAMRole", "arn:other", "delivery log"),
        ("DeliveryStatusSuccessSamplingRate", "50", "delivery log"),
        ("MonthlySpendLimit", "154", "spend limit"),  # 100 texts a day may take 155
    ],
)
def test_a_setting_with_another_value_counts_as_missing(name: str, value: str, what: str) -> None:
    attributes = EVERYTHING["sns"]["get_sms_attributes"]["attributes"] | {name: value}
    found = asked(but("sns", "get_sms_attributes", {"attributes": attributes}))
    assert found.keys() == {what}
    assert "aws sns set-sms-attributes" in found[what]


def test_an_existing_log_group_with_sns_s_name_blocks_the_first_deployment() -> None:
    found = asked(but("cloudformation", "describe_stacks", NO_STACK))
    assert "aws logs delete-log-group --log-group-name sns/group" in found["delivery log groups"]


@pytest.mark.parametrize(
    ("role", "chosen", "missing"),
    [
        ("arn:role", "set", True),
        ("arn:role", "keep", False),
        ("", "set", False),
        ("", "keep", True),
    ],
)
def test_the_account_s_role_for_api_gateway_is_not_overwritten_unasked(
    role: str, chosen: str, *, missing: bool
) -> None:
    answers = but("cloudformation", "describe_stacks", NO_STACK)
    answers["apigateway"]["get_account"] = {"cloudwatchRoleArn": role} if role else {}
    assert ("API Gateway's role" in asked(answers, ApiGatewayRole=chosen)) is missing


@pytest.mark.parametrize("number", [0, 1])
def test_a_quota_that_is_too_small_counts_as_missing(number: int) -> None:
    quotas = deepcopy(EVERYTHING["service-quotas"]["list_service_quotas"]["Quotas"])
    quotas[number]["Value"] = 10
    found = asked(but("service-quotas", "list_service_quotas", {"Quotas": quotas}))
    (told,) = found.values()
    assert f"request-service-quota-increase --service-code {('kms', 'scheduler')[number]}" in told


def test_a_quota_that_was_never_raised_counts_with_its_default() -> None:
    """AWS lists an applied value for some quotas only."""
    answers = deepcopy(EVERYTHING)
    quotas = answers["service-quotas"]
    quotas["list_aws_default_service_quotas"] = quotas["list_service_quotas"]
    quotas["list_service_quotas"] = {"Quotas": []}
    assert asked(answers) == {}
    quotas["list_aws_default_service_quotas"] = {"Quotas": []}
    assert asked(answers).keys() == {"quota of kms", "quota of scheduler"}


def test_a_sender_id_that_waits_for_its_registration_is_not_requested_twice() -> None:
    senders = deepcopy(EVERYTHING["pinpoint-sms-voice-v2"]["describe_sender_ids"])
    senders["SenderIds"][0]["Registered"] = False
    told = asked(but("pinpoint-sms-voice-v2", "describe_sender_ids", senders))
    assert told.keys() == {"sender id DurhamPol"}
    assert "request-sender-id" not in told["sender id DurhamPol"]
    assert "create-registration" in told["sender id DurhamPol"]


def selector(kind: str, *arns: str) -> dict[str, Any]:
    """An advanced event selector, of these resources or of all of a kind."""
    fields = [
        {"Field": "eventCategory", "Equals": ["Data"]},
        {"Field": "resources.type", "Equals": [kind]},
    ]
    return {
        "FieldSelectors": [*fields, *({"Field": "resources.ARN", "StartsWith": [a]} for a in arns)]
    }


@pytest.mark.parametrize(
    ("selectors", "missing"),
    [
        ([selector("AWS::DynamoDB::Table"), selector("AWS::S3::Object")], 0),
        ([selector("AWS::DynamoDB::Table", ITEMS), selector("AWS::S3::Object")], 0),
        ([selector("AWS::DynamoDB::Table", f"{ITEMS}-of-others"), selector("AWS::S3::Object")], 1),
        (
            [
                selector("AWS::DynamoDB::Table"),
                selector("AWS::S3::Object", "arn:aws:s3:::audit-1/"),
            ],
            1,
        ),
        ([selector("AWS::DynamoDB::Table")], 2),
    ],
)
def test_data_events_must_be_of_the_trial_s_own_table_and_buckets(
    selectors: list[dict[str, Any]], missing: int
) -> None:
    trail = {"AdvancedEventSelectors": selectors}
    found = asked(but("cloudtrail", "get_event_selectors", trail))
    assert len(found) == bool(missing)
    for told in found.values():
        words = shlex.split(told)
        set_by = json.loads(words[words.index("--advanced-event-selectors") + 1])
        assert set_by[: len(selectors)] == selectors  # what the trail has stays
        assert len(set_by) == len(selectors) + missing
        mended = {"AdvancedEventSelectors": set_by}
        assert asked(but("cloudtrail", "get_event_selectors", mended)) == {}


@pytest.mark.parametrize(
    "trail",
    [
        {"EventSelectors": [MANAGEMENT]},
        {"EventSelectors": [MANAGEMENT | {"DataResources": [OBJECTS]}]},
    ],
)
def test_the_proposed_selectors_record_what_a_trail_misses(trail: dict[str, Any]) -> None:
    (told,) = asked(but("cloudtrail", "get_event_selectors", trail)).values()
    words = shlex.split(told)
    form = next(each for each in words if each.endswith("event-selectors") and each[0] == "-")
    name = "EventSelectors" if form == "--event-selectors" else "AdvancedEventSelectors"
    mended = {name: json.loads(words[words.index(form) + 1])}
    assert asked(but("cloudtrail", "get_event_selectors", mended)) == {}
    if name == "EventSelectors":
        assert mended[name][0]["DataResources"][0] == OBJECTS


def commands() -> list[str]:
    """Every command that is proposed, each for an account that lacks one thing."""
    empty = [
        ("sns", "get_sms_sandbox_account_status", {"IsInSandbox": True}),
        ("sns", "get_sms_attributes", {"attributes": {}}),
        ("sns", "list_subscriptions_by_topic", {"Subscriptions": []}),
        ("pinpoint-sms-voice-v2", "describe_sender_ids", {"SenderIds": []}),
        ("pinpoint-sms-voice-v2", "get_resource_policy", {"Policy": "{}"}),
        ("cloudtrail", "describe_trails", {"trailList": []}),
        ("cloudtrail", "get_trail_status", {"IsLogging": False}),
        ("cloudtrail", "get_event_selectors", {"EventSelectors": [MANAGEMENT]}),
        ("lambda", "get_account_settings", {"AccountLimit": {"UnreservedConcurrentExecutions": 1}}),
        ("cloudformation", "describe_stacks", NO_STACK),
    ]
    told = [detail for each in empty for detail in asked(but(*each)).values()]
    return [f"aws {part}" for detail in told for part in detail.split("aws ")[1:]]


def test_every_proposed_command_exists_in_aws_s_cli() -> None:
    """
    The CLI's services, operations and flags are botocore's, spelt with hyphens.

    But for one: https://docs.aws.amazon.com/cli/latest/reference/sns/subscribe.html
    """
    models = session.get_session()
    for command in commands():
        _, service, operation, *words = shlex.split(
            re.split("; |, once|: with", command.replace("--notification-endpoint", "--endpoint"))[
                0
            ]
        )
        model = models.get_service_model(service)
        names = {xform_name(each, "-"): each for each in model.operation_names}
        taken = model.operation_model(names[operation]).input_shape
        assert taken is not None
        flags = {word for word in words if word.startswith("--")} - {"--region"}
        assert flags <= {f"--{xform_name(each, '-')}" for each in taken.members}, command
        required = {f"--{xform_name(each, '-')}" for each in taken.required_members}
        assert required <= flags, command


def test_every_command_names_its_region() -> None:
    """The shell's own may be another one, or none."""
    for command in commands():
        region = "us-east-1" if command.startswith("aws support") else "eu-west-2"
        assert f"--region {region}" in command or "create-registration" in command, command


def test_a_setting_that_may_not_be_read_counts_as_missing() -> None:
    refused = ClientError({"Error": {"Code": "AccessDenied", "Message": "no"}}, "Anything")
    assert asked(but("lambda", "get_account_settings", refused)).keys() == {"concurrency"}


def test_the_policy_proposed_lets_sns_use_the_sender_for_this_account_alone() -> None:
    found = asked(but("pinpoint-sms-voice-v2", "get_resource_policy", {"Policy": "{}"}))
    told = found["sender id's resource policy"]
    policy = shlex.split(told)[shlex.split(told).index("--policy") + 1]
    (statement,) = json.loads(policy)["Statement"]
    assert statement["Principal"] == {"Service": "sns.amazonaws.com"}
    assert statement["Condition"] == {"StringEquals": {"aws:SourceAccount": "123456789012"}}


def test_a_spending_alarm_that_a_month_of_texts_exceeds_counts_as_missing() -> None:
    found = asked(EVERYTHING, SpendLimitUsd="154")
    assert found.keys() == {"limit of the alarms"}
    assert "SpendLimitUsd=155" in found["limit of the alarms"]
