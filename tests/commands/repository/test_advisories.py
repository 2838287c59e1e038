"""An audit passes only if every dependency was checked."""

import json
from pathlib import Path
from typing import Any

import pytest

from commands.repository.advisories import FileAdvisories, audit, shown

CLEAN = {"name": "rich", "version": "15.0", "vulns": []}
KNOWN = {
    "name": "moto",
    "version": "5.2",
    "vulns": [{"id": "PYSEC-2026-1", "fix_versions": ["5.3"]}],
}
SKIPPED = {"name": "tzdata", "skip_reason": "Dependency not found: tzdata (2026.6)"}


def audited(
    folder: Path, *dependencies: dict[str, Any], says: str = "", code: int = 0
) -> FileAdvisories:
    """The verdict on this output of the tool, which is empty without dependencies."""
    answer = json.dumps({"dependencies": dependencies}) if dependencies else ""
    tool = folder / "pip-audit"
    tool.write_text(f"#!/bin/sh\necho '{answer}'\necho '{says}' >&2\nexit {code}\n")
    tool.chmod(0o755)
    pins = folder / "dev.txt"
    pins.write_text("rich==15.0 \\\n    --hash=sha256:0\nmoto==5.2 \\\n    --hash=sha256:0\n")
    return audit(pins, "pypi", tool)


def test_dependencies_without_advisories_pass(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert shown([audited(tmp_path, CLEAN)])
    assert "1 of 1 dependencies checked; 0 advisories." in capsys.readouterr().out


def test_an_advisory_fails_the_audit_and_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert not shown([audited(tmp_path, CLEAN, KNOWN, code=1)])
    assert "moto 5.2: PYSEC-2026-1, fixed in 5.3" in capsys.readouterr().out


@pytest.mark.parametrize("others", [(), (CLEAN,)])
def test_a_dependency_that_the_source_does_not_know_fails_the_audit(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], others: tuple[dict[str, Any], ...]
) -> None:
    assert not shown([audited(tmp_path, *others, SKIPPED)])
    told = capsys.readouterr().out
    assert f"{len(others)} of {len(others) + 1} dependencies checked; 0 advisories." in told
    assert "1 not checked: Dependency not found: tzdata" in told


def test_without_a_source_the_audit_says_that_nothing_was_checked(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert not shown([audited(tmp_path, says="ERROR: no route to host", code=1)])
    told = capsys.readouterr().out
    assert "0 of 2 dependencies checked" in told
    assert "no route to host" in told


def test_one_file_that_passes_does_not_make_up_for_another(tmp_path: Path) -> None:
    assert not shown([audited(tmp_path, CLEAN), audited(tmp_path, SKIPPED)])


def test_an_audit_of_no_files_does_not_pass() -> None:
    assert not shown([])
