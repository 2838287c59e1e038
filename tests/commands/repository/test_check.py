"""What `make check` looks at."""

import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

from tests.support.samples import ROOT

OURS = {"commands", "evaluation", "functions", "layers", "local", "tests"}


def configured() -> dict[str, Any]:
    tools: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]
    return tools


def test_ruff_skips_environments_and_build_output_even_without_git(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_bytes((ROOT / "pyproject.toml").read_bytes())
    for folder in (".venv", ".venv-local", ".venv-evaluation", ".local", "build", "commands"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "module.py").touch()
    command = [sys.executable, "-m", "ruff", "check", "--show-files"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout.split() == [
        str(tmp_path / "commands" / "module.py"),
        str(tmp_path / "pyproject.toml"),
    ]


def test_mypy_checks_exactly_the_project_s_own_files() -> None:
    assert {Path(each).parts[0] for each in configured()["mypy"]["files"]} == OURS
    assert {each.parent.name for each in ROOT.glob("*/__init__.py")} <= OURS
