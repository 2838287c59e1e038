"""
Checks pinned dependencies for known vulnerabilities, and reports how many it could check.

It runs pip-audit on every file in requirements/. It exits with 1 for any advisory, and also if the
source of advisories does not know a dependency or does not answer: not checked is not safe.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

ROOT: Final = Path(__file__).parents[2]
TOOL: Final = ROOT / ".venv-supply/bin/pip-audit"
QUIET: Final = ("--require-hashes", "--disable-pip", "--progress-spinner", "off")


@dataclass(frozen=True)
class FileAdvisories:
    """The result for one requirements file: the number of its pins, and what was found."""

    file: str
    pins: int
    checked: int
    known: tuple[str, ...]
    error: str

    @property
    def passed(self) -> bool:
        """Whether every pin was checked and none has an advisory."""
        return self.checked == self.pins > 0 and not self.known


def audit(file: Path, service: str, tool: Path = TOOL) -> FileAdvisories:
    """Check the pins of one requirements file."""
    command = [str(tool), *QUIET, "--format", "json", "--vulnerability-service", service]
    done = subprocess.run([*command, "-r", str(file)], capture_output=True, text=True, check=False)
    try:
        dependencies: list[dict[str, Any]] = json.loads(done.stdout)["dependencies"]
    except (ValueError, KeyError):
        pins = len(re.findall(r"^[\w.-]+==", file.read_text("utf-8"), re.MULTILINE))
        last = (done.stderr.strip() or "pip-audit printed nothing").splitlines()[-1]
        return FileAdvisories(file.name, pins, 0, (), last)
    asked = [each for each in dependencies if "skip_reason" not in each]
    skipped = [each["skip_reason"] for each in dependencies if "skip_reason" in each]
    known = tuple(
        f"{each['name']} {each['version']}: {found['id']}, fixed in "
        f"{', '.join(found['fix_versions']) or 'no version yet'}"
        for each in asked
        for found in each["vulns"]
    )
    return FileAdvisories(file.name, len(dependencies), len(asked), known, "".join(skipped[:1]))


def shown(audits: Iterable[FileAdvisories]) -> bool:
    """Print each audit; returns whether all passed."""
    audits = tuple(audits)
    for each in audits:
        print(f"{each.file}: {each.checked} of {each.pins} dependencies checked")
        for line in each.known:
            print(f"    {line}")
        if each.checked < each.pins:
            print(f"    {each.pins - each.checked} not checked: {each.error}")
    checked, pins = sum(each.checked for each in audits), sum(each.pins for each in audits)
    known = sum(len(each.known) for each in audits)
    print(f"{checked} of {pins} dependencies checked; {known} advisories.")
    if checked < pins:
        print(
            "Not checked is not safe: is there a network? ARGS='--service osv' asks another source."
        )
    return all(each.passed for each in audits) and bool(audits)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the audit; returns 0 only if every pin was checked and none has an advisory."""
    parser = argparse.ArgumentParser(
        prog="python -m commands.repository.advisories", description=__doc__
    )
    parser.add_argument(
        "--service",
        choices=["pypi", "osv"],
        default="pypi",
        help="source of advisories; default: pypi",
    )
    given = parser.parse_args(arguments)
    files = sorted((ROOT / "requirements").glob("*.txt"))
    return 0 if shown(audit(file, given.service) for file in files) else 1


if __name__ == "__main__":
    sys.exit(main())
