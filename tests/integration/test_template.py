"""The template held against the code, and against what must hold of it: as SAM will deploy it."""

from __future__ import annotations

import importlib
import json
import re
from fnmatch import fnmatch
from typing import TYPE_CHECKING, Any

import pytest
from samtranslator.translator.transform import transform
from samtranslator.yaml_helper import yaml_parse

from enrolment.handler import contract
from tests.support.samples import EVENTS, ROOT, sample
from tests.support.steps import announcement, schedule, someone_in
from tests.support.table import everything
from trial import config
from trial.model import Arm

if TYPE_CHECKING:
    from collections.abc import Iterator

TEXT = (ROOT / "infra/template.yaml").read_text()
SAMPLES = {
    "EnrolmentFunction": "api-*",
    "AllocationFunction": "stream-eligible",
    "SchedulingFunction": "stream-allocated",
    "SendingFunction": "schedule-fired",
    "ReconciliationFunction": "reconciliation-*",
    "ReceiptsFunction": "receipts-*",
}


class NoPolicies:
    """SAM would ask AWS for the names of managed policies, of which there are none here."""

    def load(self) -> dict[str, str]:
        return {}


def translated() -> dict[str, dict[str, Any]]:
    """Every resource by its logical id, once SAM has made CloudFormation of it."""
    packed = re.sub(r"(CodeUri|ContentUri): *\.\S+", r"\1: s3://bucket/key", TEXT)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_DEFAULT_REGION", "eu-west-2")
        made = transform(yaml_parse(packed), {}, NoPolicies())
    resources: dict[str, dict[str, Any]] = made["Resources"]
    return resources


RESOURCES = translated()


def of_type(kind: str) -> dict[str, dict[str, Any]]:
    return {
        name: resource["Properties"]
        for name, resource in RESOURCES.items()
        if resource["Type"] == kind
    }


def target(reference: Any) -> str:
    """The logical id that a Ref or a GetAtt names."""
    (named,) = reference.values()
    return str(named if isinstance(named, str) else named[0]).split(".")[0]


FUNCTIONS = of_type("AWS::Lambda::Function")
MAPPINGS = of_type("AWS::Lambda::EventSourceMapping")
(API,) = of_type("AWS::ApiGateway::RestApi").values()
METHODS = {
    (path, method): said
    for path, methods in API["Body"]["paths"].items()
    for method, said in methods.items()
}
each_function = pytest.mark.parametrize("name", FUNCTIONS)
each_mapping = pytest.mark.parametrize("name", MAPPINGS)


# Functions


@each_function
def test_its_handler_is_there(name: str) -> None:
    module, _, function = FUNCTIONS[name]["Handler"].rpartition(".")
    assert callable(getattr(importlib.import_module(module), function))


@each_function
def test_it_is_told_exactly_what_its_settings_ask_for(name: str) -> None:
    asked = getattr(config, name.replace("Function", "Settings"))
    told = FUNCTIONS[name]["Environment"]["Variables"]
    assert {variable for variable in told if not variable.startswith("POWERTOOLS_")} == {
        field.upper() for field in asked.model_fields
    }


@each_function
def test_it_runs_on_python_3_13_on_arm(name: str) -> None:
    function = FUNCTIONS[name]
    assert (function["Runtime"], function["Architectures"]) == ("python3.13", ["arm64"])


@pytest.mark.parametrize("own", ["Role", "LoggingConfig"])
def test_each_has_a_role_and_a_log_group_of_its_own(own: str) -> None:
    owned = [json.dumps(function[own]) for function in FUNCTIONS.values()]
    assert len(set(owned)) == len(FUNCTIONS)


@each_function
def test_its_log_is_encrypted_and_does_not_grow_for_ever(name: str) -> None:
    group = of_type("AWS::Logs::LogGroup")[target(FUNCTIONS[name]["LoggingConfig"]["LogGroup"])]
    assert group["RetentionInDays"]
    assert group["KmsKeyId"] == {"Fn::GetAtt": ["DataKey", "Arn"]}


# The callers of enrolment wait; what receipts cannot take stays in the delivery logs.
QUEUELESS = {"EnrolmentFunction", "ReceiptsFunction"}


@pytest.mark.parametrize("name", sorted(FUNCTIONS.keys() - QUEUELESS))
def test_what_nobody_waits_for_is_not_lost(name: str) -> None:
    queue = of_type("AWS::SQS::Queue")[target(FUNCTIONS[name]["DeadLetterConfig"]["TargetArn"])]
    assert queue["MessageRetentionPeriod"] == 14 * 24 * 3600
    assert queue["KmsMasterKeyId"]


def test_no_queue_holds_a_request_or_a_number() -> None:
    """API Gateway hands over the one, CloudWatch Logs the other."""
    waited_for = {re.findall(r"\$\{(\w+)\.Arn\}", json.dumps(said))[0] for said in METHODS.values()}
    subscribed = {
        target(said["DestinationArn"]) for said in of_type("AWS::Logs::SubscriptionFilter").values()
    }
    assert waited_for | subscribed == QUEUELESS
    for name in QUEUELESS:
        assert "DeadLetterConfig" not in FUNCTIONS[name]
        assert not invocations(name).get("DestinationConfig")
        role = of_type("AWS::IAM::Role")[target(FUNCTIONS[name]["Role"])]
        assert "sqs:" not in json.dumps(role)


def test_receipts_that_were_dropped_are_told_of() -> None:
    (alarm,) = (
        said
        for said in of_type("AWS::CloudWatch::Alarm").values()
        if said.get("MetricName") == "AsyncEventsDropped"
    )
    assert alarm["Dimensions"] == [{"Name": "FunctionName", "Value": {"Ref": "ReceiptsFunction"}}]
    assert (alarm["Threshold"], alarm["ComparisonOperator"]) == (0, "GreaterThanThreshold")


def invocations(function: str) -> dict[str, Any]:
    """How Lambda retries a function's asynchronous invocations."""
    return next(
        (
            said
            for said in of_type("AWS::Lambda::EventInvokeConfig").values()
            if target(said["FunctionName"]) == function
        ),
        {},
    )


@pytest.mark.parametrize("name", of_type("AWS::Lambda::EventInvokeConfig"))
def test_lambda_s_own_retries_end_and_end_in_a_queue(name: str) -> None:
    asked = of_type("AWS::Lambda::EventInvokeConfig")[name]
    assert asked["MaximumRetryAttempts"] <= 2
    assert asked["MaximumEventAgeInSeconds"] <= 6 * 3600
    if target(asked["FunctionName"]) not in QUEUELESS:
        queue = asked["DestinationConfig"]["OnFailure"]["Destination"]
        assert target(queue) in of_type("AWS::SQS::Queue")


# The stream


@each_mapping
def test_one_bad_record_blocks_nobody_for_long_and_is_never_dropped_unseen(name: str) -> None:
    mapping = MAPPINGS[name]
    assert mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    assert mapping["BisectBatchOnFunctionError"] is True
    assert 0 < mapping["MaximumRetryAttempts"] <= 100
    assert 0 < mapping["MaximumRecordAgeInSeconds"] < 24 * 3600
    assert mapping["StartingPosition"] == "TRIM_HORIZON"
    assert target(mapping["DestinationConfig"]["OnFailure"]["Destination"]) in of_type(
        "AWS::SQS::Queue"
    )


def woken(record: dict[str, Any]) -> set[str]:
    """Which functions a stream record gets to."""
    return {
        target(mapping["FunctionName"])
        for mapping in MAPPINGS.values()
        for each in mapping["FilterCriteria"]["Filters"]
        if matches(json.loads(each["Pattern"]), record)
    }


def matches(pattern: Any, given: Any) -> bool:
    """As Lambda filters, as far as the template uses it: lists hold the values allowed."""
    if isinstance(pattern, list):
        assert all(isinstance(each, str) for each in pattern)
        return given in pattern
    return isinstance(given, dict) and all(
        name in given and matches(wanted, given[name]) for name, wanted in pattern.items()
    )


@pytest.mark.usefixtures("cloud")
def test_each_function_hears_of_what_it_acts_on_and_of_nothing_else() -> None:
    for arm, first in ((Arm.CONTROL, 100), (Arm.INTERVENTION, 200)):
        schedule(someone_in(arm, first=first))
    hear: dict[tuple[str, str | None], set[str]] = {}
    for key, item in everything().items():
        status = item["status"] if item["kind"] == "enrolment" else None
        hear.setdefault((item["kind"], status), set()).update(woken(announcement(key)))
    assert hear.pop(("enrolment", "allocated")) == {"SchedulingFunction"}
    assert {kind for kind, _ in hear} >= {"allocation", "reminder", "person", "number", "cursor"}
    assert set().union(*hear.values()) == set()


@pytest.mark.parametrize(
    ("status", "function"),
    [
        ("eligible", {"AllocationFunction"}),
        ("allocated", {"SchedulingFunction"}),
        ("ended", {"SchedulingFunction"}),
        ("waiting", set()),
        ("ineligible", set()),
    ],
)
@pytest.mark.parametrize("what", ["INSERT", "MODIFY"])
def test_an_enrolment_gets_to_whoever_its_status_concerns(
    status: str, function: set[str], what: str
) -> None:
    (record,) = sample("stream-eligible")["Records"]
    record["eventName"] = what
    record["dynamodb"]["NewImage"]["status"] = {"S": status}
    assert woken(record) == function


def test_a_deletion_wakes_nobody() -> None:
    (record,) = sample("stream-eligible")["Records"]
    record["eventName"] = "REMOVE"
    assert woken(record) == set()


# The API


def test_every_route_of_the_code_is_deployed_and_no_other() -> None:
    described = {
        (path, method) for path, methods in contract()["paths"].items() for method in methods
    }
    assert set(METHODS) == described


@pytest.mark.parametrize("method", METHODS, ids=str)
def test_no_method_goes_unsigned(method: tuple[str, str]) -> None:
    assert METHODS[method]["security"] == [{"AWS_IAM": []}]


def test_signed_means_by_aws_signature_version_4() -> None:
    scheme = API["Body"]["components"]["securitySchemes"]["AWS_IAM"]
    assert scheme["x-amazon-apigateway-authtype"] == "awsSigv4"


def test_no_body_is_ever_traced() -> None:
    for stage in of_type("AWS::ApiGateway::Stage").values():
        assert [each["DataTraceEnabled"] for each in stage["MethodSettings"]] == [False]
        assert not stage.get("TracingEnabled")


# The table


def test_the_table_can_be_restored_and_is_not_lost_by_accident() -> None:
    table = RESOURCES["Table"]
    assert table["Properties"]["PointInTimeRecoverySpecification"] == {
        "PointInTimeRecoveryEnabled": True
    }
    assert table["Properties"]["DeletionProtectionEnabled"] is True
    assert (table["DeletionPolicy"], table["UpdateReplacePolicy"]) == ("Retain", "Retain")


def test_the_table_is_encrypted_under_a_key_of_ours() -> None:
    encryption = RESOURCES["Table"]["Properties"]["SSESpecification"]
    assert encryption["SSEEnabled"] is True
    assert encryption["SSEType"] == "KMS"
    assert target(encryption["KMSMasterKeyId"]) in of_type("AWS::KMS::Key")


def test_the_table_announces_what_it_holds() -> None:
    stream = RESOURCES["Table"]["Properties"]["StreamSpecification"]
    assert stream == {"StreamViewType": "NEW_IMAGE"}


# Rights


def statements() -> Iterator[tuple[str, dict[str, Any]]]:
    for name, role in of_type("AWS::IAM::Role").items():
        for policy in role.get("Policies", []):
            for statement in policy["PolicyDocument"]["Statement"]:
                yield name, statement


def test_no_role_is_given_whole_families_of_actions() -> None:
    wide = [
        (role, action)
        for role, statement in statements()
        for action in [statement["Action"]]
        if "*" in json.dumps(action)
    ]
    assert wide == []


def test_no_role_brings_policies_from_elsewhere() -> None:
    assert not any("ManagedPolicyArns" in role for role in of_type("AWS::IAM::Role").values())


def test_whatever_is_allowed_on_everything_says_why() -> None:
    wide = [line for line in TEXT.splitlines() if re.search(r"""Resource:.*["']\*["']""", line)]
    assert wide
    assert [line for line in wide if not re.search(r"# \w+", line)] == []


@pytest.mark.parametrize(
    ("action", "roles"),
    [
        ("sns:Publish", {"SendingRole"}),
        ("scheduler:CreateSchedule", {"SchedulingRole", "ReconciliationRole"}),
    ],
)
def test_what_only_few_may_do_no_other_may(action: str, roles: set[str]) -> None:
    assert {
        role
        for role, statement in statements()
        if statement["Effect"] == "Allow" and action in json.dumps(statement["Action"])
    } == roles


def test_only_allocation_may_use_the_key_of_the_sequence() -> None:
    users = {role for role, each in statements() if '"AllocationKey"' in json.dumps(each)}
    assert users == {"AllocationRole"}


# Samples


def test_every_trigger_has_a_sample_and_every_sample_a_trigger() -> None:
    files = [file.stem for file in EVENTS.glob("*.json")]
    assert SAMPLES.keys() == FUNCTIONS.keys()
    for pattern in SAMPLES.values():
        assert any(fnmatch(file, pattern) for file in files)
    for file in files:
        assert sum(fnmatch(file, pattern) for pattern in SAMPLES.values()) == 1


@pytest.mark.parametrize("name", ["api-enrol", "api-show-enrolment"])
def test_a_sample_of_a_request_is_of_a_route(name: str) -> None:
    event = sample(name)
    assert (event["resource"], event["httpMethod"].lower()) in METHODS
    assert event["path"] == event["resource"].format(**event["pathParameters"] or {})


@pytest.mark.parametrize(
    ("name", "function"),
    [("stream-eligible", "AllocationFunction"), ("stream-allocated", "SchedulingFunction")],
)
def test_a_sample_of_the_stream_gets_to_its_function(name: str, function: str) -> None:
    for record in sample(name)["Records"]:
        assert woken(record) == {function}
