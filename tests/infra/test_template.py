"""The template, as SAM will deploy it, against the code and against its rules."""

import importlib
import json
import re
from collections import Counter
from fnmatch import fnmatch
from typing import Any

import pytest

from commands.repository.openapi import contract
from commands.repository.template import translated
from scheduling.handler import HandedOver
from tests.support.deployed import FILES, STACK, Deployed, of_policy, of_role
from tests.support.fixture_protocol import AGREED
from tests.support.policies import Statement, allows
from tests.support.samples import EVENTS, sample
from tests.support.steps import announcement, schedule, someone_in
from tests.support.table import everything
from trial import config
from trial.codes import Arm

SAMPLES = {
    "EnrolmentFunction": "api-*enrol*",
    "DisclosureFunction": "api-show-allocation",
    "OperationsFunction": "api-pause",
    "PanelsFunction": "panel-*",
    "AllocationFunction": "stream-*",
    "SchedulingFunction": "handed-over",
    "SendingFunction": "schedule-fired",
    "ReconciliationFunction": "reconciliation-*",
    "ReceiptsFunction": "receipts-*",
    "ExtractFunction": "extract-*",
    "AuditFunction": "audit-logged",
    "RetentionFunction": "retention-*",
    "DigestFunction": "digest-daily",
}


# Except a failed first deployment, which leaves nothing behind.
KEPT = ("RetainExceptOnCreate", "Retain")
EXTRACT = STACK.resolved({"Fn::GetAtt": ["ExtractBucket", "Arn"]})
EXTRACT_KEY = STACK.resolved({"Fn::GetAtt": ["RecordsKey", "Arn"]})
RESOURCES: dict[str, dict[str, Any]] = translated()["Resources"]


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
def test_each_function_s_handler_exists(name: str) -> None:
    module, _, function = FUNCTIONS[name]["Handler"].rpartition(".")
    assert callable(getattr(importlib.import_module(module), function))


@each_function
def test_each_function_s_environment_is_exactly_its_settings(name: str) -> None:
    asked = getattr(config, name.replace("Function", "Settings"))
    told = FUNCTIONS[name]["Environment"]["Variables"]
    assert {variable for variable in told if not variable.startswith("POWERTOOLS_")} == {
        field.upper() for field in asked.model_fields
    }


@each_function
def test_each_function_runs_on_python_3_13_on_arm(name: str) -> None:
    function = FUNCTIONS[name]
    assert (function["Runtime"], function["Architectures"]) == ("python3.13", ["arm64"])


@pytest.mark.parametrize("own", ["Role", "LoggingConfig"])
def test_each_function_has_its_own_role_and_log_group(own: str) -> None:
    owned = [json.dumps(function[own]) for function in FUNCTIONS.values()]
    assert len(set(owned)) == len(FUNCTIONS)


@each_function
def test_each_log_is_encrypted_and_expires(name: str) -> None:
    group = of_type("AWS::Logs::LogGroup")[target(FUNCTIONS[name]["LoggingConfig"]["LogGroup"])]
    assert group["RetentionInDays"]
    assert group["KmsKeyId"] == {"Fn::GetAtt": ["DataKey", "Arn"]}


# Their callers wait; what receipts cannot take stays in the delivery logs.
QUEUELESS = {
    *("EnrolmentFunction", "DisclosureFunction", "OperationsFunction"),
    *("PanelsFunction", "ReceiptsFunction"),
}


@pytest.mark.parametrize("name", sorted(FUNCTIONS.keys() - QUEUELESS))
def test_asynchronous_invocations_have_a_failure_destination(name: str) -> None:
    queue = of_type("AWS::SQS::Queue")[target(FUNCTIONS[name]["DeadLetterConfig"]["TargetArn"])]
    assert queue["MessageRetentionPeriod"] == 14 * 24 * 3600
    assert queue["KmsMasterKeyId"]


def test_no_failure_queue_holds_a_request_or_a_number() -> None:
    """API Gateway and the dashboard send requests, CloudWatch Logs sends numbers."""
    waited_for = {re.findall(r"\$\{(\w+)\.Arn\}", json.dumps(said))[0] for said in METHODS.values()}
    subscribed = {
        target(said["DestinationArn"]) for said in of_type("AWS::Logs::SubscriptionFilter").values()
    }
    drawing = {"PanelsFunction"}
    assert waited_for | subscribed | drawing == QUEUELESS
    for name in QUEUELESS:
        assert "DeadLetterConfig" not in FUNCTIONS[name]
        assert not invocations(name).get("DestinationConfig")
        role = of_type("AWS::IAM::Role")[target(FUNCTIONS[name]["Role"])]
        assert "sqs:" not in json.dumps(role)


def test_dropped_receipts_raise_an_alarm() -> None:
    alarms = of_type("AWS::CloudWatch::Alarm").values()
    (alarm,) = (said for said in alarms if said.get("MetricName") == "AsyncEventsDropped")
    assert alarm["Dimensions"] == [{"Name": "FunctionName", "Value": {"Ref": "ReceiptsFunction"}}]
    assert (alarm["Threshold"], alarm["ComparisonOperator"]) == (0, "GreaterThanThreshold")


def invocations(function: str) -> dict[str, Any]:
    """How Lambda retries a function's asynchronous invocations."""
    asked = of_type("AWS::Lambda::EventInvokeConfig").values()
    return next((each for each in asked if target(each["FunctionName"]) == function), {})


@pytest.mark.parametrize("name", of_type("AWS::Lambda::EventInvokeConfig"))
def test_lambda_s_retries_are_limited_and_end_in_a_queue(name: str) -> None:
    asked = of_type("AWS::Lambda::EventInvokeConfig")[name]
    assert asked["MaximumRetryAttempts"] <= 2
    assert asked["MaximumEventAgeInSeconds"] <= 6 * 3600
    if target(asked["FunctionName"]) not in QUEUELESS:
        queue = asked["DestinationConfig"]["OnFailure"]["Destination"]
        assert target(queue) in of_type("AWS::SQS::Queue")


# Sending


def test_sending_may_do_what_sns_does_on_its_behalf() -> None:
    """SNS passes a text to End User Messaging, which requires the caller's own right."""
    may = [each for each in of_role("SendingRole") if each["Effect"] == "Allow"]
    handed_on = {"aws:CalledViaLast": "sns.amazonaws.com"}
    assert allows(may, "sns:Publish", "*")
    assert allows(may, "sms-voice:SendTextMessage", "*", handed_on)
    assert not allows(may, "sms-voice:SendTextMessage", "*")  # by itself it sends nothing


@pytest.mark.parametrize(
    ("sender", "taken"),
    [
        ("Police", True),
        ("DurhamPol", True),
        ("4Police", True),
        ("101", False),
        ("Durham Pol", False),
    ],
)
def test_a_sender_id_must_contain_a_letter(sender: str, *, taken: bool) -> None:
    said = translated()["Parameters"]["SenderId"]
    assert said["MaxLength"] == 11
    assert bool(re.fullmatch(said["AllowedPattern"], sender)) is taken


# The stream


@each_mapping
def test_a_bad_stream_record_does_not_block_others_for_long_and_goes_to_a_queue(name: str) -> None:
    mapping = MAPPINGS[name]
    assert mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    assert mapping["BisectBatchOnFunctionError"] is True
    assert 0 < mapping["MaximumRetryAttempts"] <= 100
    assert 0 < mapping["MaximumRecordAgeInSeconds"] < 24 * 3600
    assert mapping["StartingPosition"] == "TRIM_HORIZON"
    queue = mapping["DestinationConfig"]["OnFailure"]["Destination"]
    assert target(queue) in of_type("AWS::SQS::Queue")


def test_a_failed_hand_over_to_scheduling_is_retried_and_then_goes_to_a_queue() -> None:
    """Lambda itself retries after one minute and after two; then the queue's alarm goes off."""
    (config,) = (
        each
        for each in of_type("AWS::Lambda::EventInvokeConfig").values()
        if target(each["FunctionName"]) == "SchedulingFunction"
    )
    assert config["MaximumRetryAttempts"] == 2
    assert config["MaximumEventAgeInSeconds"] == 6 * 3600
    queue = config["DestinationConfig"]["OnFailure"]["Destination"]
    assert target(queue) == "SchedulingFailures"


def woken(record: dict[str, Any]) -> set[str]:
    """The functions that a stream record reaches."""
    return {
        target(mapping["FunctionName"])
        for mapping in MAPPINGS.values()
        for each in mapping["FilterCriteria"]["Filters"]
        if matches(json.loads(each["Pattern"]), record)
    }


def matches(pattern: Any, given: Any) -> bool:
    """Lambda's filter rules, as far as the template uses them: values, prefixes or everything."""
    if isinstance(pattern, list):
        return any(
            given.startswith(each.get("prefix", "")) if isinstance(each, dict) else given == each
            for each in pattern
        )
    return isinstance(given, dict) and all(
        name in given and matches(wanted, given[name]) for name, wanted in pattern.items()
    )


@pytest.mark.usefixtures("cloud")
def test_each_stream_filter_passes_exactly_what_its_function_acts_on() -> None:
    for arm, first in ((Arm.CONTROL, 100), (Arm.INTERVENTION, 200)):
        schedule(someone_in(arm, first=first))
    hear: dict[tuple[str, str | None], set[str]] = {}
    for key, item in everything().items():
        heard = hear.setdefault((key.pk.partition("#")[0], item.get("status")), set())
        heard |= woken(announcement(key) | {"eventName": "INSERT"})
    assert hear.pop(("enrolment", "allocated")) == {"AllocationFunction"}
    assert hear.pop(("audit", None)) == {"AuditFunction"}
    for status in ("eligible", "allocated"):
        assert hear.pop(("history", status)) == {"AllocationFunction", "AuditFunction"}
    assert {family for family, _ in hear} >= {"allocation", "person", "number", "cursor"}
    assert set().union(*hear.values()) == set()


@pytest.mark.parametrize(
    ("status", "function"),
    [
        ("eligible", {"AllocationFunction"}),
        ("allocated", {"AllocationFunction"}),
        ("ended", {"AllocationFunction"}),
        ("waiting", set()),
        ("ineligible", set()),
    ],
)
@pytest.mark.parametrize("what", ["INSERT", "MODIFY"])
def test_a_change_of_status_reaches_the_functions_that_act_on_it(
    status: str, function: set[str], what: str
) -> None:
    (record,) = sample("stream-eligible")["Records"]
    record["eventName"] = what
    record["dynamodb"]["NewImage"]["status"] = {"S": status}
    assert woken(record) == function


def test_a_deletion_invokes_no_function() -> None:
    (record,) = sample("stream-eligible")["Records"]
    record["eventName"] = "REMOVE"
    assert woken(record) == set()


def test_the_stream_has_at_most_the_two_readers_that_aws_advises() -> None:
    """A function may not read one stream by two mappings either: Lambda refuses the second."""
    readers = [target(mapping["FunctionName"]) for mapping in MAPPINGS.values()]
    assert sorted(readers) == ["AllocationFunction", "AuditFunction"]


@pytest.mark.parametrize(
    ("family", "status", "readers"),
    [
        ("history", "eligible", {"AllocationFunction", "AuditFunction"}),
        ("history", None, {"AuditFunction"}),
        ("audit", None, {"AuditFunction"}),
        ("audit", "eligible", {"AuditFunction"}),
    ],
)
def test_changes_of_status_in_the_history_are_announced_and_every_entry_exported(
    family: str, status: str | None, readers: set[str]
) -> None:
    """No entry about a text reaches that reader: it would delay other orders' announcements."""
    (record,) = sample("audit-logged")["Records"]
    record["dynamodb"]["Keys"]["pk"] = {"S": f"{family}#a5e1485f-199d-8556-a497-98980cd19691"}
    del record["dynamodb"]["NewImage"]["status"]
    record["dynamodb"]["NewImage"] |= {"status": {"S": status}} if status else {}
    assert woken(record) == readers


def test_a_changed_audit_entry_invokes_no_function() -> None:
    (record,) = sample("audit-logged")["Records"]
    record["eventName"] = "MODIFY"  # it must never be: make verify-audit reports it
    assert woken(record) == set()


# The API


def test_exactly_the_code_s_routes_are_deployed() -> None:
    paths = contract()["paths"].items()
    assert set(METHODS) == {(path, method) for path, methods in paths for method in methods}


@pytest.mark.parametrize("method", METHODS, ids=str)
def test_every_method_requires_a_signature(method: tuple[str, str]) -> None:
    assert METHODS[method]["security"] == [{"AWS_IAM": []}]


def test_a_signature_is_aws_signature_version_4() -> None:
    scheme = API["Body"]["components"]["securitySchemes"]["AWS_IAM"]
    assert scheme["x-amazon-apigateway-authtype"] == "awsSigv4"


def test_no_request_body_is_traced() -> None:
    for stage in of_type("AWS::ApiGateway::Stage").values():
        settings = [each.get("Fn::If", [None, each])[1] for each in stage["MethodSettings"]]
        assert {each["DataTraceEnabled"] for each in settings} == {False}


# The table


def test_the_table_can_be_restored_and_is_not_lost_by_accident() -> None:
    table = RESOURCES["Table"]
    said = table["Properties"]
    assert said["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}
    assert said["DeletionProtectionEnabled"] is True
    assert (table["DeletionPolicy"], table["UpdateReplacePolicy"]) == KEPT


def test_the_table_is_encrypted_with_the_stack_s_own_key() -> None:
    encryption = RESOURCES["Table"]["Properties"]["SSESpecification"]
    assert encryption["SSEEnabled"] is True
    assert encryption["SSEType"] == "KMS"
    assert target(encryption["KMSMasterKeyId"]) in of_type("AWS::KMS::Key")


def test_the_table_s_stream_carries_new_items() -> None:
    stream = RESOURCES["Table"]["Properties"]["StreamSpecification"]
    assert stream == {"StreamViewType": "NEW_IMAGE"}


# Rights


WITH_CHAT = Deployed(ChatWorkspace="T1", ChatChannel="C1")  # which has one more role


def statements() -> list[tuple[str, Statement]]:
    """Each role with each statement about it."""
    roles = of_type("AWS::IAM::Role")
    return [(role, each) for role in roles for each in of_role(role, WITH_CHAT)]


def test_no_role_has_a_wildcard_of_actions() -> None:
    assert not [each for each in statements() if "*" in json.dumps(each[1]["Action"])]


def test_roles_use_only_the_stack_s_own_managed_policies() -> None:
    roles = of_type("AWS::IAM::Role").values()
    brought = [policy for role in roles for policy in role.get("ManagedPolicyArns", ())]
    assert Counter(each["Ref"] for each in brought) == {
        "FunctionBasics": len(FUNCTIONS),
        "FunctionTraces": 3,  # those behind the API
    }


def test_a_right_on_every_resource_says_why() -> None:
    lines = [line for file in FILES for line in file.read_text().splitlines()]
    wide = [line for line in lines if re.search(r"""Resource:.*["']\*["']""", line)]
    assert wide
    assert [line for line in wide if not re.search(r"# \w+", line)] == []


@pytest.mark.parametrize(
    ("action", "roles"),
    [
        ("sns:Publish", {"SendingRole", "DigestRole"}),
        ("scheduler:CreateSchedule", {"SchedulingRole", "ReconciliationRole"}),
        ("dynamodb:Scan", {"ExtractRole"}),
        (
            "dynamodb:DeleteItem",
            {"SchedulingRole", "SendingRole", "ReconciliationRole", "RetentionRole"},
        ),
        *(("s3:" + each, set()) for each in ("Delete", "Bypass", "PutBucket")),
        *(("s3:PutObject" + each, set()) for each in ("Retention", "LegalHold")),
    ],
)
def test_only_the_listed_roles_have_a_sensitive_right(action: str, roles: set[str]) -> None:
    assert {
        role
        for role, statement in statements()
        if statement["Effect"] == "Allow" and action in json.dumps(statement["Action"])
    } == roles


def test_the_digest_can_publish_to_its_topic_and_text_no_phone() -> None:
    (statement,) = (each for each in of_role("DigestRole") if each["Action"] == "sns:Publish")
    assert statement["Resource"] == STACK.resolved({"Ref": "DigestTopic"})


@pytest.mark.parametrize(
    ("own", "role"),
    [
        pytest.param("key/AllocationKey", "AllocationRole", id="the key of the sequence"),
        pytest.param("key/ResearchKey", "ExtractRole", id="the key of pseudonyms"),
        pytest.param("ExtractBucket", "ExtractRole", id="the extract's bucket"),
        pytest.param("AuditBucket", "AuditRole", id="the audit trail's bucket"),
    ],
)
def test_only_one_role_has_rights_on_each_exclusive_resource(own: str, role: str) -> None:
    assert {name for name, each in statements() if own in json.dumps(each)} == {role}


@pytest.mark.parametrize(
    ("role", "own"), [("ExtractRole", "ExtractBucket"), ("AuditRole", "AuditBucket")]
)
def test_of_the_records_key_each_function_may_use_its_own_bucket_s_part(
    role: str, own: str
) -> None:
    users = {role for role, each in statements() if "RecordsKey" in json.dumps(each["Resource"])}
    assert users == {"ExtractRole", "AuditRole"}
    may = of_role(role)
    for bucket in ("ExtractBucket", "AuditBucket"):
        about = {"kms:EncryptionContext:aws:s3:arn": f"arn:aws:s3:::{bucket}/links/1.json"}
        assert allows(may, "kms:Decrypt", EXTRACT_KEY, about) is (bucket == own)
    assert not allows(may, "kms:Decrypt", EXTRACT_KEY)


# The research extract


@pytest.mark.parametrize(
    # With a bucket key S3 asks for the whole bucket's data at once: see the readers' conditions.
    ("name", "key", "bucket_key"),
    [("ExtractBucket", "RecordsKey", False), ("AuditBucket", "RecordsKey", True)],
)
def test_each_bucket_is_private_encrypted_versioned_and_retained(
    name: str, key: str, *, bucket_key: bool
) -> None:
    bucket = RESOURCES[name]
    said = bucket["Properties"]
    assert (bucket["DeletionPolicy"], bucket["UpdateReplacePolicy"]) == KEPT
    assert set(said["PublicAccessBlockConfiguration"].values()) == {True}
    assert len(said["PublicAccessBlockConfiguration"]) == 4
    assert said["VersioningConfiguration"] == {"Status": "Enabled"}
    (rule,) = said["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    assert rule["ServerSideEncryptionByDefault"]["SSEAlgorithm"] == "aws:kms"
    assert target(rule["ServerSideEncryptionByDefault"]["KMSMasterKeyID"]) == key
    assert rule["BucketKeyEnabled"] is bucket_key
    assert RESOURCES[key]["Properties"]["EnableKeyRotation"] is True


def test_only_the_extract_s_staging_files_expire() -> None:
    rules = RESOURCES["ExtractBucket"]["Properties"]["LifecycleConfiguration"]["Rules"]
    expiring = [
        rule for rule in rules if {"ExpirationInDays", "NoncurrentVersionExpiration"} & {*rule}
    ]
    assert [rule["Prefix"] for rule in expiring] == ["staging/"]


def denied_in(bucket: str) -> dict[str, Statement]:
    """A bucket policy's statements that deny everybody, by name."""
    (policy,) = (
        each for each in STACK.of_type("AWS::S3::BucketPolicy").values() if each["Bucket"] == bucket
    )
    statements = policy["PolicyDocument"]["Statement"]
    assert {(each["Effect"], each["Principal"]) for each in statements} == {("Deny", "*")}
    return {each["Sid"]: each for each in statements}


@pytest.mark.parametrize("bucket", ["AuditBucket", "ExtractBucket"])
def test_a_bucket_refuses_requests_without_tls(bucket: str) -> None:
    statement = denied_in(bucket)["OnlyOverTls"]
    assert statement["Action"] == "s3:*"
    assert statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
    assert statement["Resource"] == [f"arn:aws:s3:::{bucket}", f"arn:aws:s3:::{bucket}/*"]


def test_only_listed_resources_are_left_out_on_the_emulator() -> None:
    on_aws = {name for name, each in RESOURCES.items() if each.get("Condition") == "OnAws"}
    assert on_aws == {
        *("AuditBucketPolicy", "ExtractBucketPolicy"),  # it speaks no TLS
        *of_type("AWS::Logs::QueryDefinition"),  # it saves no queries
        # It has no alarms on several metrics, nor on other alarms.
        *("FewDeliveredAlarm", "HalfSpentAlarm", "NearlySpentAlarm", "NotAsPlannedAlarm"),
        *("NothingSentAlarm", "NotErasedAlarm", "NotExtractedAlarm", "NotLookingAlarm"),
        "NotProvenAlarm",
    }


READERS = {"blinded": "ResearchBlindedReader", "unblinded": "ResearchUnblindedReader"}


@pytest.mark.parametrize("own", READERS)
@pytest.mark.parametrize("folder", ["blinded", "unblinded", "staging"])
def test_an_extract_s_reader_reads_one_form_and_nothing_else(own: str, folder: str) -> None:
    path = f"{folder}/2026-12-20/enrolments.csv.gz"
    encrypted = {"kms:EncryptionContext:aws:s3:arn": f"{EXTRACT}/{path}"}
    may = of_policy(READERS[own])
    assert {
        allows(may, "s3:GetObject", f"{EXTRACT}/{path}"),
        allows(may, "kms:Decrypt", EXTRACT_KEY, encrypted),
        allows(may, "s3:ListBucket", EXTRACT, {"s3:prefix": f"{folder}/"}),
    } == {folder == own}


@pytest.mark.parametrize("reader", READERS.values())
def test_an_extract_s_reader_changes_nothing(reader: str) -> None:
    may = of_policy(reader)
    assert {each["Action"] for each in may} == {"s3:ListBucket", "s3:GetObject", "kms:Decrypt"}
    assert not allows(may, "s3:ListBucket", EXTRACT)  # the whole of it
    assert not allows(may, "kms:Decrypt", EXTRACT_KEY)


# The audit trail


def test_the_exported_trail_is_locked_for_as_long_as_trial_data_is_kept() -> None:
    bucket = RESOURCES["AuditBucket"]["Properties"]
    assert bucket["ObjectLockEnabled"] is True
    lock = {"Mode": {"Ref": "AuditLockMode"}, "Days": {"Ref": "AuditRetentionDays"}}
    assert bucket["ObjectLockConfiguration"]["Rule"] == {"DefaultRetention": lock}
    parameters = translated()["Parameters"]
    kept = AGREED.retention.trial_data_days
    assert parameters["AuditRetentionDays"]["Default"] == kept
    assert parameters["AuditLockMode"]["AllowedValues"] == ["GOVERNANCE", "COMPLIANCE"]
    assert "LifecycleConfiguration" not in bucket  # nothing in it ever expires by itself


def test_nobody_can_delete_the_exported_trail_or_shorten_its_lock() -> None:
    statement = denied_in("AuditBucket")["NobodyRemovesALinkOrShortensItsLock"]
    assert "Condition" not in statement
    assert set(statement["Action"]) == {
        *("s3:DeleteObject", "s3:DeleteObjectVersion", "s3:BypassGovernanceRetention"),
        *("s3:PutObjectLegalHold", "s3:PutObjectRetention"),
    }


def test_a_link_cannot_overwrite_another() -> None:
    statement = denied_in("AuditBucket")["ALinkIsWrittenOnce"]
    assert statement["Action"] == "s3:PutObject"
    assert statement["Condition"] == {"Null": {"s3:if-none-match": "true"}}


# Samples


def test_every_trigger_has_a_sample_and_every_sample_a_trigger() -> None:
    files = [file.stem for file in EVENTS.glob("*.json")]
    assert SAMPLES.keys() == FUNCTIONS.keys()
    for pattern in SAMPLES.values():
        assert any(fnmatch(file, pattern) for file in files)
    for file in files:
        assert sum(fnmatch(file, pattern) for pattern in SAMPLES.values()) == 1


@pytest.mark.parametrize("name", sorted(file.stem for file in EVENTS.glob("api-*.json")))
def test_each_sample_request_is_of_an_existing_route(name: str) -> None:
    event = sample(name)
    assert (event["resource"], event["httpMethod"].lower()) in METHODS
    assert event["path"] == event["resource"].format(**event["pathParameters"] or {})


@pytest.mark.parametrize(
    ("name", "functions"),
    [
        ("stream-eligible", {"AllocationFunction"}),
        ("stream-allocated", {"AllocationFunction"}),
        ("audit-logged", {"AllocationFunction", "AuditFunction"}),
    ],
)
def test_each_sample_record_passes_its_function_s_filter(name: str, functions: set[str]) -> None:
    for record in sample(name)["Records"]:
        assert woken(record) == functions


def test_the_sample_event_of_scheduling_is_what_allocation_sends() -> None:
    assert HandedOver.model_validate(sample("handed-over"))
