"""The programs of docs/integrate.md do what the page says."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.support.samples import REGION, ROOT, order
from tests.support.served import served
from tests.support.steps import Answer, call

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

pytestmark = pytest.mark.usefixtures("cloud")

PAGE = (ROOT / "docs/integrate.md").read_text()


def block(language: str) -> str:
    """The one program of the page in this language."""
    (found,) = re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    return str(found)


PROGRAMS = [["sh", "-c", block("sh")], [sys.executable, "-c", block("python")]]


def ran(
    program: list[str],
    folder: Path,
    answering: Callable[[str, str, str | None], Answer] = call,
) -> subprocess.CompletedProcess[str]:
    """A program of the page, run beside an order, with the API answering."""
    (folder / "order.json").write_text(json.dumps(order()))
    with served(answering) as api:
        environment = {
            "API_URL": api.url,
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_ACCESS_KEY_ID": "key",
            "AWS_SECRET_ACCESS_KEY": "secret",
            "AWS_SESSION_TOKEN": "token",
            "PATH": "/usr/local/bin:/usr/bin:/bin",
        }
        return subprocess.run(
            program, cwd=folder, env=environment, capture_output=True, text=True, check=False
        )


@pytest.mark.parametrize("program", PROGRAMS, ids=["curl", "Python"])
def test_each_program_enrols_an_order(program: list[str], tmp_path: Path) -> None:
    done = ran(program, tmp_path)
    assert done.returncode == 0, done.stderr
    assert "eligible" in done.stdout


def test_the_python_program_asks_again_when_the_api_is_busy(tmp_path: Path) -> None:
    said = [Answer(503, "{}", {"Retry-After": ["0"]}), Answer(429, "{}", {"Retry-After": ["0"]})]

    def busy(method: str, path: str, body: str | None) -> Answer:
        return said.pop() if said else call(method, path, body)

    assert "202" in ran(PROGRAMS[1], tmp_path, busy).stdout
    assert said == []
