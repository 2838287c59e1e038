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


def main() -> None:
    """Write one requirements file per dependency group."""
    for group in ("dev", "layer", "local", "evaluation", "security", "infra", "supply", "browser"):
        target = f"requirements/{group}.txt"
        print(f"Pinning {target} ...", flush=True)
        constraint = ["--constraint", "requirements/dev.txt"] if group == "layer" else []
        command = [*COMPILE, "--group", group, *constraint, "--output-file", target]
        subprocess.run(command, cwd=ROOT, check=True)


if __name__ == "__main__":
    main()
