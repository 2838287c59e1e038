"""The commands of make that run in the small environment, which lacks what only functions need."""

import re
import subprocess

from tests.support.samples import ROOT

_COMMAND = re.compile(r"\b(?:commands|local)(?:\.\w+)+")


def test_every_command_of_make_finds_its_imports_in_its_own_environment() -> None:
    lines = (ROOT / "Makefile").read_text().splitlines()
    commands = {each for line in lines if "$(LOCAL) -m" in line for each in _COMMAND.findall(line)}
    assert {"commands.repair.restore", "local.demo.demo"} < commands
    started = subprocess.run(
        [ROOT / ".venv-local/bin/python", "-c", f"import {', '.join(sorted(commands))}"],
        cwd=ROOT,
        env={"PYTHONPATH": "functions:layers/common:."},
        capture_output=True,
        text=True,
        check=False,
    )
    assert not started.stderr
