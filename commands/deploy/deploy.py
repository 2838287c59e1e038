"""
Deploys to AWS: builds the packages, shows what would change, asks, changes it and watches.

Uses the credentials of your shell. Refuses a change that would replace or remove a table, a key, a
bucket or a log. After an update CloudFormation watches the alarm "not as planned", and rolls
everything back if it goes off. Parameters not given keep their values. A first deployment that
fails leaves nothing behind and can be repeated. `--to` goes back to an earlier version, which
`--versions` lists; data is not changed.
"""

import argparse
import re
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError, WaiterError
from rich.console import Console
from rich.table import Table

from commands.arguments import add_stage, described
from commands.deploy import package
from commands.deploy.refusals import (
    closed_but_unknown,
    parts_of,
    refuse_closing,
    refuse_drafts,
    refuse_overspending,
    refuse_unregistered,
    to_be_deployed,
)
from commands.deployed_stack import failures, outputs_of, parameters_of, stack_of

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient
    from mypy_boto3_cloudformation.type_defs import (
        ChangeTypeDef,
        ParameterTypeDef,
        RollbackTriggerTypeDef,
        StackTypeDef,
    )
    from mypy_boto3_s3 import S3Client

NAME = "dvpo-reminders-{stage}"
BUCKET = "dvpo-reminders-packages-{account}-{region}"
AS_PLANNED = "NotAsPlannedAlarmArn"
"""The output that names the alarm that rolls back an update. Not every stack has it."""

DELETED_BY = {
    "AWS::DynamoDB::Table": ("dynamodb", "delete_table", "TableName"),
    "AWS::KMS::Key": ("kms", "schedule_key_deletion", "KeyId"),
    "AWS::Logs::LogGroup": ("logs", "delete_log_group", "logGroupName"),
    "AWS::S3::Bucket": ("s3", "delete_bucket", "Bucket"),
}
"""The service, the call and the argument that delete a resource, by its type."""

KEPT = frozenset(DELETED_BY)
"""Types that hold data or its keys: never replaced or removed, whatever a template says."""

GONE = frozenset(
    {"KMSInvalidStateException", "NoSuchBucket", "NotFoundException", "ResourceNotFoundException"}
)
"""The answers of these calls if there is no such resource, or if its deletion is scheduled."""

NEVER_WAS = frozenset({"ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "CREATE_FAILED", "DELETE_FAILED"})
"""States of a failed first deployment. CloudFormation only allows such a stack to be deleted."""

VERSION = re.compile(r"(\d{8}T\d{12})\.yaml")
WATCH_MINUTES = 15
LOOK_SECONDS = 3.0


@dataclass(frozen=True)
class Deployment:
    """
    One stack, which may not exist yet, and the bucket for its packages.

    With a role, CloudFormation acts with the role's permissions instead of the caller's. It only
    reverts what was changed past it if it is told to.
    """

    cloudformation: "CloudFormationClient"
    storage: "S3Client"
    stack: str
    bucket: str
    region: str
    address: str = "https://{bucket}.s3.{region}.amazonaws.com"
    role: str = ""
    revert_drift: bool = False

    def described(self) -> "StackTypeDef | None":
        """CloudFormation's description of the stack; None if there is no stack."""
        return stack_of(self.cloudformation, self.stack)

    def clear_failed_creation(self, client: Callable[[str], Any]) -> bool:
        """
        Delete the remains of a failed first deployment; returns whether there were any.

        Its table is empty, but protected: CloudFormation could delete neither it nor the key that
        it is under, and retains both once the creation itself is over. So they are deleted here; a
        key can be saved for 30 days.
        """
        found = self.described()
        if found is None or found["StackStatus"] not in NEVER_WAS or "LastUpdatedTime" in found:
            return False
        pages = self.cloudformation.get_paginator("list_stack_resources")
        left = [
            (each["ResourceType"], each["PhysicalResourceId"])
            for page in pages.paginate(StackName=self.stack)
            for each in page["StackResourceSummaries"]
            if each["ResourceType"] in KEPT
            and each.get("PhysicalResourceId")
            and each["ResourceStatus"] != "DELETE_COMPLETE"
        ]
        tables = client("dynamodb")
        for table in [name for kind, name in left if kind == "AWS::DynamoDB::Table"]:
            if tables.scan(TableName=table, Limit=1)["Items"]:
                sys.exit(f"The stack is {found['StackStatus']}, and {table} is not empty.")
            tables.update_table(TableName=table, DeletionProtectionEnabled=False)
        self.cloudformation.delete_stack(StackName=self.stack)
        self.cloudformation.get_waiter("stack_delete_complete").wait(StackName=self.stack)
        for kind, name in left:
            service, call, argument = DELETED_BY[kind]
            try:
                getattr(client(service), call)(**{argument: name})
            except ClientError as error:
                if error.response["Error"]["Code"] not in GONE:
                    raise
        return True

    def versions(self) -> list[str]:
        """The versions deployed so far (their upload times), the newest last."""
        pages = self.storage.get_paginator("list_objects_v2").paginate(Bucket=self.bucket)
        names = [each["Key"] for page in pages for each in page.get("Contents", [])]
        return sorted(found[1] for name in names if (found := VERSION.fullmatch(name)))

    @property
    def place(self) -> str:
        """The address of the bucket for CloudFormation."""
        return self.address.format(bucket=self.bucket, region=self.region)

    def upload(self, template: str, files: Mapping[str, bytes]) -> str:
        """Upload the template and the files that it names; returns the template's address."""
        with suppress(self.storage.exceptions.BucketAlreadyOwnedByYou):
            self.storage.create_bucket(
                Bucket=self.bucket,
                CreateBucketConfiguration={"LocationConstraint": self.region},  # type: ignore[typeddict-item]
            )
        self.storage.put_public_access_block(
            Bucket=self.bucket,
            PublicAccessBlockConfiguration={
                "BlockPublicAcls": True,
                "IgnorePublicAcls": True,
                "BlockPublicPolicy": True,
                "RestrictPublicBuckets": True,
            },
        )
        name = f"{datetime.now(UTC):%Y%m%dT%H%M%S%f}.yaml"
        for key, data in {**files, name: template.encode()}.items():
            self.storage.put_object(Bucket=self.bucket, Key=key, Body=data)
        return f"{self.place}/{name}"

    def plan(self, url: str, given: Mapping[str, str], *, watch_minutes: int) -> str | None:
        """Make a change set; returns its id, or None if nothing would change."""
        found = self.described()
        exists = found is not None
        alarm = outputs_of(found).get(AS_PLANNED)
        # An empty list switches the watch off: a time of 0 does not, and without a list the last
        # one stays. https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-cfn-rollback-triggers.html
        triggers: list[RollbackTriggerTypeDef] = (
            [{"Arn": alarm, "Type": "AWS::CloudWatch::CompositeAlarm"}]
            if alarm and watch_minutes
            else []
        )
        acting: Any = {"RoleARN": self.role} if self.role else {}
        if self.revert_drift:  # else CloudFormation compares templates, not what there is
            acting |= {"DeploymentMode": "REVERT_DRIFT"}
        made = self.cloudformation.create_change_set(
            StackName=self.stack,
            ChangeSetName=f"deploy-{datetime.now(UTC):%Y%m%dT%H%M%S%f}",
            ChangeSetType="UPDATE" if exists else "CREATE",
            OnStackFailure="ROLLBACK" if exists else "DELETE",
            TemplateURL=url,
            Capabilities=["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"],
            Parameters=self._parameters(url, given, exists=exists),
            **acting,
            RollbackConfiguration={
                "RollbackTriggers": triggers,
                "MonitoringTimeInMinutes": watch_minutes if triggers else 0,
            },
        )
        waiter = self.cloudformation.get_waiter("change_set_create_complete")
        try:
            waiter.wait(ChangeSetName=made["Id"], WaiterConfig={"Delay": 2})
        except WaiterError as error:
            reason = str(error.last_response.get("StatusReason", error))
            if "didn't contain changes" in reason or "No updates" in reason:
                return None
            sys.exit(f"CloudFormation refused the change: {reason}")
        return made["Id"]

    def _parameters(
        self, url: str, given: Mapping[str, str], *, exists: bool
    ) -> list["ParameterTypeDef"]:
        summary = self.cloudformation.get_template_summary(TemplateURL=url)
        declared = {each["ParameterKey"] for each in summary["Parameters"]}
        if unknown := given.keys() - declared:
            names = ", ".join(sorted(declared))
            sys.exit(f"No such parameter: {', '.join(sorted(unknown))}. There are: {names}")
        chosen: list[ParameterTypeDef] = [
            {"ParameterKey": name, "ParameterValue": value} for name, value in given.items()
        ]
        if not exists:
            return chosen
        found = self.cloudformation.describe_stacks(StackName=self.stack)["Stacks"][0]
        if closed_but_unknown(found, declared):
            sys.exit("Refused: that version knows no closed trial and would take orders again.")
        known = parameters_of(found).keys() & declared
        return chosen + [
            {"ParameterKey": name, "UsePreviousValue": True} for name in known - given.keys()
        ]

    def effective(self, url: str, given: Mapping[str, str]) -> dict[str, str]:
        """Every parameter to deploy: the given value, the current one or the template's default."""
        summary = self.cloudformation.get_template_summary(TemplateURL=url)
        own = {each["ParameterKey"]: each.get("DefaultValue", "") for each in summary["Parameters"]}
        return own | parameters_of(self.described()) | dict(given)

    def changes(self, change_set: str) -> Iterator["ChangeTypeDef"]:
        """The changes in the change set."""
        pages = self.cloudformation.get_paginator("describe_change_set")
        for page in pages.paginate(ChangeSetName=change_set):
            yield from page["Changes"]

    def execute(self, change_set: str, console: Console) -> None:
        """Execute the change set and print each step; exit with the reason if it fails."""
        self.cloudformation.execute_change_set(ChangeSetName=change_set)
        seen: set[str] = set()
        since = datetime.now(UTC)
        while True:
            events = self.cloudformation.describe_stack_events(StackName=self.stack)["StackEvents"]
            for event in reversed(events):
                if event["Timestamp"] >= since and event["EventId"] not in seen:
                    seen.add(event["EventId"])
                    console.print(f"  {event['ResourceStatus']:28} {event['LogicalResourceId']}")
            status = self.cloudformation.describe_stacks(StackName=self.stack)["Stacks"][0]
            if not status["StackStatus"].endswith("_IN_PROGRESS"):
                break
            time.sleep(LOOK_SECONDS)
        if status["StackStatus"] not in {"CREATE_COMPLETE", "UPDATE_COMPLETE"}:
            reasons = failures(self.cloudformation, self.stack)
            sys.exit("\n".join([f"The stack is {status['StackStatus']}:", *reasons]))
        self.cloudformation.update_termination_protection(
            StackName=self.stack, EnableTerminationProtection=True
        )


def forbidden(changes: Sequence["ChangeTypeDef"]) -> list[str]:
    """The changes that would lose data or its key."""
    lost = []
    for change in changes:
        each = change["ResourceChange"]
        replaced = each.get("Replacement", "False") != "False"
        if each["ResourceType"] in KEPT and (each["Action"] == "Remove" or replaced):
            lost.append(f"{each['LogicalResourceId']} ({each['ResourceType']})")
    return lost


def shown(changes: Sequence["ChangeTypeDef"]) -> Table:
    """The changes as a table."""
    table = Table("change", "resource", "type", "replaced")
    for change in changes:
        each = change["ResourceChange"]
        table.add_row(
            each["Action"],
            each["LogicalResourceId"],
            each["ResourceType"],
            each.get("Replacement", ""),
        )
    return table


def setting(text: str) -> tuple[str, str]:
    """A parameter as Name=value."""
    name, separator, value = text.partition("=")
    if not separator:
        raise argparse.ArgumentTypeError("write Name=value, as in ForceName='Durham Police'")
    return name, value


def options() -> argparse.Namespace:
    """The parsed command line."""
    parser = described("python -m commands.deploy.deploy", __doc__)
    parser.add_argument("parameters", nargs="*", type=setting, metavar="Name=value")
    add_stage(parser)
    parser.add_argument("--yes", action="store_true", help="do not ask")
    parser.add_argument("--plan", action="store_true", help="show what would change, and stop")
    parser.add_argument(
        "--role", default="", metavar="ARN", help="the role with which CloudFormation acts"
    )
    parser.add_argument(
        "--revert-drift", action="store_true", help="also revert what was changed by other means"
    )
    parser.add_argument("--to", metavar="VERSION", help="go back to a version deployed before")
    parser.add_argument(
        "--deposit", type=Path, metavar="FILE", help="registration.json of a trial to be opened"
    )
    parser.add_argument("--closes", metavar="TRIAL", help="the id of the trial to be closed")
    parser.add_argument("--versions", action="store_true", help="list the versions, and stop")
    parser.add_argument(
        "--watch", type=int, default=WATCH_MINUTES, metavar="MINUTES", help="default: 15; most: 180"
    )
    return parser.parse_args()


def deploy(deployment: Deployment, given: argparse.Namespace, console: Console) -> None:
    """Build, upload, plan, ask and execute; refuse if a draft could go to the public."""
    found = deployment.described()
    refuse_drafts(dict(given.parameters), found)
    if closes := refuse_closing(dict(given.parameters), found, given.closes):
        console.print(closes)
    if opens := refuse_unregistered(dict(given.parameters), found, given.deposit):
        console.print(opens)
    if given.to:
        if given.to not in (known := deployment.versions()):
            sys.exit(f"No such version. There are: {', '.join(known) or 'none'}")
        url = f"{deployment.place}/{given.to}.yaml"
    else:
        template, files = package.for_aws(
            archives_at=f"s3://{deployment.bucket}/", templates_at=f"{deployment.place}/"
        )
        console.print(f"Uploading to {deployment.bucket} ...")
        url = deployment.upload(template, files)
        console.print(f"Version {url.rpartition('/')[2].removesuffix('.yaml')}")
    parameters = {"Stage": given.stage} | dict(given.parameters)
    effective = deployment.effective(url, parameters)
    refuse_overspending(effective, parts=parts_of(to_be_deployed(effective, found)))
    change_set = deployment.plan(url, parameters, watch_minutes=given.watch)
    if change_set is None:
        console.print("Nothing would change.")
        return
    changes = list(deployment.changes(change_set))
    console.print(shown(changes))
    if lost := forbidden(changes):
        sys.exit(f"Refused, since it would lose data or keys: {', '.join(lost)}")
    if given.plan or not (given.yes or input("Carry out these changes? [y/N] ").lower() == "y"):
        console.print("Nothing was changed.")
        return
    deployment.execute(change_set, console)
    for name, value in outputs_of(deployment.described()).items():
        console.print(f"{name}: {value}", soft_wrap=True)
    console.print("Deployed. What the account may still lack: make preflight")


def main() -> None:
    """Deploy, as the command line says."""
    given = options()
    try:
        session = boto3.Session(region_name=given.region)
        account = session.client("sts").get_caller_identity()["Account"]
        deployment = Deployment(
            session.client("cloudformation"),
            session.client("s3"),
            NAME.format(stage=given.stage),
            BUCKET.format(account=account, region=given.region),
            given.region,
            role=given.role,
            revert_drift=given.revert_drift,
        )
        console = Console(highlight=False)
        if given.versions:
            console.print("\n".join(deployment.versions()))
            return
        if deployment.clear_failed_creation(cache(session.client)):
            console.print("Deleted the remains of a failed first deployment.")
        deploy(deployment, given, console)
    except (BotoCoreError, ClientError, WaiterError) as error:
        sys.exit(f"AWS refused: {error}")


if __name__ == "__main__":
    main()
