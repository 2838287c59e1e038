"""What an account lacks is named, with the command that mends it."""

import json
from copy import deepcopy
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError

from commands.deploy import account
from commands.deploy.account import Account, look
from tests.support.fixture_protocol import AGREED, VERSION

ROLE = "arn:aws:iam::123456789012:role/deliveries"
TOPIC = "arn:aws:sns:eu-west-2:123456789012:AlarmTopic"
SENDER = "arn:aws:sms-voice:eu-west-2:123456789012:sender-id/DurhamPol/GB"
OUTPUTS = {"DeliveryLoggingRoleArn": ROLE, "AlarmTopicArn": TOPIC, "TableName": "Table-1"}
PARAMETERS = {
    "SenderId": "DurhamPol",
    "TextsPerDay": "100",
    "SpendLimitUsd": "155",
    "ApiGatewayRole": "set",
}
STACK = {
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
            "SenderIds": [{"SenderId": "DurhamPol", "IsoCountryCode": "GB", "SenderIdArn": SENDER}]
        },
        "get_resource_policy": {"Policy": '{"Principal": {"Service": "sns.amazonaws.com"}}'},
    },
    "cloudtrail": {
        "describe_trails": {"trailList": [{"TrailARN": "arn:trail"}]},
        "get_event_selectors": {
            "DataResources": [{"Type": "AWS::DynamoDB::Table"}, {"Type": "AWS::S3::Object"}]
        },
    },
    "apigateway": {"get_account": {"cloudwatchRoleArn": "arn:role"}},
    "lambda": {"get_account_settings": {"AccountLimit": {"UnreservedConcurrentExecutions": 1000}}},
    "cloudformation": {"describe_stacks": {"Stacks": [STACK]}},
    "service-quotas": {
        "list_service_quotas": {
            "Quotas": [
                {
                    "QuotaName": "Cryptographic operations (symmetric) request rate",
                    "QuotaCode": "L-1",
                    "Value": 10_000,
                },
                {"QuotaName": "Number of schedules", "QuotaCode": "L-2", "Value": 10_000_000},
            ]
        }
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
    """An account with everything, but that one call is answered otherwise."""
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
        ("cloudtrail", "get_event_selectors", {"DataResources": [{"Type": "AWS::S3::Object"}]},
         "CloudTrail data events",
         "AWS::DynamoDB::Table not recorded: aws cloudtrail put-event-selectors"),
        ("cloudtrail", "describe_trails", {"trailList": []},
         "CloudTrail data events", "put-event-selectors"),
        ("lambda", "get_account_settings",
         {"AccountLimit": {"UnreservedConcurrentExecutions": 10}},
         "concurrency", "request-service-quota-increase --service-code lambda"),
    ],
)  # fmt: skip
def test_what_an_account_lacks_is_named_with_its_remedy(
    service: str, call: str, answer: Any, what: str, command: str
) -> None:
    found = asked(but(service, call, answer))
    assert found.keys() == {what}
    assert command in found[what]


@pytest.mark.parametrize(
    "senders", [[], [{"SenderId": "DurhamPol", "IsoCountryCode": "FR", "SenderIdArn": SENDER}]]
)
def test_a_sender_id_that_is_not_the_uk_s_is_none(senders: list[dict[str, str]]) -> None:
    found = asked(but("pinpoint-sms-voice-v2", "describe_sender_ids", {"SenderIds": senders}))
    assert found.keys() == {"sender id DurhamPol", "sender id's resource policy"}
    assert "request-sender-id --sender-id DurhamPol" in found["sender id DurhamPol"]


def test_a_sender_id_is_of_the_trials_country(monkeypatch: pytest.MonkeyPatch) -> None:
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
def test_a_setting_that_is_not_as_needed_is_missing(name: str, value: str, what: str) -> None:
    attributes = EVERYTHING["sns"]["get_sms_attributes"]["attributes"] | {name: value}
    found = asked(but("sns", "get_sms_attributes", {"attributes": attributes}))
    assert found.keys() == {what}
    assert "aws sns set-sms-attributes" in found[what]


def test_before_the_first_deployment_a_log_group_of_sns_s_name_is_in_the_way() -> None:
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
def test_a_quota_that_is_too_small_is_missing(number: int) -> None:
    quotas = deepcopy(EVERYTHING["service-quotas"]["list_service_quotas"]["Quotas"])
    quotas[number]["Value"] = 10
    found = asked(but("service-quotas", "list_service_quotas", {"Quotas": quotas}))
    (told,) = found.values()
    assert f"request-service-quota-increase --service-code {('kms', 'scheduler')[number]}" in told


def test_what_may_not_be_looked_at_is_missing() -> None:
    refused = ClientError({"Error": {"Code": "AccessDenied", "Message": "no"}}, "Anything")
    assert asked(but("lambda", "get_account_settings", refused)).keys() == {"concurrency"}


def test_the_policy_proposed_lets_sns_use_the_sender_for_this_account_alone() -> None:
    found = asked(but("pinpoint-sms-voice-v2", "get_resource_policy", {"Policy": "{}"}))
    told = found["sender id's resource policy"]
    (statement,) = json.loads(told[told.index("'") + 1 : -1])["Statement"]
    assert statement["Principal"] == {"Service": "sns.amazonaws.com"}
    assert statement["Condition"] == {"StringEquals": {"aws:SourceAccount": "123456789012"}}


def test_a_limit_of_the_alarms_that_a_month_of_texts_passes_is_missing() -> None:
    found = asked(EVERYTHING, SpendLimitUsd="154")
    assert found.keys() == {"limit of the alarms"}
    assert "SpendLimitUsd=155" in found["limit of the alarms"]
