"""Which function answers which route, by the template."""

import re
from functools import cache

from samtranslator.yaml_helper import yaml_parse

from tests.support.samples import ROOT


@cache
def routes() -> dict[tuple[str, str], str]:
    """The function behind each method and path, by the name of its folder."""
    resources = yaml_parse((ROOT / "infra/template.yaml").read_text())["Resources"]
    return {
        (event["Properties"]["Method"], event["Properties"]["Path"]): feature(name)
        for name, resource in resources.items()
        if resource["Type"] == "AWS::Serverless::Function"
        for event in resource["Properties"].get("Events", {}).values()
        if event["Type"] == "Api"
    }


def feature(function: str) -> str:
    """The folder of a function of the template."""
    return function.removesuffix("Function").lower()


def answering(method: str, path: str) -> str:
    """Where API Gateway takes a request; one that it would refuse goes to upstream's routes."""
    for (known, pattern), name in routes().items():
        if known == method and re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", pattern), path):
            return name
    return "enrolment"
