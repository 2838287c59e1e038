"""
Measures how near the templates are to the limits of CloudFormation, IAM, CloudWatch and Lambda.

A template that passes every linter can still be refused on its size. Sources:
https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/cloudwatch_limits.html
https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
https://docs.aws.amazon.com/kms/latest/developerguide/limits.html
https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-execution-service-limits-table.html
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple

from commands.repository.template import expanded

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from commands.repository.deployed import Deployed


class LimitedSize(NamedTuple):
    """The size of one thing, and its limit."""

    what: str
    size: int
    most: int

    @property
    def share(self) -> float:
        """The size as a share of the limit."""
        return self.size / self.most


def of_template(file: Path) -> Iterator[LimitedSize]:
    """The sizes of one template as uploaded, with their limits."""
    template = expanded(file)
    yield LimitedSize(f"{file.name}: bytes", len(file.read_bytes()), 1_048_576)
    yield LimitedSize(f"{file.name}: description's bytes", len(template["Description"]), 1024)
    for section, most in (("Parameters", 200), ("Outputs", 200), ("Resources", 500)):
        yield LimitedSize(f"{file.name}: {section.lower()}", len(template.get(section, {})), most)
    for name, mapping in template.get("Mappings", {}).items():
        yield LimitedSize(f"{file.name}: keys of {name}", len(mapping), 200)
        for key, said in mapping.items():
            yield LimitedSize(f"{file.name}: attributes of {name}.{key}", len(said), 200)


def of_stack(stack: Deployed) -> Iterator[LimitedSize]:
    """The sizes of the resources, with every reference resolved, and their limits."""
    for name, policy in stack.of_type("AWS::IAM::ManagedPolicy").items():
        yield LimitedSize(f"{name}: policy's letters", _letters(policy["PolicyDocument"]), 6144)
    beside = stack.of_type("AWS::IAM::Policy").values()
    for name, role in stack.of_type("AWS::IAM::Role").items():
        inline = [each["PolicyDocument"] for each in role.get("Policies", ())]
        inline += [each["PolicyDocument"] for each in beside if name in each["Roles"]]
        yield LimitedSize(f"{name}: inline policies' letters", sum(map(_letters, inline)), 10_240)
        yield LimitedSize(
            f"{name}: trust's letters", _letters(role["AssumeRolePolicyDocument"]), 2048
        )
        yield LimitedSize(f"{name}: managed policies", len(role.get("ManagedPolicyArns", ())), 10)
    for name, key in stack.of_type("AWS::KMS::Key").items():
        yield LimitedSize(f"{name}: policy's bytes", _letters(key.get("KeyPolicy", {})), 32_768)
    for name, policy in stack.of_type("AWS::S3::BucketPolicy").items():
        yield LimitedSize(f"{name}: policy's bytes", _letters(policy["PolicyDocument"]), 20_480)
    for name, function in stack.of_type("AWS::Lambda::Function").items():
        yield LimitedSize(f"{name}: variables' bytes", _letters(function["Environment"]), 4096)
    for name, mapping in stack.of_type("AWS::Lambda::EventSourceMapping").items():
        filters = mapping["FilterCriteria"]["Filters"]
        yield LimitedSize(f"{name}: filters", len(filters), 5)
        for each in filters:
            yield LimitedSize(f"{name}: filter's letters", len(each["Pattern"]), 4096)
    for name, api in stack.of_type("AWS::ApiGateway::RestApi").items():
        policy = api["Body"]["x-amazon-apigateway-policy"]
        yield LimitedSize(f"{name}: policy's bytes", _letters(policy), 8192)
    yield from _of_monitoring(stack)


def _of_monitoring(stack: Deployed) -> Iterator[LimitedSize]:
    alarms = stack.of_type("AWS::CloudWatch::Alarm")
    for name, alarm in (alarms | stack.of_type("AWS::CloudWatch::CompositeAlarm")).items():
        yield LimitedSize(f"{name}: description's letters", len(alarm["AlarmDescription"]), 1024)
        yield LimitedSize(f"{name}: rule's letters", len(alarm.get("AlarmRule", "")), 10_240)
        yield LimitedSize(f"{name}: metrics", len(alarm.get("Metrics", ())), 10)
    for name, dashboard in stack.of_type("AWS::CloudWatch::Dashboard").items():
        body = json.loads(dashboard["DashboardBody"])
        shown = [len(each["properties"].get("metrics", ())) for each in body["widgets"]]
        yield LimitedSize(f"{name}: widgets", len(body["widgets"]), 500)
        yield LimitedSize(f"{name}: a widget's metrics", max(shown), 500)
        yield LimitedSize(f"{name}: metrics", sum(shown), 2500)
    for name, query in stack.of_type("AWS::Logs::QueryDefinition").items():
        yield LimitedSize(f"{name}: log groups", len(query["LogGroupNames"]), 50)
        yield LimitedSize(f"{name}: query's letters", len(query["QueryString"]), 10_000)


def _letters(document: Any) -> int:  # noqa: ANN401 - what JSON holds
    """The length as IAM counts it: without white space."""
    return len(json.dumps(document, separators=(",", ":")))
