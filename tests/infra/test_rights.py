"""
Least privilege, both ways: what each function's role grants is what the function uses.

The simulator runs months with faults and records every AWS call; so does a night's extract. A right
that no call uses fails the test, and so does a call that no right allows. No call of ours shows
what AWS does in a function's name: those rights are in one table, with reasons.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from datetime import timedelta
from functools import cache
from itertools import product
from traceback import walk_stack
from typing import Any
from uuid import UUID

import pytest
import time_machine

from digest.handler import lambda_handler as digest
from extract.handler import lambda_handler as extract
from operations.panels.handler import lambda_handler as panels
from receipts.handler import lambda_handler as receipts
from reconciliation.handler import lambda_handler as reconciliation
from tests.proofs.simulation.run import Simulation
from tests.proofs.simulation.services import logged
from tests.proofs.simulation.story import story
from tests.proofs.simulation.world import SETTINGS
from tests.support.buckets import make_bucket
from tests.support.deployed import STACK, of_role
from tests.support.extracts import BUCKET
from tests.support.faults import hooked, meddling, raising, refusal, without_the_group
from tests.support.invoking import enrolment_answers
from tests.support.life import QUASHED, corrected, follow, followed, report_change, treated
from tests.support.nights import links_of_the_audit_trail, nights_of_retention
from tests.support.policies import Statement, allows, covers, like, listed, rights
from tests.support.rights import Call, Right, Watched, taken
from tests.support.samples import ACCOUNT, MORNING, REGION, sample
from tests.support.steps import (
    CONTEXT,
    UNHURRIED,
    allocate,
    call,
    enrol,
    failures,
    fire,
    someone_in,
)
from tests.support.table import enrolment_of, keep_stray, number_of, reminder_of, reminders_of
from trial.aws import clients
from trial.codes import Arm, ReminderState
from trial.records.receipt import Receipt, Stray
from trial.settlement import follow_up

pytestmark = pytest.mark.xdist_group("rights")

SEEDS = range(12)
_LEADING = "dynamodb:LeadingKeys"
FUNCTIONS = STACK.of_type("AWS::Lambda::Function")

BUCKET_KEYS = {
    name: bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"][0][
        "ServerSideEncryptionByDefault"
    ]["KMSMasterKeyID"]
    for name, bucket in STACK.of_type("AWS::S3::Bucket").items()
}
each_function = pytest.mark.parametrize("name", FUNCTIONS)


def role_of(function: str) -> str:
    return str(FUNCTIONS[function]["Role"].rpartition("/")[2])


def by_aws(name: str) -> dict[tuple[str, str], str]:
    """The acts of AWS itself with a function's role, and why."""
    function = FUNCTIONS[name]
    log = f"arn:aws:logs:eu-west-2:123456789012:log-group:{function['LoggingConfig']['LogGroup']}"
    rights = {
        "Lambda writes the function's log": [
            ("logs:CreateLogStream", f"{log}:log-stream:1"),
            ("logs:PutLogEvents", f"{log}:log-stream:1"),
        ],
        "DynamoDB reads and SQS writes under the stack's key in the caller's name": [
            ("kms:Decrypt", STACK.resolved({"Fn::GetAtt": ["DataKey", "Arn"]})),
            ("kms:GenerateDataKey", STACK.resolved({"Fn::GetAtt": ["DataKey", "Arn"]})),
        ],
    }
    if dead_letters := function.get("DeadLetterConfig"):
        rights["Lambda leaves dead letters"] = [("sqs:SendMessage", dead_letters["TargetArn"])]
    for mapping in STACK.of_type("AWS::Lambda::EventSourceMapping").values():
        if mapping["FunctionName"] == name:
            stream = mapping["EventSourceArn"]
            rights["Lambda reads the stream"] = [
                ("dynamodb:DescribeStream", stream),
                ("dynamodb:GetRecords", stream),
                ("dynamodb:GetShardIterator", stream),
                ("dynamodb:ListStreams", "*"),
            ]
    if function.get("TracingConfig", {}).get("Mode") == "Active":
        rights["Lambda and the X-Ray SDK send traces"] = [
            ("xray:PutTelemetryRecords", "*"),
            ("xray:PutTraceSegments", "*"),
        ]
    return {right: reason for reason, each in rights.items() for right in each}


@cache
def simulated() -> dict[str, set[Right]]:
    """The rights that the simulated functions took."""
    used: dict[str, set[Right]] = {name: set() for name in FUNCTIONS}
    stories = [story(), *map(Simulation, SEEDS)]
    for simulation in stories[1:]:
        simulation.upstream.scatter()
    for simulation in stories:
        stack, clients = simulation.world.stack, simulation.clients
        for service, client in clients.items():

            def note_call(operation: str, params: dict[str, Any], of: str = service) -> None:
                function = stack[-1].function  # noqa: B023 - lived before the next one begins
                note(used, function, Call(of, operation, params), SETTINGS)

            clients[service] = Watched(client, note_call)
        simulation.live()
    return used


def watched(live: Callable[[], None], told: Mapping[str, str]) -> dict[str, set[Right]]:
    """The rights that functions used in a scenario on moto."""
    used: dict[str, set[Right]] = {name: set() for name in FUNCTIONS}

    def note_call(params: dict[str, Any], model: Any, **_: Any) -> None:
        files = (frame.f_code.co_filename for frame, _ in walk_stack(None))
        features = [each.rsplit("/", 2)[-2] for each in files if each.endswith("/handler.py")]
        if features:
            made = Call(model.service_model.service_name, model.name, params)
            note(used, features[0], made, told)

    with ExitStack() as watching:
        for client in (
            clients.background(),
            clients.dynamodb(),
            clients.events(),
            clients.functions(),
            clients.kms(),
            clients.s3(),
            clients.scheduler(),
            clients.sns(),
        ):
            watching.enter_context(hooked(client, "provide-client-params.*.*", note_call))
        live()
    return used


def note(used: dict[str, set[Right]], feature: str, call: Call, told: Mapping[str, str]) -> None:
    """Add the rights that a function's call takes, by the names of what is deployed."""
    name = f"{feature.capitalize()}Function"
    variables = FUNCTIONS[name]["Environment"]["Variables"]
    names = {told[each]: value for each, value in variables.items() if each in told}
    used[name].update(taken(call, names, BUCKET_KEYS))


def shown_to_upstream() -> None:
    assert call("GET", f"/enrolments/{followed()}").status == 200


def shown_to_the_unblinded() -> None:
    someone = someone_in(Arm.INTERVENTION)
    assert call("GET", f"/allocations/{someone}").status == 200
    with time_machine.travel(MORNING + timedelta(days=30), tick=False):
        assert call("GET", "/troubled").body["reminders"]


def all_that_staff_do() -> None:
    enrol(1, mobile={"missing_reason": "refused"})
    for path in ("/enrolments", "/reports/flow", "/reports/missing-numbers", "/sending"):
        assert call("GET", path).status == 200
    by = {"by": "PC-1182", "reason": "exercise"}
    assert call("PUT", "/sending", by | {"paused": True}).status == 200
    suppressed_while_another_waits(left=60)


def suppressed_while_another_waits(*, left: int) -> UUID:
    """
    Somebody's number is suppressed, so that their next order has the place; whose id this is.

    An end is noted, and not followed up. There are `left` seconds to follow the suppression up.
    """
    person = {"person_id": "A1234BC"}
    ended = enrol(11)
    holder = enrol(12, respondent=person)
    enrol(13, respondent=person)
    suppress("+447700900011")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(follow_up, "LONGEST", -1)
        report_change(ended, "end", QUASHED)
        patch.setattr(follow_up, "LONGEST", left)
        suppress("+447700900011")
        suppress("+447700900012")
    return holder


def suppress(number: str) -> None:
    body = {"by": "PC-1182", "reason": "exercise", "number": number}
    assert call("POST", "/suppressions", body).status in (200, 201)


def a_draw_of_whose_number_was_suppressed() -> None:
    assert failures(allocate(suppressed_while_another_waits(left=-1))) == []


def all_that_the_panels_do() -> None:
    enrol(1, mobile={"missing_reason": "refused"})
    event = sample("panel-waiting")
    for panel in ("waiting", "flow", "sending"):
        panels(event | {"panel": panel}, CONTEXT)
    event["widgetContext"]["forms"]["all"] = {"reason": "exercise", "by": "PC-1182"}
    panels(event | {"panel": "sending", "act": "pause"}, CONTEXT)
    admitting = {"panel": "held", "act": "admit", "enrolment_id": str(UUID(int=7))}
    event["widgetContext"]["forms"]["all"] = {"by": "PC-1182"}
    with enrolment_answers():
        panels(event | admitting, CONTEXT)


def a_morning_with_a_digest() -> None:
    missing = {"missing_reason": "refused", "follow_up_on": "2026-12-02"}
    enrol(1, mobile=missing)
    with time_machine.travel(MORNING + timedelta(days=3), tick=False):
        assert digest(sample("digest-daily"), CONTEXT)["overdue"] == 1


def a_night_of_the_extract() -> None:
    followed()
    make_bucket(BUCKET)
    assert extract(sample("extract-nightly"), UNHURRIED)["became"] == "published"


def a_text_whose_receipt_comes_before_it_is_closed() -> None:
    someone = treated()
    first = next(each for each in reminders_of(someone) if each.due_at > MORNING)
    number = number_of(someone)

    def bring(parsed: dict[str, Any], **_: Any) -> None:
        receipts(logged(parsed["MessageId"], number, first.due_at, words=None), CONTEXT)

    with (
        time_machine.travel(first.due_at, tick=False),
        hooked(clients.sns(), "after-call.sns.Publish", bring),
    ):
        assert fire(someone, first.number) == "sent"


def a_text_refused_because_its_number_opted_out() -> None:
    someone = someone_in(Arm.INTERVENTION, first=600)
    due_at = reminder_of(someone, 2).due_at
    no = raising(refusal("OptedOut"))
    with (
        time_machine.travel(due_at, tick=False),
        meddling(clients.sns(), "before-call.sns.Publish", no),
    ):
        assert fire(someone, 2) == "failed"


def an_opt_out_that_the_carrier_reports() -> None:
    number = number_of(someone_in(Arm.INTERVENTION))
    receipts(logged("text-1", number, MORNING, words="Phone number is opted out"), CONTEXT)


def texts_whose_receipts_are_early_or_never_come() -> None:
    a_text_whose_receipt_comes_before_it_is_closed()
    a_text_refused_because_its_number_opted_out()


def an_order_cut_short() -> None:
    someone = someone_in(Arm.INTERVENTION, order={"expires_on": "2026-12-28"})
    follow(someone)
    reference = enrolment_of(someone).order.reference
    report_change(someone, "order", corrected(reference=reference, expires_on="2026-12-14"))
    with without_the_group():
        follow(someone_in(Arm.INTERVENTION, first=300))


def days_on_which_no_schedule_fires() -> None:
    someone = someone_in(Arm.INTERVENTION)
    follow(someone)
    receipt = Receipt(
        message_id="stray", published_at=MORNING, at=MORNING, state=ReminderState.DELIVERED
    )
    keep_stray(Stray(receipt=receipt, number_hash=enrolment_of(someone).mobile.number_hash or ""))
    enrol(701)  # and the stream has lost it
    soon = reminder_of(someone, 2).due_at - timedelta(hours=1)
    with time_machine.travel(soon, tick=False), without_the_group():
        assert reconciliation(sample("reconciliation-hourly"), UNHURRIED)["finished"]
    with time_machine.travel(MORNING + timedelta(days=3), tick=False):
        assert "not_sent" in reconciliation(sample("reconciliation-hourly"), UNHURRIED)["gaps"]
        gaps = reconciliation(sample("reconciliation-proof"), UNHURRIED)["gaps"]
        assert {"not_drawn", "stray_text"} <= gaps.keys()
    followed(700)
    assert not reconciliation(sample("reconciliation-proof"), CONTEXT)["finished"]


LIVED = {
    "AllocationFunction": a_draw_of_whose_number_was_suppressed,
    "AuditFunction": links_of_the_audit_trail,
    "DigestFunction": a_morning_with_a_digest,
    "DisclosureFunction": shown_to_the_unblinded,
    "EnrolmentFunction": shown_to_upstream,
    "ExtractFunction": a_night_of_the_extract,
    "OperationsFunction": all_that_staff_do,
    "PanelsFunction": all_that_the_panels_do,
    "ReceiptsFunction": an_opt_out_that_the_carrier_reports,
    "ReconciliationFunction": days_on_which_no_schedule_fires,
    "RetentionFunction": nights_of_retention,
    "SchedulingFunction": an_order_cut_short,
    "SendingFunction": texts_whose_receipts_are_early_or_never_come,
}
"""The scenarios besides the simulation, which show everything that a function uses."""


@each_function
def test_a_role_grants_what_its_function_uses_and_nothing_else(
    name: str, cloud: dict[str, str]
) -> None:
    used = simulated()[name] | watched(LIVED.get(name, lambda: None), cloud)[name]
    assert used, "nobody has watched it: what it uses is not known"
    granted, behind = of_role(role_of(name)), by_aws(name)
    needed = used | {Right(*each) for each in behind}
    missing = [each for each in needed if not allows(granted, *each[:2], dict(each.context))]
    assert missing == []
    assert list(_unread(granted, needed)) == []
    unused = [
        (action, resource)
        for statement in granted
        if statement["Effect"] == "Allow"
        for action in listed(statement["Action"])
        for resource in listed(statement["Resource"])
        if not any(
            covers(statement | {"Action": action, "Resource": resource}, *each[:2], dict(each[2]))
            for each in needed
        )
    ]
    assert unused == []


def _unread(granted: list[Statement], needed: set[Right]) -> Iterator[tuple[str, str]]:
    """The families of partitions on which an action is allowed and never used."""
    for statement in granted:
        conditions = statement.get("Condition", {}).values()
        families = [each for test in conditions for each in listed(test.get(_LEADING, []))]
        for action, family in product(listed(statement["Action"]), families):
            used = {
                key
                for each in needed
                if each.action == action
                for key in dict(each.context).get(_LEADING, ())
            }
            if family != "false" and not any(like(key, family) for key in used):
                yield action, family


@pytest.mark.parametrize("role", ["SchedulingRole", "ReconciliationRole"])
def test_rights_to_schedules_cover_the_reminders_group_and_no_other(role: str) -> None:
    """EventBridge Scheduler knows no right to a single schedule."""
    schedules = f"arn:aws:scheduler:{REGION}:{ACCOUNT}:schedule"
    granted = {
        resource
        for action, resource in rights(of_role(role))
        if re.fullmatch("scheduler:(Create|Get|Delete)Schedule", action)
    }
    assert granted == {f"{schedules}/{STACK.resolved({'Ref': 'ScheduleGroup'})}/*"}


@each_function
def test_a_role_is_passed_to_the_scheduler_only(name: str) -> None:
    granted = of_role(role_of(name))
    passed = STACK.resolved({"Fn::GetAtt": ["ScheduleRole", "Arn"]})
    for service in ("lambda.amazonaws.com", "ec2.amazonaws.com"):
        assert not allows(granted, "iam:PassRole", passed, {"iam:PassedToService": service})
    assert not allows(granted, "iam:PassRole", passed)


def test_sending_may_text_phones_and_publish_to_no_topic() -> None:
    granted = of_role("SendingRole")
    assert allows(granted, "sns:Publish", "+447700900001")
    assert not allows(granted, "sns:Publish", "arn:aws:sns:eu-west-2:123456789012:AlarmTopic")
