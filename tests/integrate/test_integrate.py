"""
The programs of docs/integrate.md, two of them through clients generated from the contract, do what
the page says: against the API on the emulator, which verifies their signatures.

`make integrate` runs these, in the environment that has the generators.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING

import pytest

from tests.support.checkout import ROOT, order_of_today, run, stack_up

if TYPE_CHECKING:
    from collections.abc import Iterator

PAGE = (ROOT / "docs/integrate.md").read_text()
NODE = ROOT / ".venv-contract/node"
PLACE = ROOT / "build/integrate"
"""Where clients are generated. Not committed."""


def blocks(language: str) -> list[str]:
    """The page's code blocks in this language, in order."""
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


CURL, GENERATE_PYTHON, GENERATE_TYPESCRIPT = blocks("sh")
PROGRAMS = {
    "curl": ["sh", "-c", CURL],
    "python": [sys.executable, "program.py"],
    "typescript": [str(NODE / "bin/node"), "program.ts"],
}
REGION = "eu-west-2"
each_program = pytest.mark.parametrize("program", PROGRAMS)


@pytest.fixture(scope="session")
def generated() -> Path:
    """A folder with the clients, generated as the page says, and the programs beside them."""
    shutil.rmtree(PLACE, ignore_errors=True)
    (PLACE / "bin").mkdir(parents=True)
    shutil.copy(ROOT / "docs/openapi.json", PLACE)
    (PLACE / "package.json").write_text('{"type": "module"}')
    (PLACE / "node_modules").symlink_to(NODE / "node_modules")
    (PLACE / "program.py").write_text(*blocks("python"))
    (PLACE / "program.ts").write_text(*blocks("typescript"))
    npx = PLACE / "bin/npx"  # the packages are there already
    npx.write_text('#!/bin/sh\nexec "$@"\n')
    npx.chmod(0o755)
    for command in (GENERATE_PYTHON, GENERATE_TYPESCRIPT):
        ran(["sh", "-c", command], {})
    return PLACE


def ran(command: list[str], variables: dict[str, str]) -> str:
    """What a command prints, run among the clients."""
    tools = [PLACE / "bin", NODE / "node_modules/.bin", NODE / "bin", Path(sys.executable).parent]
    path = os.pathsep.join([*map(str, tools), "/usr/local/bin:/usr/bin:/bin"])
    done = subprocess.run(
        command,
        cwd=PLACE,
        env=variables | {"PATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="session")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """The environment that the page asks for, for a stack on the emulator."""
    home = tmp_path_factory.mktemp("checkout")
    with stack_up(home):
        (url,) = re.findall(r"API_URL=(\S+)", run(home, "local.emulator.stack", "status"))
        stack = json.loads((home / ".local/stack.json").read_text())
        yield caller(url, stack["access_key_id"], stack["secret_access_key"])


def caller(url: str, key_id: str = "key", secret: str = "secret") -> dict[str, str]:  # noqa: S107
    return {
        "API_URL": url,
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_ACCESS_KEY_ID": key_id,
        "AWS_SECRET_ACCESS_KEY": secret,
    }


def write_order(serial: int) -> None:
    (PLACE / "order.json").write_text(json.dumps(order_of_today(serial, "CALLER")))


@each_program
def test_each_program_enrols_an_order(program: str, generated: Path, here: dict[str, str]) -> None:
    assert generated
    write_order(list(PROGRAMS).index(program) + 1)
    assert "eligible" in ran(PROGRAMS[program], here)


@pytest.mark.parametrize("program", ["python", "typescript"])
def test_the_emulator_refuses_a_program_with_a_wrong_secret(
    program: str, generated: Path, here: dict[str, str]
) -> None:
    assert generated
    write_order(10)
    with pytest.raises(AssertionError, match="403"):
        ran(PROGRAMS[program], here | {"AWS_SECRET_ACCESS_KEY": "wrong"})


@each_program
def test_each_program_retries_when_the_api_is_busy(program: str, generated: Path) -> None:
    assert generated
    write_order(20)
    with busy(503, 429) as (url, left):
        assert "eligible" in ran(PROGRAMS[program], caller(url))
        assert not left


def test_the_typescript_program_matches_types_generated_from_the_contract(generated: Path) -> None:
    options = [
        "--noEmit",
        "--strict",
        "--target",
        "esnext",
        "--module",
        "nodenext",
        "--skipLibCheck",
    ]
    ran(["tsc", *options, "--allowImportingTsExtensions", "program.ts"], {})
    assert (generated / "contract.ts").exists()


@contextmanager
def busy(*statuses: int) -> Iterator[tuple[str, list[int]]]:
    """An API that gives these answers first, then accepts an order."""
    left = list(statuses)
    accepted = {"enrolment_id": "a5e1485f-199d-8556-a497-98980cd19691", "status": "eligible"}

    class FailingServer(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(left.pop(0) if left else 202)
            self.send_header("Retry-After", "0")
            self.send_header("Content-Type", "application/json")
            self.end_headers()
            self.wfile.write(json.dumps(accepted | {"reasons": []}).encode())

        def log_message(self, *_: object) -> None:
            """Nothing."""

    with HTTPServer(("127.0.0.1", 0), FailingServer) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}", left
        server.shutdown()
        thread.join()
