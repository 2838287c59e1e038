"""Deployments that would lose data are refused, and failed ones leave nothing behind."""

from dataclasses import replace
from types import SimpleNamespace
from typing import Any, cast

import pytest
from botocore import session, xform_name
from botocore.exceptions import ClientError
from botocore.validate import ParamValidator
from mypy_boto3_cloudformation.type_defs import ChangeTypeDef
from rich.console import Console

from commands.deploy import destroy
from commands.deploy.deploy import (
    DELETED_BY,
    KEPT,
    NEVER_WAS,
    Deployment,
    forbidden,
    setting,
)
from tests.support.samples import ROOT


def change(action: str, kind: str, replacement: str | None = None) -> ChangeTypeDef:
    said = {"Action": action, "LogicalResourceId": "It", "ResourceType": kind}
    if replacement:
        said["Replacement"] = replacement
    return cast("ChangeTypeDef", {"Type": "Resource", "ResourceChange": said})


@pytest.mark.parametrize("kind", sorted(KEPT))
@pytest.mark.parametrize(
    ("action", "replacement"), [("Remove", None), ("Modify", "True"), ("Modify", "Conditional")]
)
def test_a_resource_that_holds_data_is_neither_removed_nor_replaced(
    kind: str, action: str, replacement: str | None
) -> None:
    assert forbidden([change(action, kind, replacement)]) == [f"It ({kind})"]


@pytest.mark.parametrize(
    "allowed",
    [
        change("Add", "AWS::DynamoDB::Table"),
        change("Modify", "AWS::DynamoDB::Table", "False"),
        change("Modify", "AWS::Lambda::Function", "True"),
        change("Remove", "AWS::CloudWatch::Alarm"),
    ],
)
def test_any_other_resource_may_change(allowed: ChangeTypeDef) -> None:
    assert forbidden([allowed]) == []


def test_a_parameter_is_a_name_and_a_value() -> None:
    assert setting("ForceName=Durham Police") == ("ForceName", "Durham Police")
    assert setting("Text=a=b") == ("Text", "a=b")


def test_destroy_lists_what_outlives_the_stack() -> None:
    resources = [
        {"ResourceType": "AWS::DynamoDB::Table", "PhysicalResourceId": "Table-1"},
        {"ResourceType": "AWS::Logs::LogGroup", "PhysicalResourceId": "sns/eu-west-2/1/Direct"},
        {"ResourceType": "AWS::Lambda::Function", "PhysicalResourceId": "Function-1"},
    ]
    page = {"StackResourceSummaries": resources}
    pages = SimpleNamespace(paginate=lambda **_: [page])
    cloudformation = cast("Any", SimpleNamespace(get_paginator=lambda _: pages))
    assert destroy.kept(cloudformation, "a-stack") == ["AWS::DynamoDB::Table Table-1"]


def test_the_template_retains_each_resource_that_destroy_says_it_keeps() -> None:
    from tests.infra.test_template import RESOURCES  # noqa: PLC0415

    assert (ROOT / "infra/template.yaml").exists()
    for name, resource in RESOURCES.items():
        if resource["Type"] in KEPT and not name.startswith("Delivery"):
            assert resource["DeletionPolicy"] == "RetainExceptOnCreate", name


class Recorded:
    """A client that gives the prepared answers, and records what it was asked."""

    def __init__(self, **answers: Any) -> None:
        self.asked: list[tuple[str, dict[str, Any]]] = []
        self._answers = answers

    def __getattr__(self, name: str) -> Any:
        def call(**given: Any) -> Any:
            self.asked.append((name, given))
            return self._answers.get(name, {})

        return call

    def get_paginator(self, name: str) -> Any:
        return SimpleNamespace(paginate=lambda **_: [self._answers[name]])

    def get_waiter(self, _: str) -> Any:
        return SimpleNamespace(wait=lambda **_: None)

    def asked_for(self, name: str) -> list[dict[str, Any]]:
        return [given for call, given in self.asked if call == name]


ALARM = "arn:aws:cloudwatch:eu-west-2:123456789012:alarm:NotAsPlanned"


def deployment(status: str | None, storage: Recorded | None = None, **more: Any) -> Deployment:
    """One whose stack is in this state; none, if there is no stack."""
    stack = {
        "StackStatus": status or "REVIEW_IN_PROGRESS",
        "Outputs": [{"OutputKey": "NotAsPlannedAlarmArn", "OutputValue": ALARM}],
    }
    failed = {"ResourceStatus": "DELETE_FAILED"}
    resources = [
        failed | {"ResourceType": "AWS::DynamoDB::Table", "PhysicalResourceId": "Table-1"},
        failed | {"ResourceType": "AWS::KMS::Key", "PhysicalResourceId": "key-1"},
        failed | {"ResourceType": "AWS::Lambda::Function", "PhysicalResourceId": "function-1"},
        {
            "ResourceType": "AWS::S3::Bucket",
            "PhysicalResourceId": "bucket-1",
            "ResourceStatus": "DELETE_COMPLETE",
        },
        {"ResourceType": "AWS::Logs::LogGroup", "ResourceStatus": "CREATE_FAILED"},
    ]
    cloudformation = Recorded(
        describe_stacks={"Stacks": [stack | more]},
        create_change_set={"Id": "change"},
        get_template_summary={"Parameters": []},
        list_stack_resources={"StackResourceSummaries": resources},
    )
    clients = cast("Any", cloudformation), cast("Any", storage or Recorded())
    return Deployment(*clients, "a-stack", "a-bucket", "eu-west-2")


def planned(status: str | None, *, watch: int) -> dict[str, Any]:
    found = deployment(status)
    assert found.plan("https://template", {}, watch_minutes=watch) == "change"
    (asked,) = cast("Recorded", found.cloudformation).asked_for("create_change_set")
    return asked


def test_an_update_is_watched_and_zero_minutes_switch_the_watch_off() -> None:
    """A time of 0 alone would still watch, and no list would leave the last one."""
    watched = planned("UPDATE_COMPLETE", watch=15)["RollbackConfiguration"]
    assert [each["Arn"] for each in watched["RollbackTriggers"]] == [ALARM]
    assert watched["MonitoringTimeInMinutes"] == 15
    assert planned("UPDATE_COMPLETE", watch=0)["RollbackConfiguration"] == {
        "RollbackTriggers": [],
        "MonitoringTimeInMinutes": 0,
    }


def test_changes_by_other_means_are_reverted_only_on_request() -> None:
    assert "DeploymentMode" not in planned("UPDATE_COMPLETE", watch=15)
    found = replace(deployment("UPDATE_COMPLETE"), revert_drift=True)
    found.plan("https://template", {}, watch_minutes=15)
    (asked,) = cast("Recorded", found.cloudformation).asked_for("create_change_set")
    assert asked["DeploymentMode"] == "REVERT_DRIFT"
    model = session.get_session().get_service_model("cloudformation")
    taken = model.operation_model("CreateChangeSet").input_shape
    assert taken is not None
    report = ParamValidator().validate(asked, taken)
    assert not report.has_errors(), report.generate_report()


def test_a_first_deployment_that_fails_is_deleted_by_cloudformation() -> None:
    first, later = planned(None, watch=15), planned("UPDATE_COMPLETE", watch=15)
    assert (first["ChangeSetType"], first["OnStackFailure"]) == ("CREATE", "DELETE")
    assert (later["ChangeSetType"], later["OnStackFailure"]) == ("UPDATE", "ROLLBACK")


@pytest.mark.parametrize("status", sorted(NEVER_WAS))
def test_the_remains_of_a_failed_first_deployment_are_deleted(status: str) -> None:
    """With the table, and its key: CloudFormation retains both when it deletes the stack."""
    found, others = deployment(status), Recorded(scan={"Items": []})
    assert found.clear_failed_creation(lambda _: others)
    assert cast("Recorded", found.cloudformation).asked_for("delete_stack")
    assert others.asked[1:] == [
        ("update_table", {"TableName": "Table-1", "DeletionProtectionEnabled": False}),
        ("delete_table", {"TableName": "Table-1"}),
        ("schedule_key_deletion", {"KeyId": "key-1"}),
    ]


@pytest.mark.parametrize(
    ("code", "clears"), [("ResourceNotFoundException", True), ("AccessDeniedException", False)]
)
def test_an_already_deleted_resource_does_not_fail_the_clean_up(code: str, *, clears: bool) -> None:
    found, others = deployment("DELETE_FAILED"), Recorded(scan={"Items": []})

    def refused(**_: Any) -> None:
        raise ClientError({"Error": {"Code": code, "Message": ""}}, "DeleteTable")

    others.delete_table = refused  # type: ignore[attr-defined]  # a fake
    if clears:
        assert found.clear_failed_creation(lambda _: others)
        assert others.asked_for("schedule_key_deletion")
    else:
        with pytest.raises(ClientError, match=code):
            found.clear_failed_creation(lambda _: others)


def test_resources_are_deleted_by_calls_that_aws_has() -> None:
    for service, call, argument in DELETED_BY.values():
        model = session.get_session().get_service_model(service)
        names = {xform_name(each): each for each in model.operation_names}
        taken = model.operation_model(names[call]).input_shape
        assert taken is not None
        assert taken.required_members == [argument]


@pytest.mark.parametrize(
    ("status", "more"),
    [
        (None, {}),
        ("UPDATE_COMPLETE", {}),
        ("UPDATE_ROLLBACK_FAILED", {}),
        ("DELETE_FAILED", {"LastUpdatedTime": "2026-12-01"}),  # it once was
    ],
)
def test_a_stack_that_was_ever_deployed_is_not_deleted_as_a_failure(
    status: str | None, more: dict[str, Any]
) -> None:
    found, others = deployment(status, **more), Recorded(scan={"Items": []})
    assert not found.clear_failed_creation(lambda _: others)
    assert not cast("Recorded", found.cloudformation).asked_for("delete_stack")


def test_a_table_with_any_item_in_it_is_never_deleted_as_a_failure() -> None:
    found, others = deployment("ROLLBACK_FAILED"), Recorded(scan={"Items": [{}]})
    with pytest.raises(SystemExit, match="not empty"):
        found.clear_failed_creation(lambda _: others)
    assert not cast("Recorded", found.cloudformation).asked_for("delete_stack")


def test_only_deployed_versions_are_listed_from_the_bucket() -> None:
    keys = ["20261202T090000000000.yaml", "20261201T090000000000.yaml", f"{'a' * 64}.yaml", "b.zip"]
    storage = Recorded(list_objects_v2={"Contents": [{"Key": key} for key in keys]})
    assert deployment("UPDATE_COMPLETE", storage).versions() == [
        "20261201T090000000000",
        "20261202T090000000000",
    ]


def test_a_stack_is_protected_once_deployed_and_deleted_only_by_destroy() -> None:
    found = deployment("UPDATE_COMPLETE")
    client = cast("Recorded", found.cloudformation)
    client._answers["describe_stack_events"] = {"StackEvents": []}  # noqa: SLF001 - a fake
    found.execute("change", Console())
    assert client.asked_for("update_termination_protection") == [
        {"StackName": "a-stack", "EnableTerminationProtection": True}
    ]
    destroy.destroy(cast("Any", client), "a-stack")
    names = [name for name, _ in client.asked]
    assert names.index("delete_stack") > len(names) - 1 - names[::-1].index(
        "update_termination_protection"
    )


def test_a_version_without_closed_trials_is_not_deployed_over_a_closed_trial() -> None:
    """A rollback to it would silently accept orders again."""
    closed = [{"ParameterKey": "TakesOrders", "ParameterValue": "false"}]
    found = deployment("UPDATE_COMPLETE", Parameters=closed)
    with pytest.raises(SystemExit, match="take orders again"):
        found.plan("https://template", {}, watch_minutes=0)
    assert not cast("Recorded", found.cloudformation).asked_for("create_change_set")
