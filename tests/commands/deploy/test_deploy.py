"""Deploying: what would lose data is refused, and what the account lacks is named."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import pytest
from botocore.exceptions import ClientError

from commands.deploy import destroy, preflight
from commands.deploy.deploy import KEPT, forbidden, setting
from commands.deploy.preflight import Account, look
from tests.support.samples import ROOT

if TYPE_CHECKING:
    from mypy_boto3_cloudformation.type_defs import ChangeTypeDef

ROLE = "arn:aws:iam::123456789012:role/deliveries"


def change(action: str, kind: str, replacement: str | None = None) -> ChangeTypeDef:
    said = {"Action": action, "LogicalResourceId": "It", "ResourceType": kind}
    if replacement:
        said["Replacement"] = replacement
    return cast("ChangeTypeDef", {"Type": "Resource", "ResourceChange": said})


@pytest.mark.parametrize("kind", sorted(KEPT))
@pytest.mark.parametrize(
    ("action", "replacement"),
    [("Remove", None), ("Modify", "True"), ("Modify", "Conditional")],
)
def test_what_holds_data_is_neither_removed_nor_replaced(
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
def test_all_else_may_change(allowed: ChangeTypeDef) -> None:
    assert forbidden([allowed]) == []


def test_a_parameter_is_a_name_and_a_value() -> None:
    assert setting("ForceName=Durham Police") == ("ForceName", "Durham Police")
    assert setting("Text=a=b") == ("Text", "a=b")


@dataclass
class Aws:
    """An account, as far as it is looked at."""

    attributes: dict[str, str] = field(
        default_factory=lambda: {
            "MonthlySpendLimit": "500",
            "DeliveryStatusIAMRole": ROLE,
            "DeliveryStatusSuccessSamplingRate": "100",
        }
    )
    sandbox: bool = False
    senders: tuple[dict[str, Any], ...] = ({"SenderId": "DurhamPol", "IsoCountryCode": "GB"},)
    concurrency: int = 1000

    def missing(self) -> set[str]:
        outputs = [{"OutputKey": "DeliveryLoggingRoleArn", "OutputValue": ROLE}]
        pages = SimpleNamespace(paginate=lambda: [{"SenderIds": self.senders}])
        told = {"AccountLimit": {"UnreservedConcurrentExecutions": self.concurrency}}
        account = Account(
            cast(
                "Any",
                SimpleNamespace(
                    get_sms_sandbox_account_status=lambda: {"IsInSandbox": self.sandbox},
                    get_sms_attributes=lambda: {"attributes": self.attributes},
                ),
            ),
            cast("Any", SimpleNamespace(get_account_settings=lambda: told)),
            cast(
                "Any",
                SimpleNamespace(describe_stacks=lambda **_: {"Stacks": [{"Outputs": outputs}]}),
            ),
            SimpleNamespace(get_paginator=lambda _: pages),
            "dvpo-reminders-v1",
            "DurhamPol",
            200,
        )
        return {each.what for each in look(account) if not each.there}


def test_an_account_with_everything_lacks_nothing() -> None:
    assert Aws().missing() == set()


@pytest.mark.parametrize(
    ("account", "what"),
    [
        (Aws(sandbox=True), "out of the SMS sandbox"),
        (Aws(attributes={}), "spend limit"),
        (Aws(senders=()), "sender id DurhamPol"),
        (Aws(senders=({"SenderId": "DurhamPol", "IsoCountryCode": "FR"},)), "sender id DurhamPol"),
        (Aws(concurrency=10), "concurrency"),
    ],
)
def test_what_an_account_lacks_is_named(account: Aws, what: str) -> None:
    assert what in account.missing()


@pytest.mark.parametrize(
    ("name", "value"),
    [("DeliveryStatusIAMRole", "arn:other"), ("DeliveryStatusSuccessSamplingRate", "50")],
)
def test_a_delivery_log_of_another_role_or_of_some_texts_is_none(name: str, value: str) -> None:
    account = Aws()
    account.attributes[name] = value
    assert account.missing() == {"delivery log"}


def test_what_may_not_be_looked_at_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: Account) -> None:
        raise ClientError({"Error": {"Code": "AccessDenied", "Message": "no"}}, "Anything")

    monkeypatch.setattr(preflight.Account, "concurrency", refuse)
    assert Aws().missing() == {"concurrency"}


def test_what_outlives_a_stack_is_told() -> None:
    resources = [
        {"ResourceType": "AWS::DynamoDB::Table", "PhysicalResourceId": "Table-1"},
        {"ResourceType": "AWS::Logs::LogGroup", "PhysicalResourceId": "sns/eu-west-2/1/Direct"},
        {"ResourceType": "AWS::Lambda::Function", "PhysicalResourceId": "Function-1"},
    ]
    page = {"StackResourceSummaries": resources}
    pages = SimpleNamespace(paginate=lambda **_: [page])
    cloudformation = cast("Any", SimpleNamespace(get_paginator=lambda _: pages))
    assert destroy.kept(cloudformation, "a-stack") == ["AWS::DynamoDB::Table Table-1"]


def test_what_is_said_to_outlive_the_stack_is_retained_by_the_template() -> None:
    from tests.infra.test_template import RESOURCES  # noqa: PLC0415

    assert (ROOT / "infra/template.yaml").exists()
    for name, resource in RESOURCES.items():
        if resource["Type"] in KEPT and not name.startswith("Delivery"):
            assert resource["DeletionPolicy"] == "RetainExceptOnCreate", name
