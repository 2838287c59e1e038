"""
Says what an AWS account still lacks before texts can go, and how to get each thing.

Changes nothing. Run it before the first deployment, and once after it. Ends with 1 if anything is
missing.
"""

import argparse
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import boto3
from botocore.exceptions import BotoCoreError, ClientError
from rich.console import Console
from rich.table import Table

from commands.deploy.deploy import NAME

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient
    from mypy_boto3_lambda import LambdaClient
    from mypy_boto3_sns import SNSClient

LEAST_CONCURRENCY = 100
EVERY_RECEIPT = "100"
ATTRIBUTES = "aws sns set-sms-attributes --attributes "


class Found(NamedTuple):
    """One thing that is needed: whether it is there, and what is, or what to do."""

    what: str
    there: bool
    told: str


@dataclass(frozen=True)
class Account:
    """Who is asked, and for which stack and sender."""

    sns: "SNSClient"
    functions: "LambdaClient"
    cloudformation: "CloudFormationClient"
    voice: object
    stack: str
    sender_id: str
    spend_usd: float

    def looks(self) -> Iterator[tuple[str, Callable[[], Found]]]:
        """Everything to be looked at, by name."""
        yield "out of the SMS sandbox", self.sandbox
        yield "spend limit", self.spend
        yield "delivery log", self.delivery_log
        yield "sender id", self.sender
        yield "concurrency", self.concurrency

    def sandbox(self) -> Found:
        """In the sandbox texts go to verified numbers only."""
        inside = self.sns.get_sms_sandbox_account_status()["IsInSandbox"]
        told = "ask AWS support to move the account out of SNS's SMS sandbox" if inside else "yes"
        return Found("out of the SMS sandbox", not inside, told)

    def spend(self) -> Found:
        """Past its limit SNS stops without a word."""
        limit = float(self._attributes().get("MonthlySpendLimit", 1))
        enough = limit >= self.spend_usd
        told = f"{limit:.0f} USD a month"
        more = f": raise it with AWS support, then {ATTRIBUTES}MonthlySpendLimit=..."
        return Found("spend limit", enough, told if enough else told + more)

    def delivery_log(self) -> Found:
        """Without it every text ends unconfirmed."""
        attributes = self._attributes()
        role = attributes.get("DeliveryStatusIAMRole", "")
        rate = attributes.get("DeliveryStatusSuccessSamplingRate", "0")
        wanted = self._outputs().get("DeliveryLoggingRoleArn", "<output DeliveryLoggingRoleArn>")
        command = (
            f"{ATTRIBUTES}DeliveryStatusIAMRole={wanted},"
            f"DeliveryStatusSuccessSamplingRate={EVERY_RECEIPT}"
        )
        there = role == wanted and rate == EVERY_RECEIPT
        return Found("delivery log", there, "on, for every text" if there else command)

    def sender(self) -> Found:
        """UK carriers block sender ids that are not registered."""
        pages = self.voice.get_paginator("describe_sender_ids").paginate()  # type: ignore[attr-defined]
        known = {
            each["SenderId"]
            for page in pages
            for each in page["SenderIds"]
            if each["IsoCountryCode"] == "GB" and each.get("Registered", True)
        }
        there = self.sender_id in known
        told = "registered for GB" if there else "request it for GB in AWS End User Messaging SMS"
        return Found(f"sender id {self.sender_id}", there, told)

    def concurrency(self) -> Found:
        """Functions share the account's limit with all else that runs there."""
        limits = self.functions.get_account_settings()["AccountLimit"]
        free = limits["UnreservedConcurrentExecutions"]
        told = f"{free} concurrent executions" + (
            "" if free >= LEAST_CONCURRENCY else ": ask for more in Service Quotas"
        )
        return Found("concurrency", free >= LEAST_CONCURRENCY, told)

    def _attributes(self) -> dict[str, str]:
        return self.sns.get_sms_attributes()["attributes"]

    def _outputs(self) -> dict[str, str]:
        try:
            stack = self.cloudformation.describe_stacks(StackName=self.stack)["Stacks"][0]
        except ClientError as error:
            if error.response["Error"]["Code"] != "ValidationError":
                raise
            return {}
        return {each["OutputKey"]: each["OutputValue"] for each in stack.get("Outputs", [])}


def look(account: Account) -> list[Found]:
    """Everything looked at; what may not be looked at is missing too."""
    found = []
    for what, ask in account.looks():
        try:
            found.append(ask())
        except (BotoCoreError, ClientError) as error:
            found.append(Found(what, there=False, told=f"could not be looked at: {error}"))
    return found


def main() -> None:
    """Look, print, and end with whether anything is missing."""
    about, _, more = (__doc__ or "").strip().partition("\n\n")
    parser = argparse.ArgumentParser(
        prog="python -m commands.deploy.preflight", description=about, epilog=more
    )
    parser.add_argument("--stage", default="v1", help="default: v1")
    parser.add_argument("--region", default="eu-west-2", help="default: eu-west-2")
    parser.add_argument("--sender-id", default="Police", help="as the parameter SenderId")
    parser.add_argument(
        "--spend", type=float, default=200, metavar="USD", help="what a month may need; 200"
    )
    given = parser.parse_args()
    session = boto3.Session(region_name=given.region)
    try:
        who = session.client("sts").get_caller_identity()
    except (BotoCoreError, ClientError) as error:
        sys.exit(f"There are no credentials that AWS takes: {error}")
    account = Account(
        session.client("sns"),
        session.client("lambda"),
        session.client("cloudformation"),
        session.client("pinpoint-sms-voice-v2"),
        NAME.format(stage=given.stage),
        given.sender_id,
        given.spend,
    )
    found = look(account)
    table = Table("", "needed", "found", title=f"account {who['Account']}, {given.region}")
    for each in found:
        table.add_row("[green]✓[/]" if each.there else "[red]✗[/]", each.what, each.told)
    Console(highlight=False).print(table)
    sys.exit(not all(each.there for each in found))


if __name__ == "__main__":
    main()
