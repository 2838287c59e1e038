"""
Looks for insecure settings in the template, as SAM will deploy it, and for secrets everywhere.

By checkov. An exception stands beside its resource in the template, with the reason:
`Metadata: {checkov: {skip: [...]}}`.
"""

from __future__ import annotations

import json
import logging
import os
import re
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

from samtranslator.translator.transform import transform
from samtranslator.yaml_helper import yaml_parse

ROOT = Path(__file__).parents[2]
TEMPLATE = ROOT / "infra" / "template.yaml"
SCANNED = ROOT / "build" / "scanned" / "template.json"
OURS = (".ci", "docs", "evaluation", "events", "functions", "infra", "layers", "local", "tests")
CHECKOV = ROOT / ".venv-security" / "bin" / "checkov"


class NoPolicies:
    """SAM would ask AWS for the names of managed policies, of which there are none here."""

    def load(self) -> dict[str, str]:
        """None at all."""
        return {}


@cache
def translated(**parameters: str) -> dict[str, Any]:
    """The template once SAM has made CloudFormation of it, as with these parameters."""
    packed = re.sub(r"(CodeUri|ContentUri): *\.\S+", r"\1: s3://bucket/key", TEMPLATE.read_text())
    os.environ.setdefault("AWS_DEFAULT_REGION", "eu-west-2")  # SAM asks boto3, which asks for one
    made: dict[str, Any] = transform(yaml_parse(packed), parameters, NoPolicies())
    return made


def main() -> None:
    """End as checkov ends: with 1 if anything failed."""
    logging.disable(logging.WARNING)  # SAM's, about a feature of its own
    template = translated()
    resources = template["Resources"].values()
    for stage in (each for each in resources if each["Type"] == "AWS::ApiGateway::Stage"):
        # SAM gives the metadata of an API to one of the resources that it makes of it.
        api = template["Resources"][stage["Properties"]["RestApiId"]["Ref"]]
        stage["Metadata"] = api["Metadata"]
    SCANNED.parent.mkdir(parents=True, exist_ok=True)
    SCANNED.write_text(json.dumps(template, indent=1, default=str))
    failed = checkov("cloudformation", "--file", str(SCANNED.relative_to(ROOT)))
    folders = [argument for name in OURS for argument in ("--directory", name)]
    secrets = checkov("secrets", "--enable-secret-scan-all-files", *folders)
    sys.exit(secrets or failed)


def checkov(framework: str, *arguments: str) -> int:
    """Its exit code."""
    return subprocess.run(
        [CHECKOV, "--framework", framework, "--compact", "--quiet", "--skip-download", *arguments],
        cwd=ROOT,
        env=os.environ | {"LOG_LEVEL": "ERROR"},  # it would say that it cannot ask its makers
        check=False,
    ).returncode


if __name__ == "__main__":
    main()
