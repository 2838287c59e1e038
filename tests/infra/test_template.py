"""The template held against the code, and against what must hold of it: as SAM will deploy it."""

import importlib
import json
import re
from collections.abc import Iterator
from fnmatch import fnmatch
from typing import Any

import pytest

from commands.repository.openapi import contract
from commands.repository.template import translated
from tests.support.deployed import FILES, Deployed
from tests.support.fixture_protocol import AGREED
from tests.support.policies import allows
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
    "AllocationFunction": "stream-eligible",
    "SchedulingFunction": "stream-allocated",
    "SendingFunction": "schedule-fired",
    "ReconciliationFunction": "reconciliation-*",
    "ReceiptsFunction": "receipts-*",
    "ExtractFunction": "extract-*",
    "AuditFunction": "stream-audited",
    "RetentionFunction": "retention-*",
    "DigestFunction": "digest-daily",
}


STACK = Deployed()
# But for a first deployment that fails, which leaves nothing behind.
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


# Their callers wait; what receipts cannot take stays in the delivery logs.
QUEUELESS = {
    "EnrolmentFunction",
    "DisclosureFunction",
    "OperationsFunction",
    "PanelsFunction",
    "ReceiptsFunction",
}


@pytest.mark.parametrize("name", sorted(FUNCTIONS.keys() - QUEUELESS))
def test_what_nobody_waits_for_is_not_lost(name: str) -> None:
    queue = of_type("AWS::SQS::Queue")[target(FUNCTIONS[name]["DeadLetterConfig"]["TargetArn"])]
    assert queue["MessageRetentionPeriod"] == 14 * 24 * 3600
    assert queue["KmsMasterKeyId"]


def test_no_queue_holds_a_request_or_a_number() -> None:
    """API Gateway and the dashboard hand over the one, CloudWatch Logs the other."""
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


# Sending


def test_sending_may_do_what_sns_does_with_a_text_in_its_name() -> None:
    """SNS hands a text to End User Messaging, which asks for the caller's own right to it."""
    may = [
        each for role, each in statements() if role == "SendingRole" and each["Effect"] == "Allow"
    ]
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
def test_a_sender_id_has_a_letter(sender: str, *, taken: bool) -> None:
    said = translated()["Parameters"]["SenderId"]
    assert said["MaxLength"] == 11
    assert bool(re.fullmatch(said["AllowedPattern"], sender)) is taken


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
    """As Lambda filters, as far as the template uses it: a list holds values, or beginnings."""
    if isinstance(pattern, list):
        return any(
            given.startswith(each["prefix"]) if isinstance(each, dict) else given == each
            for each in pattern
        )
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
        heard = hear.setdefault((item["kind"], status), set())
        heard |= woken(announcement(key) | {"eventName": "INSERT"})
    assert hear.pop(("enrolment", "allocated")) == {"SchedulingFunction"}
    assert hear.pop(("audit", None)) == {"AuditFunction"}
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


def test_texts_and_changes_of_status_reach_the_audit_trail_by_mappings_of_their_own() -> None:
    """Or a text of one order would tell by when another's change is announced."""
    (record,) = sample("stream-audited")["Records"]
    by = []
    for family in ("history", "audit"):
        record["dynamodb"]["Keys"]["pk"] = {"S": f"{family}#a5e1485f-199d-8556-a497-98980cd19691"}
        by += [
            {
                name
                for name, mapping in MAPPINGS.items()
                for each in mapping["FilterCriteria"]["Filters"]
                if matches(json.loads(each["Pattern"]), record)
            }
        ]
    assert [len(each) for each in by] == [1, 1]
    assert not by[0] & by[1]


def test_a_changed_entry_of_the_audit_trail_is_not_exported() -> None:
    (record,) = sample("stream-audited")["Records"]
    record["eventName"] = "MODIFY"  # it must never be: make verify-audit tells of it
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
        settings = [each.get("Fn::If", [None, each])[1] for each in stage["MethodSettings"]]
        assert {each["DataTraceEnabled"] for each in settings} == {False}


# The table


def test_the_table_can_be_restored_and_is_not_lost_by_accident() -> None:
    table = RESOURCES["Table"]
    assert table["Properties"]["PointInTimeRecoverySpecification"] == {
        "PointInTimeRecoveryEnabled": True
    }
    assert table["Properties"]["DeletionProtectionEnabled"] is True
    assert (table["DeletionPolicy"], table["UpdateReplacePolicy"]) == KEPT


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
        for brought in role.get("ManagedPolicyArns", []):
            document = of_type("AWS::IAM::ManagedPolicy")[target(brought)]["PolicyDocument"]
            for statement in document["Statement"]:
                yield name, statement
    for policy in of_type("AWS::IAM::Policy").values():
        for role in policy["Roles"]:
            for statement in policy["PolicyDocument"]["Statement"]:
                yield target(role), statement


def test_no_role_is_given_whole_families_of_actions() -> None:
    wide = [
        (role, action)
        for role, statement in statements()
        for action in [statement["Action"]]
        if "*" in json.dumps(action)
    ]
    assert wide == []


def test_no_role_brings_policies_from_elsewhere() -> None:
    brought = [
        policy
        for role in of_type("AWS::IAM::Role").values()
        for policy in role.get("ManagedPolicyArns", ())
    ]
    assert brought == [{"Ref": "FunctionBasics"}] * len(FUNCTIONS)


def test_whatever_is_allowed_on_everything_says_why() -> None:
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
        ("s3:Delete", set()),
        ("s3:Bypass", set()),
        ("s3:PutObjectRetention", set()),
        ("s3:PutObjectLegalHold", set()),
        ("s3:PutBucket", set()),
    ],
)
def test_what_only_few_may_do_no_other_may(action: str, roles: set[str]) -> None:
    assert {
        role
        for role, statement in statements()
        if statement["Effect"] == "Allow" and action in json.dumps(statement["Action"])
    } == roles


def test_the_digest_can_publish_to_its_topic_and_text_no_phone() -> None:
    (statement,) = (
        each
        for role, each in statements()
        if role == "DigestRole" and each["Action"] == "sns:Publish"
    )
    assert statement["Resource"] == {"Ref": "DigestTopic"}


def test_only_allocation_may_use_the_key_of_the_sequence() -> None:
    users = {role for role, each in statements() if '"AllocationKey"' in json.dumps(each)}
    assert users == {"AllocationRole"}


def test_who_makes_pseudonyms_can_match_no_hash_and_no_other_can_make_one() -> None:
    users = {role for role, each in statements() if '"ResearchKey"' in json.dumps(each)}
    assert users == {"ExtractRole"}
    extract = json.dumps(RESOURCES["ExtractRole"])
    assert "IdentityKey" not in extract
    assert "AllocationKey" not in extract


def test_no_function_but_its_own_comes_near_the_extract() -> None:
    users = {role for role, each in statements() if "ExtractBucket" in json.dumps(each["Resource"])}
    assert users == {"ExtractRole"}


@pytest.mark.parametrize(
    ("role", "own"), [("ExtractRole", "ExtractBucket"), ("AuditRole", "AuditBucket")]
)
def test_of_the_records_key_each_function_may_use_its_own_bucket_s_part(
    role: str, own: str
) -> None:
    users = {role for role, each in statements() if "RecordsKey" in json.dumps(each["Resource"])}
    assert users == {"ExtractRole", "AuditRole"}
    may = [STACK.resolved(each) for name, each in statements() if name == role]
    for bucket in ("ExtractBucket", "AuditBucket"):
        about = {"kms:EncryptionContext:aws:s3:arn": f"arn:aws:s3:::{bucket}/links/1.json"}
        assert allows(may, "kms:Decrypt", EXTRACT_KEY, about) is (bucket == own)
    assert not allows(may, "kms:Decrypt", EXTRACT_KEY)


def test_the_extract_never_feeds_back() -> None:
    written = {"dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:DeleteItem"}
    extract = json.dumps(RESOURCES["ExtractRole"])
    assert not [action for action in written if action in extract]


# The research extract


@pytest.mark.parametrize(
    # With a bucket key S3 asks for the whole bucket's data at once: see the readers' conditions.
    ("name", "key", "bucket_key"),
    [("ExtractBucket", "RecordsKey", False), ("AuditBucket", "RecordsKey", True)],
)
def test_its_bucket_is_private_encrypted_versioned_and_kept(
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


def test_only_staging_ever_expires() -> None:
    rules = RESOURCES["ExtractBucket"]["Properties"]["LifecycleConfiguration"]["Rules"]
    expiring = [
        rule for rule in rules if {"ExpirationInDays", "NoncurrentVersionExpiration"} & {*rule}
    ]
    assert [rule["Prefix"] for rule in expiring] == ["staging/"]


def test_nobody_reaches_it_without_tls() -> None:
    (statement,) = RESOURCES["ExtractBucketPolicy"]["Properties"]["PolicyDocument"]["Statement"]
    assert (statement["Effect"], statement["Principal"]) == ("Deny", "*")
    assert statement["Action"] == "s3:*"
    assert statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
    assert STACK.resolved(statement["Resource"]) == [EXTRACT, f"{EXTRACT}/*"]


def test_hardly_anything_is_different_on_the_emulator() -> None:
    on_aws = {name for name, each in RESOURCES.items() if each.get("Condition") == "OnAws"}
    assert on_aws == {
        "AuditBucketPolicy",  # it speaks no TLS
        "ExtractBucketPolicy",
        "ApiErrorsQuery",  # it saves no queries
        "ApiRefusalsQuery",
        "ClicksQuery",
        "OrdersByDayQuery",
        "ErrorsQuery",
        "OneOrderQuery",
        "SlowestQuery",
        "SuppressedQuery",
        "FewDeliveredAlarm",  # it has no alarms on several metrics, nor on other alarms
        "HalfSpentAlarm",
        "NearlySpentAlarm",
        "NotAsPlannedAlarm",
        "NothingSentAlarm",
        "NotErasedAlarm",
        "NotExtractedAlarm",
        "NotLookingAlarm",
        "NotProvenAlarm",
    }


READERS = {"blinded": "ResearchBlindedReader", "unblinded": "ResearchUnblindedReader"}


def may(policy: str, action: str, resource: str, **context: str) -> bool:
    document = STACK.of_type("AWS::IAM::ManagedPolicy")[policy]["PolicyDocument"]
    return allows(document["Statement"], action, resource, context)


@pytest.mark.parametrize("own", READERS)
@pytest.mark.parametrize("folder", ["blinded", "unblinded", "staging"])
def test_a_reader_reads_one_form_and_nothing_else(own: str, folder: str) -> None:
    path = f"{folder}/2026-12-20/enrolments.csv.gz"
    encrypted = {"kms:EncryptionContext:aws:s3:arn": f"{EXTRACT}/{path}"}
    granted = (
        may(READERS[own], "s3:GetObject", f"{EXTRACT}/{path}"),
        may(READERS[own], "kms:Decrypt", EXTRACT_KEY, **encrypted),
        may(READERS[own], "s3:ListBucket", EXTRACT, **{"s3:prefix": f"{folder}/"}),
    )
    assert granted == ((folder == own,) * 3)


@pytest.mark.parametrize("reader", READERS.values())
def test_a_reader_changes_nothing(reader: str) -> None:
    assert {
        each["Action"] for each in RESOURCES[reader]["Properties"]["PolicyDocument"]["Statement"]
    } == {"s3:ListBucket", "s3:GetObject", "kms:Decrypt"}
    assert not may(reader, "s3:ListBucket", EXTRACT)  # the whole of it
    assert not may(reader, "kms:Decrypt", EXTRACT_KEY)


# The audit trail


def test_what_is_exported_is_locked_for_as_long_as_trial_data_is_kept() -> None:
    bucket = RESOURCES["AuditBucket"]["Properties"]
    assert bucket["ObjectLockEnabled"] is True
    assert bucket["ObjectLockConfiguration"]["Rule"] == {
        "DefaultRetention": {
            "Mode": {"Ref": "AuditLockMode"},
            "Days": {"Ref": "AuditRetentionDays"},
        }
    }
    parameters = translated()["Parameters"]
    kept = AGREED.retention.trial_data_days
    assert parameters["AuditRetentionDays"]["Default"] == kept
    assert parameters["AuditLockMode"]["AllowedValues"] == ["GOVERNANCE", "COMPLIANCE"]
    assert "LifecycleConfiguration" not in bucket  # nothing in it ever expires by itself


def denied_in_the_audit_bucket() -> dict[str, dict[str, Any]]:
    document = RESOURCES["AuditBucketPolicy"]["Properties"]["PolicyDocument"]
    for statement in document["Statement"]:
        assert (statement["Effect"], statement["Principal"]) == ("Deny", "*")
    return {statement["Sid"]: statement for statement in document["Statement"]}


def test_nobody_at_all_removes_what_is_exported_or_shortens_its_lock() -> None:
    statement = denied_in_the_audit_bucket()["NobodyRemovesALinkOrShortensItsLock"]
    assert "Condition" not in statement
    assert set(statement["Action"]) == {
        "s3:BypassGovernanceRetention",
        "s3:DeleteObject",
        "s3:DeleteObjectVersion",
        "s3:PutObjectLegalHold",
        "s3:PutObjectRetention",
    }


def test_a_link_can_be_written_only_where_none_is() -> None:
    statement = denied_in_the_audit_bucket()["ALinkIsWrittenOnce"]
    assert statement["Action"] == "s3:PutObject"
    assert statement["Condition"] == {"Null": {"s3:if-none-match": "true"}}


def test_the_audit_trail_is_reached_over_tls_only() -> None:
    statement = denied_in_the_audit_bucket()["OnlyOverTls"]
    assert statement["Action"] == "s3:*"
    assert statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}


def test_who_exports_the_audit_trail_cannot_touch_the_table() -> None:
    actions = json.dumps([each["Action"] for role, each in statements() if role == "AuditRole"])
    assert set(re.findall(r"dynamodb:\w+", actions)) == {
        "dynamodb:DescribeStream",
        "dynamodb:GetRecords",
        "dynamodb:GetShardIterator",
        "dynamodb:ListStreams",
    }


def test_only_the_export_writes_to_its_bucket() -> None:
    users = {role for role, each in statements() if "AuditBucket" in json.dumps(each)}
    assert users == {"AuditRole"}


# Samples


def test_every_trigger_has_a_sample_and_every_sample_a_trigger() -> None:
    files = [file.stem for file in EVENTS.glob("*.json")]
    assert SAMPLES.keys() == FUNCTIONS.keys()
    for pattern in SAMPLES.values():
        assert any(fnmatch(file, pattern) for file in files)
    for file in files:
        assert sum(fnmatch(file, pattern) for pattern in SAMPLES.values()) == 1


@pytest.mark.parametrize("name", sorted(file.stem for file in EVENTS.glob("api-*.json")))
def test_a_sample_of_a_request_is_of_a_route(name: str) -> None:
    event = sample(name)
    assert (event["resource"], event["httpMethod"].lower()) in METHODS
    assert event["path"] == event["resource"].format(**event["pathParameters"] or {})


@pytest.mark.parametrize(
    ("name", "function"),
    [
        ("stream-eligible", "AllocationFunction"),
        ("stream-allocated", "SchedulingFunction"),
        ("stream-audited", "AuditFunction"),
    ],
)
def test_a_sample_of_the_stream_gets_to_its_function(name: str, function: str) -> None:
    for record in sample(name)["Records"]:
        assert woken(record) == {function}
