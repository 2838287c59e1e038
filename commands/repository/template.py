"""The templates merged into one after CloudFormation's transforms, for tests and scans."""

from __future__ import annotations

import json
import os
import re
from functools import cache
from pathlib import Path
from typing import Any

from cfnlint.decode import cfn_yaml
from cfnlint.template import Template
from cfnlint.template.transforms._language_extensions import language_extension
from samtranslator.translator.transform import transform
from samtranslator.yaml_helper import yaml_parse

ROOT = Path(__file__).parents[2]
TEMPLATE = ROOT / "infra" / "template.yaml"
NESTED = "AWS::CloudFormation::Stack"


class NoPolicies:
    """Stops SAM from asking AWS for managed policies, which the templates do not use."""

    def load(self) -> dict[str, str]:
        """None at all."""
        return {}


@cache
def translated(**parameters: str) -> dict[str, Any]:
    """
    The template as SAM translates it with these parameters, the nested stacks' resources in place.

    Raises ValueError if a nested stack uses a taken name for a different resource or condition.
    """
    packed = re.sub(r"(CodeUri|ContentUri): *\.\S+", r"\1: s3://bucket/key", TEMPLATE.read_text())
    os.environ.setdefault("AWS_DEFAULT_REGION", "eu-west-2")  # SAM asks boto3, which asks for one
    made: dict[str, Any] = transform(yaml_parse(packed), parameters, NoPolicies())
    outputs: dict[str, Any] = {}
    for name, stack in yaml_parse(packed)["Resources"].items():
        if stack["Type"] != NESTED:
            continue
        del made["Resources"][name]
        nested = expanded(TEMPLATE.parent / stack["Properties"]["TemplateURL"])
        given = stack["Properties"]["Parameters"]
        if given.keys() != nested["Parameters"].keys():
            raise ValueError(f"{name} is given {sorted(given)}, not what its template takes")
        for section in ("Conditions", "Resources"):
            for inner, said in with_parameters(nested.get(section, {}), given).items():
                if made[section].setdefault(inner, said) != said:
                    raise ValueError(f"{name} has another {inner}")
        for output, said in nested["Outputs"].items():
            outputs[f"{name}.Outputs.{output}"] = with_parameters(said["Value"], given)
    made["Outputs"] = with_outputs(made["Outputs"], outputs)
    return made


@cache
def expanded(file: Path) -> dict[str, Any]:
    """A nested template with its loops (`Fn::ForEach`) written out."""
    matches, template = language_extension(
        Template(str(file), cfn_yaml.load(str(file)), ["eu-west-2"])
    )
    if matches:
        raise ValueError(f"{file.name}: {matches}")
    as_written: dict[str, Any] = yaml_parse(file.read_text())
    return as_written | {"Resources": json.loads(json.dumps(template))["Resources"]}


def with_parameters(value: Any, given: dict[str, Any]) -> Any:  # noqa: ANN401 - what JSON holds
    """A nested template's value, with its parameters replaced by the parent's values."""
    if isinstance(value, list):
        return [with_parameters(each, given) for each in value]
    if not isinstance(value, dict):
        return value
    if (name := value.get("Ref")) in given:
        return given[name]
    if "Fn::Sub" in value:
        said = value["Fn::Sub"]
        text, own = said if isinstance(said, list) else (said, {})
        named = set(re.findall(r"\$\{(\w+)\}", text)) & given.keys() - own.keys()
        own = with_parameters(own, given) | {name: given[name] for name in named}
        return {"Fn::Sub": [text, own] if own else text}
    return {key: with_parameters(each, given) for key, each in value.items()}


def with_outputs(value: Any, outputs: dict[str, Any]) -> Any:  # noqa: ANN401 - what JSON holds
    """A parent's value, with the outputs of its nested stacks in place."""
    if isinstance(value, list):
        return [with_outputs(each, outputs) for each in value]
    if not isinstance(value, dict):
        return value
    named = value.get("Fn::GetAtt")
    if named and (said := outputs.get(".".join(named))):
        return said
    return {key: with_outputs(each, outputs) for key, each in value.items()}
