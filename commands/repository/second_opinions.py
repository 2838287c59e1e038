"""
Second opinions on infra/: SAM's own tools, a linter of IAM policies, and AWS's size limits.

Writes to build/ the output of `sam build`, and each policy with every reference resolved.
"""

from __future__ import annotations

import json
import logging
import os
import shutil
import subprocess
import sys
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

from samtranslator.yaml_helper import yaml_parse

from commands.repository.deployed import Deployed
from commands.repository.limits import of_stack, of_template
from commands.repository.template import ROOT, TEMPLATE

if TYPE_CHECKING:
    from collections.abc import Iterator

TOOLS = ROOT / ".venv-infra" / "bin"
BUILD = ROOT / "build" / "sam"
POLICIES = ROOT / "build" / "policies"
PIPELINE = TEMPLATE.parent / "pipeline" / "role.yaml"
ACCEPTED = {
    ("SendingRole-sending", "RESOURCE_STAR"): "texts have no resource; topics are denied",
    ("ApiLoggingRole-access-logs", "RESOURCE_STAR"): "API Gateway takes no narrower role",
    ("Operator", "RESOURCE_STAR"): "the answer to a query is asked for by the query's id alone",
    ("Engineer", "RESOURCE_STAR"): "the answer to a query is asked for by the query's id alone",
    ("CloudFormationRole-stack", "RESOURCE_STAR"): "keys and mappings have ids that AWS chooses",
    ("Boundary", "RESOURCE_STAR"): "it bounds API Gateway's role and texts, too",
    ("CloudFormationRole-stack", "INVALID_ARN"): "a transform belongs to the account `aws`",
    ("PipelineRole-deploy", "INVALID_ARN"): "a transform belongs to the account `aws`",
    ("PipelineRole-deploy", "UNKNOWN_ACTION"): "DescribeEvents is newer than the linter",
}
"""Findings of the policy linter that are intended, and why."""

NEARLY = 0.8
SECONDS = 600
IN_THE_LAYER = (
    *("aws_lambda_powertools", "phonenumbers", "pydantic", "pydantic_core"),
    *("trial", "tzdata"),
)


def sam() -> bool:
    """Whether SAM accepts the template and builds packages that Lambda can load."""
    shutil.rmtree(BUILD, ignore_errors=True)
    given = f"--template={TEMPLATE}", "--region=eu-west-2"
    for command in (
        ("validate", "--lint", *given),
        ("build", "--language-extensions", f"--build-dir={BUILD}", *given),
    ):
        done = run("sam", *command)
        if done.returncode:
            print(f"sam {command[0]}:\n{done.stdout}{done.stderr}")
            return False
    layer = BUILD / "CommonLayer" / "python"
    if missing := [name for name in IN_THE_LAYER if not (layer / name).is_dir()]:
        print(f"sam build leaves {', '.join(missing)} out of the layer's python/")
    return not missing


def policies(stack: Deployed) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every policy that grants permissions, with a name for its file."""
    for kind in ("AWS::IAM::ManagedPolicy", "AWS::IAM::Policy"):
        for name, policy in stack.of_type(kind).items():
            yield name, policy["PolicyDocument"]
    for name, role in stack.of_type("AWS::IAM::Role").items():
        for policy in role.get("Policies", ()):
            yield f"{name}-{policy['PolicyName']}", policy["PolicyDocument"]


def linted(*stacks: Deployed) -> bool:
    """Whether parliament finds nothing in the policies apart from the accepted findings."""
    shutil.rmtree(POLICIES, ignore_errors=True)
    POLICIES.mkdir(parents=True)
    for name, document in chain.from_iterable(map(policies, stacks)):
        (POLICIES / f"{name}.json").write_text(json.dumps(document, indent=1))
    done = run("parliament", "--json", f"--directory={POLICIES}")
    found = [json.loads(line) for line in done.stdout.splitlines()]
    open_findings = [
        each
        for each in found
        if (Path(each["location"]["filepath"]).stem, each["issue"]) not in ACCEPTED
    ]
    for each in open_findings:
        where = Path(each["location"]["filepath"]).stem
        print(f"{where}: {each['issue']} {each['title']} {each['detail']}")
    if done.returncode and not found:
        print(done.stderr)
    return not open_findings and (done.returncode == 0 or bool(found))


def small_enough(stack: Deployed) -> bool:
    """Whether everything is within AWS's size limits; prints what is near a limit."""
    files = sorted(TEMPLATE.parent.glob("*.yaml"))
    sizes = [*of_stack(stack), *(size for file in files for size in of_template(file))]
    for size in sizes:
        if size.share > NEARLY:
            print(f"{size.what}: {size.size:,} of {size.most:,}")
    return all(size.share <= 1 for size in sizes)


def run(tool: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a tool and capture its output."""
    return subprocess.run(
        [TOOLS / tool, *arguments],
        cwd=ROOT,
        env=os.environ | {"SAM_CLI_TELEMETRY": "0"},
        capture_output=True,
        text=True,
        check=False,
        timeout=SECONDS,
    )


def main() -> None:
    """Run all of them; exit with 1 if one fails."""
    logging.disable(logging.WARNING)  # SAM's, about a feature of its own
    stack = Deployed()
    pipeline = Deployed(yaml_parse(PIPELINE.read_text()))
    sys.exit(not all([sam(), linted(stack, pipeline), small_enough(stack)]))


if __name__ == "__main__":
    main()
