"""
The served dashboard of a stack on the emulator, in Debian's Chromium.

These tests run in their own environment (`make browser`), with the browser's driver and nothing of
the project. The stack is up in a checkout that consists of links to this one.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from typing import TYPE_CHECKING, Any, cast

import pytest
from playwright.sync_api import sync_playwright

from tests.support.checkout import PYTHON, free_port, order_of_today, run, stack_up

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Browser, Page


BROWSERS = ("chromium", "chromium-browser", "google-chrome")

LIMITING = """
import sys
from commands.deployed_stack import DeployedStack
stack = DeployedStack.here()
functions, name = stack.client("lambda"), stack.ids["EnrolmentFunction"]
variables = functions.get_function_configuration(FunctionName=name)["Environment"]["Variables"]
variables["ORDERS_PER_DAY"] = sys.argv[1]
functions.update_function_configuration(FunctionName=name, Environment={"Variables": variables})
"""


class ServedDashboard:
    """A stack with its dashboard served, and the project's own commands to act on it."""

    def __init__(self, home: Path, url: str) -> None:
        self._home, self.url = home, url

    def call(self, method: str, route: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        """Call a route as staff do from a shell; its answer."""
        given = ["--body", json.dumps(body)] if body else []
        printed = run(self._home, "commands.staff.call", route, "--method", method, *given)
        return cast("dict[str, Any]", json.loads(printed.partition("\n")[2]))

    def limit(self, orders: int) -> None:
        """Set the day's limit of orders."""
        run(self._home, "-c", LIMITING, str(orders))

    def enrol(self, serial: int, **mobile: str) -> str:
        """Enrol an order that is made today; its id."""
        body = order_of_today(serial, "BROWSER", **mobile)
        return str(self.call("POST", "/enrolments", body)["enrolment_id"])


@pytest.fixture(scope="session")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedDashboard]:
    home, port = tmp_path_factory.mktemp("checkout"), free_port()
    with (
        stack_up(home),
        subprocess.Popen(
            [PYTHON, "-m", "local.dashboard.serve", f"--port={port}"],
            cwd=home,
            env={"PYTHONPATH": "functions:layers/common:."},
            stdout=subprocess.PIPE,
            text=True,
        ) as serving,
    ):
        assert serving.stdout
        assert "http://" in serving.stdout.readline()
        yield ServedDashboard(home, f"http://127.0.0.1:{port}/")
        serving.terminate()


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    chromium = next(filter(None, map(shutil.which, BROWSERS)), None)
    assert chromium, "there is no Chromium: on Debian, apt install chromium"
    with sync_playwright() as driver:
        started = driver.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        yield started
        started.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A page of a wide window, in which any error of a script fails the test."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    opened = context.new_page()
    errors: list[str] = []
    opened.on("pageerror", lambda error: errors.append(str(error)))
    yield opened
    context.close()
    assert errors == []
