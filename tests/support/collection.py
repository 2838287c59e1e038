"""The tests that pytest collects, in their order."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def collected(seed: int, *arguments: str) -> list[str]:
    """Each test by its id, where Python's hashes of strings start from this seed."""
    done = subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "--collect-only", "-q", "-n0"),
            *("-p", "no:randomly", "-p", "no:cacheprovider", *arguments),
        ],
        cwd=ROOT,
        env=os.environ | {"PYTHONHASHSEED": str(seed)},
        capture_output=True,
        text=True,
        check=True,
    )
    return [line for line in done.stdout.splitlines() if "::" in line]
