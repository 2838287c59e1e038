"""The templates as deployed: translated by SAM, with every reference resolved."""

from __future__ import annotations

import json
import re
from typing import Any

from commands.repository.template import translated

ACCOUNT, REGION = "123456789012", "eu-west-2"

_NOTHING = object()
_PSEUDO = {
    "AWS::AccountId": ACCOUNT,
    "AWS::NoValue": _NOTHING,
    "AWS::Partition": "aws",
    "AWS::Region": REGION,
    "AWS::StackId": f"arn:aws:cloudformation:{REGION}:{ACCOUNT}:stack/dvpo/1",
    "AWS::StackName": "dvpo",
    "AWS::URLSuffix": "amazonaws.com",
}
_HERE = f"{REGION}:{ACCOUNT}"
_ARNS = {
    "AWS::DynamoDB::Table": f"arn:aws:dynamodb:{_HERE}:table/{{}}",
    "AWS::Events::EventBus": f"arn:aws:events:{_HERE}:event-bus/{{}}",
    "AWS::IAM::ManagedPolicy": f"arn:aws:iam::{ACCOUNT}:policy/{{}}",
    "AWS::IAM::Role": f"arn:aws:iam::{ACCOUNT}:role/{{}}",
    "AWS::KMS::Key": f"arn:aws:kms:{_HERE}:key/{{}}",
    "AWS::Lambda::Function": f"arn:aws:lambda:{_HERE}:function:{{}}",
    "AWS::Logs::LogGroup": f"arn:aws:logs:{_HERE}:log-group:{{}}:*",
    "AWS::S3::Bucket": "arn:aws:s3:::{}",
    "AWS::SNS::Topic": f"arn:aws:sns:{_HERE}:{{}}",
    "AWS::SQS::Queue": f"arn:aws:sqs:{_HERE}:{{}}",
}
_NAMED_BY_ARN = {"AWS::IAM::ManagedPolicy", "AWS::SNS::Topic"}


class Deployed:
    """
    The stack for these parameters; each resource is identified by its logical id.

    It is that of infra/template.yaml, or of another `template` without transforms.
    """

    def __init__(self, template: dict[str, Any] | None = None, /, **parameters: str) -> None:
        self._template = template or translated(**parameters)
        declared = self._template["Parameters"]
        if unknown := parameters.keys() - declared.keys():
            raise ValueError(f"no such parameter: {unknown}")
        self._parameters = {
            name: parameters.get(name, each.get("Default")) for name, each in declared.items()
        }

    @property
    def outputs(self) -> dict[str, str]:
        """The outputs of the stack, and their values."""
        return {
            name: str(self.resolved(each["Value"]))
            for name, each in self._template["Outputs"].items()
            if self._wanted(each)
        }

    @property
    def refusals(self) -> list[str]:
        """The violations of the template's rules by these parameters."""
        return [
            each["AssertDescription"]
            for rule in self._template["Rules"].values()
            if self._true(rule["RuleCondition"])
            for each in rule["Assertions"]
            if not self._true(each["Assert"])
        ]

    def of_type(self, kind: str) -> dict[str, dict[str, Any]]:
        """The properties of every resource of a type."""
        return {
            name: self.resolved(resource.get("Properties", {}))
            for name, resource in self._template["Resources"].items()
            if resource["Type"] == kind and self._wanted(resource)
        }

    def resolved(self, value: Any) -> Any:  # noqa: ANN401 - what JSON holds
        """A value with every function and reference resolved."""
        if isinstance(value, list):
            each = [self.resolved(one) for one in value]
            return [one for one in each if one is not _NOTHING]
        if not isinstance(value, dict):
            return value
        if len(value) == 1:
            ((name, inner),) = value.items()
            if name == "Ref" or name.startswith("Fn::"):
                return self._looked_up(name, inner)
        inside = {key: self.resolved(one) for key, one in value.items()}
        return {key: one for key, one in inside.items() if one is not _NOTHING}

    def _looked_up(self, function: str, inner: Any) -> Any:  # noqa: ANN401 - what JSON holds
        match function:
            case "Ref":
                return self._ref(inner)
            case "Fn::GetAtt":
                name, attribute = inner if isinstance(inner, list) else inner.split(".", 1)
                return self._attribute(name, attribute)
            case "Fn::Sub":
                text, own = inner if isinstance(inner, list) else (inner, {})
                return re.sub(r"\$\{([\w:.]+)\}", lambda found: self._named(found[1], own), text)
            case "Fn::Split":
                return self.resolved(inner[1]).split(inner[0])
            case "Fn::ToJsonString":
                return json.dumps(self.resolved(inner))
            case "Fn::If":
                return self.resolved(inner[1] if self._true({"Condition": inner[0]}) else inner[2])
        raise NotImplementedError(function)

    def _named(self, name: str, own: dict[str, Any]) -> str:
        if name in own:
            return str(self.resolved(own[name]))
        if "." in name:
            return str(self._attribute(*name.split(".", 1)))
        return str(self._ref(name))

    def _ref(self, name: str) -> Any:  # noqa: ANN401 - what JSON holds
        if name in self._parameters:
            return self._parameters[name]
        if name in _PSEUDO:
            return _PSEUDO[name]
        kind = self._template["Resources"][name]["Type"]
        return _ARNS[kind].format(name) if kind in _NAMED_BY_ARN else name

    def _attribute(self, name: str, attribute: str) -> str:
        kind = self._template["Resources"][name]["Type"]
        match attribute:
            case "Arn" if kind in _ARNS:
                return _ARNS[kind].format(name)
            case "StreamArn":
                return f"{_ARNS[kind].format(name)}/stream/1"
        return f"{name}.{attribute}"

    def _wanted(self, resource: dict[str, Any]) -> bool:
        return "Condition" not in resource or self._true({"Condition": resource["Condition"]})

    def _true(self, condition: dict[str, Any]) -> bool:
        ((name, inner),) = condition.items()
        match name:
            case "Condition":
                return self._true(self._template["Conditions"][inner])
            case "Fn::Equals":
                one, other = self.resolved(inner)
                return bool(one == other)
            case "Fn::Not":
                return not self._true(inner[0])
            case "Fn::And":
                return all(map(self._true, inner))
            case "Fn::Or":
                return any(map(self._true, inner))
        raise NotImplementedError(name)
