"""Who may call which route and see what: the template's policies, evaluated."""

import json
import re
from collections.abc import Iterator
from datetime import timedelta
from functools import cache
from typing import Any

import pytest
import time_machine

from commands.audit import allocation_sources
from commands.repository.openapi import contract
from commands.repository.template import translated
from tests.support.deployed import STACK, Deployed, of_policy
from tests.support.faults import hooked
from tests.support.life import followed
from tests.support.policies import Statement, allows, listed, rights
from tests.support.samples import ACCOUNT, MORNING, REGION
from trial.aws import clients

ORDER = "a5e1485f-199d-8556-a497-98980cd19691"
ANYTHING: Statement = {"Effect": "Allow", "Action": "*", "Resource": "*"}
BLINDED = ("BlindedCaller", "Operator")
ROUTES = {
    (method.upper(), path): operation["tags"]
    for path, operations in contract()["paths"].items()
    for method, operation in operations.items()
}
OPEN = ("GET", "/openapi.json")
WORKLIST = ("GET", "/enrolments")
FOUND = ("GET", "/orders")
ADMIT = ("POST", "/enrolments/{enrolment_id}/admit")
INVOKE = "lambda:InvokeFunction"


def arn(method: str, path: str) -> str:
    shown = path.format(enrolment_id=ORDER)
    return f"arn:aws:execute-api:{REGION}:{ACCOUNT}:Api/v1/{method}{shown}"


def callable_by(given: list[Statement]) -> set[tuple[str, str]]:
    """Every route that these statements allow."""
    return {route for route in ROUTES if allows(given, "execute-api:Invoke", arn(*route))}


def tagged(tag: str) -> set[tuple[str, str]]:
    return {route for route, tags in ROUTES.items() if tag in tags}


@pytest.mark.parametrize(
    ("policy", "routes"),
    [
        ("BlindedCaller", tagged("Enrolment") | {OPEN, WORKLIST}),
        ("UnblindedCaller", tagged("Unblinded") | {OPEN}),
        ("Operator", tagged("Operations") | {FOUND}),
        ("Auditor", set()),
        ("AccessOfficer", set()),
        ("ResearchBlindedReader", set()),
        ("ResearchUnblindedReader", set()),
    ],
)
def test_each_kind_of_caller_reaches_its_own_routes_and_no_other(
    policy: str, routes: set[tuple[str, str]]
) -> None:
    assert tagged("Enrolment") | tagged("Unblinded") | tagged("Operations") == ROUTES.keys()
    assert callable_by(of_policy(policy)) == routes


@pytest.mark.parametrize("policy", ["BlindedCaller", "UnblindedCaller", "Operator"])
def test_every_api_caller_may_look_up_the_stack_s_address(policy: str) -> None:
    stack = STACK.resolved({"Ref": "AWS::StackId"})
    assert allows(of_policy(policy), "cloudformation:DescribeStacks", stack)
    assert not allows(of_policy(policy), "cloudformation:DescribeStacks", stack + "0")


@pytest.mark.parametrize("policy", BLINDED)
def test_blinded_callers_reach_no_arm_whatever_other_policies_they_have(policy: str) -> None:
    given = [*of_policy(policy), ANYTHING]
    own = {ADMIT} if policy == "BlindedCaller" else set()
    assert callable_by(given) == ROUTES.keys() - tagged("Unblinded") - own
    told = [each for each in telling() if allows(given, *each)]
    assert told == []


def telling() -> Iterator[tuple[str, str]]:
    """Everything that reveals an arm, or who was texted."""
    table = STACK.resolved({"Fn::GetAtt": ["Table", "Arn"]})
    for action in ("GetItem", "Query", "Scan", "BatchGetItem", "ExportTableToPointInTime"):
        yield f"dynamodb:{action}", table
    yield "dynamodb:Query", f"{table}/index/open_reminders"
    yield "dynamodb:GetRecords", f"{table}/stream/1"
    yield "dynamodb:RestoreTableFromBackup", f"{table}/backup/1"
    yield "kms:GenerateMac", STACK.resolved({"Fn::GetAtt": ["AllocationKey", "Arn"]})
    yield "scheduler:GetSchedule", f"arn:aws:scheduler:{REGION}:{ACCOUNT}:schedule/a/dvpo-1"
    yield "scheduler:ListSchedules", "*"
    for action in ("GetMetricData", "GetMetricStatistics", "GetMetricWidgetImage"):
        yield f"cloudwatch:{action}", "*"  # how long each function took, by the minute
    for action in ("BatchGetTraces", "GetTraceSummaries", "GetTimeSeriesServiceStatistics"):
        yield f"xray:{action}", "*"
    for action in ("LookupEvents", "StartQuery", "GetQueryResults"):
        yield f"cloudtrail:{action}", "*"  # each opened seal and each schedule, by its order's id
    for name in ("Disclosure", "Sending"):  # their answers differ by arm, and name no caller
        yield INVOKE, STACK.resolved({"Fn::GetAtt": [f"{name}Function", "Arn"]})
    for name in ("Scheduling", "Sending"):
        yield "sqs:ReceiveMessage", f"arn:aws:sqs:{REGION}:{ACCOUNT}:{name}Failures"
    logs = "Allocation Disclosure Extract Scheduling Sending Receipts Reconciliation Delivery"
    for name in logs.split():
        for action in ("FilterLogEvents", "GetLogEvents", "StartQuery", "CreateExportTask"):
            yield f"logs:{action}", f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:{name}Logs:*"
    for form in ("unblinded", "staging"):
        yield "s3:GetObject", f"arn:aws:s3:::ExtractBucket/{form}/2026-12-01/enrolments.csv.gz"


def test_an_operator_reads_no_log_from_which_arms_could_be_inferred() -> None:
    """Sending's log reveals the arm: nobody in control is in it."""
    logs = {
        resource.split(":")[6] if resource != "*" else resource
        for action, resource in rights(of_policy("Operator"))
        if action.startswith("logs:")
    }
    assert logs - {"*"} == {"ApiLogs", "EnrolmentLogs", "OperationsLogs", "PanelsLogs"}


def test_only_operators_use_the_live_panels_and_they_invoke_nothing_else() -> None:
    invoked = {
        policy: {resource for action, resource in rights(of_policy(policy)) if action == INVOKE}
        for policy in STACK.of_type("AWS::IAM::ManagedPolicy")
    }
    arn = STACK.resolved({"Fn::GetAtt": ["PanelsFunction", "Arn"]})
    assert {policy: arns for policy, arns in invoked.items() if arns} == {"Operator": {arn}}


@pytest.mark.parametrize("policy", ["Operator", "Engineer"])
def test_whoever_may_start_a_query_may_read_its_results_and_the_saved_queries(policy: str) -> None:
    for action in ("DescribeQueryDefinitions", "GetQueryResults", "StopQuery"):
        assert allows(of_policy(policy), f"logs:{action}", "*")


@pytest.mark.parametrize("policy", ["Operator", "Engineer"])
def test_whoever_sees_alarms_sees_the_composite_alarm(policy: str) -> None:
    """CloudWatch shows a composite alarm only to a role that may see alarms on `*`."""
    assert ("cloudwatch:DescribeAlarms", "*") in rights(of_policy(policy))


@pytest.mark.parametrize("policy", ["AccessOfficer", "Auditor", "Engineer", "TrailAuditor"])
def test_whoever_looks_up_the_stack_may_list_its_nested_stacks(policy: str) -> None:
    """A command lists every resource, and AWS asks for the right to each nested stack."""
    listing, stacks = "cloudformation:ListStackResources", f"{REGION}:{ACCOUNT}:stack"
    for name, theirs in (("dvpo", True), ("dvpo-Access-1AB2", True), ("dvpo2-Access", False)):
        arn = f"arn:aws:cloudformation:{stacks}/{name}/1"
        assert allows(of_policy(policy), listing, arn) is theirs, name


def test_an_engineer_reads_every_log_except_those_with_numbers() -> None:
    def reads(group: str) -> bool:
        arn = f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:{group}:*"
        return allows(of_policy("Engineer"), "logs:StartQuery", arn)

    unread = {group for group in STACK.of_type("AWS::Logs::LogGroup") if not reads(group)}
    assert unread == {"DeliveryLogs", "DeliveryFailureLogs"}
    reading = re.compile(r"\w+:(Batch)?(Get|List|Describe|Filter|Start|Stop)")
    assert all(reading.match(action) for action, _ in rights(of_policy("Engineer")))


def test_each_saved_query_s_readers_may_read_every_log_that_it_searches() -> None:
    """If a caller may not read one of the groups, the whole query is refused."""
    queries = STACK.of_type("AWS::Logs::QueryDefinition").values()
    blinded = [each for each in queries if "/Blinded/" in each["Name"]]
    assert len(blinded) >= 2
    for policy, answered in (("Operator", blinded), ("Engineer", list(queries))):
        for query in answered:
            for group in query["LogGroupNames"]:
                arn = f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:{group}:*"
                assert allows(of_policy(policy), "logs:StartQuery", arn), (policy, query["Name"])


@pytest.mark.parametrize("policy", STACK.of_type("AWS::IAM::ManagedPolicy"))
def test_no_person_s_policy_has_a_wildcard_of_actions(policy: str) -> None:
    assert not [action for action, _ in rights(of_policy(policy)) if "*" in action]


# The auditor


@pytest.mark.usefixtures("cloud")
def test_an_auditor_may_do_what_the_audit_does_and_reads_no_personal_data() -> None:
    followed()
    client, given = clients.dynamodb(), of_policy("Auditor")
    table = STACK.resolved({"Fn::GetAtt": ["Table", "Arn"]})
    asked: list[set[str]] = []

    def note(params: dict[str, Any], **_: Any) -> None:
        text = f"{params['ProjectionExpression']}, {params['FilterExpression']}"
        names = params["ExpressionAttributeNames"]
        first = (re.split(r"[.\[ ]", part)[0] for part in text.split(", ") if part[0] != ":")
        asked.append({names.get(each, each) for each in first})

    with hooked(client, "provide-client-params.dynamodb.Scan", note):
        assert list(allocation_sources.scanned(client, "trial"))
    (attributes,) = asked

    def scans(*read: str, select: str = "SPECIFIC_ATTRIBUTES") -> bool:
        context = {"dynamodb:Attributes": read, "dynamodb:Select": select}
        return allows(given, "dynamodb:Scan", table, context)

    assert scans(*attributes)
    for personal in ("mobile", "respondent", "missing", "protected_hashes"):
        assert not scans(*attributes, personal)
    assert not scans(*attributes, select="ALL_ATTRIBUTES")
    allowed = set(next(each for each in given if "Condition" in each)["Condition"][
        "ForAllValues:StringEquals"]["dynamodb:Attributes"])  # fmt: skip
    assert allowed == attributes


def test_an_auditor_changes_nothing() -> None:
    assert {action for action, _ in rights(of_policy("Auditor"))} == {
        *("cloudformation:ListStackResources", "dynamodb:Scan", "kms:Decrypt", "kms:GenerateMac"),
        *("s3:GetObjectVersion", "s3:ListBucketVersions"),
    }


# The key of the sequence


@cache
def deployed(**parameters: str) -> Deployed:
    return Deployed(**parameters)


def key_policy(key: str, **parameters: str) -> list[Statement]:
    keys = deployed(**parameters).of_type("AWS::KMS::Key")
    found: list[Statement] = keys[key]["KeyPolicy"]["Statement"]
    return found


def may_use(principal: str, action: str, key: str = "AllocationKey", **parameters: str) -> bool:
    """Whether the key's own policy allows it to a caller whose other policies allow anything."""
    policy = key_policy(key, **parameters)
    account, *others = [each["Principal"] for each in policy]
    assert account == {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}
    assert set(others) == {"*"}
    return allows(policy, action, "key", {"aws:PrincipalArn": principal})


def session(role: str) -> tuple[str, str]:
    """A session of a role."""
    return (
        f"arn:aws:iam::{ACCOUNT}:role/{role}",
        f"arn:aws:sts::{ACCOUNT}:assumed-role/{role}/one",
    )


AUDITOR = f"arn:aws:iam::{ACCOUNT}:role/auditor"
OFFICER = f"arn:aws:iam::{ACCOUNT}:role/access-officer"
ALLOCATION = session("AllocationRole")
OTHERS = (
    f"arn:aws:iam::{ACCOUNT}:root",
    f"arn:aws:iam::{ACCOUNT}:role/admin",
    f"arn:aws:iam::{ACCOUNT}:role/AllocationRole2",
    f"arn:aws:sts::{ACCOUNT}:assumed-role/admin/AllocationRole",
    *(role for role in STACK.of_type("AWS::IAM::Role") if role != "AllocationRole"),
)


@pytest.mark.parametrize("action", ["kms:GenerateMac", "kms:VerifyMac"])
def test_only_allocation_and_named_auditors_use_the_key_of_the_sequence(action: str) -> None:
    assert all(may_use(each, action) for each in ALLOCATION)
    assert not any(may_use(each, action) for each in (*OTHERS, AUDITOR))
    named = {"Auditors": f"{AUDITOR},{AUDITOR}2"}
    assert all(may_use(each, action, **named) for each in (*ALLOCATION, AUDITOR, f"{AUDITOR}2"))
    assert not any(may_use(each, action, **named) for each in OTHERS)


@pytest.mark.parametrize(
    ("action", "role"), [("kms:Encrypt", "EnrolmentRole"), ("kms:Decrypt", "SendingRole")]
)
def test_only_enrolment_seals_and_only_sending_and_named_officers_open_seals(
    action: str, role: str
) -> None:
    named = {"AccessOfficers": OFFICER}
    others = {f"arn:aws:iam::{ACCOUNT}:role/{each}" for each in STACK.of_type("AWS::IAM::Role")}
    others |= {f"arn:aws:iam::{ACCOUNT}:root", f"arn:aws:iam::{ACCOUNT}:role/admin", *ALLOCATION}
    for parameters in ({}, named):
        assert all(may_use(each, action, "SealingKey", **parameters) for each in session(role))
        assert not any(
            may_use(each, action, "SealingKey", **parameters)
            for each in others - set(session(role))
        )
        opens = bool(parameters) and action == "kms:Decrypt"
        assert may_use(OFFICER, action, "SealingKey", **parameters) is opens


@pytest.mark.parametrize("action", ["PutKeyPolicy", "DescribeKey", "ScheduleKeyDeletion"])
@pytest.mark.parametrize("key", ["AllocationKey", "SealingKey"])
def test_the_account_is_never_locked_out_of_its_keys(action: str, key: str) -> None:
    assert all(may_use(each, f"kms:{action}", key) for each in OTHERS)


# The way to the API


def api(**parameters: str) -> tuple[dict[str, Any], list[Statement]]:
    """The API, and its own policy."""
    ((_, made),) = Deployed(**parameters).of_type("AWS::ApiGateway::RestApi").items()
    return made, made["Body"]["x-amazon-apigateway-policy"]["Statement"]


@pytest.mark.parametrize("others", [(), ("111111111111", "222222222222")])
def test_the_api_is_for_named_accounts_whose_own_policies_decide(others: tuple[str, ...]) -> None:
    """Allowing everybody would let each caller in the account call every route."""
    _, (statement,) = api(ApiAccounts=",".join(others))
    assert statement["Effect"] == "Allow"
    assert listed(statement["Principal"]["AWS"]) == [ACCOUNT, *others]


def test_a_private_api_accepts_calls_from_its_vpc_endpoints_only() -> None:
    _, policy = api(ApiEndpoint="PRIVATE", ApiVpcEndpoints="vpce-1a,vpce-2b")
    for way, reached in (("vpce-1a", True), ("vpce-2b", True), ("vpce-3c", False), (None, False)):
        context = {"aws:SourceVpce": way} if way else {}
        assert allows(policy, "execute-api:Invoke", "execute-api:/v1", context) is reached


def test_a_parameter_makes_the_api_private() -> None:
    made, _ = api(ApiEndpoint="PRIVATE", ApiVpcEndpoints="vpce-1a")
    told = made["EndpointConfiguration"]
    assert told == {"Types": ["PRIVATE"], "VpcEndpointIds": ["vpce-1a"]}
    assert api()[0]["EndpointConfiguration"] == {"Types": ["REGIONAL"]}


DOMAIN = {"ApiDomain": "api.example.org", "ApiCertificate": "arn:c", "ApiTruststore": "s3://t"}


@pytest.mark.parametrize(
    ("parameters", "refused"),
    [
        ({}, False),
        ({"ApiEndpoint": "PRIVATE", "ApiVpcEndpoints": "vpce-1a"}, False),
        (DOMAIN, False),
        ({"ApiEndpoint": "PRIVATE"}, True),
        ({"ApiVpcEndpoints": "vpce-1a"}, True),  # aws:SourceVpce is there for private APIs only
        (DOMAIN | {"ApiEndpoint": "PRIVATE", "ApiVpcEndpoints": "vpce-1a"}, True),
        (DOMAIN | {"ApiCertificate": ""}, True),
        (DOMAIN | {"ApiTruststore": ""}, True),
    ],
)
def test_parameters_that_cannot_deploy_or_that_shut_everybody_out_are_refused(
    parameters: dict[str, str], *, refused: bool
) -> None:
    assert bool(Deployed(**parameters).refusals) is refused


def test_a_parameter_that_changes_the_api_s_policy_or_address_makes_a_new_deployment() -> None:
    """SAM makes one only if the template's text changes; AWS goes by the last one made."""
    deployments = set()
    for at in (MORNING, MORNING + timedelta(minutes=1)):
        with time_machine.travel(at, tick=False):
            made = translated.__wrapped__()["Resources"]
        deployments |= {
            name for name in made if made[name]["Type"] == "AWS::ApiGateway::Deployment"
        }
    assert len(deployments) == 2


def test_with_a_domain_the_api_requires_client_certificates_and_has_no_other_address() -> None:
    stack = Deployed(**DOMAIN)
    (domain,) = stack.of_type("AWS::ApiGateway::DomainName").values()
    assert domain["MutualTlsAuthentication"] == {"TruststoreUri": "s3://t"}
    assert '"disableExecuteApiEndpoint": true' in json.dumps(api(**DOMAIN)[0])
    assert '"disableExecuteApiEndpoint": true' not in json.dumps(api()[0])
    assert STACK.of_type("AWS::ApiGateway::DomainName") == {}


def test_the_paths_under_a_domain_are_those_of_the_code() -> None:
    """A base path would begin every path, so no route would match."""
    stack = Deployed(**DOMAIN)
    (mapping,) = stack.of_type("AWS::ApiGateway::BasePathMapping").values()
    assert "BasePath" not in mapping
    assert stack.outputs["ApiUrl"] == "https://api.example.org"
    assert {"ApiDomainTarget", "ApiDomainZone"} <= stack.outputs.keys()
    assert STACK.outputs["ApiUrl"].endswith(".amazonaws.com/v1")


def test_the_gateway_s_own_answers_are_problems_with_their_status() -> None:
    """It always uses the template of application/json, and has no variable for the status."""
    responses = api()[0]["Body"]["x-amazon-apigateway-gateway-responses"]
    assert {"DEFAULT_4XX", "DEFAULT_5XX", "ACCESS_DENIED", "INVALID_SIGNATURE"} <= responses.keys()
    assert {"MISSING_AUTHENTICATION_TOKEN", "RESOURCE_NOT_FOUND", "THROTTLED"} <= responses.keys()
    for kind, response in responses.items():
        headers = response["responseParameters"]
        assert headers["gatewayresponse.header.Content-Type"] == "'application/problem+json'"
        ((content, text),) = response["responseTemplates"].items()
        assert content == "application/json"
        assert "$context.status" not in text
        said = json.loads(text.replace("$context.error.messageString", '"why"'))
        assert {"type", "title", "detail", "errors"} <= said.keys()
        if not kind.startswith("DEFAULT_"):
            assert said["status"] == int(response["statusCode"])
    assert responses["THROTTLED"]["responseParameters"]["gatewayresponse.header.Retry-After"]


# The firewall, and the log of a call


def test_a_parameter_puts_a_blocking_firewall_before_the_api() -> None:
    assert STACK.of_type("AWS::WAFv2::WebACL") == {}
    assert STACK.of_type("AWS::WAFv2::WebACLAssociation") == {}
    stack = Deployed(Firewall="true")
    ((name, acl),) = stack.of_type("AWS::WAFv2::WebACL").items()
    (association,) = stack.of_type("AWS::WAFv2::WebACLAssociation").values()
    assert association["WebACLArn"].startswith(name)
    assert association["ResourceArn"].endswith("/restapis/Api/stages/ApiStage")
    flood, *managed = acl["Rules"]
    assert "RateBasedStatement" in flood["Statement"]
    assert flood["Action"]["Block"]["CustomResponse"]["ResponseCode"] == 429
    assert {each["Statement"]["ManagedRuleGroupStatement"]["Name"] for each in managed} == {
        "AWSManagedRulesAmazonIpReputationList",
        "AWSManagedRulesCommonRuleSet",
        "AWSManagedRulesKnownBadInputsRuleSet",
    }
    assert all(each["OverrideAction"] == {"None": {}} for each in managed)
    for each in (acl, *acl["Rules"]):
        assert each["VisibilityConfig"]["SampledRequestsEnabled"] is False  # they hold paths


def test_the_access_log_holds_no_body_query_or_order_id() -> None:
    (stage,) = STACK.of_type("AWS::ApiGateway::Stage").values()
    log = stage["AccessLogSetting"]["Format"]
    told = set(re.findall(r"\$context\.([\w.]+)", json.loads(log) and log))
    assert told == {
        *("identity.accountId", "identity.sourceIp", "identity.userArn"),
        *("requestId", "requestTime", "httpMethod", "resourcePath"),
        *("status", "error.responseType", "responseLatency", "responseLength"),
    }
    assert {each.get("LoggingLevel", "OFF") for each in stage["MethodSettings"]} == {"OFF"}


def test_routes_that_write_or_count_have_their_own_throttles() -> None:
    """A typing error in a path would leave a limit without a route."""
    (stage,) = STACK.of_type("AWS::ApiGateway::Stage").values()
    every, *each = stage["MethodSettings"]
    assert (every["ResourcePath"], every["HttpMethod"]) == ("/*", "*")
    assert len(each) == 7
    for setting in each:
        encoded = setting["ResourcePath"]
        assert encoded.count("/") == 1  # AWS writes the others ~1
        path = encoded.removeprefix("/").replace("~1", "/")
        assert (setting["HttpMethod"], path) in ROUTES
        assert setting["ThrottlingRateLimit"] < every["ThrottlingRateLimit"]
        assert setting["ThrottlingBurstLimit"] < every["ThrottlingBurstLimit"]
        assert setting["DataTraceEnabled"] is False
    assert not any(each.get("MetricsEnabled") for each in stage["MethodSettings"])  # they cost
