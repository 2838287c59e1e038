"""Checks what an AWS account needs before texts can go and no template can provide."""

from __future__ import annotations

import json
import shlex
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from botocore.exceptions import BotoCoreError, ClientError

from commands.deploy.data_events import of_bucket, of_table, unrecorded
from commands.deploy.refusals import most_in_a_month, parts_of
from commands.deployed_stack import outputs_of, parameters_of, stack_of
from trial.protocol.load import CURRENT, load, versions

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

LEAST_CONCURRENCY = 100
EVERY_RECEIPT = "100"
# The names as AWS's guides have them:
# https://docs.aws.amazon.com/scheduler/latest/UserGuide/scheduler-quotas.html
# https://docs.aws.amazon.com/kms/latest/developerguide/requests-per-second.html
QUOTAS = (
    ("kms", "Cryptographic operations (symmetric) request rate", 500),
    ("scheduler", "Number of schedules", 100_000),
)
"""A service, the name of one of its quotas, and the minimum needed."""

ATTRIBUTES = "sns set-sms-attributes --attributes "
SENDERS = "pinpoint-sms-voice-v2"


class Requirement(NamedTuple):
    """One requirement: whether it is met, and what was found or the command that fixes it."""

    what: str
    there: bool
    detail: str


@dataclass(frozen=True)
class Account:
    """The account, with its boto3 clients by service, and the stack that is to run there."""

    client: Callable[[str], Any]
    account: str
    region: str
    stack: str
    parameters: Mapping[str, str] = field(default_factory=dict)

    def looks(self) -> Iterator[tuple[str, Callable[[], Requirement]]]:
        """Every check, by name."""
        yield "out of the SMS sandbox", self.sandbox
        yield "spend limit", self.spend
        yield "limit of the alarms", self.alarms_limit
        yield "delivery log", self.delivery_log
        yield "delivery log groups", self.log_groups
        yield "sender id", self.sender
        yield "sender id's resource policy", self.sender_policy
        yield "alarm subscription", self.subscription
        yield "CloudTrail data events", self.data_events
        yield "API Gateway's role", self.gateway_role
        yield "concurrency", self.concurrency
        for service, name, least in QUOTAS:
            yield f"quota of {service}", partial(self.quota, service, name, least)

    def sandbox(self) -> Requirement:
        """In the sandbox, texts go to verified numbers only."""
        inside = self.client("sns").get_sms_sandbox_account_status()["IsInSandbox"]
        # Support has one endpoint, and an API for accounts with a support plan only.
        subject = f"SNS text messages: production access in {self.region}"
        command = f"aws support create-case --region us-east-1 --subject {shlex.quote(subject)} "
        command += "--communication-body 'What is texted, to whom, how many a month'"
        detail = f"{command}; without a support plan, in the console's Support Center"
        return Requirement("out of the SMS sandbox", not inside, detail if inside else "yes")

    def spend(self) -> Requirement:
        """Past its spend limit SNS silently stops; TextsPerDay determines a month's spending."""
        limit = float(self._attributes().get("MonthlySpendLimit", 1))
        remedy = f"{self._cli(f'{ATTRIBUTES}MonthlySpendLimit={{:.0f}}')}, once AWS support has "
        remedy += "raised the quota"
        return self._pays("spend limit", limit, f"{limit:.0f} USD a month", remedy)

    def alarms_limit(self) -> Requirement:
        """SpendLimitUsd is the limit that the alarms assume for the account."""
        limit, remedy = float(self._parameter("SpendLimitUsd", "100")), "SpendLimitUsd={:.0f}"
        return self._pays("limit of the alarms", limit, remedy.format(limit), remedy)

    def _pays(self, what: str, limit: float, said: str, remedy: str) -> Requirement:
        """Whether a limit in US dollars pays for a month of texts."""
        texts = int(self._parameter("TextsPerDay", "60"))
        needed = most_in_a_month(texts, parts_of(self._version))
        detail = f"{said}; {texts} texts a day may take {needed:.0f}"
        more = f": deploy a lower TextsPerDay, or {remedy.format(needed)}"
        return Requirement(what, limit >= needed, detail if limit >= needed else detail + more)

    def delivery_log(self) -> Requirement:
        """Without it every text stays unconfirmed."""
        attributes = self._attributes()
        role = attributes.get("DeliveryStatusIAMRole", "")
        rate = attributes.get("DeliveryStatusSuccessSamplingRate", "0")
        wanted = self._outputs().get("DeliveryLoggingRoleArn", "<output DeliveryLoggingRoleArn>")
        command = self._cli(
            f"{ATTRIBUTES}DeliveryStatusIAMRole={wanted},"
            f"DeliveryStatusSuccessSamplingRate={EVERY_RECEIPT}"
        )
        there = role == wanted and rate == EVERY_RECEIPT
        return Requirement("delivery log", there, "on, for every text" if there else command)

    def log_groups(self) -> Requirement:
        """AWS chooses their names: an existing one makes a first deployment fail."""
        prefix = f"sns/{self.region}/{self.account}/DirectPublishToPhoneNumber"
        groups = self.client("logs").describe_log_groups(logGroupNamePrefix=prefix)["logGroups"]
        there = bool(self._outputs()) or not groups
        commands = "; ".join(
            self._cli(f"logs delete-log-group --log-group-name {each['logGroupName']}")
            for each in groups
        )
        return Requirement("delivery log groups", there, "the stack's own" if there else commands)

    def sender(self) -> Requirement:
        """Carriers, those of the UK at least, block sender ids that are not registered."""
        what, found = f"sender id {self._sender_id}", self._senders()
        there = any(each["Registered"] for each in found)
        request = f"{SENDERS} request-sender-id --sender-id {self._sender_id} "
        request += f"--iso-country-code {self._country}"
        of_country = f"Name=supported-association-iso-country-code,Values={self._country}"
        types = f"{SENDERS} describe-registration-type-definitions --filters {of_country}"
        steps = [*([] if found else [request]), types]
        commands = f"{'; '.join(map(self._cli, steps))}: with the type that this names, aws "
        commands += f"{SENDERS} create-registration --registration-type TYPE"
        return Requirement(what, there, f"registered for {self._country}" if there else commands)

    def sender_policy(self) -> Requirement:
        """SNS may use a sender id made after 24 September 2024 only if its policy says so."""
        what = "sender id's resource policy"
        client = self.client(SENDERS)
        for each in self._senders():
            arn = each["SenderIdArn"]
            try:
                policy = client.get_resource_policy(ResourceArn=arn)["Policy"]
            except ClientError as error:
                if error.response["Error"]["Code"] != "ResourceNotFoundException":
                    raise
                policy = ""
            if "sns.amazonaws.com" in policy:
                return Requirement(what, there=True, detail="lets SNS use it")
            wanted = shlex.quote(json.dumps(sns_may_use(arn)))
            command = f"{SENDERS} put-resource-policy --resource-arn {arn} --policy {wanted}"
            return Requirement(what, there=False, detail=self._cli(command))
        return Requirement(what, there=False, detail="there is no sender id yet")

    def subscription(self) -> Requirement:
        """An email subscription does nothing until its link is clicked."""
        topic = self._outputs().get("AlarmTopicArn")
        found = (
            self.client("sns").list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]
            if topic
            else []
        )
        confirmed = [each for each in found if each["SubscriptionArn"].startswith("arn:")]
        waits = "click the link in its mail; " if len(found) > len(confirmed) else ""
        command = f"sns subscribe --topic-arn {topic or '<output AlarmTopicArn>'} "
        command += "--protocol email --notification-endpoint ADDRESS"
        detail = f"{len(confirmed)} confirmed" if confirmed else waits + self._cli(command)
        return Requirement("alarm subscription", bool(confirmed), detail)

    def data_events(self) -> Requirement:
        """Without them CloudTrail records no read of an item or an object."""
        outputs = self._outputs()
        table, *buckets = (
            outputs.get(name, f"<output {name}>")
            for name in ("TableName", "AuditBucketName", "ExtractBucketName")
        )
        wanted = [of_table(table, self.region, self.account), *map(of_bucket, buckets)]
        missing, command = unrecorded(self.client("cloudtrail"), wanted)
        named = ", ".join(each.arn for each in missing)
        detail = f"{named} not recorded: {self._cli(command)}" if missing else "table and buckets"
        return Requirement("CloudTrail data events", not missing, detail)

    def gateway_role(self) -> Requirement:
        """The account has one role for API Gateway's logs, which a first deployment overwrites."""
        role = self.client("apigateway").get_account().get("cloudwatchRoleArn", "")
        keeps = self._parameter("ApiGatewayRole", "set") == "keep"
        there = bool(self._outputs()) or keeps == bool(role)
        detail = "deploy with ApiGatewayRole=" + ("keep" if role else "set")
        return Requirement("API Gateway's role", there, (role or "none yet") if there else detail)

    def concurrency(self) -> Requirement:
        """Functions share the account's limit with everything else that runs there."""
        limits = self.client("lambda").get_account_settings()["AccountLimit"]
        free = limits["UnreservedConcurrentExecutions"]
        command = "service-quotas request-service-quota-increase --service-code lambda "
        command += f"--quota-code L-B99A9384 --desired-value {10 * LEAST_CONCURRENCY}"
        there = free >= LEAST_CONCURRENCY
        detail = f"{free} concurrent executions" + ("" if there else f": {self._cli(command)}")
        return Requirement("concurrency", there, detail)

    def quota(self, service: str, name: str, least: int) -> Requirement:
        """A quota's value in this account: AWS lists an applied one or, failing that, a default."""
        what, client = f"quota of {service}", self.client("service-quotas")
        for listing in ("list_service_quotas", "list_aws_default_service_quotas"):
            for page in client.get_paginator(listing).paginate(ServiceCode=service):
                for each in page["Quotas"]:
                    if each["QuotaName"] == name:
                        command = "service-quotas request-service-quota-increase --service-code "
                        command += f"{service} --quota-code {each['QuotaCode']} "
                        command = self._cli(f"{command}--desired-value {least}")
                        detail = f"{each['Value']:.0f} of {name}"
                        there = each["Value"] >= least
                        return Requirement(what, there, detail if there else f"{detail}: {command}")
        return Requirement(
            what, there=False, detail=f"{name} is not listed: look in Service Quotas"
        )

    def _cli(self, command: str) -> str:
        """A command for AWS's CLI in this region, whatever the shell's own is."""
        return f"aws {command} --region {self.region}"

    @property
    def _sender_id(self) -> str:
        return self._parameter("SenderId", "Police")

    @property
    def _version(self) -> str:
        return self._parameter("Protocol", CURRENT)

    @property
    def _country(self) -> str:
        known = self._version in versions()  # an earlier release's may not be
        return load(self._version).place.country if known else "GB"

    def _senders(self) -> list[dict[str, Any]]:
        pages = self.client(SENDERS).get_paginator("describe_sender_ids")
        return [
            each
            for page in pages.paginate()
            for each in page["SenderIds"]
            if each["IsoCountryCode"] == self._country and each["SenderId"] == self._sender_id
        ]

    def _attributes(self) -> dict[str, str]:
        found: dict[str, str] = self.client("sns").get_sms_attributes()["attributes"]
        return found

    def _outputs(self) -> dict[str, str]:
        return outputs_of(stack_of(self.client("cloudformation"), self.stack))

    def _parameter(self, name: str, default: str) -> str:
        deployed = parameters_of(stack_of(self.client("cloudformation"), self.stack))
        return self.parameters.get(name) or deployed.get(name) or default


def sns_may_use(arn: str) -> dict[str, Any]:
    """A resource policy that lets SNS use a sender id for its own account."""
    account = arn.split(":")[4]
    return {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"Service": "sns.amazonaws.com"},
                "Action": "sms-voice:SendTextMessage",
                "Resource": arn,
                "Condition": {"StringEquals": {"aws:SourceAccount": account}},
            }
        ],
    }


def look(account: Account) -> list[Requirement]:
    """The result of every check; a check that is denied counts as missing."""
    found = []
    for what, ask in account.looks():
        try:
            found.append(ask())
        except (BotoCoreError, ClientError) as error:
            found.append(Requirement(what, there=False, detail=f"could not be checked: {error}"))
    return found
