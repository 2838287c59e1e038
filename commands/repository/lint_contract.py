"""Checks the API's contract with Redocly and Spectral. Any finding fails, even a warning."""

from __future__ import annotations

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).parents[2]
CONTRACT = "docs/openapi.json"
MODULES = ROOT / ".venv-contract/node"
LINTERS = {
    "Redocly": ("@redocly/cli/bin/cli.js", "lint", "--extends=recommended", "--format=stylish"),
    "Spectral": (
        "@stoplight/spectral-cli/dist/index.js",
        "lint",
        f"--ruleset={Path(__file__).with_name('spectral.yaml')}",
    ),
}


def linted(name: str, document: str = CONTRACT) -> subprocess.CompletedProcess[str]:
    """A linter's output for a document."""
    script, *arguments = LINTERS[name]
    return subprocess.run(
        [MODULES / "bin/node", MODULES / "node_modules" / script, *arguments, document],
        cwd=ROOT,
        env=os.environ | {"REDOCLY_TELEMETRY": "off", "REDOCLY_SUPPRESS_UPDATE_NOTICE": "true"},
        capture_output=True,
        text=True,
        check=False,
    )


def passes(done: subprocess.CompletedProcess[str]) -> bool:
    """Whether a linter found nothing, not even a warning."""
    return done.returncode == 0 and "warning" not in (done.stdout + done.stderr).lower()


def main() -> None:
    """Run both; exit with 1 if one finds something."""
    with ThreadPoolExecutor() as at_once:
        said = list(at_once.map(linted, LINTERS))
    for name, done in zip(LINTERS, said, strict=True):
        if not passes(done):
            print(f"{name}:\n{done.stdout}{done.stderr}")
    sys.exit(not all(map(passes, said)))


if __name__ == "__main__":
    main()
