"""
Scans the templates, as deployed, for insecure settings, and the whole repository for secrets.

It runs checkov. An exception for one resource is beside it in the template, with the reason:
`Metadata: {checkov: {skip: [...]}}`. Exceptions for every function are here.
"""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys

from commands.repository.template import ROOT, translated

SCANNED = ROOT / "build" / "scanned" / "template.json"
ACCEPTED = {
    "CKV_AWS_115": "throttles and shards limit a function; reserved shares would take from others",
    "CKV_AWS_117": "functions reach AWS's own services only, as far as their roles let them",
    "CKV_AWS_173": "no variable of a function is secret, and Lambda encrypts them anyway",
}
"""Checks that no function follows, and why."""

OURS = (
    *(".ci", "commands", "docs", "evaluation", "events"),
    *("functions", "infra", "layers", "local", "tests"),
)
CHECKOV = ROOT / ".venv-security" / "bin" / "checkov"


def main() -> None:
    """Run the scans; exit with 1 if any fails."""
    logging.disable(logging.WARNING)  # SAM's, about a feature of its own
    template = translated()
    resources = template["Resources"].values()
    for stage in (each for each in resources if each["Type"] == "AWS::ApiGateway::Stage"):
        # SAM gives an API's metadata to only one of the resources that it generates.
        api = template["Resources"][stage["Properties"]["RestApiId"]["Ref"]]
        stage["Metadata"] = api["Metadata"]
    SCANNED.parent.mkdir(parents=True, exist_ok=True)
    SCANNED.write_text(json.dumps(template, indent=1, default=str))
    skipped = ",".join(ACCEPTED)
    failed = checkov("cloudformation", "--skip-check", skipped, "--file", str(SCANNED))
    folders = [argument for name in OURS for argument in ("--directory", name)]
    secrets = checkov("secrets", "--enable-secret-scan-all-files", *folders)
    sys.exit(secrets or failed)


def checkov(framework: str, *arguments: str) -> int:
    """Run checkov; returns its exit code."""
    return subprocess.run(
        [CHECKOV, "--framework", framework, "--compact", "--quiet", "--skip-download", *arguments],
        cwd=ROOT,
        env=os.environ | {"LOG_LEVEL": "ERROR"},  # it would say that it cannot ask its makers
        check=False,
    ).returncode


if __name__ == "__main__":
    main()
