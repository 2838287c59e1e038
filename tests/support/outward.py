"""The events for other systems, as the docs describe them: their schemas and sample rules."""

import json
from typing import Any

from jsonschema import Draft202012Validator, FormatChecker
from samtranslator.yaml_helper import yaml_parse

from tests.support.samples import ROOT


def schema_of_event(name: str) -> Draft202012Validator:
    """The schema in docs/events."""
    schema = json.loads((ROOT / f"docs/events/{name}.json").read_text())
    return Draft202012Validator(schema, format_checker=FormatChecker())


def pattern_of_the_docs(rule: str) -> Any:
    """The event pattern of a sample rule."""
    page = (ROOT / "docs/integrate.md").read_text()
    rules = yaml_parse(page.partition("```yaml\n")[2].partition("```")[0])
    return rules[rule]["Properties"]["EventPattern"]


def is_taken(pattern: dict[str, Any], event: dict[str, Any]) -> bool:
    """Whether EventBridge would take the event by the pattern: each field has a value of its."""
    detail = json.loads(event["Detail"])
    return (
        event["Source"] in pattern["source"]
        and event["DetailType"] in pattern["detail-type"]
        and all(detail[name] in values for name, values in pattern["detail"].items())
    )
